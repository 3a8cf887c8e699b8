"""MTG-Jamendo: choice of lists, files and seconds, splits by artist, sentences from tags."""

import json
from pathlib import Path

import pytest

from core import items
from core.datasets import jamendo, template_texts
from core.errors import UserError
from tests import track_samples

HEAD = "\t".join(jamendo.COLUMNS)


def line(number: int, artist: int, *tags: str, length_s: float = 100.0) -> str:
    path = f"{number % 100:02d}/{number}.mp3"
    head = [f"track_{number:07d}", f"artist_{artist:06d}", "album_000001", path, str(length_s)]
    return "\t".join([*head, *tags])


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The repository's layout with two sets of tags, and sound of both kinds of name."""
    root = tmp_path / "mtg"
    split = root / "data/splits/split-0"
    write(
        split / "autotagging_genre-train.tsv",
        line(101, 1, "genre---rock", "genre---pop"),
        line(102, 2, "genre---newage", length_s=31.0),
    )
    write(split / "autotagging_genre-validation.tsv", line(103, 3, "genre---rock"))
    write(
        split / "autotagging_genre-test.tsv",
        line(104, 4, "genre---rock", length_s=250.0),
        line(105, 5, "genre---pop", length_s=29.5),
        line(106, 6, "genre---pop"),
    )
    for part, number in (("train", 101), ("validation", 103), ("test", 104)):
        write(
            split / f"autotagging_top50tags-{part}.tsv",
            line(number, number, "genre---rock", "instrument---drummachine", "mood/theme---happy"),
        )
    write(root / "data/autotagging.tsv", line(101, 1, "genre---rock"))
    track_samples.write_tones(
        root, ["audio/01/101.mp3", "audio/03/103.low.mp3", "audio/05/105.mp3", "audio/04/104.flac"]
    )
    (root / "audio/02").mkdir()
    (root / "audio/02/102.mp3").write_bytes(b"")
    return root


def test_a_list_chooses_the_tags_and_its_split(folder: Path, tmp_path: Path) -> None:
    path = folder / "data/splits/split-0/autotagging_genre-test.tsv"
    found = track_samples.ingest(f"jamendo:{path}", tmp_path)
    assert found.root == str(folder)
    assert found.card.title == "MTG-Jamendo: genre"
    assert found.describe()["tag_list"] == "genre"
    assert found.classes == ["pop", "rock"]
    frame = items.with_subset(found.items, found.splits, 0)
    sounds = items.of(frame, "audio").set_index("clip_id")
    assert sounds["subset"].to_dict() == {
        "track_0000101": "translation",
        "track_0000103": "translation",
        "track_0000104": "test",
        "track_0000105": "test",
    }
    assert sounds["path"].to_dict()["track_0000103"] == "audio/03/103.low.mp3"
    assert list(sounds.loc["track_0000101", "labels"]) == ["rock", "pop"]
    assert json.loads(sounds.loc["track_0000101", "facts"])["artist"] == "artist_000001"
    reasons = " ".join(row.reason for row in found.rejected)
    assert "No file was found for 1 of the tracks in autotagging_genre (06/106.mp3)" in reasons
    assert "'102.mp3' is empty" in reasons


def test_training_uses_the_beginning_and_testing_the_middle(folder: Path, tmp_path: Path) -> None:
    path = folder / "data/splits/split-0/autotagging_genre-train.tsv"
    sounds = items.of(track_samples.ingest(f"jamendo:{path}", tmp_path).items, "audio")
    stretch = sounds.set_index("clip_id")[["start_s", "duration_s"]].to_dict("index")
    assert stretch["track_0000101"] == {"start_s": 0.0, "duration_s": 30.0}
    assert stretch["track_0000104"] == {"start_s": 110.0, "duration_s": 30.0}
    assert stretch["track_0000105"] == {"start_s": 0.0, "duration_s": 29.5}


def test_a_folder_gives_the_top_tags_of_split_0(folder: Path, tmp_path: Path) -> None:
    found = track_samples.ingest(f"jamendo:{folder}", tmp_path)
    assert found.card.title == "MTG-Jamendo: top50tags"
    assert found.classes == ["rock", "drummachine", "happy"]
    assert found.descriptions["drummachine"] == "drum machine"
    texts = items.of(found.items, "text")
    assert texts["text"].str.contains("drum machine").all()
    assert texts["text"].str.contains("happy").all()
    assert set(texts["clip_id"]) == set(items.of(found.items, "audio")["clip_id"])


def test_several_sets_of_tags_need_a_name(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "data/splits/split-0").glob("autotagging_top50tags*"):
        path.rename(path.with_name(path.name.replace("top50tags", "moodtheme")))
    with pytest.raises(UserError, match=r"2 sets of tags .*genre, .*moodtheme.*e.g. jamendo:/"):
        track_samples.ingest(f"jamendo:{folder}", tmp_path)


def test_a_list_alone_is_split_by_artist(tmp_path: Path) -> None:
    root = tmp_path / "mtg"
    lines = [
        line(100 + n, n // 4, f"instrument---{'piano' if n % 2 else 'harp'}") for n in range(40)
    ]
    write(root / "autotagging_instrument.tsv", *lines)
    track_samples.write_tones(root, [row.split("\t")[3] for row in lines])
    found = track_samples.ingest(f"jamendo:{root}", tmp_path)
    assert found.splits["split"].nunique() == 5
    sounds = items.of(found.items, "audio")
    artist_of = {
        row.clip_id: json.loads(row.facts)["artist"] for row in sounds.itertuples(index=False)
    }
    for _, split in found.splits.groupby("split"):
        artists = split.groupby("subset")["clip_id"].agg(
            lambda ids: {artist_of[id_] for id_ in ids}
        )
        assert artists["translation"].isdisjoint(artists["test"])
        assert (split["subset"] == "test").sum() == 8
    assert any("no artist on both sides" in note for note in found.notes)
    assert found.items.equals(track_samples.ingest(f"jamendo:{root}", tmp_path / "b").items)


def test_a_fifth_of_the_tags_is_in_no_sentence(tmp_path: Path) -> None:
    root = tmp_path / "mtg"
    tags = ["piano", "harp", "oboe", "cello", "viola", "organ", "drums", "horn", "flute", "bell"]
    lines = [
        line(100 + n, n, f"instrument---{tags[n % 10]}", f"instrument---{tags[(n + 3) % 10]}")
        for n in range(30)
    ]
    write(root / "autotagging_instrument.tsv", *lines)
    track_samples.write_tones(root, [row.split("\t")[3] for row in lines])
    found = track_samples.ingest(f"jamendo:{root}", tmp_path)
    hidden = template_texts.withheld(found.classes, 0)
    assert len(hidden) == 2
    said = " ".join(items.of(found.items, "text")["text"])
    assert [tag for tag in tags if tag not in said] == sorted(hidden, key=tags.index)
    assert any(
        f"({', '.join(hidden)}). The scores of these tags are zero-shot" in n for n in found.notes
    )
    assert template_texts.withheld(found.classes, 1) != hidden


def test_size_takes_some_of_the_tracks(folder: Path, tmp_path: Path) -> None:
    path = folder / "data/splits/split-0/autotagging_genre-test.tsv"
    found = track_samples.ingest(f"jamendo:{path}", tmp_path, size=3)
    assert found.items["clip_id"].nunique() <= 3
    before = track_samples.fingerprint(f"jamendo:{path}")
    assert track_samples.fingerprint(f"jamendo:{path}", size=3) != before
    (folder / "audio/01/101.mp3").unlink()
    assert track_samples.fingerprint(f"jamendo:{path}") != before


def test_a_tag_of_two_kinds_keeps_its_kind(tmp_path: Path) -> None:
    root = tmp_path / "mtg"
    write(root / "autotagging.tsv", line(1, 1, "genre---ballad"), line(2, 2, "mood/theme---ballad"))
    track_samples.write_tones(root, ["01/1.mp3", "02/2.mp3"])
    found = track_samples.ingest(f"jamendo:{root}", tmp_path)
    assert found.classes == ["ballad (genre)", "ballad (mood/theme)"]
    assert found.descriptions == dict.fromkeys(found.classes, "ballad")


def test_bad_lines_and_long_tracks_are_reported(tmp_path: Path) -> None:
    root = tmp_path / "mtg"
    lines = [line(1, 1, "genre---pop"), line(2, 2, "genre---pop", length_s=4_000.0)]
    write(root / "autotagging.tsv", *lines, "track_x\tartist", "a\tb\tc\td\tlong\tgenre---pop")
    track_samples.write_tones(root, ["01/1.mp3", "02/2.mp3"])
    rejected = track_samples.ingest(f"jamendo:{root}", tmp_path).rejected
    reasons = [row.reason for row in rejected]
    assert reasons[0].startswith("Line 4 of autotagging.tsv is not a track")
    assert reasons[1].startswith("Line 5 of autotagging.tsv is not a track")
    assert "lasts 66.7 minutes: expected at most 30" in reasons[2]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("autotagging.tsv", f"{HEAD}\n{line(1, 1, 'genre---pop')}\n", "None of the 1 tracks"),
        ("other.tsv", "a\tb\n", r"has no list of tracks"),
    ],
)
def test_unusable_folders_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / "mtg").mkdir()
    (tmp_path / "mtg" / name).write_text(text)
    with pytest.raises(UserError, match=message):
        track_samples.ingest(f"jamendo:{tmp_path / 'mtg'}", tmp_path)


def test_a_file_that_is_no_list_and_a_track_in_two_parts_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "mtg/x.tsv"
    other.parent.mkdir()
    other.write_text("a\tb\n")
    with pytest.raises(UserError, match=r"x.tsv is not a list of tracks"):
        track_samples.ingest(f"jamendo:{other}", tmp_path)
    write(tmp_path / "mtg/a-train.tsv", line(1, 1, "genre---pop"))
    path = write(tmp_path / "mtg/a-test.tsv", line(1, 1, "genre---pop"))
    with pytest.raises(UserError, match=r"track_0000001 is in a-train and in a-test"):
        track_samples.ingest(f"jamendo:{path}", tmp_path)


def test_the_published_lists_are_read(shared_dir: Path, tmp_path: Path) -> None:
    """The real test list of instruments, and the real list of moods, with a few files there."""
    for name, n_tracks, n_tags in (
        ("autotagging_instrument-test", 5_115, 40),
        ("autotagging_moodtheme", 18_486, 59),
    ):
        root = tmp_path / name
        root.mkdir()
        path = root / f"{name}.tsv"
        path.write_bytes((shared_dir / "metadata" / f"mtg_jamendo__{name}.tsv").read_bytes())
        lines, rejected = jamendo.read(jamendo._lists_of(path))
        assert not rejected
        assert len(lines) == n_tracks
        assert len({tag for one in lines for tag in one.tags}) == n_tags
        track_samples.write_tones(root, [one.path for one in lines[:30]])
        found = track_samples.ingest(f"jamendo:{path}", tmp_path / "draft" / name)
        assert found.items["clip_id"].nunique() == 30
        assert any(f"{name} lists {n_tracks:,} tracks; 30" in n for n in found.notes)
        assert f"for {n_tracks - 30:,} of the tracks in" in found.rejected[0].reason
    told = (shared_dir / "metadata/mtg_jamendo__moodtheme.txt").read_text().split()
    assert sorted({f"{kind}---{tag}" for one in lines for kind, tag in one.tags}) == sorted(told)


def test_the_published_lists_name_their_tags(shared_dir: Path) -> None:
    """The numbers of tags of mood and of instruments that S's table II exchanges."""
    metadata = shared_dir / "metadata"
    counts = {}
    for file in ("autotagging_moodtheme", "autotagging_instrument-test"):
        path = metadata / f"mtg_jamendo__{file}.tsv"
        listed, _ = jamendo.read(jamendo.TrackLists("", {"": path}))
        counts[file] = len({tag for one in listed for tag in one.tags})
    assert counts == {"autotagging_moodtheme": 59, "autotagging_instrument-test": 40}
