"""`import core as jee`: open, search, numbers, vectors, figures, a space from arrays."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import core as jee
from core import item_media, media
from core.engines import local
from core.errors import UserError
from core.hits import Hits
from core.notebook import NotebookStudy
from core.retrieval.retriever import Retriever
from core.spaces import maps
from core.spaces.translation import TranslationConfig
from core.study import open_study
from tests.conftest import MadeOnce
from tests.dashboard import workspace
from tests.media_samples import sound_bytes, tone
from tests.precompute_runs import HereEngine
from tests.ready_vectors import write_table

EVIL = "cello <b>&amp;"


@pytest.fixture(scope="module")
def tiny_root(made_once: MadeOnce) -> Path:
    """A small workspace with class names that contain HTML."""
    return made_once("tiny", workspace.build)


@pytest.fixture(scope="module")
def tiny(tiny_root: Path) -> NotebookStudy:
    return jee.open(tiny_root)


@pytest.fixture(scope="module")
def demo(demo_workspace: Path) -> NotebookStudy:
    return jee.open(demo_workspace)


def media_in(page: str) -> list[str]:
    return re.findall(r'src="data:([a-z]+/[a-z]+);base64,[A-Za-z0-9+/=]{100,}"', page)


# -- search --------------------------------------------------------------------------------------


def test_words_and_words_to_keep_away_from_find_sounds(demo: NotebookStudy) -> None:
    hits = demo.search(text="slow bowed strings", without="drums", find="audio", top=5)
    retriever = Retriever(open_study(demo.store))
    query = retriever.query(None, ["slow bowed strings"], ["drums"])
    wanted = retriever.search(query, "audio", 5)
    pd.testing.assert_frame_equal(pd.DataFrame(hits), wanted.results)
    assert hits.gallery_size == wanted.gallery_size == 360
    assert media_in(hits._repr_html_()) == ["audio/mpeg"] * 5


def test_a_file_with_the_sound_of_an_item_finds_what_the_item_finds(
    demo: NotebookStudy, tmp_path: Path
) -> None:
    item_id = demo.vectors("audio")[0][0]
    (tmp_path / "item.wav").write_bytes(media.wav_bytes(item_media.sound(demo, item_id)))
    by_file = demo.search(tmp_path / "item.wav", top=7)
    assert list(by_file["modality"]) == ["image"] * 7
    by_item = demo.search(item_id, find="image", top=7)
    assert by_file["item_id"][0] == by_item["item_id"][0]
    np.testing.assert_allclose(by_file["score"], by_item["score"], atol=0.01)
    assert media_in(by_file._repr_html_()) == ["image/jpeg"] * 7


def test_filters_leave_only_items_that_fit(tiny: NotebookStudy) -> None:
    item_id = tiny.items()["item_id"].iloc[0]
    hits = tiny.search(item_id, find="audio", classes="banjo", subsets=["test"])
    assert len(hits)
    assert {label for labels in hits["labels"] for label in labels} == {"banjo"}
    assert set(tiny.items().loc[hits["item_id"], "subset"]) == {"test"}


def test_texts_are_escaped_and_unreadable_files_named(
    tiny: NotebookStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = tiny.items()
    item_id = frame[(frame["class"] == EVIL) & (frame["modality"] == "image")]["item_id"].iloc[0]
    hits = tiny.search(item_id, find="image", top=3)
    page = hits._repr_html_()
    assert "cello &lt;b&gt;&amp;amp;" in page
    assert "<b>&amp;" not in page

    def unreadable(*arguments: Any) -> None:
        raise UserError("The file <i> cannot be read.")

    monkeypatch.setattr(NotebookStudy, "media_of", unreadable)
    assert "The file &lt;i&gt; cannot be read." in hits._repr_html_()
    assert not media_in(hits._repr_html_())


def test_hits_stay_a_data_frame_and_many_are_cut(tiny: NotebookStudy) -> None:
    hits = tiny.search(tiny.items()["item_id"].iloc[0], find="audio", top=30)
    assert len(hits) == 30
    assert hits._repr_html_().count("<tr>") == 21  # a head and 20 rows
    assert "20 of 30 results" in hits._repr_html_()
    best = hits[hits["score"] > hits["score"].median()]
    assert isinstance(best, Hits)
    assert media_in(best.head(2)._repr_html_()) == ["audio/mpeg"] * 2
    assert not media_in(hits[["item_id", "score"]]._repr_html_())


# -- numbers -------------------------------------------------------------------------------------


def test_measurements_are_those_of_the_study_filtered(tiny: NotebookStudy) -> None:
    whole = open_study(tiny.store).measurements()
    assert len(tiny.measurements()) == len(whole)
    rows = tiny.measurements(metric="ndcg@30", class_="", space=["translation", "pca"])
    mask = (whole["metric"] == "ndcg@30") & (whole["class"] == "")
    wanted = whole[mask & whole["space"].isin(["translation", "pca"])]
    pd.testing.assert_frame_equal(rows, wanted.reset_index(drop=True))
    assert len(tiny.measurements(tiny.default_encoder_set)) == len(whole)


@pytest.mark.parametrize("space", ["native", "translation", "pca", "translation_all"])
def test_vectors_come_with_their_ids(tiny: NotebookStudy, space: str) -> None:
    ids, x = tiny.vectors("image", space=space)
    assert x.dtype == np.float32
    assert x.shape[0] == len(ids)
    assert set(tiny.items().loc[ids, "modality"]) == {"image"}
    if space == "translation":
        native_ids, native = tiny.vectors("image", space="native")
        fitted = tiny.space(tiny.default_encoder_set, "translation")
        rows = pd.Index(native_ids).get_indexer(ids)
        np.testing.assert_allclose(fitted.project("image", native[rows]), x, atol=1e-5)


# -- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "n_dims"), [("umap", 2), ("tsne", 3)])
def test_a_map_has_every_item_and_rings_around_the_hits(
    tiny: NotebookStudy, method: str, n_dims: int
) -> None:
    hits = tiny.search(tiny.items()["item_id"].iloc[0], find="image", top=4)
    fig = tiny.plot_map("translation", method=method, n_dims=n_dims, highlight=hits)
    ids = [item for trace in fig.data if trace.customdata is not None for item in trace.customdata]
    assert sorted(ids) == sorted(tiny.items()["item_id"])
    (ring,) = [trace for trace in fig.data if trace.name == "highlighted"]
    assert len(ring.x) == 4
    some = tiny.plot_map("pca", classes="banjo", modalities="audio", highlight=list(ids[:1]))
    drawn = [trace for trace in some.data if trace.customdata is not None]
    assert [trace.name for trace in drawn] == ["banjo, sounds"]


def test_study_figures_show_the_stored_numbers(tiny: NotebookStudy) -> None:
    rows = tiny.measurements(study="classification", metric="confusion", system="MMT", split=0)
    fig = tiny.plot_confusions("MMT", target="image", by_row=False)
    wanted = rows[rows["target"] == "image"]["value"].sum()
    assert np.asarray(fig.data[0].z).sum() == wanted
    assert np.asarray(fig.data[0].z).shape == (4, 4)
    assert "<b>&amp;" not in fig.to_json()

    curve = tiny.plot_mix_in(target="audio")
    draws = tiny.measurements(study="mix_in", system="MMT", target="audio", metric="macro_f1")
    (box,) = [trace for trace in curve.data if trace.name == "MMT (translated)"]
    assert sorted(box.y) == sorted(draws["value"])

    matrix = tiny.plot_centroids("translation", order="modality")
    stored = tiny.measurements(study="centroids", metric="centroid_distance", space="translation")
    means = stored.groupby(["class", "other"])["value"].mean()
    assert np.asarray(matrix.data[0].z).max() == pytest.approx(means.max())
    normalised = tiny.plot_centroids("translation", scale="normalised")
    assert np.asarray(normalised.data[0].z).max() != pytest.approx(means.max())


# -- a space from arrays, a study from files -------------------------------------------------------


def pairs(n: int = 240) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors of sounds and pictures around one centre per class."""
    rng = np.random.default_rng(0)
    classes, centres = rng.integers(0, 4, n), rng.normal(size=(4, 12))
    audio = centres[classes] + 0.3 * rng.normal(size=(n, 12))
    image = (centres[classes] + 0.3 * rng.normal(size=(n, 12)))[:, :9]
    return audio, image, np.array(["a", "b", "c", "d"])[classes]


@pytest.mark.parametrize("labelled", [False, True])
def test_a_space_from_arrays_brings_pairs_together(labelled: bool) -> None:
    audio, image, classes = pairs()
    space = jee.fit_translation(audio, image, classes=classes if labelled else None)
    a, b = space.project("audio", audio), space.project("image", image)
    assert a.shape == b.shape == (240, 128)
    assert a.dtype == np.float32
    same = classes[:, None] == classes[None]
    scores = a @ b.T
    assert scores[same].mean() > scores[~same].mean() + 0.3


def test_the_same_seed_gives_the_same_space() -> None:
    audio, image, _ = pairs()
    config = TranslationConfig(max_epochs=3)
    first, again, other = (
        jee.fit_translation(audio, image, config=config, seed=seed).project("audio", audio)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_clips_and_a_recipe_are_used() -> None:
    audio, image, _ = pairs()
    config = TranslationConfig(n_dims=8, max_epochs=2)
    space = jee.fit_translation(audio, image, clips=np.arange(240) // 4, config=config, seed=1)
    assert space.project("image", image).shape == (240, 8)
    assert len(space.history) == 2


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A dataset of ready vectors of three classes."""
    return write_table(tmp_path)


def test_run_computes_a_study_and_opens_it(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LocalEngine", lambda n_workers: HereEngine())
    monkeypatch.setattr(  # compiling UMAP takes 20 s
        maps, "fit_whole", lambda vectors, near, method, n_dims, seed: vectors[:, :n_dims]
    )
    values: dict[str, Any] = {
        "splits": 1,
        "n_bootstrap": 20,
        "mix_in_draws": 2,
        "translation": {"max_epochs": 4},
        "forest": {"n_trees": 4},
    }
    study = jee.run(f"table:{table}", workspace=tmp_path / "w", **values)
    assert study.config["splits"] == 1
    assert study.default_encoder_set == "ready_audio+ready_image"
    assert len(study.search("audio0", find="image", top=3)) == 3
    assert "no sound or picture" in study.search("audio0", find="image")._repr_html_()
    assert study.plot_map("pca").data
    again = jee.run(f"table:{table}", workspace=tmp_path / "w", **values)
    assert again.digest == study.digest
    with pytest.raises(UserError, match="came without an encoder"):
        study.search(tone_file(tmp_path))


def tone_file(folder: Path) -> Path:
    (folder / "tone.wav").write_bytes(sound_bytes(tone(440.0, 1.0), 44_100, "wav"))
    return folder / "tone.wav"


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.search("nowhere.wav"), r"no file and no item 'nowhere\.wav'"),
        (lambda s: s.search(), "nothing to search with"),
        (lambda s: s.search("clip0_00_a", find="video"), "no modality 'video'"),
        (lambda s: s.measurements(metric="ndcg"), "no metric 'ndcg' in these measurements"),
        (lambda s: s.measurements(metrik="x"), "no column 'metrik' in the measurements"),
        (lambda s: s.measurements("a+b"), r"no encoder set 'a\+b': expected one of logmel\+hog"),
        (lambda s: s.vectors("video"), "no modality 'video': expected one of audio, image"),
        (lambda s: s.vectors("image", space="x"), "no space 'x': expected one of translation"),
        (lambda s: s.plot_map("generation"), "no umap map of generation"),
        (lambda s: s.plot_map(classes="tuba"), "no class 'tuba': expected one of accordion"),
        (lambda s: s.plot_map(method="pacmap"), "no pacmap map"),
        (lambda s: s.plot_centroids("x"), "no space 'x' in these measurements"),
        (lambda s: s.plot_centroids(order="x"), "no order 'x': expected one of modality, class"),
        (lambda s: s.plot_centroids(scale="x"), "no scale 'x': expected one of euclidean"),
        (lambda s: s.plot_mix_in("text"), "no target 'text' in these measurements"),
        (lambda s: s.plot_confusions("MMX"), "no system 'MMX' in these measurements"),
    ],
)
def test_mistakes_get_one_sentence(tiny: NotebookStudy, call: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        call(tiny)


def test_studies_and_fields_that_do_not_exist(tiny_root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no study yet"):
        jee.open(tmp_path)
    with pytest.raises(UserError, match="no study 'zzz'"):
        jee.open(tiny_root, study="zzz")
    with pytest.raises(UserError, match="field 'colour', which is unknown"):
        jee.run("demo", workspace=tmp_path, colour="red")
    with pytest.raises(UserError, match="no dataset 'demmo'"):
        jee.run("demmo", workspace=tmp_path)


def test_arrays_that_do_not_fit() -> None:
    audio, image, classes = pairs()
    with pytest.raises(UserError, match=r"array of image has the shape \(9, 9\)"):
        jee.fit_translation(audio, image[:9])
    with pytest.raises(UserError, match=r"array of classes has the shape \(3,\)"):
        jee.fit_translation(audio, image, classes=classes[:3])
    with pytest.raises(UserError, match="give the classes"):
        jee.fit_translation(audio, image, config=TranslationConfig(sampler="balanced"))
    with pytest.raises(UserError, match="NaN or infinity"):
        jee.fit_translation(np.full_like(audio, np.nan), image)
