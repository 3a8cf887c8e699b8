"""A folder of media: used and rejected files, splits and pairs."""

from pathlib import Path

import numpy as np
import pytest

from core import datasets, items
from core.datasets import template_texts
from core.datasets.base import Ingested
from core.errors import UserError
from tests import media_samples, track_samples


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with both, one with sounds only, and some files that cannot be used."""
    root = tmp_path / "data"
    rng = np.random.default_rng(0)
    for name, n_sounds, n_pictures in (("cello", 4, 4), ("flute", 4, 5), ("organ", 2, 0)):
        for number in range(n_sounds):
            quiet, loud = media_samples.tone(300, 1.0) * 0.01, media_samples.tone(300, 1.0)
            samples = np.concatenate([quiet, loud, quiet])
            write(root / f"audio/{name}/{number}.wav", samples=samples)
        for number in range(n_pictures):
            picture = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
            path = root / f"images/{name}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(media_samples.picture_file(picture, "png"))
    (root / "audio/cello/empty.wav").write_bytes(b"")
    (root / "audio/cello/notes.txt").write_text("not a sound")
    (root / "audio/cello/text.wav").write_text("not a sound either")
    (root / "images/flute/half.png").write_bytes((root / "images/flute/0.png").read_bytes()[:60])
    (root / "images/flute/.hidden").write_text("not used")
    return root


def write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(media_samples.sound_bytes(samples, 44_100, "wav"))


def ingest(path: Path, tmp_path: Path, splits: int | None = None) -> Ingested:
    return track_samples.ingest(f"folder:{path}", tmp_path, splits=splits)


def test_items_labels_and_the_loudest_second(folder: Path, tmp_path: Path) -> None:
    found = ingest(folder, tmp_path)
    frame = found.items
    counts = frame["modality"].value_counts().to_dict()
    assert (counts["audio"], counts["image"]) == (10, 9)
    assert found.classes == ["cello", "flute", "organ"]
    assert found.describe()["paired_classes"] == ["cello", "flute"]
    sounds = items.of(frame, "audio")
    assert sounds["start_s"].between(0.9, 1.1).all()
    assert (sounds["path"].str.split("/").str[1] == items.single_labels(sounds)).all()


def test_every_class_gets_texts_with_its_name(folder: Path, tmp_path: Path) -> None:
    found = ingest(folder, tmp_path)
    texts = items.of(found.items, "text")
    for name in found.classes:
        mine = texts[items.single_labels(texts) == name]
        assert mine["text"].tolist() == template_texts.of_class(name)
        assert mine["text"].str.contains(name).all()
        assert mine["clip_id"].is_unique
    assert (texts["path"] == "").all()
    assert any("texts are templates" in note for note in found.notes)
    frame = items.of(items.with_subset(found.items, found.splits, 0), "text")
    paired = frame["labels"].str[0].isin(["cello", "flute"])
    assert set(frame["subset"][paired]) == {"translation", "train", "test"}
    assert set(frame["subset"][~paired]) == {items.UNPAIRED}


def test_files_that_cannot_be_decoded_are_listed_with_the_reason(
    folder: Path, tmp_path: Path
) -> None:
    rejected = {Path(row.path).name: row.reason for row in ingest(folder, tmp_path).rejected}
    assert set(rejected) == {"empty.wav", "notes.txt", "text.wav", "half.png"}
    assert "'.txt'" in rejected["notes.txt"]
    for reason in rejected.values():
        assert "\n" not in reason
        assert reason.endswith(".")


def test_classes_of_one_modality_are_not_scored(folder: Path, tmp_path: Path) -> None:
    found = ingest(folder, tmp_path)
    frame = items.with_subset(found.items, found.splits, 0)
    organ = frame[items.single_labels(frame) == "organ"]
    assert set(organ["subset"]) == {items.UNPAIRED}
    assert set(frame["subset"]) == {"translation", "train", "test", items.UNPAIRED}
    assert any("only sounds (organ)" in note for note in found.notes)
    assert any("the translation has seen the labels" in note for note in found.notes)


def test_a_small_set_gets_five_splits_that_differ(folder: Path, tmp_path: Path) -> None:
    splits = ingest(folder, tmp_path).splits
    assert sorted(splits["split"].unique()) == [0, 1, 2, 3, 4]
    assert not splits.duplicated(["split", "clip_id"]).any()
    assert splits.groupby("clip_id")["subset"].nunique().max() > 1
    assert ingest(folder, tmp_path, splits=2).splits["split"].max() == 1


def test_the_fingerprint_follows_the_files(folder: Path) -> None:
    before = track_samples.fingerprint(f"folder:{folder}")
    assert track_samples.fingerprint(f"folder:{folder}") == before
    (folder / "audio/cello/0.wav").unlink()
    assert track_samples.fingerprint(f"folder:{folder}") != before


def test_a_video_gives_a_true_pair(tmp_path: Path) -> None:
    path = tmp_path / "data/video/cello/a.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(media_samples.video_file("mp4"))
    found = ingest(tmp_path / "data", tmp_path)
    assert found.paired_by == "clip"
    pairs = items.pairs(found.items, "audio", "image", "clip")
    assert len(pairs) == 1
    sound, picture = (items.of(found.items, name).iloc[0] for name in ("audio", "image"))
    assert picture["start_s"] == sound["start_s"] + 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "There is nothing at"),
        (lambda root: root.mkdir(), "has no files in audio/<class>/"),
        (lambda root: root.write_text("x"), "is not a folder"),
    ],
)
def test_unusable_folders_are_refused(tmp_path: Path, make: object, message: str) -> None:
    root = tmp_path / "data"
    make(root)  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        ingest(root, tmp_path)


def test_one_modality_is_not_enough(tmp_path: Path) -> None:
    write(tmp_path / "data/audio/cello/0.wav", media_samples.tone(300, 1.0))
    with pytest.raises(UserError, match=r"No class .* has both sounds and pictures"):
        ingest(tmp_path / "data", tmp_path)


def test_unknown_datasets_list_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'foldr' .did you mean 'folder'.*demo, folder, table"):
        datasets.parse("foldr:x")
    with pytest.raises(UserError, match=r"needs a path: write folder:PATH"):
        datasets.parse("folder").root()
