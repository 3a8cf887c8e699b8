"""`audioset:FOLDER` as a whole: items, subsets, reports, bad folders, and a study of it."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from core import datasets, items, taxonomy
from core.config import Config
from core.datasets.audioset import corpus
from core.datasets.base import Ingested, Request
from core.errors import UserError
from core.spaces import maps
from core.spaces.translation import TranslationConfig
from core.stages import table as stages
from core.store import Artefact, Store
from core.studies.forests import ForestConfig
from core.study import open_study
from tests import audioset_samples as samples
from tests.precompute_runs import HereEngine

PER_CLASS = {"Guitar": 14, "Violin, fiddle": 9, "Flute": 8, "Drum": 5, "Drum kit": 5, "Choir": 3}


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.populate(tmp_path_factory.mktemp("audioset"), PER_CLASS)


@pytest.fixture
def folder(populated: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(populated, tmp_path / "audioset"))


def request(folder: Path, size: int | None = None, splits: int | None = None) -> Request:
    return Request(datasets.parse(f"audioset:{folder}"), size, 0, splits)


def ingest(
    folder: Path, tmp_path: Path, size: int | None = None, splits: int | None = None
) -> Ingested:
    draft = Store(tmp_path / "w").begin("ingest", {"x": 1})
    return corpus.ingest(request(folder, size, splits), draft, lambda f, tasks, _: map(f, tasks))


def test_items_labels_and_pairs(folder: Path, tmp_path: Path) -> None:
    found = ingest(folder, tmp_path)
    frame = found.items
    assert frame["modality"].value_counts().to_dict() == {"audio": 50, "image": 50}
    pairs = items.pairs(frame, "audio", "image", "clip")
    assert len(pairs) == 50
    assert (pairs["a_clip"] == pairs["b_clip"]).all()
    counts = Counter(items.single_labels(items.of(frame, "audio")))
    assert counts == {
        "guitar": 14,
        "drums": 10,
        "violin": 9,
        "flute": 8,
        "voice": 3,
        "": 6,
    }
    assert found.classes == sorted(found.classes)
    assert len(found.classes) == 18
    two = frame[frame["clip_id"] == "two0000000_30"]
    assert two["labels"].map(list).tolist() == [["flute", "guitar"]] * 2
    relevance = taxonomy.labels_for_relevance(frame)
    harp = frame["clip_id"] == "harp0000000_30"
    assert frame["labels"][harp].map(len).tolist() == [0, 0]
    assert relevance[int(np.flatnonzero(harp)[0])] == ["Harp", "Music"]
    known = taxonomy.parse(found.ontology or b"", "kept")
    assert not known.unknown(label for labels in relevance for label in labels)
    sounds = items.of(frame, "audio")
    assert sounds["start_s"].between(0.0, 1.0).all()
    assert all((folder / path).is_file() for path in frame["path"])
    assert all("listed_in" in json.loads(facts) for facts in frame["facts"])


def test_subsets_are_disjoint_balanced_and_repeated(folder: Path, tmp_path: Path) -> None:
    found = ingest(folder, tmp_path)
    splits = found.splits
    assert sorted(splits["split"].unique()) == [0, 1, 2, 3, 4]
    assert not splits.duplicated(["split", "clip_id"]).any()
    assert found.describe()["paired_classes"] == ["drums", "flute", "guitar", "violin"]
    for split in range(5):
        frame = items.with_subset(found.items, splits, split)
        assert set(frame["subset"]) == set(items.SUBSETS)
        single = items.single_labels(frame)
        for subset in ("train", "test"):
            counts = single[(frame["subset"] == subset) & (frame["modality"] == "audio")]
            assert set(counts) == {"drums", "flute", "guitar", "violin"}
            assert counts.value_counts().nunique() == 1
        # "voice" is too rare to be classified, and reaches the two others all the same.
        assert set(frame["subset"][single == "voice"]) == {"translation", "crossmodal"}
    assert splits.groupby("clip_id")["subset"].nunique().max() > 1
    assert ingest(folder, tmp_path, splits=2).splits["split"].nunique() == 2
    notes = " ".join(found.notes)
    assert "voice (3)" in notes
    assert "this study has 50" in notes


def test_the_same_seed_draws_the_same_clips(folder: Path, tmp_path: Path) -> None:
    first, second = (ingest(folder, tmp_path, size=24) for _ in range(2))
    assert first.items.equals(second.items)
    assert first.splits.equals(second.splits)
    assert len(first.items) == 48
    assert first.splits.groupby("split").size().tolist() == [24] * 5


def test_missing_clips_are_counted_and_some_are_named(folder: Path, tmp_path: Path) -> None:
    rows = [samples.row(f"gone{number:07d}", 0, ["Harp"]) for number in range(3_000)]
    rows += [samples.row(f"talk{number:07d}", 0, ["Speech"]) for number in range(50)]
    samples.write(folder, rows, "more_segments.csv")
    samples.write_files(folder, "talk0000000_0")
    samples.write_files(folder, "stranger_30")
    found = ingest(folder, tmp_path)
    assert len(found.items) == 100
    (absent,) = found.rejected
    assert absent.reason.startswith("No file was found for 3,000 of the instrument segments")
    assert " and 2,980 more): put the files" in absent.reason
    assert [f"gone{number:07d}_0" in absent.reason for number in (0, 19, 20)] == [True, True, False]
    notes = " ".join(found.notes)
    assert "3,100 segments are listed and 3,050 of them" in notes
    assert "50 of these have files here, 3,000 have none" in notes
    assert "3 media files were not used" in notes  # two of a clip of speech are one clip


def test_the_rest_is_used_despite_bad_rows_and_bad_files(folder: Path, tmp_path: Path) -> None:
    with (folder / "mini_segments.csv").open("a") as file:
        file.write('bad, 40, 30, "/m/0342h"\nhalf\n')
    (folder / "clips/0gui0000000_30.png").write_bytes(b"\x89PNG broken")
    (folder / "clips/0gui0000001_30.wav").unlink()
    found = ingest(folder, tmp_path)
    assert len(found.items) == 2 * 48
    reasons = [row.reason for row in found.rejected]
    assert len(reasons) == 5
    assert sum("of mini_segments.csv" in reason for reason in reasons) == 2
    assert sum("0gui0000000_30" in reason for reason in reasons) == 2
    assert sum("The clip 0gui0000001_30 has no sound" in reason for reason in reasons) == 1


def test_finished_shards_are_not_checked_again(folder: Path, tmp_path: Path) -> None:
    draft = Store(tmp_path / "w").begin("ingest", {"x": 1})
    seen: list[str] = []

    def dies(function, tasks, title):
        yield function(tasks[0])
        seen.append(Path(tasks[0].name).name)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "SHARD_SIZE", 20)
        with pytest.raises(KeyboardInterrupt):
            corpus.ingest(request(folder), draft, dies)

        def goes_on(function, tasks, title):
            seen.extend(Path(task.name).name for task in tasks)
            return [function(task) for task in tasks]

        found = corpus.ingest(request(folder), draft, goes_on)
    assert seen == [f"{number:05d}.json" for number in range(3)]
    assert found.items.equals(ingest(folder, tmp_path).items)


def test_the_fingerprint_follows_files_and_size(folder: Path) -> None:
    before = corpus.fingerprint(request(folder))
    assert corpus.fingerprint(request(folder)) == before
    assert corpus.fingerprint(request(folder, size=30)) != before
    (folder / "clips/0gui0000001_30.wav").unlink()
    assert corpus.fingerprint(request(folder)) != before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "ontology.json").unlink(), r"has no \*ontology\*\.json"),
        (
            lambda root: shutil.copy(root / "ontology.json", root / "my_ontology.json"),
            r"has 2 ontologies .my_ontology\.json, ontology\.json.",
        ),
        (lambda root: (root / "ontology.json").write_text("[{]"), "is not valid JSON"),
        (lambda root: (root / "mini_segments.csv").unlink(), r"has no \*_segments\.csv"),
        (
            lambda root: (root / "mini_segments.csv").write_bytes(b"\xff\xfe\x00"),
            r"mini_segments\.csv has no row",
        ),
        (
            lambda root: (root / "mini_segments.csv").write_text('a, 9, 1, "/m/0342h"\n'),
            r"None of the segments in mini_segments\.csv can be used.* Line 1 of",
        ),
        (
            lambda root: (root / "mini_segments.csv").write_text('a, 1, 9, "/m/09x0r"\n'),
            "None of the 1 segments has a label below Musical instrument",
        ),
        (
            lambda root: shutil.rmtree(root / "clips"),
            r"None of the 50 instrument segments .* 0gui0000000_30\.mp4",
        ),
        (
            lambda root: [path.unlink() for path in root.glob("clips/*.png")],
            r"None of the 50 clips .* has both sound and picture: .* has no picture",
        ),
        (
            lambda root: [p.unlink() for p in root.glob("clips/*_30.*") if "0gui" not in p.name],
            "expected at least 2 classes",
        ),
    ],
)
def test_unusable_folders_are_refused_in_one_line(
    folder: Path, tmp_path: Path, spoil: object, said: str
) -> None:
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(UserError, match=said) as caught:
        ingest(folder, tmp_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_the_nearest_ontology_counts(folder: Path, tmp_path: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep/old_ontology.json").write_text("nonsense")
    assert len(ingest(folder, tmp_path).items) == 100


# -- as a study ----------------------------------------------------------------------------------


def quick(folder: Path, **changes: object) -> Config:
    return Config(
        dataset=f"audioset:{folder}",
        audio=("logmel",),
        image=("hog",),
        splits=1,
        n_bootstrap=10,
        mix_in_draws=1,
        translation=TranslationConfig(max_epochs=3, n_hidden=16, n_dims=8),
        forest=ForestConfig(n_trees=4),
        **changes,
    )


@pytest.mark.filterwarnings("ignore")
def test_a_whole_study(populated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(  # compiling UMAP takes 20 s
        maps,
        "fit_whole",
        lambda vectors, near, method, n_dims, seed: np.asarray(vectors)[:, :n_dims],
    )
    store = Store(tmp_path / "w")
    stages.run(quick(populated), store, HereEngine())
    study = open_study(store)
    assert study.paired_classes == ["drums", "flute", "guitar", "violin"]
    rows = study.measurements()
    ranked = rows[(rows["study"] == "ranking") & (rows["metric"] == "ndcg@30")]
    assert set(ranked["direction"]) == {"audio_to_image", "image_to_audio"}
    assert np.isfinite(ranked["value"]).all()
    # Clips of none of the 18 classes are ranked, too: by AudioSet's own labels.
    splits = study.artefact("ingest").table("splits.parquet")
    n_clips = (splits["subset"] == "crossmodal").sum()
    assert set(ranked["gallery_size"]) == {n_clips}
    assert (rows["metric"] == "macro_f1").any()


def test_the_ontology_is_kept_as_it_was_found(populated: Path, tmp_path: Path) -> None:
    def ingested(**changes: str) -> Artefact:
        config, store = quick(populated, **changes), Store(tmp_path / "w")
        return stages.run(config, store, HereEngine(), until="ingest").ingested

    own = ingested()
    assert own.read_bytes("ontology.json") == (populated / "ontology.json").read_bytes()
    other = tmp_path / "mine.json"
    other.write_text('{"nodes": [{"id": "a", "name": "Guitar", "parents": []}]}')
    named = ingested(ontology=str(other))
    assert named.read_bytes("ontology.json") == other.read_bytes()
    assert named.digest != own.digest
    assert ingested().digest == own.digest
    other.write_text('{"nodes": [{"id": "a", "name": "Guitar", "parents": ["a"]}]}')
    with pytest.raises(UserError, match=r"mine\.json has a cycle"):
        ingested(ontology=str(other))
    with pytest.raises(UserError, match=r"gone\.json cannot be read"):
        ingested(ontology="gone.json")


def test_published_lists_and_ontology_with_some_clips(shared_dir: Path, tmp_path: Path) -> None:
    """The real lists; clips made here for some of their segments."""
    from core.datasets.audioset import classes, segments

    root = tmp_path / "audioset"
    (root / "lists").mkdir(parents=True)
    for name in ("balanced_train_segments.csv", "eval_segments.csv"):
        (root / "lists" / name).symlink_to(shared_dir / "metadata" / name)
    (root / "audioset_ontology.json").symlink_to(shared_dir / "metadata/audioset_ontology.json")
    whole = taxonomy.load(root / "audioset_ontology.json")
    paths = sorted((root / "lists").iterdir())
    listed = segments.read([(path.name, path) for path in paths], whole, "o")
    single = classes.single(classes.applying(listed, whole))
    wanted = [row for c in range(18) for row in np.flatnonzero(single == c)[:5]]
    unclassed = classes.qualifying(listed, whole, "o") & (single < 0)
    wanted += np.flatnonzero(unclassed)[:40].tolist()
    for row in wanted:
        ytid, start_s = listed.table["ytid"][row], listed.table["start_s"][row]
        samples.write_files(root, f"{ytid}_{start_s:.3f}", hue=int(single[row]) % 9)
    found = ingest(root, tmp_path)
    assert len(found.items) == 2 * len(wanted) == 260
    assert found.scored == found.classes == classes.CLASSES
    counts = Counter(items.single_labels(items.of(found.items, "audio")))
    assert [counts[name] for name in found.classes] == [5] * 18
    assert any("42,531 segments are listed and 8,347 of them" in note for note in found.notes)
    (absent,) = found.rejected
    assert absent.reason.startswith("No file was found for 8,217 of")
    frame = items.with_subset(found.items, found.splits, 0)
    for name in found.classes:
        assert set(frame["subset"][items.single_labels(frame) == name]) == set(items.SUBSETS)
    assert not whole.unknown(name for own in taxonomy.labels_for_relevance(frame) for name in own)
