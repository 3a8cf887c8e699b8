"""What collections of music tracks share: files found by name, thirty seconds of each, splits.

As S (§III-D): thirty seconds of a track are one sound, its first to train and those around its
middle to test; a shorter track is taken whole. Its words are an item of their own, of the same
clip. Only the first bytes of a file are read here (and the length of those whose middle is asked
for), so that fifty thousand tracks take seconds; what turns out to be broken further in is
reported when vectors are extracted.

The folders that mirdata lays out (its `data_home`) are taken as they are. mirdata itself is no
requirement: of S's collections it has two (GTZAN, and the moods of MTG-Jamendo), its index of
either is a download of its own, and it brings the clients of three cloud stores along, for what is
here a list of files below a folder.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core import items, media
from core.datasets.audioset.clips import listing
from core.datasets.base import ParallelMap, Rejected, Request
from core.errors import MediaError, UserError
from core.files import canonical
from core.store import Draft, Store

T = TypeVar("T")

SECONDS = 30.0  # S §III-D
SHARD_SIZE = 1_024
N_ABSENT_LISTED = 20
LOW = ".low"  # MTG-Jamendo's files of a lower bit rate: 14/214.low.mp3
# Sun's .au is GTZAN's own format; it is named here so that such files are not passed over unsaid.
SUFFIXES = media.AUDIO_SUFFIXES | media.VIDEO_SUFFIXES | {".au"}
TRAINED, TESTED = "translation", "test"


@dataclass(frozen=True)
class Track:
    """A recording that is there, and what is known of it.

    `length_s` is that of its file, None where nothing tells it; `start_s` and `duration_s` are set
    where only one stretch of the file is the track.
    """

    clip_id: str
    path: str
    labels: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    length_s: float | None = None
    start_s: float | None = None
    duration_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shard:
    """Some files to look into, and where the outcome goes; `measured` are those to be measured."""

    store_root: str
    folder: str
    name: str
    root: str
    paths: tuple[str, ...]
    measured: frozenset[str]


# -- files ---------------------------------------------------------------------------------------


def files_digest(root: Path) -> str:
    """A digest of the paths, sizes and times of every file below the root."""
    text = hashlib.sha256()
    for file in listing(root):
        text.update(f"{file.path}\0{file.size}\0{file.mtime_ns}\n".encode())
    return text.hexdigest()


def sounds(root: Path) -> list[str]:
    """The paths below the root that end as sound files do, sorted."""
    return [
        file.path
        for file in listing(root)
        if f".{file.path.rpartition('.')[2].lower()}" in SUFFIXES
    ]


def key_of(path: str) -> str:
    """What a file is found by: its folder's and its own name, without the ending, in lower case."""
    parts = path.lower().split("/")[-2:]
    stem = parts[-1].rpartition(".")[0] or parts[-1]
    return "/".join([*parts[:-1], stem.removesuffix(LOW)])


def by_key(paths: Iterable[str]) -> dict[str, str]:
    """`key_of` -> path; the first of several, files in a format that can be read before others."""
    found: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (path.lower().endswith(".au"), path)):
        found.setdefault(key_of(path), path)
    return found


def tell_absent(names: Sequence[str], listed_in: str) -> list[Rejected]:
    """One row for all tracks without a file, naming some of them."""
    if not names:
        return []
    named = ", ".join(names[:N_ABSENT_LISTED])
    more = len(names) - N_ABSENT_LISTED
    what = "track that is listed" if len(names) == 1 else "tracks that are listed"
    has = "has" if len(names) == 1 else "have"
    reason = (
        f"{len(names):,} {what} in {listed_in} {has} no file below the folder: {named}"
        f"{f' and {more:,} more' if more > 0 else ''}."
    )
    return [Rejected("", "audio", reason)]


def damage(path: str) -> str:
    """Why a file that is broken in every copy of a collection was not opened."""
    return (
        f"{path!r} is known to be damaged in every copy of this collection and was skipped: "
        "nothing is to be done."
    )


def some(found: Sequence[T], request: Request) -> list[T]:
    """As many as a study's size asks for, at random and in order; all of them where it asks none.

    Raises
    ------
    UserError
        The size is below 1.
    """
    if request.size is None or len(found) <= request.size:
        return list(found)
    if request.size < 1:
        raise UserError(f"The size is {request.size} tracks: expected 1 or more.")
    rng = np.random.default_rng([request.seed, 3])
    kept = rng.permutation(len(found))[: request.size]
    return [found[place] for place in sorted(kept.tolist())]


def look(
    root: Path, paths: Sequence[str], measured: Iterable[str], draft: Draft, run: ParallelMap
) -> tuple[dict[str, float | None], list[Rejected]]:
    """Which files hold sound, as far as their first bytes tell, and how long some of them are.

    Returns `{path: seconds}` of the usable ones (None for those not in `measured`, or where
    nothing tells), and why the others are not. Finished shards stay when a run is killed.
    """
    wanted = frozenset(measured)
    asked = hashlib.sha256(canonical([sorted(paths), sorted(wanted)]).encode()).hexdigest()[:8]
    shards = [
        Shard(
            store_root=draft.store.root,
            folder=draft.folder,
            name=f"shards/{asked}-{start // SHARD_SIZE:05d}.json",
            root=str(root),
            paths=tuple(paths[start : start + SHARD_SIZE]),
            measured=wanted.intersection(paths[start : start + SHARD_SIZE]),
        )
        for start in range(0, len(paths), SHARD_SIZE)
    ]
    missing = [shard for shard in shards if not draft.has(shard.name)]
    for _ in run(look_into, missing, "looking into the tracks"):
        pass
    outcomes = [draft.json(shard.name) for shard in shards]
    draft.remove("shards")
    lengths = {path: length for outcome in outcomes for path, length in outcome["lengths"]}
    return lengths, [Rejected(**row) for outcome in outcomes for row in outcome["rejected"]]


def look_into(shard: Shard) -> str:
    """Look into some files; the list of outcomes is written in one go and means done."""
    lengths: list[tuple[str, float | None]] = []
    rejected: list[dict[str, Any]] = []
    for path in shard.paths:
        try:
            lengths.append((path, _look(Path(shard.root) / path, path, path in shard.measured)))
        except MediaError as error:
            rejected.append(asdict(Rejected(path, "audio", str(error))))
    Store(shard.store_root).write_json(
        f"{shard.folder}/{shard.name}", {"lengths": lengths, "rejected": rejected}
    )
    return shard.name


def _look(file: Path, path: str, measure: bool) -> float | None:
    if media.kind_of(file, path) == "image":
        raise MediaError(f"{path!r} is a picture where sound was expected: leave it out.")
    if not measure:
        return None
    probe = media.probe(file, path)
    if not probe.has_audio:
        raise MediaError(f"{path!r} has no sound track: leave it out.")
    return probe.duration_s


# -- items ---------------------------------------------------------------------------------------


def stretch(length_s: float | None, subset: str) -> tuple[float, float]:
    """Where a track's sound begins and how long it lasts, in seconds (S §III-D).

    The first thirty seconds, in `test` the thirty around the middle; all there is of a shorter
    track, and the first thirty of one whose length nothing tells.
    """
    if length_s is None:
        return 0.0, SECONDS
    if length_s <= SECONDS:
        return 0.0, round(length_s, 3)
    return (round((length_s - SECONDS) / 2, 3) if subset == TESTED else 0.0), SECONDS


def rows(tracks: Iterable[Track], subset_of: Mapping[str, str]) -> list[items.Item]:
    """An item of sound a track, and one of text for each of its captions, all of one clip."""
    found = []
    for track in tracks:
        length_s = track.length_s if track.start_s is None else track.duration_s
        start_s, duration_s = stretch(length_s, subset_of.get(track.clip_id, ""))
        facts = canonical({"kind": "track", **track.facts})
        found.append(
            items.Item(
                item_id=f"audio:{track.clip_id}",
                clip_id=track.clip_id,
                modality="audio",
                labels=track.labels,
                path=track.path,
                start_s=start_s + (track.start_s or 0.0),
                duration_s=duration_s,
                facts=facts,
            )
        )
        for number, caption in enumerate(track.captions):
            found.append(
                items.Item(
                    item_id=f"text:{track.clip_id}" + (f"/{number}" if number else ""),
                    clip_id=track.clip_id,
                    modality="text",
                    labels=track.labels,
                    text=caption,
                    facts=facts,
                )
            )
    return found


# -- splits --------------------------------------------------------------------------------------


def draw(
    group_of: Mapping[str, str], test_share: float, rng: np.random.Generator
) -> dict[str, str]:
    """`{clip_id: subset}`: groups of clips (an artist's) that go to one side each, at random.

    `test` gets the share of the clips as nearly as whole groups allow, and one group at least.
    """
    sizes = Counter(group_of.values())
    names = sorted(sizes)
    wanted = test_share * len(group_of)
    tested: set[str] = set()
    n_tested = 0
    for place in rng.permutation(len(names)).tolist():
        size = sizes[names[place]]
        if len(tested) + 1 < len(names) and abs(n_tested + size - wanted) < abs(n_tested - wanted):
            tested.add(names[place])
            n_tested += size
    if not tested and len(names) > 1:
        tested.add(min(names, key=lambda name: (sizes[name], name)))
    return {clip: TESTED if group in tested else TRAINED for clip, group in group_of.items()}
