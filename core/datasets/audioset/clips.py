"""Clips on disk: which files belong to which segment, and which second of them is used.

File names: `<ytid>_<start>.*` for a file that starts with its segment (start in seconds, written
30, 30.000 or 000030, or in whole milliseconds, 30000; the end may follow: `<ytid>_30_40.*`), or
`<ytid>.*` for such a cut or for the whole video; the file's length shows which. Files may be
anywhere below the root. A clip is one video, or a sound file and a picture file with the same name.

Each clip gives one second, drawn by seed and clip name: the sound of that second, and the frame in
the middle of it.

Only headers are read here, so a hundred thousand clips take minutes. Damage further inside is
reported when vectors are extracted.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core import media
from core.datasets.base import Rejected
from core.errors import MediaError
from core.items import rng_for

SUFFIXES = media.AUDIO_SUFFIXES | media.IMAGE_SUFFIXES | media.VIDEO_SUFFIXES
SLACK_S = 1.0  # a cut may be this much longer than its segment
SAME_START_S = 0.5


@dataclass(frozen=True)
class SegmentFiles:
    """The files of one segment (`row` of the table); `cut`: by their names they start with it."""

    row: int
    clip_id: str
    start_s: float
    end_s: float
    paths: tuple[str, ...]
    cut: bool


@dataclass(frozen=True)
class Second:
    """The second of a clip that is used: files and positions of its sound and its picture."""

    row: int
    clip_id: str
    sound: str
    sound_at_s: float
    picture: str
    picture_at_s: float


def match(table: pd.DataFrame, paths: Iterable[str]) -> tuple[list[SegmentFiles], int]:
    """The segments that have files, and the number of media files without a segment.

    Parameters
    ----------
    table : `ytid, start_s, end_s` of the segments, indexed from 0, each ytid once
    paths : files; if some files of a segment have its start in their names, only these are used
    """
    row_of = dict(zip(table["ytid"].tolist(), range(len(table)), strict=True))
    start_s = table["start_s"].to_numpy()
    end_s = table["end_s"].to_numpy()
    files: dict[int, dict[bool, list[str]]] = {}  # row -> cut or not -> paths
    ytid_of: dict[int, str] = {}
    n_others = 0
    for path in paths:
        stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
        if not dot or f".{suffix.lower()}" not in SUFFIXES:
            continue
        row = row_of.get(stem, -1)
        cut = row < 0
        ytid = stem
        for _ in range(2):  # <ytid>_<start>, <ytid>_<start>_<end>
            if row < 0:
                ytid, _, number = ytid.rpartition("_")
                row = row_of.get(ytid, -1)
                if row >= 0 and not _is_start(number, start_s[row]):
                    row = -1
        if row < 0:
            n_others += 1
            continue
        ytid_of[row] = ytid
        files.setdefault(row, {}).setdefault(cut, []).append(path)
    found = []
    for row in sorted(files):
        cut = True in files[row]
        start, end = float(start_s[row]), float(end_s[row])
        name = clip_id(ytid_of[row], start)
        found.append(SegmentFiles(row, name, start, end, tuple(sorted(files[row][cut])), cut))
    return found, n_others


def _is_start(text: str, start_s: float) -> bool:
    """Whether a part of a file's name is this start, in seconds or milliseconds."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return False
    value = float(text)
    return abs(value - start_s) <= SAME_START_S or (
        value >= 1_000 and abs(value / 1_000 - start_s) < 1e-3
    )


def clip_id(ytid: str, start_s: float) -> str:
    """`<ytid>_<start>`, e.g. `--PJHxphWEs_30`."""
    return f"{ytid}_{start_s:.3f}".rstrip("0").rstrip(".")


def start_in_file(start_s: float, duration_s: float, length_s: float) -> float:
    """Where a segment starts in a file of `length_s`: 0 in a cut, `start_s` in a whole video."""
    is_whole = length_s >= start_s + 1.0 and length_s > duration_s + SLACK_S
    return start_s if is_whole else 0.0


def draw_second(root: Path, seed: int, files: SegmentFiles) -> tuple[Second | None, list[Rejected]]:
    """The second of a clip that is used, None without sound and picture; and its bad files."""
    bad: list[Rejected] = []
    probes: dict[str, media.Probe] = {}
    for path in files.paths:
        try:
            probes[path] = media.probe(root / path, path)
        except MediaError as error:
            bad.append(Rejected(path, "clip", str(error)))
    ordered = sorted(probes, key=lambda path: not probes[path].has_video)  # videos first
    sounds = [path for path in ordered if probes[path].has_audio]
    pictures = [path for path in ordered if probes[path].kind != "audio"]
    if not sounds or not pictures:
        if probes:
            lacks = "picture" if sounds else "sound" if pictures else "sound and no picture"
            reason = (
                f"The clip {files.clip_id} has no {lacks} (found {', '.join(probes)}): expected a "
                "video with both, or a sound file and a picture file with the same name."
            )
            bad.append(Rejected(ordered[0], "clip", reason))
        return None, bad
    sound, picture = sounds[0], pictures[0]
    starts = {path: _start(files, probes[path]) for path in (sound, picture)}
    room_s = min(_room_s(files, probes[path], start_s) for path, start_s in starts.items())
    rng = rng_for(seed, files.clip_id, n_bytes=8)
    at_s = float(np.floor(rng.uniform(0.0, max(room_s - 1.0, 0.0)) * 10) / 10)
    is_still = probes[picture].kind == "image"
    second = Second(
        row=files.row,
        clip_id=files.clip_id,
        sound=sound,
        sound_at_s=starts[sound] + at_s,
        picture=picture,
        picture_at_s=0.0 if is_still else starts[picture] + at_s + 0.5,
    )
    return second, bad


def _start(files: SegmentFiles, probe: media.Probe) -> float:
    """Where the segment starts in a file."""
    if files.cut or probe.duration_s is None or probe.kind == "image":
        return 0.0
    return start_in_file(files.start_s, files.end_s - files.start_s, probe.duration_s)


def _room_s(files: SegmentFiles, probe: media.Probe, start_s: float) -> float:
    """Seconds of the segment in a file; all of them if the file's length is unknown."""
    length_s = files.end_s - files.start_s
    if probe.kind == "image" or probe.duration_s is None:
        return length_s
    return min(length_s, probe.duration_s - start_s)
