"""GTZAN: layouts, the damaged file, random and listed splits, texts, and a study of it."""

from collections import Counter
from pathlib import Path

import pytest

from core import items
from core.config import Config
from core.datasets import gtzan
from core.errors import UserError
from core.stages import table as stages
from core.store import Store
from core.study import open_study
from tests import track_samples
from tests.precompute_runs import HereEngine

PUBLISHED = "seth2022_zero_shot.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four tracks of each of three genres, the damaged one, and files that are not used."""
    root = tmp_path / "gtzan"
    paths = [
        f"Data/genres_original/{genre}/{genre}.{number:05d}.wav"
        for genre in ("blues", "jazz", "hiphop")
        for number in range(4)
    ]
    track_samples.write_tones(root, [*paths, "Data/genres_original/jazz/jazz.00054.wav"])
    track_samples.write_tones(root, ["elsewhere/polka/polka.00000.wav"])
    pictures = root / "Data/images_original/blues/blues00000.png"
    pictures.parent.mkdir(parents=True)
    pictures.write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "Data/genres_original/jazz/jazz.00003.wav").write_bytes(b"")
    (root / "Data/genres_original/jazz/._jazz.00001.wav").write_bytes(b"a resource fork")
    return root


def test_every_genre_has_its_tracks_and_its_name_in_texts(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"gtzan:{folder}", tmp_path)
    assert found.classes == ["blues", "hiphop", "jazz"]
    assert found.paired_by == "class"
    sounds, texts = (items.of(found.items, name) for name in ("audio", "text"))
    assert Counter(items.single_labels(sounds)) == {"blues": 4, "hiphop": 4, "jazz": 3}
    assert set(sounds["path"].str.split("/").str[-2]) == set(found.classes)
    assert sounds["duration_s"].tolist() == [0.2] * 11
    words = texts.groupby(items.single_labels(texts))["text"].agg(list)
    assert "a blues band" in words["blues"]
    assert {"hiphop", "hip hop"} <= set(words["hiphop"])
    assert len(set(texts["text"])) == len(texts)


def test_the_damaged_and_the_empty_file_are_skipped_and_reported(
    folder: Path, tmp_path: Path
) -> None:
    rejected = track_samples.ingest(f"gtzan:{folder}", tmp_path).rejected
    reasons = {Path(row.path).name: row.reason for row in rejected}
    assert set(reasons) == {"jazz.00054.wav", "jazz.00003.wav"}
    assert "is damaged in every copy" in reasons["jazz.00054.wav"]
    assert "is empty" in reasons["jazz.00003.wav"]


def test_five_random_splits_reach_every_genre(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"gtzan:{folder}", tmp_path)
    assert found.splits["split"].nunique() == 5
    frame = items.with_subset(found.items, found.splits, 0)
    sounds = items.of(frame, "audio")
    tested = sounds[sounds["subset"] == "test"]
    assert set(items.single_labels(tested)) == set(found.classes)
    assert any("Sturm 2013" in note for note in found.notes)


def test_filtered_lists_are_the_split(folder: Path, tmp_path: Path) -> None:
    for name, line in (("train", "blues/blues.00000.wav"), ("valid", "blues/blues.00001.wav")):
        (folder / f"{name}_filtered.txt").write_text(f"{line}\njazz/jazz.0000{len(name) - 5}.wav\n")
    with pytest.raises(
        UserError, match=r"has only train_filtered.txt and valid_filtered.txt: expected all"
    ):
        track_samples.ingest(f"gtzan:{folder}", tmp_path)
    (folder / "valid_filtered.txt").write_text("blues/blues.00001.wav\r\nrock/rock.00001.wav\r\n")
    (folder / "test_filtered.txt").write_text("jazz/jazz.00001.wav\nhiphop/hiphop.00002.wav\n")
    found = track_samples.ingest(f"gtzan:{folder}", tmp_path)
    sounds = items.of(items.with_subset(found.items, found.splits, 0), "audio")
    subset_of = dict(zip(sounds["clip_id"], sounds["subset"], strict=True))
    assert subset_of["blues.00000"] == subset_of["blues.00001"] == "translation"
    assert subset_of["jazz.00001"] == subset_of["hiphop.00002"] == "test"
    assert subset_of["hiphop.00000"] == items.UNPAIRED
    texts = items.of(items.with_subset(found.items, found.splits, 0), "text")
    assert set(texts["subset"]) == {"translation", "train", "test"}
    assert any("3 tracks to train and 2 to test. The other 6" in note for note in found.notes)


def test_a_track_in_two_lists_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in gtzan.LISTS:
        (folder / name).write_text("jazz/jazz.00001.wav\n")
    with pytest.raises(UserError, match=r"jazz.00001.wav, which another list puts"):
        track_samples.ingest(f"gtzan:{folder}", tmp_path)


def test_repeated_names_are_taken_once_and_au_last(folder: Path, tmp_path: Path) -> None:
    """mirdata's layout beside another one, and the original .au files beside converted ones."""
    track_samples.write_tones(folder, ["gtzan_genre/genres/blues/blues.00000.wav"])
    (folder / "Data/genres_original/blues/blues.00001.au").write_bytes(b".snd")
    found = track_samples.ingest(f"gtzan:{folder}", tmp_path)
    sounds = items.of(found.items, "audio").set_index("clip_id")
    assert sounds.loc["blues.00000", "path"] == "Data/genres_original/blues/blues.00000.wav"
    assert sounds.loc["blues.00001", "path"].endswith(".wav")
    assert any(note.startswith("2 more files repeat") for note in found.notes)


def test_a_folder_without_genres_is_refused(tmp_path: Path) -> None:
    track_samples.write_tones(tmp_path / "x", ["blues/a.wav"])
    with pytest.raises(UserError, match=r"of 1 of the genres blues, classical.*genres/blues"):
        track_samples.ingest(f"gtzan:{tmp_path / 'x'}", tmp_path)


def test_the_fingerprint_follows_the_files(folder: Path) -> None:
    before = track_samples.fingerprint(f"gtzan:{folder}")
    assert track_samples.fingerprint(f"gtzan:{folder}") == before
    (folder / "test_filtered.txt").write_text("")
    assert track_samples.fingerprint(f"gtzan:{folder}") != before


def test_descriptions_are_those_of_the_published_table(shared_dir: Path) -> None:
    table = (shared_dir / "papers" / PUBLISHED).read_text("utf-8").partition("TABLE I:")[0]
    rows = dict(line.split("\t", 1) for line in table.splitlines() if line.count("\t") == 1)
    assert {genre: rows[genre].strip('"') for genre in gtzan.GENRES} == gtzan.DESCRIPTIONS


def test_a_study_of_sounds_and_words_tags_genres(tmp_path: Path) -> None:
    """Genres that differ in pitch, through the stages of the command line."""
    root = tmp_path / "gtzan"
    for place, genre in enumerate(("blues", "metal", "pop")):
        for number in range(8):
            hz = 150.0 * 2**place + 3 * number
            track_samples.write_tone(root / f"genres/{genre}/{genre}.{number:05d}.wav", 2.0, hz)
    config = Config(f"gtzan:{root}", audio=("logmel",), text=("lsa",), splits=1, n_bootstrap=20)
    store = Store(tmp_path / "workspace")
    with HereEngine() as engine:
        stages.run(config, store, engine, until="evaluate")
    measured = open_study(store).measurements()
    accuracy = (measured["study"] == "zero_shot") & (measured["metric"] == "accuracy")
    tagged = measured[accuracy & (measured["space"] == "translation")]
    by_wording = tagged[tagged["training"] == 0].set_index("system")
    assert {"{tag}", "description"} <= set(by_wording.index)
    assert by_wording.loc["{tag}", "n"] == 6
    assert by_wording.loc["{tag}", "value"] >= 5 / 6
    assert by_wording.loc["{tag}", "chance"] == pytest.approx(1 / 3)
