"""Collections of music tracks: files found by name, and thirty seconds of each as one item.

As S (§III-D): one sound is thirty seconds of a track, the first thirty for training and the middle
thirty for testing; a shorter track is used whole. Its texts are items of the same clip. Only the
first bytes of a file are read here, and the length of files whose middle is needed, so fifty
thousand tracks take seconds. Damage further inside is reported when vectors are extracted.

The folders that mirdata makes (its `data_home`) can be used as they are. mirdata itself is not
required: it covers two of S's collections (GTZAN, and the moods of MTG-Jamendo), downloads an
index for each, and needs the clients of three cloud stores.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core import items, media
from core.datasets import media_files
from core.datasets.base import ParallelMap, Rejected, Request
from core.datasets.splits import TESTED
from core.errors import MediaError, UserError
from core.files import canonical
from core.store import Draft

T = TypeVar("T")

SECONDS = 30.0  # S §III-D
LOW = ".low"  # MTG-Jamendo's files of a lower bit rate: 14/214.low.mp3
# Sun's .au is GTZAN's own format. It cannot be read; it is listed so that such files are reported.
SUFFIXES = media.AUDIO_SUFFIXES | media.VIDEO_SUFFIXES | {".au"}


@dataclass(frozen=True)
class MusicTrack:
    """A recording whose file was found.

    `length_s` is the length of the file, None if unknown. `start_s` and `duration_s` are set if
    the track is only a part of the file.
    """

    clip_id: str
    path: str
    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    length_s: float | None = None
    start_s: float | None = None
    duration_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


# -- files ---------------------------------------------------------------------------------------


def sounds(root: Path) -> list[str]:
    """The files below the root with the ending of a sound file, sorted."""
    return [p for p in media_files.listing(root) if os.path.splitext(p)[1].lower() in SUFFIXES]


def key_of(path: str) -> str:
    """The name by which a file is found: `folder/name`, without its ending, in lower case."""
    *folder, name = path.lower().split("/")[-2:]
    return "/".join([*folder, (name.rpartition(".")[0] or name).removesuffix(LOW)])


def by_key(paths: Iterable[str]) -> dict[str, str]:
    """`key_of` -> path; of several the first, but readable formats before `.au`."""
    found: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (path.lower().endswith(".au"), path)):
        found.setdefault(key_of(path), path)
    return found


def find_files(root: Path, path_of: Mapping[T, str]) -> tuple[dict[T, str], list[str]]:
    """The file of each listed track, wherever below the root; and the listed paths without one."""
    places = by_key(sounds(root))
    found = {track: places.get(key_of(path), "") for track, path in path_of.items()}
    absent = [path for track, path in path_of.items() if not found[track]]
    return {track: file for track, file in found.items() if file}, absent


def usable_files(
    root: Path, path_of: Mapping[T, str], draft: Draft, run: ParallelMap
) -> tuple[dict[T, str], list[str], list[Rejected]]:
    """The readable file of each listed track, the listed paths without one, and the others."""
    file_of, absent = find_files(root, path_of)
    readable, rejected = check(root, list(file_of.values()), (), draft, run)
    return {one: file for one, file in file_of.items() if file in readable}, absent, rejected


def known_damage(path: str) -> Rejected:
    """The row of a file that is damaged in every copy of a collection."""
    reason = (
        f"{path!r} is damaged in every copy of this collection and was skipped; there is nothing "
        "to do."
    )
    return Rejected(path, "audio", reason)


def sample(found: Sequence[T], request: Request) -> list[T]:
    """A random `request.size` of these, in their order; all of them if no size is given."""
    if request.size is None or len(found) <= request.size:
        return list(found)
    if request.size < 1:
        raise UserError(f"The size is {request.size} tracks: expected 1 or more.")
    rng = np.random.default_rng([request.seed, 3])
    kept = rng.permutation(len(found))[: request.size]
    return [found[place] for place in sorted(kept.tolist())]


def check(
    root: Path, paths: Sequence[str], measured: Iterable[str], draft: Draft, run: ParallelMap
) -> tuple[dict[str, float | None], list[Rejected]]:
    """The files that are sound, judged by their first bytes, and the length of some of them.

    Returns `{path: seconds}` (None if not in `measured`, or unknown) and the rejected files.
    """
    wanted = frozenset(measured)
    tasks = [(path, path in wanted) for path in paths]
    found, rejected = media_files.check_all(
        partial(_check, root), tasks, draft, run, "checking the tracks"
    )
    return dict(found), rejected


def _check(root: Path, task: tuple[str, bool]) -> tuple[Any, list[Rejected]]:
    path, measure = task
    try:
        return (path, _length(root / path, path, measure)), []
    except MediaError as error:
        return None, [Rejected(path, "audio", str(error))]


def _length(file: Path, path: str, measure: bool) -> float | None:
    if media.kind_of(file, path) == "image":
        raise MediaError(f"{path!r} is a picture: expected sound, so remove the file.")
    if not measure:
        return None
    probe = media.probe(file, path)
    if not probe.has_audio:
        raise MediaError(f"{path!r} has no sound: expected some, so remove the file.")
    return probe.duration_s


# -- items ---------------------------------------------------------------------------------------


def stretch(length_s: float | None, subset: str) -> tuple[float, float]:
    """Start and duration in seconds of the sound of a track (S §III-D).

    The first thirty seconds or, in `test`, the middle thirty; all of a shorter track; the first
    thirty if the length is unknown.
    """
    if length_s is None:
        return 0.0, SECONDS
    if length_s <= SECONDS:
        return 0.0, round(length_s, 3)
    return (round((length_s - SECONDS) / 2, 3) if subset == TESTED else 0.0), SECONDS


def rows(found: Iterable[MusicTrack], subset_of: Mapping[str, str]) -> list[items.Item]:
    """One audio item per track and one text item per caption, all of one clip."""
    made = []
    for track in found:
        length_s = track.length_s if track.start_s is None else track.duration_s
        start_s, duration_s = stretch(length_s, subset_of.get(track.clip_id, ""))
        facts = canonical({"kind": "track", **track.facts})
        item = partial(items.Item, clip_id=track.clip_id, labels=track.labels, facts=facts)
        made.append(
            item(
                item_id=f"audio:{track.clip_id}",
                modality="audio",
                path=track.path,
                start_s=start_s + (track.start_s or 0.0),
                duration_s=duration_s,
            )
        )
        for number, caption in enumerate(track.captions):
            item_id = f"text:{track.clip_id}" + (f"/{number}" if number else "")
            made.append(item(item_id=item_id, modality="text", text=caption))
    return made
