"""Retrieval: neighbours with their scale, blends, windows, filters; the command gives the same."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.clock import Clock
from core.errors import MediaError, MissingArtefact, UserError
from core.retrieval.embedder import MAX_WINDOWS
from core.retrieval.query_inputs import WITHOUT, WeightedInput
from core.retrieval.retriever import Filters, Retriever, as_json
from core.vectors import unit_rows
from tests import media_samples
from tests.dashboard import tiny_items
from tests.dashboard.conftest import retriever_of
from tests.precompute_runs import precompute


@pytest.fixture(scope="module")
def retriever(demo_workspace: Path) -> Retriever:
    return retriever_of(demo_workspace)


@pytest.fixture(scope="module")
def small(tiny: Path) -> Retriever:
    """Of a study whose two modalities coincide in the translated space."""
    return retriever_of(tiny)


def first_item(retriever: Retriever, modality: str) -> str:
    frame = retriever.study.items()
    return str(frame[frame["modality"] == modality]["item_id"].iloc[0])


def test_scores_are_cosines_best_first_and_with_their_scale(small: Retriever) -> None:
    query = [WeightedInput(small.embed_item(first_item(small, "audio")))]
    answer = small.search(query, "image", top=7, space="translation")
    gallery = small.study.shared(small.encoder_set, "translation", "image")
    scores = gallery.array @ small.vector(query[0], "translation")
    best = np.argsort(-scores, kind="stable")[:7]
    assert answer.results["item_id"].tolist() == gallery.item_ids[best].tolist()
    assert answer.results["score"].to_numpy() == pytest.approx(scores[best], abs=1e-6)
    assert answer.gallery_size == len(gallery.item_ids)
    assert answer.results["percentile"].between(0, 100).all()
    assert answer.median_score < answer.results["score"].iloc[0]
    assert set(answer.timings_ms) == {"project", "search", "score"}


def test_a_sound_finds_pictures_of_its_class(small: Retriever) -> None:
    frame = small.study.items()
    sounds = frame[(frame["modality"] == "audio") & frame["class"].isin(tiny_items.PAIRED)]
    hits = [
        label in labels
        for item_id, label in sounds["class"].items()
        for labels in small.search(
            [WeightedInput(small.embed_item(str(item_id)))], "image", 5
        ).results["labels"]
    ]
    assert np.mean(hits) > 0.6  # chance is a quarter


def test_filters_leave_only_what_was_asked_for(small: Retriever) -> None:
    query = [WeightedInput(small.embed_item(first_item(small, "audio")))]
    found = small.search(query, "image", 50, filters=Filters(["banjo"], ["test"])).results
    frame = small.study.items().loc[found["item_id"]]
    assert len(found) > 0
    assert set(frame["class"]) == {"banjo"}
    assert set(frame["subset"]) == {"test"}
    clip = small.study.items().loc[first_item(small, "audio"), "clip_id"]
    without = small.search(query, "image", 500, filters=Filters(leave_out=[clip]))
    assert clip not in set(without.results["clip_id"])
    with pytest.raises(UserError, match=r"No item .* matches these filters"):
        small.search(query, "image", 5, filters=Filters(["kazoo"]))


@pytest.mark.parametrize("modality", ["audio", "image"])
def test_neighbours_of_an_item_are_those_of_its_split(small: Retriever, modality: str) -> None:
    item_id = first_item(small, "audio")
    found = small.neighbours(item_id, modality, 4, "pca", split=1)
    query = small.study.shared(small.encoder_set, "pca", "audio", 1).take([item_id])[0]
    gallery = small.study.shared(small.encoder_set, "pca", modality, 1)
    scores = unit_rows(gallery.array) @ unit_rows(query)
    scores[gallery.item_ids == item_id] = -1
    best = np.argsort(-scores, kind="stable")[:4]
    assert found["item_id"].tolist() == gallery.item_ids[best].tolist()
    assert found["score"].to_numpy() == pytest.approx(scores[best], abs=1e-6)
    below = small.background("audio", modality, "pca", 1) < found["score"].iloc[0]
    assert found["percentile"].iloc[0] == pytest.approx(100 * below.mean(), abs=0.1)


def test_a_blend_is_the_weighted_sum(small: Retriever) -> None:
    one, other = (small.embed_item(first_item(small, name)) for name in ("audio", "image"))
    for space in small.study.spaces(small.encoder_set):
        a, b = (small.vector(WeightedInput(query_input), space) for query_input in (one, other))
        wanted = 0.7 * a - 0.2 * b
        found = small.blend([WeightedInput(one, 0.7), WeightedInput(other, -0.2)], space)
        assert found == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-6)
    with pytest.raises(UserError, match=r"cancel out"):
        small.blend([WeightedInput(one, 1.0), WeightedInput(one, -1.0)], "translation")
    with pytest.raises(UserError, match=r"nothing to search with"):
        small.blend([], "translation")


def test_long_sounds_are_windows_weighted_by_loudness(retriever: Retriever) -> None:
    quiet = 0.01 * media_samples.tone(200, 2.0)
    loud = media_samples.tone(2_000, 1.0)
    data = media_samples.sound_bytes(np.concatenate([quiet, loud]), 44_100, "wav")
    (sound,) = retriever.embed(data, "x.wav")
    assert sound.starts_s.tolist() == [0.0, 1.0, 2.0]
    assert sound.mean(np.eye(3))[2] > 0.9
    whole, last = WeightedInput(sound), WeightedInput(sound, window=2)
    cosine = retriever.vector(whole, "translation") @ retriever.vector(last, "translation")
    assert cosine > 0.99
    silent = media_samples.sound_bytes(np.zeros(88_200, np.float32), 44_100, "wav")
    (sound,) = retriever.embed(silent, "silence.wav")
    assert sound.mean(np.eye(2)).tolist() == [0.5, 0.5]


def test_very_long_sounds_are_sampled_and_say_so(retriever: Retriever) -> None:
    n_seconds = MAX_WINDOWS + 50
    data = media_samples.sound_bytes(media_samples.tone(300, n_seconds, 8_000), 8_000, "wav")
    (sound,) = retriever.embed(data, "long.wav")
    assert sound.sampled
    assert len(sound.native) == len(sound.starts_s) == MAX_WINDOWS
    assert sound.starts_s[[0, -1]].tolist() == [0.0, n_seconds - 1.0]


def test_a_video_is_searched_with_its_sound_and_its_frames(retriever: Retriever) -> None:
    sound, frames = retriever.embed(media_samples.video_file("mp4", n_seconds=3), "a.mp4")
    assert [sound.modality, frames.modality] == ["audio", "image"]
    assert len(frames.native) == 3
    mute = retriever.embed(media_samples.video_file("mp4", n_seconds=2, with_sound=False), "b.mp4")
    assert [one.modality for one in mute] == ["image"]


def test_an_upload_of_an_item_gets_its_stored_vector(retriever: Retriever) -> None:
    """The page's path and the precompute path are one."""
    item_id = first_item(retriever, "image")
    source, name = retriever.study.media_of(item_id)
    (uploaded,) = retriever.embed(source, name)
    assert uploaded.native == pytest.approx(retriever.embed_item(item_id).native, abs=1e-5)


def test_class_scores_are_shares_of_every_system(retriever: Retriever) -> None:
    for modality, systems in (("audio", "SMA MMP MMT"), ("image", "SMI MMP MMT")):
        scores = retriever.class_scores(
            WeightedInput(retriever.embed_item(first_item(retriever, modality)))
        )
        assert sorted(scores["system"].unique()) == sorted(systems.split())
        sums = scores.groupby("system")["score"].sum()
        assert sums.to_numpy() == pytest.approx(1.0, abs=1e-5)
        assert set(scores["class"]) == set(retriever.study.paired_classes)


@pytest.mark.parametrize("n_dims", [2, 3])
def test_an_item_is_placed_near_itself(retriever: Retriever, n_dims: int) -> None:
    item_id = first_item(retriever, "audio")
    chosen = retriever.study.map(retriever.encoder_set, "translation", "umap", n_dims).set_index(
        "item_id"
    )
    coordinates = chosen[list("xyz")[:n_dims]]
    place = retriever.place(
        [WeightedInput(retriever.embed_item(item_id))], "translation", "umap", n_dims
    )
    distance = np.linalg.norm(coordinates - place, axis=1)
    own = np.linalg.norm(coordinates.loc[item_id] - place)
    assert own < np.median(distance)
    with pytest.raises(MissingArtefact, match=r"no umap map of translation_all"):
        retriever.place([WeightedInput(retriever.embed_item(item_id))], "translation_all", "umap")


def test_mistakes_are_one_sentence(small: Retriever) -> None:
    query = [WeightedInput(small.embed_item(first_item(small, "audio")))]
    with pytest.raises(UserError, match=r"no modality 'smell'.*audio, image"):
        small.search(query, "smell")
    with pytest.raises(UserError, match=r"no space 'hyper'.*translation, pca"):
        small.search(query, "image", space="hyper")
    with pytest.raises(UserError, match=r"no item 'nothing'"):
        small.embed_item("nothing")
    with pytest.raises(MediaError, match=r"empty"):
        small.embed(b"", "empty.wav")


def test_the_command_gives_the_page_s_list(
    retriever: Retriever, demo_workspace: Path, tmp_path: Path
) -> None:
    item_id = first_item(retriever, "audio")
    source, _ = retriever.study.media_of(item_id)
    (tmp_path / 'it\'s "a" <b>.flac').write_bytes(Path(str(source)).read_bytes())
    (tmp_path / "bad.wav").write_text("no sound")
    files = [tmp_path / 'it\'s "a" <b>.flac', tmp_path / "bad.wav", tmp_path / "gone.wav"]
    ran = precompute(
        "search", "--workspace", demo_workspace, "--file", *files, "--top", 5, "--json"
    )
    assert ran.returncode == 2
    good, bad, gone = (json.loads(line) for line in ran.stdout.splitlines())
    assert set(bad) == set(gone) == {"query", "error"}
    assert "\n" not in bad["error"]
    assert "Traceback" not in ran.stderr
    clock = Clock()
    query = retriever.query(Path(str(source)), clock=clock)
    found = retriever.search(query, "image", 5, retriever.default_space, clock=clock)
    mine = as_json(str(files[0]), found)
    assert good["query"] == str(files[0])
    assert good["results"] == mine["results"]
    fields = {"item_id", "clip_id", "modality", "labels", "score", "percentile", "path"}
    assert set(good["results"][0]) == fields
    assert set(good["timings_ms"]) == {"decode", "embed", "project", "search", "score"}


@pytest.mark.slow
def test_a_real_clarinet_finds_clarinets(shared_dir: Path, tmp_path: Path) -> None:
    """Real sounds and pictures through real networks: some classes of them, for time."""
    for kind in ("audio", "images"):
        for name in ("clarinet", "drums", "piano", "violin"):
            (tmp_path / "set" / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / kind / name).symlink_to(shared_dir / "realmedia" / kind / name)
    ran = precompute(
        *("train", "--dataset", f"folder:{tmp_path / 'set'}", "--splits", 1),
        *("--audio", "yamnet_lite", "--image", "mobilenet_v2_lite"),
        *("--weights", shared_dir / "weights", "--workspace", tmp_path / "w"),
    )
    assert ran.returncode == 0, ran.stderr
    sounds = sorted((shared_dir / "realmedia/audio/clarinet").glob("*"))
    ran = precompute("search", "--workspace", tmp_path / "w", "--json", "--file", *sounds)
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line)["results"] for line in ran.stdout.splitlines()]
    right = [row["labels"] == ["clarinet"] for rows in found for row in rows]
    assert len(right) == 10 * len(sounds)
    assert np.mean(right) > 0.5  # chance is 0.25


# -- words -----------------------------------------------------------------------------------------


def test_words_find_sounds_and_pictures_of_what_they_name(retriever: Retriever) -> None:
    query = retriever.query(texts=["a drum kit"])
    for modality in ("audio", "image"):
        found = retriever.search(query, modality, top=5)
        labels = [label for labels in found.results["labels"] for label in labels]
        assert labels.count("drums") >= 3
        assert found.results["modality"].eq(modality).all()


def test_captions_are_found_and_shown_as_words(retriever: Retriever) -> None:
    found = retriever.search(retriever.query(texts=["a flute"]), "text", top=3)
    rows = as_json("a flute", found)["results"]
    assert all(row["text"] for row in rows)
    assert all(row["modality"] == "text" for row in rows)


def test_words_to_keep_away_from_push_their_class_down(retriever: Retriever) -> None:
    def n_drums(weight: float) -> int:
        plain, away = retriever.query(texts=["a drum kit"], without=["drums"])
        assert (plain.weight, away.weight) == (1.0, WITHOUT)
        away = replace(away, weight=weight)
        found = retriever.search([plain, away], "audio", top=10)
        return sum("drums" in labels for labels in found.results["labels"])

    assert n_drums(-0.9) < n_drums(0.0)


@pytest.mark.parametrize("modality, find", [("audio", "image"), ("image", "audio")])
def test_another_modality_is_found_by_default(small: Retriever, modality: str, find: str) -> None:
    assert small.default_find(modality) == find


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "no words to search with"),
        (" \n\t ", "no words to search with"),
        ("la " * 33_334, r"has 100,001 characters: expected 5,000 at most"),
    ],
)
def test_empty_and_overlong_texts_are_one_sentence(
    retriever: Retriever, words: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        retriever.embed_text(words)


@pytest.mark.parametrize(
    "words", ["موسيقى flute", "🎻 flute 🥁", "<b>flute</b><script>", "a" * 4_999]
)
def test_any_words_give_a_finite_vector_or_one_sentence(retriever: Retriever, words: str) -> None:
    if retriever.encoder("text").card.fitted and "flute" not in words:
        with pytest.raises(UserError, match="knows none of these words"):
            retriever.embed_text(words)
        return
    native = retriever.embed_text(words).native
    assert np.isfinite(native).all()
    assert native.any()
