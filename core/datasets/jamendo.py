"""`jamendo:PATH`: MTG-Jamendo, full tracks under Creative Commons with tags of their uploaders.

    python -m precompute all --dataset jamendo:FOLDER --audio hcnn --text bert
    python -m precompute all --dataset jamendo:FOLDER/data/splits/split-0/autotagging_genre-test.tsv

PATH is a folder with the published lists of tracks and the sound anywhere below it, named as the
lists have it (`14/214.mp3`, or the smaller `14/214.low.mp3`); or one of the lists, which chooses
the tags: genre, instrument, moodtheme, top50tags, or all of them. Of a folder with several lists
the 50 most frequent tags of split 0 are taken (S §V-B). The sound that belongs to a list is looked
for in its folder, above those named `split…`, `data` and `metadata` (mirdata's layout as well).

Lists: `<name>-train.tsv`, `<name>-validation.tsv` and `<name>-test.tsv` with the columns TRACK_ID,
ARTIST_ID, ALBUM_ID, PATH, DURATION and any number of TAGS. Train and validation serve to train,
test to test. Of a list that is there alone a fifth is drawn to test, no artist on both sides.

`--size N` takes no more than N tracks, at random.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core import items
from core.datasets import tag_captions, tracks
from core.datasets.audioset.clips import listing
from core.datasets.base import Card, Ingested, ParallelMap, Rejected, Request, n_splits
from core.datasets.tracks import Track
from core.errors import UserError
from core.media import LIMITS
from core.store import Draft

COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
SUBSETS = {"train": tracks.TRAINED, "validation": tracks.TRAINED, "test": tracks.TESTED}
TEST_SHARE = 0.2  # about that of the published splits
PREFERRED = "top50"
BESIDE = re.compile(r"split.*|data|metadata")

# The tags are words run together; these are the ones that are several.
IN_WORDS = {
    "acidjazz": "acid jazz", "acousticbassguitar": "acoustic bass guitar",
    "acousticguitar": "acoustic guitar", "alternativerock": "alternative rock",
    "bluesrock": "blues rock", "bossanova": "bossa nova",
    "chillout": "chill-out", "classicalguitar": "classical guitar", "classicrock": "classic rock",
    "darkambient": "dark ambient", "deephouse": "deep house", "doublebass": "double bass",
    "drummachine": "drum machine", "drumnbass": "drum and bass",
    "easylistening": "easy listening", "edm": "electronic dance music",
    "electricguitar": "electric guitar", "electricpiano": "electric piano",
    "ethnicrock": "ethnic rock", "hardrock": "hard rock", "heavymetal": "heavy metal",
    "hiphop": "hip hop", "idm": "intelligent dance music", "instrumentalpop": "instrumental pop",
    "instrumentalrock": "instrumental rock", "jazzfunk": "jazz funk",
    "jazzfusion": "jazz fusion", "newage": "new age", "newwave": "new wave",
    "pipeorgan": "pipe organ", "popfolk": "pop folk", "poprock": "pop rock",
    "postrock": "post-rock", "punkrock": "punk rock", "rnb": "rhythm and blues",
    "rhodes": "rhodes piano", "rocknroll": "rock and roll",
    "singersongwriter": "singer-songwriter", "synthpop": "synth pop", "triphop": "trip hop",
    "worldfusion": "world fusion",
}  # fmt: skip

CARD = Card(
    name="jamendo",
    title="MTG-Jamendo",
    licence=(
        "metadata CC BY-NC-SA 4.0; each track under the Creative Commons licence of its artist"
    ),
    citation=(
        "Bogdanov, Won, Tovstogan, Porter, Serra: The MTG-Jamendo Dataset for Automatic Music "
        "Tagging (Machine Learning for Music Discovery Workshop, ICML 2019)"
    ),
    description=(
        "Thirty seconds of each track: the first ones to train, those around the middle to test. "
        "The texts are sentences made of each track's tags."
    ),
)


@dataclass(frozen=True)
class Lists:
    """The lists of one set of tags: part ("train", …; "" for a list that is alone) -> file."""

    name: str
    parts: Mapping[str, Path]

    @property
    def split(self) -> bool:
        return {"train", "test"} <= set(self.parts)

    @property
    def label(self) -> str:
        """What they are called in a sentence."""
        return self.name if self.split else ", ".join(path.stem for path in self.parts.values())


@dataclass(frozen=True)
class Line:
    """A track of a list; `tags` are (kind, name)."""

    track: str
    artist: str
    album: str
    path: str
    length_s: float
    tags: tuple[tuple[str, str], ...]
    part: str


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file, which list is meant, how many tracks are asked for."""
    path = request.spec.root()
    root = _root(path)
    return {
        "root": str(root),
        "list": path.name if path.is_file() else "",
        "files": tracks.files_digest(root),
        "size": request.size,
        "version": 1,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read the lists, find their files, and make a sentence of every track's tags.

    Raises
    ------
    UserError
        There is no list of tracks, or several and none of them was named; a list cannot be read,
        or has a track that another part of the split has; or no track of it has a file.
    """
    path = request.spec.root()
    root = _root(path)
    lists = _of_file(path) if path.is_file() else _choose(root)
    lines, bad_lines = _read(lists)
    n_listed = len(lines)
    lines = tracks.some(lines, request)
    places = tracks.by_key(tracks.sounds(root))
    there = [line for line in lines if tracks.key_of(line.path) in places]
    absent = [line.path for line in lines if tracks.key_of(line.path) not in places]
    there, too_long = _short_enough(there)
    usable, unreadable = tracks.look(
        root, [places[tracks.key_of(line.path)] for line in there], (), draft, run
    )
    there = [line for line in there if places[tracks.key_of(line.path)] in usable]
    if not there:
        first = (unreadable + too_long + bad_lines)[:1]
        raise UserError(
            f"None of the {n_listed:,} tracks of {lists.label} has sound below {root}: expected "
            f"files named like {lines[0].path if lines else '14/214.mp3'}."
            f"{f' The first reason: {first[0].reason}' if first else ''}"
        )
    names = _names(there)
    classes = list(names.values())
    hidden = tag_captions.withheld(classes, request.seed)
    found = [
        _track(line, places[tracks.key_of(line.path)], names, hidden, request) for line in there
    ]
    assignments = _assignments(lists, there, request)
    return Ingested(
        card=replace(CARD, title=f"{CARD.title}: {_tag_set(lists.name)}"),
        items=items.table(tracks.rows(found, assignments[0])),
        splits=items.split_table(assignments),
        classes=classes,
        paired_by="clip",
        root=str(root),
        notes=[
            f"{n_listed:,} tracks are listed in {lists.label}; {len(there):,} of them are in this "
            "study.",
            *tag_captions.notes(classes, hidden),
            *_notes(lists),
        ],
        rejected=[
            *bad_lines,
            *tracks.tell_absent(absent, lists.label),
            *too_long,
            *unreadable,
        ],
        scored=classes,
        descriptions=_descriptions(names),
    )


# -- lists ---------------------------------------------------------------------------------------


def _root(path: Path) -> Path:
    """The folder that holds the sound: that of a list is above those that hold nothing else."""
    if path.is_dir():
        return path
    folder = path.parent
    while BESIDE.fullmatch(folder.name) and folder.parent != folder:
        folder = folder.parent
    return folder


def _of_file(path: Path) -> Lists:
    """The list that was named, and those of the same name beside it."""
    if not _is_list(path):
        raise UserError(
            f"{path} is no list of tracks: expected a .tsv file that begins with the columns "
            f"{', '.join(COLUMNS)}."
        )
    name, part = _parted(path)
    beside = {one: path.with_name(f"{name}-{one}.tsv") for one in SUBSETS}
    return Lists(
        name, {one: file for one, file in beside.items() if file.is_file()} or {part: path}
    )


def _choose(root: Path) -> Lists:
    """The lists below a folder: a published split before a single list, split 0, the top 50."""
    by_place: dict[tuple[str, str], dict[str, Path]] = {}
    for file in listing(root):
        path = root / file.path
        if file.path.lower().endswith(".tsv") and _is_list(path):
            name, part = _parted(path)
            by_place.setdefault((str(path.parent), name), {})[part] = path
    found = [(folder, Lists(name, parts)) for (folder, name), parts in by_place.items()]
    found = [one for one in found if one[1].split] or found
    found = [one for one in found if one[0].endswith("split-0")] or found
    found = [one for one in found if PREFERRED in one[1].name] or found
    if len(found) == 1:
        return found[0][1]
    if not found:
        raise UserError(
            f"{root} holds no list of tracks: expected MTG-Jamendo's autotagging*.tsv there, with "
            f"the columns {', '.join(COLUMNS)}."
        )
    some = sorted(str(path) for _, lists in found for path in lists.parts.values())
    raise UserError(
        f"{root} holds lists of {len(found)} sets of tags "
        f"({', '.join(sorted({lists.name for _, lists in found}))}): name one of its files, "
        f"e.g. jamendo:{some[0]}."
    )


def _is_list(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            head = file.readline(1_000)
    except (OSError, UnicodeDecodeError):
        return False
    return head.rstrip("\r\n").split("\t")[:5] == list(COLUMNS[:5])


def _parted(path: Path) -> tuple[str, str]:
    """`autotagging_genre` and `train` of autotagging_genre-train.tsv."""
    name, _, part = path.stem.rpartition("-")
    return (name, part) if part in SUBSETS and name else (path.stem, "")


def _tag_set(name: str) -> str:
    return name.rpartition("autotagging")[2].strip("_") or "all tags"


def _read(lists: Lists) -> tuple[list[Line], list[Rejected]]:
    """Every track of the lists, and the lines that are none."""
    found: dict[str, Line] = {}
    rejected: list[Rejected] = []
    for part, path in lists.parts.items():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The list {path.name} cannot be read: {error}.") from error
        for number, line in enumerate(text.splitlines()[1:], start=2):
            if not line.strip():
                continue
            read = _line(line.split("\t"), part)
            if read is None:
                reason = (
                    f"Line {number} of {path.name} is no track: expected {', '.join(COLUMNS)}, "
                    "separated by tabs."
                )
                rejected.append(Rejected(path.name, "audio", reason))
            elif found.setdefault(read.track, read).part != part:
                raise UserError(
                    f"The track {read.track} is in {lists.name}-{found[read.track].part} and in "
                    f"{lists.name}-{part}: expected every track in one list."
                )
    return list(found.values()), rejected


def _line(fields: list[str], part: str) -> Line | None:
    if len(fields) < len(COLUMNS) or not fields[0] or not fields[3]:
        return None
    try:
        length_s = float(fields[4])
    except ValueError:
        return None
    if not 0 < length_s < float("inf"):
        return None
    tags = tuple(_tag(tag) for tag in fields[5:] if tag.strip())
    return Line(fields[0], fields[1], fields[2], fields[3], length_s, tags, part)


def _tag(text: str) -> tuple[str, str]:
    kind, _, name = text.strip().rpartition("---")
    return kind, name


def _short_enough(lines: list[Line]) -> tuple[list[Line], list[Rejected]]:
    kept = [line for line in lines if line.length_s <= LIMITS.max_seconds]
    return kept, [
        Rejected(
            line.path,
            "audio",
            f"{line.path!r} lasts {line.length_s / 60:.1f} minutes where at most "
            f"{LIMITS.max_seconds / 60:.0f} are taken: cut it.",
        )
        for line in lines
        if line.length_s > LIMITS.max_seconds
    ]


# -- tags and splits -----------------------------------------------------------------------------


def _names(lines: Sequence[Line]) -> dict[tuple[str, str], str]:
    """(kind, name) -> class, ordered by kind; a name of two kinds keeps its kind."""
    tags = sorted({tag for line in lines for tag in line.tags})
    n_kinds = Counter(name for _, name in tags)
    return {(kind, name): name if n_kinds[name] == 1 else f"{name} ({kind})" for kind, name in tags}


def _in_words(name: str) -> str:
    return IN_WORDS.get(name, name)


def _descriptions(names: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """Every tag with its words apart, where that changes any."""
    told = {label: _in_words(name) for (_, name), label in names.items()}
    return told if any(label != words for label, words in told.items()) else {}


def _track(
    line: Line,
    path: str,
    names: Mapping[tuple[str, str], str],
    hidden: Sequence[str],
    request: Request,
) -> Track:
    told: dict[str, list[str]] = {}
    for kind, name in line.tags:
        if names[kind, name] not in hidden:
            told.setdefault(kind, []).append(_in_words(name))
    caption = tag_captions.of_tags(told, line.track, request.seed)
    return Track(
        clip_id=line.track,
        path=path,
        labels=tuple(names[tag] for tag in line.tags),
        captions=(caption,) if caption else (),
        length_s=line.length_s,
        facts={"artist": line.artist, "album": line.album},
    )


def _assignments(lists: Lists, lines: Sequence[Line], request: Request) -> list[dict[str, str]]:
    """The published split, the same in every repetition; else random ones by artist."""
    if lists.split:
        return [{line.track: SUBSETS[line.part] for line in lines}] * (request.splits or 1)
    artist_of = {line.track: line.artist for line in lines}
    return [
        tracks.draw(artist_of, TEST_SHARE, np.random.default_rng([request.seed, split]))
        for split in range(n_splits(request, 2 * len(lines)))
    ]


def _notes(lists: Lists) -> list[str]:
    if lists.split:
        return [
            f"The split is the published one of {lists.name}: train and validation to train "
            "spaces with, test to test (Seth 2022 §V-B)."
        ]
    return [
        f"{', '.join(path.name for path in lists.parts.values())} is no whole split: a fifth of "
        "the tracks was drawn to test, no artist on both sides. The published numbers are of the "
        "published splits."
    ]
