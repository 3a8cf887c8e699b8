"""Clips on disk: names, the second that is used, and files that cannot be used."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import media
from core.datasets.audioset import clips
from tests import audioset_samples as samples
from tests import media_samples

TABLE = pd.DataFrame(
    {
        "ytid": ["--PJHxphWEs", "ab_30", "ab", "zero", "part"],
        "start_s": [30.0, 0.0, 30.0, 0.0, 12.345],
        "end_s": [40.0, 10.0, 40.0, 10.0, 20.0],
    }
)


@pytest.mark.parametrize(
    "path, clip_id, cut",
    [
        ("clips/--PJHxphWEs_30.mp4", "--PJHxphWEs_30", True),
        ("--PJHxphWEs_30.000.MP4", "--PJHxphWEs_30", True),
        ("a/b/--PJHxphWEs_000030.webm", "--PJHxphWEs_30", True),
        ("--PJHxphWEs_30000.wav", "--PJHxphWEs_30", True),
        ("--PJHxphWEs_30_40.flac", "--PJHxphWEs_30", True),
        ("--PJHxphWEs_30.000_40.000.flac", "--PJHxphWEs_30", True),
        ("--PJHxphWEs.mkv", "--PJHxphWEs_30", False),
        ("ab_30.mp4", "ab_30_0", False),  # a video's name comes before a name and a start
        ("ab_30_0.mp4", "ab_30_0", True),
        ("ab_30_40.mp4", "ab_30", True),
        ("zero_0.000.jpg", "zero_0", True),
        ("part_12.345.jpg", "part_12.345", True),
        ("part_12345.jpg", "part_12.345", True),
        ("part_12.jpg", "part_12.345", True),
        ("--PJHxphWEs_31.mp4", None, None),
        ("--PJHxphWEs_.mp4", None, None),
        ("--PJHxphWEs_nan.mp4", None, None),
        ("unknown_30.mp4", None, None),
        ("_30.mp4", None, None),
    ],
)
def test_names(path: str, clip_id: str | None, cut: bool | None) -> None:
    found, n_others = clips.match(TABLE, [path, "notes.txt", "--PJHxphWEs_30", "x.csv"])
    if clip_id is None:
        assert (found, n_others) == ([], 1)
        return
    assert n_others == 0
    (clip,) = found
    assert (clip.clip_id, clip.cut, clip.paths) == (clip_id, cut, (path,))
    assert TABLE["start_s"][clip.row] == clip.start_s


def test_files_of_one_clip_come_together_and_cuts_come_first() -> None:
    paths = ["p/zero_0.png", "zero_0.wav", "zero.mp4", "ab_30_40.mp4"]
    found, _ = clips.match(TABLE, paths)
    assert [(clip.clip_id, clip.paths, clip.cut) for clip in found] == [
        ("ab_30", ("ab_30_40.mp4",), True),
        ("zero_0", ("p/zero_0.png", "zero_0.wav"), True),
    ]


def test_two_hundred_thousand_files_are_matched_in_seconds() -> None:
    n = 200_000
    table = pd.DataFrame({"ytid": [f"{i:011d}" for i in range(n)], "start_s": 30.0, "end_s": 40.0})
    paths = [f"clips/{i:011d}_30.mp4" for i in range(0, n, 2)]
    started = time.process_time()
    found, n_others = clips.match(table, [*paths, "other_30.mp4"])
    assert time.process_time() - started < 10.0
    assert (len(found), n_others) == (n // 2, 1)


def clip(
    *paths: str, start_s: float = 30.0, length_s: float = 10.0, cut: bool = True
) -> clips.SegmentFiles:
    return clips.SegmentFiles(0, f"v_{start_s:g}", start_s, start_s + length_s, paths, cut)


def write(root: Path, name: str, content: bytes) -> str:
    (root / name).write_bytes(content)
    return name


@pytest.fixture(scope="module")
def video() -> bytes:
    """Five seconds; second k has colour k and tone k."""
    return media_samples.video_file("mp4")


def test_a_video_gives_sound_and_picture_of_one_second(tmp_path: Path, video: bytes) -> None:
    name = write(tmp_path, "v_30.mp4", video)
    starts = set()
    for seed in range(12):
        second, bad = clips.draw_second(tmp_path, seed, clip(name))
        assert second is not None
        assert not bad
        assert clips.draw_second(tmp_path, seed, clip(name))[0] == second
        assert 0.0 <= second.sound_at_s <= 4.1
        assert second.picture_at_s == second.sound_at_s + 0.5
        starts.add(second.sound_at_s)
        frame = media.read_frame(tmp_path / name, name, second.picture_at_s)
        colour = media_samples.SECOND_COLOURS[int(second.picture_at_s)]
        assert np.abs(frame.mean(axis=(0, 1)) - colour).max() < 25
    assert len(starts) > 6


def test_whole_videos_and_cuts_differ_by_their_length(tmp_path: Path, video: bytes) -> None:
    name = write(tmp_path, "v.mp4", video)
    whole = clip(name, start_s=2.0, length_s=2.0, cut=False)
    seconds = [clips.draw_second(tmp_path, seed, whole)[0] for seed in range(8)]
    assert all(second is not None and 2.0 <= second.sound_at_s <= 3.0 for second in seconds)
    assert len({second.sound_at_s for second in seconds if second}) > 2
    as_cut = clips.draw_second(tmp_path, 0, replace(whole, cut=True))[0]
    assert as_cut is not None
    assert as_cut.sound_at_s <= 1.0
    short = clips.draw_second(tmp_path, 0, clip(name, start_s=30.0, cut=False))[0]
    assert short is not None
    assert short.sound_at_s <= 4.1


def test_separate_files_of_one_stem(tmp_path: Path) -> None:
    samples.write_files(tmp_path, "v_30", seconds=3.0)
    paths = ("clips/v_30.png", "clips/v_30.wav")
    second, bad = clips.draw_second(tmp_path, 3, clip(*paths))
    assert second is not None
    assert not bad
    assert (second.picture, second.sound) == paths
    assert second.picture_at_s == 0.0
    assert 0.0 <= second.sound_at_s <= 2.0


def test_sound_beside_a_silent_video(tmp_path: Path) -> None:
    silent = write(tmp_path, "v_30.mp4", media_samples.video_file("mp4", with_sound=False))
    samples.write_files(tmp_path, "v_30", seconds=2.0)
    second, bad = clips.draw_second(tmp_path, 0, clip("clips/v_30.png", "clips/v_30.wav", silent))
    assert second is not None
    assert not bad
    assert (second.sound, second.picture) == ("clips/v_30.wav", silent)
    assert second.sound_at_s <= 1.0  # as far as both go
    assert second.picture_at_s == second.sound_at_s + 0.5
    assert clips.draw_second(tmp_path, 0, clip(silent))[0] is None


def test_half_clips_and_broken_files_are_rejected_with_a_reason(
    tmp_path: Path, video: bytes
) -> None:
    samples.write_files(tmp_path, "v_30")
    broken = write(tmp_path, "v_30.mp4", b"<html>This video is not available</html>")
    short = write(tmp_path, "v_30.webm", video[:300])
    for paths, said in (
        (("clips/v_30.wav",), ["The clip v_30 has no picture"]),
        (("clips/v_30.png",), ["The clip v_30 has no sound"]),
        ((broken,), ["v_30.mp4"]),
        ((broken, "clips/v_30.wav", short), ["v_30.mp4", "v_30.webm", "no picture"]),
    ):
        second, bad = clips.draw_second(tmp_path, 0, clip(*paths))
        assert second is None
        assert len(bad) == len(said)
        for row, words in zip(bad, said, strict=True):
            assert words in row.reason
            assert row.reason.endswith(".")
            assert "\n" not in row.reason
    second, bad = clips.draw_second(tmp_path, 0, clip(broken, "clips/v_30.png", "clips/v_30.wav"))
    assert second is not None  # what is left is enough
    assert len(bad) == 1
