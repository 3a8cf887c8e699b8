"""Captioned sounds: layouts of the table, MusicCaps, tags, splits, missing files."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core import items
from core.datasets import caption_table
from core.errors import UserError
from tests import track_samples


def write(root: Path, rows: list[dict[str, object]], name: str = "captions.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows)
    path = root / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def some_rows(n: int = 20) -> list[dict[str, object]]:
    return [
        {
            "path": f"sounds/{number}.wav",
            "caption": f"A tone, number {number}.",
            "aspect_list": str(["tone", "high" if number % 2 else "Low "]),
        }
        for number in range(n)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "captions"
    write(root, some_rows())
    track_samples.write_tones(root, [str(row["path"]) for row in some_rows()])
    return root


def test_a_row_is_a_sound_and_a_text_of_one_clip(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"captions:{folder}", tmp_path)
    assert found.paired_by == "clip"
    assert len(items.pairs(found.items, "audio", "text", "clip")) == 20
    assert found.classes == ["tone", "high", "low"]
    texts = items.of(found.items, "text").set_index("clip_id")
    assert texts.loc["sounds/3.wav", "text"] == "A tone, number 3."
    assert list(texts.loc["sounds/3.wav", "labels"]) == ["tone", "high"]


def test_a_tenth_is_drawn_to_test(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"captions:{folder}", tmp_path)
    counts = found.splits.groupby(["split", "subset"]).size().unstack()
    assert counts.to_dict("list") == {"test": [2] * 5, "translation": [18] * 5}
    assert found.splits.groupby("clip_id")["subset"].nunique().max() == 2


@pytest.mark.parametrize("name", ["c.tsv", "c.parquet", "c.jsonl"])
def test_formats_with_lists_and_other_names(folder: Path, tmp_path: Path, name: str) -> None:
    as_list = not name.endswith("tsv")
    rows = [
        {
            "file_name": row["path"],
            "text": row["caption"],
            "tags": ["tone", "soft"] if as_list else "tone|soft",
            "split": "validation" if place < 18 else "test",
        }
        for place, row in enumerate(some_rows())
    ]
    found = track_samples.ingest(f"captions:{write(folder, rows, name)}", tmp_path)
    assert found.classes == ["soft", "tone"]
    assert found.splits["subset"].value_counts().to_dict() == {"translation": 18, "test": 2}
    assert any("the table's own" in note for note in found.notes)


def test_testing_uses_the_middle_of_long_recordings(tmp_path: Path) -> None:
    root = tmp_path / "long"
    rows = [
        {"path": f"{name}.wav", "caption": name, "split": split}
        for name, split in (("a", "train"), ("b", "test"), ("c", "test"))
    ]
    write(root, rows)
    track_samples.write_tone(root / "a.wav", 50.0)
    track_samples.write_tone(root / "b.wav", 50.0)
    track_samples.write_tone(root / "c.wav", 12.0)
    found = track_samples.ingest(f"captions:{root}", tmp_path)
    sounds = items.of(found.items, "audio").set_index("clip_id")[["start_s", "duration_s"]]
    assert sounds.T.to_dict("list") == {
        "a.wav": [0.0, 30.0],
        "b.wav": [10.0, 30.0],
        "c.wav": [0.0, 12.0],
    }
    assert found.classes == []
    assert any("zero-shot tagging is not measured" in note for note in found.notes)


def test_several_captions_of_a_sound_and_stretches_of_a_file(tmp_path: Path) -> None:
    root = tmp_path / "x"
    rows = [
        {"path": "a.wav", "caption": "one", "start_s": 0, "end_s": 2, "tags": "x"},
        {"path": "a.wav", "caption": "two", "start_s": 0, "end_s": 2, "tags": "y|x"},
        {"path": "a.wav", "caption": "three", "start_s": 2.5, "end_s": 4, "tags": "x"},
        {"path": "b.wav", "caption": "four", "start_s": None, "end_s": None, "tags": None},
    ]
    write(root, rows)
    track_samples.write_tone(root / "a.wav", 5.0)
    track_samples.write_tone(root / "b.wav", 5.0)
    found = track_samples.ingest(f"captions:{root}", tmp_path)
    sounds = items.of(found.items, "audio").set_index("clip_id")
    assert sounds["start_s"].to_dict() == {"a.wav@0": 0.0, "a.wav@2.5": 2.5, "b.wav": 0.0}
    assert sounds.loc["a.wav@2.5", "duration_s"] == 1.5
    assert list(sounds.loc["a.wav@0", "labels"]) == ["x", "y"]
    assert list(sounds.loc["b.wav", "labels"]) == []
    texts = items.of(found.items, "text")
    assert texts.groupby("clip_id")["text"].agg(list)["a.wav@0"] == ["one", "two"]
    by_split = found.splits[found.splits["clip_id"].str.startswith("a.wav")].groupby("split")
    assert (by_split["subset"].nunique() == 1).all()  # one recording is in one subset


def test_youtube_ids_find_cuts_and_whole_videos(tmp_path: Path) -> None:
    root = tmp_path / "mc"
    names = ("-cut_named", "cut_short", "whole_one", "gone")
    rows = [
        {
            "ytid": name,
            "start_s": 3,
            "end_s": 5,
            "caption": f"about {name}",
            "aspect_list": "['calm']",
        }
        for name in names
    ]
    path = write(root, rows, "musiccaps-public.csv")
    track_samples.write_tone(root / "audio/-cut_named_3.wav", 2.0)
    track_samples.write_tone(root / "audio/cut_short.wav", 2.0)
    track_samples.write_tone(root / "whole_one.mp3", 9.0)
    before = track_samples.fingerprint(f"captions:{path}")
    found = track_samples.ingest(f"captions:{path}", tmp_path)
    sounds = items.of(found.items, "audio").set_index("clip_id")
    assert sounds["start_s"].to_dict() == {"-cut_named_3": 0, "cut_short_3": 0, "whole_one_3": 3}
    assert (sounds["duration_s"] == 2).all()
    assert found.card.title == "MusicCaps"
    assert found.card.name == "captions"
    assert (
        "No file was found for 1 of the clips in musiccaps-public.csv" in found.rejected[0].reason
    )
    assert "gone_3" in found.rejected[0].reason
    track_samples.write_tone(root / "gone.wav", 2.0)
    assert track_samples.fingerprint(f"captions:{path}") != before


def test_bad_rows_are_reported_and_captions_are_data(tmp_path: Path) -> None:
    root = tmp_path / "x"
    strange = '<img src=x onerror=alert(1)> שלום 🎻 "quoted", {tag}'
    rows = [
        {"path": "a.wav", "caption": strange},
        {"path": "", "caption": "no path"},
        {"path": "a.wav", "caption": "   "},
        {"path": "../a.wav", "caption": "outside"},
        {"path": "a.wav", "caption": "long " * 20_000},
        {"path": "bad.wav", "caption": "not a sound"},
        {"path": "gone.wav", "caption": "not there"},
    ]
    write(root, rows)
    track_samples.write_tone(root / "a.wav", 1.0)
    (root / "bad.wav").write_text("no sound")
    found = track_samples.ingest(f"captions:{root}", tmp_path)
    assert items.of(found.items, "text")["text"].tolist() == [strange]
    reasons = " ".join(row.reason for row in found.rejected)
    for part in (
        "Row 2 of captions.csv names no sound",
        "Row 3 of captions.csv has no caption",
        "leaves the table's folder",
        "a caption of 99,999 characters: expected at most 5,000",
        "'bad.wav' contains text",
        "No file was found for 1 of the clips in captions.csv (gone.wav): put",
    ):
        assert part in reasons


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"path": "a.wav"}], "no table with a column `caption`"),
        ([{"caption": "x"}], "expected `caption`, and `path`, or `ytid` and `start_s`"),
        ([{"path": "gone.wav", "caption": "x"}], "None of the 1 captioned clips .* like gone.wav"),
        ([{"path": "", "caption": "x"}], "None of the 0 captioned clips"),
        ([{"path": "a.wav", "caption": "x", "split": "later"}], "Row 1 .* the split 'later'"),
        (
            [{"path": "a.wav", "caption": c, "split": c} for c in ("test", "train")],
            "'a.wav' is in test and translation",
        ),
    ],
)
def test_unusable_tables_are_refused(
    tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    root = tmp_path / "x"
    write(root, rows)
    with pytest.raises(UserError, match=message):
        track_samples.ingest(f"captions:{root}", tmp_path)


def test_several_tables_need_a_name(folder: Path, tmp_path: Path) -> None:
    write(folder, some_rows(), "more.csv")
    with pytest.raises(UserError, match=r"2 tables with captions \(captions.csv, more.csv\)"):
        track_samples.ingest(f"captions:{folder}", tmp_path)


def test_musiccaps_itself(shared_dir: Path, tmp_path: Path) -> None:
    """The real table: every row is a clip; a few get a sound here, the others are reported."""
    root = tmp_path / "mc"
    root.mkdir()
    path = root / "musiccaps-public.csv"
    path.symlink_to(shared_dir / "metadata/musiccaps-public.csv")
    with pytest.raises(UserError, match=r"None of the 5,521 captioned clips .*-0Gj8-vB1q4.wav"):
        track_samples.ingest(f"captions:{root}", tmp_path)
    clips, rejected = caption_table.clips_of(caption_table.read(path))
    assert len(clips) == 5_521
    assert not rejected
    assert all(clip.duration_s == 10.0 for clip in clips)
    assert "sustained strings melody" in clips[0].tags
    track_samples.write_tones(root, [f"{clip.path}.wav" for clip in clips[:40]])
    found = track_samples.ingest(f"captions:{root}", tmp_path)
    assert found.items["clip_id"].nunique() == 40
    assert "for 5,481 of the clips in" in found.rejected[0].reason
    assert len(found.classes) == 50
    assert found.classes[0] == "low quality"
    facts = json.loads(items.of(found.items, "audio")["facts"].iloc[0])
    assert facts["tags"] == clips[0].tags
