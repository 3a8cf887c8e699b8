"""Clips on disk: which file belongs to which segment, and which second of it is used.

Names: `<ytid>_<start>.*` for a file that begins with its segment (start in seconds, written 30,
30.000 or 000030, or in whole milliseconds, 30000; an end may follow: `<ytid>_30_40.*`), or
`<ytid>.*` for either such a cut or the whole video, which its length tells. Files may lie anywhere
below the root. One video gives sound and picture; a sound file and a picture file of one name do
as well.

Every clip is used for one second, drawn by seed and the clip's own name: the sound of that second,
and the frame in the middle of it.

Only headers are read here, so that a hundred thousand clips take minutes; what turns out to be
broken inside is reported when vectors are extracted.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import media
from core.datasets.base import Rejected
from core.errors import MediaError
from core.store import Store

SUFFIXES = media.AUDIO_SUFFIXES | media.IMAGE_SUFFIXES | media.VIDEO_SUFFIXES
SLACK_S = 1.0  # a cut may be so much longer than its segment
SAME_START_S = 0.5


@dataclass(frozen=True)
class Found:
    """A file below the root: its path there, its size and its time."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Clip:
    """A segment (its row in the table) and its files; `cut`: by their names they begin with it."""

    row: int
    clip_id: str
    start_s: float
    end_s: float
    paths: tuple[str, ...]
    cut: bool


@dataclass(frozen=True)
class Second:
    """The second of a clip that is used: where its sound and its picture lie."""

    row: int
    clip_id: str
    sound: str
    sound_at_s: float
    picture: str
    picture_at_s: float


@dataclass(frozen=True)
class Shard:
    """Some clips to look into, and where the outcome goes."""

    store_root: str
    folder: str
    name: str
    media_root: str
    seed: int
    clips: tuple[Clip, ...]


def listing(root: Path) -> list[Found]:
    """Every file below the root, links followed, hidden ones left alone; sorted by path."""
    found: list[Found] = []
    seen: set[str] = set()
    waiting = [(str(root), "")]
    while waiting:
        folder, below = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above itself
            continue
        seen.add(real)
        try:
            entries = list(os.scandir(folder))
        except OSError:  # no right to read it: as if it were empty
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                waiting.append((entry.path, f"{below}{entry.name}/"))
            elif entry.is_file():
                stat = entry.stat()
                found.append(Found(f"{below}{entry.name}", stat.st_size, stat.st_mtime_ns))
    return sorted(found, key=lambda file: file.path)


def match(table: pd.DataFrame, paths: Iterable[str]) -> tuple[list[Clip], int]:
    """The clips that some files belong to, and how many media files belong to no segment.

    table: `ytid, start_s, end_s` of the segments, indexed from 0, each ytid once. Where the names
    of some of a clip's files tell its start, those that do not are passed over.
    """
    row_of = dict(zip(table["ytid"].tolist(), range(len(table)), strict=True))
    start_s = table["start_s"].to_numpy()
    end_s = table["end_s"].to_numpy()
    files: dict[int, dict[bool, list[str]]] = {}  # row -> cut or not -> paths
    ytid_of: dict[int, str] = {}
    n_strange = 0
    for path in paths:
        stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
        if not dot or f".{suffix.lower()}" not in SUFFIXES:
            continue
        row = row_of.get(stem, -1)
        cut = row < 0
        ytid = stem
        for _ in range(2):  # <ytid>_<start>, <ytid>_<start>_<end>
            if row < 0:
                ytid, _, told = ytid.rpartition("_")
                row = row_of.get(ytid, -1)
                if row >= 0 and not _tells(told, start_s[row]):
                    row = -1
        if row < 0:
            n_strange += 1
            continue
        ytid_of[row] = ytid
        files.setdefault(row, {}).setdefault(cut, []).append(path)
    found = []
    for row in sorted(files):
        cut = True in files[row]
        start, end = float(start_s[row]), float(end_s[row])
        name = clip_id(ytid_of[row], start)
        found.append(Clip(row, name, start, end, tuple(sorted(files[row][cut])), cut))
    return found, n_strange


def _tells(told: str, start_s: float) -> bool:
    """Whether a part of a file's name is a segment's start, in seconds or milliseconds."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", told):
        return False
    value = float(told)
    return abs(value - start_s) <= SAME_START_S or (
        value >= 1_000 and abs(value / 1_000 - start_s) < 1e-3
    )


def clip_id(ytid: str, start_s: float) -> str:
    """`<ytid>_<start>`, e.g. `--PJHxphWEs_30`."""
    return f"{ytid}_{start_s:.3f}".rstrip("0").rstrip(".")


def read_shard(shard: Shard) -> str:
    """Look into some clips; the list of outcomes is written in one go and means done."""
    seconds: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    for clip in shard.clips:
        second, bad = read_clip(Path(shard.media_root), shard.seed, clip)
        seconds += [asdict(second)] if second else []
        rejected += [asdict(row) for row in bad]
    Store(shard.store_root).write_json(
        f"{shard.folder}/{shard.name}", {"seconds": seconds, "rejected": rejected}
    )
    return shard.name


def read_clip(root: Path, seed: int, clip: Clip) -> tuple[Second | None, list[Rejected]]:
    """The second of a clip that is used, if its files have both; and what is wrong with them."""
    bad: list[Rejected] = []
    probes: dict[str, media.Probe] = {}
    for path in clip.paths:
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
                f"The clip {clip.clip_id} has no {lacks}: expected a video with both, or a sound "
                f"file and a picture file of one name, and found {', '.join(probes)}."
            )
            bad.append(Rejected(ordered[0], "clip", reason))
        return None, bad
    sound, picture = sounds[0], pictures[0]
    used = {sound: probes[sound], picture: probes[picture]}
    begins = {path: _begin(clip, probe) for path, probe in used.items()}
    room = min(_room(clip, probe, begins[path]) for path, probe in used.items())
    at_s = float(np.floor(_rng(seed, clip.clip_id).uniform(0.0, max(room - 1.0, 0.0)) * 10) / 10)
    is_still = used[picture].kind == "image"
    return (
        Second(
            row=clip.row,
            clip_id=clip.clip_id,
            sound=sound,
            sound_at_s=begins[sound] + at_s,
            picture=picture,
            picture_at_s=0.0 if is_still else begins[picture] + at_s + 0.5,
        ),
        bad,
    )


def _begin(clip: Clip, probe: media.Probe) -> float:
    """Where a file's part of the segment begins: 0 in a cut, the segment's start in the whole."""
    length = probe.duration_s
    if clip.cut or length is None or probe.kind == "image":
        return 0.0
    is_whole = length >= clip.start_s + 1.0 and length > clip.end_s - clip.start_s + SLACK_S
    return clip.start_s if is_whole else 0.0


def _room(clip: Clip, probe: media.Probe, begin_s: float) -> float:
    """How many seconds of the segment a file has from there; all of them where none can tell."""
    length = clip.end_s - clip.start_s
    if probe.kind == "image" or probe.duration_s is None:
        return length
    return min(length, probe.duration_s - begin_s)


def _rng(seed: int, clip_id_: str) -> np.random.Generator:
    digest = int.from_bytes(hashlib.sha256(clip_id_.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, digest])
