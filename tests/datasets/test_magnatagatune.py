"""MagnaTagATune: the 50 tags, the split by folder, the three empty files, captions."""

import json
from pathlib import Path

import pytest

from core import items
from core.datasets import magnatagatune
from core.errors import UserError
from tests import track_samples

TAGS = ["rock", "no vocals", "harp", *(f"tag {number}" for number in range(57))]
BROKEN = "6/norine_braun-now_and_zen-08-gently-117-146.mp3"


def write(root: Path, clips: list[tuple[str, list[str]]]) -> None:
    """The table of annotations in its published form: tabs, quotes around every cell."""
    rows = [["clip_id", *TAGS, "mp3_path"]]
    for number, (path, tags) in enumerate(clips):
        rows.append([str(number), *("01"[tag in tags] for tag in TAGS), path])
    root.mkdir(parents=True, exist_ok=True)
    text = "\n".join("\t".join(f'"{cell}"' for cell in row) for row in rows)
    (root / "annotations_final.csv").write_text(text + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clip in every folder, one with only a rare tag, one without a file, and broken ones."""
    root = tmp_path / "mtat"
    clips = [
        (f"{name}/band_{place % 3}-song-0-29.mp3", ["rock", TAGS[3 + place % 48]])
        for place, name in enumerate("0123456789abcdef")
    ]
    clips += [(f"0/more_{n}-0-29.mp3", ["no vocals", TAGS[3 + n % 48]]) for n in range(48)]
    clips.append(("0/rare-0-29.mp3", [TAGS[55]]))
    clips.append(("f/gone-0-29.mp3", ["rock"]))
    clips.append((BROKEN, ["rock"]))
    write(root, clips)
    there = [path for path, _ in clips if "gone" not in path]
    track_samples.write_tones(root, [f"mp3/{path}" for path in there])
    (root / "mp3" / BROKEN).write_bytes(b"")
    (root / "mp3/1/band_1-song-0-29.mp3").write_bytes(b"")
    return root


def test_the_tags_are_the_most_frequent_ones(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"magnatagatune:{folder}", tmp_path)
    assert len(found.classes) == 50
    assert found.classes[:2] == ["no vocals", "rock"]
    sounds = items.of(found.items, "audio")
    assert "0/rare-0-29.mp3" not in " ".join(sounds["path"])
    assert sounds["path"].str.startswith("mp3/").all()
    assert (sounds["start_s"] == 0).all()
    assert (sounds["duration_s"] == 30).all()
    assert "Of 67 annotated clips 66 have one of the 50 most frequent tags; 63" in found.notes[0]


def test_the_split_is_by_folder(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"magnatagatune:{folder}", tmp_path, splits=2)
    assert found.splits["split"].nunique() == 2
    frame = items.of(items.with_subset(found.items, found.splits, 1), "audio")
    folders = frame["path"].str.split("/").str[1].groupby(frame["subset"]).agg(set)
    assert folders["test"] == set("def")
    assert folders["translation"] == set("023456789abc")


def test_broken_and_missing_files_are_reported(folder: Path, tmp_path: Path) -> None:
    rejected = track_samples.ingest(f"magnatagatune:{folder}", tmp_path).rejected
    reasons = [row.reason for row in rejected]
    assert len(reasons) == 3
    assert "norine_braun" in reasons[0]
    assert "is damaged in every copy" in reasons[0]
    assert "No file was found for 1 of the clips in annotations_final.csv" in reasons[1]
    assert "f/gone-0-29.mp3" in reasons[1]
    assert "is empty" in reasons[2]


def test_the_three_broken_files_have_the_names_that_files_are_found_by() -> None:
    assert len(magnatagatune.DAMAGED) == 3
    assert all(name[0] in "689" and name[1] == "/" for name in magnatagatune.DAMAGED)


def test_sentences_have_all_tags_but_the_withheld_ones(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"magnatagatune:{folder}", tmp_path)
    (note,) = [note for note in found.notes if "are in none" in note]
    assert note.startswith("10 of 50 tags")
    hidden = note.partition("(")[2].partition(")")[0].split(", ")
    texts = items.of(found.items, "text")
    for labels, text in zip(texts["labels"], texts["text"], strict=True):
        said = [tag for tag in labels if tag not in hidden]
        assert said
        assert all(tag in text for tag in said)
    assert set(texts["clip_id"]) <= set(items.of(found.items, "audio")["clip_id"])


def test_artists_on_both_sides_are_counted(folder: Path, tmp_path: Path) -> None:
    rows = ["clip_id\ttrack_number\ttitle\tartist\talbum\tmp3_path"]
    rows += [f"{number}\t1\tSong\tBand {number % 3}\tAlbum\tx" for number in range(16)]
    (folder / "clip_info_final.csv").write_text("\n".join(rows) + "\n")
    found = track_samples.ingest(f"magnatagatune:{folder}", tmp_path)
    assert any("3 test clips are by 3 artists" in note for note in found.notes)
    facts = json.loads(items.of(found.items, "audio")["facts"].iloc[0])
    assert facts["artist"] == "Band 0"


def test_size_takes_some_of_the_clips(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"magnatagatune:{folder}", tmp_path, size=20)
    assert 15 <= found.items["clip_id"].nunique() <= 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no annotations_final.csv"),
        ("clip_id,rock,mp3_path\n1,1,0/a.mp3\n", "separated by tabs"),
        (
            "clip_id\trock\tmp3_path\n1\t1\t0/a.mp3\n",
            "None of the 1 tagged clips has a usable sound",
        ),
        (
            "clip_id\trock\tmp3_path\n1\t0\t0/a.mp3\n",
            "None of the 0 tagged clips has a usable sound",
        ),
    ],
)
def test_unusable_folders_are_refused(tmp_path: Path, text: str | None, message: str) -> None:
    root = tmp_path / "mtat"
    root.mkdir()
    if text is not None:
        (root / "annotations_final.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        track_samples.ingest(f"magnatagatune:{root}", tmp_path)


def test_the_fingerprint_follows_the_files(folder: Path) -> None:
    before = track_samples.fingerprint(f"magnatagatune:{folder}")
    (folder / "mp3/2/band_2-song-0-29.mp3").unlink()
    assert track_samples.fingerprint(f"magnatagatune:{folder}") != before
