"""`jamendo:PATH`: MTG-Jamendo, full tracks under Creative Commons, tagged by their uploaders.

    python -m precompute all --dataset jamendo:FOLDER --audio hcnn --text bert
    python -m precompute all --dataset jamendo:FOLDER/data/splits/split-0/autotagging_genre-test.tsv

PATH is a folder with the published lists of tracks and, anywhere below, sound files named as in
the lists (`14/214.mp3`, or the smaller `14/214.low.mp3`). Or PATH is one of the lists, to choose
the tags: genre, instrument, moodtheme, top50tags, or all. In a folder with several lists the 50
most frequent tags of split 0 are used (S §V-B). The sounds of a list are searched for in its
folder, or above it if that is named `split…`, `data` or `metadata` (as in mirdata's layout).

Lists are `<name>-train.tsv`, `<name>-validation.tsv` and `<name>-test.tsv` with the columns
TRACK_ID, ARTIST_ID, ALBUM_ID, PATH, DURATION and any number of TAGS. Spaces are trained on train
and validation. If there is only one list, a fifth of its artists is drawn for testing.

`--size N` uses a random N tracks.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import items
from core.datasets import media_files, splits, template_texts, tracks
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Rejected, Request, first_reason
from core.datasets.tracks import MusicTrack
from core.errors import UserError
from core.media import limits
from core.store import Draft

COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
SUBSETS = {"train": splits.TRAINED, "validation": splits.TRAINED, "test": splits.TESTED}
TEST_SHARE = 0.2  # about that of the published splits
PREFERRED = "top50"
BELOW_SOUND = re.compile(r"split.*|data|metadata")  # folders of lists, beside those of sounds

# Tags have no blanks; these consist of several words.
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

CARD = DatasetCard(
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
        "Thirty seconds of each track: the first thirty for training, the middle thirty for "
        "testing. The texts are sentences made from each track's tags."
    ),
)

Tag = tuple[str, str]  # kind and name, as in ("genre", "rock")


@dataclass(frozen=True)
class TrackLists:
    """The lists of one set of tags: "train", "validation" or "test" ("" for a single list) -> file.

    `name` is the file name without the part, as in `autotagging_genre`.
    """

    name: str
    parts: Mapping[str, Path]

    @property
    def is_split(self) -> bool:
        return {"train", "test"} <= set(self.parts)

    @property
    def label(self) -> str:
        """Their name in a sentence."""
        return self.name if self.is_split else ", ".join(p.stem for p in self.parts.values())


@dataclass(frozen=True)
class ListedTrack:
    """One line of a list."""

    track: str
    artist: str
    album: str
    path: str
    length_s: float
    tags: tuple[Tag, ...]
    part: str


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file, the list if one is named, and the size."""
    path = request.spec.root()
    name = path.name if path.is_file() else ""
    return media_files.fingerprint(_root(path), list=name, size=request.size, version=2)


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read the lists, find their files, and make a sentence from every track's tags."""
    path = request.spec.root()
    root = _root(path)
    lists = _lists_of(path) if path.is_file() else _choose(root)
    listed, bad_lines = read(lists)
    chosen = tracks.sample(listed, request)
    file_of, absent, unreadable = tracks.usable_files(
        root, {one: one.path for one in chosen}, draft, run
    )
    too_long = [_too_long(one) for one in file_of if one.length_s > limits.MAX_SECONDS]
    file_of = {one: file for one, file in file_of.items() if one.length_s <= limits.MAX_SECONDS}
    if not file_of:
        raise UserError(
            f"None of the {len(listed):,} tracks of {lists.label} has a usable sound below {root}: "
            f"expected files named like {chosen[0].path if chosen else '14/214.mp3'}."
            f"{first_reason(unreadable + too_long + bad_lines)}"
        )
    class_of = _class_names(file_of)
    classes = list(class_of.values())
    hidden = template_texts.withheld(classes, request.seed)
    found = [_track(one, file, class_of, hidden, request.seed) for one, file in file_of.items()]
    assignments = _assignments(lists, list(file_of), request)
    tag_set = lists.name.rpartition("autotagging")[2].strip("_") or "all tags"
    return Ingested(
        card=replace(CARD, title=f"{CARD.title}: {tag_set}"),
        items=items.table(tracks.rows(found, assignments[0])),
        splits=items.split_table(assignments),
        classes=classes,
        paired_by="clip",
        root=str(root),
        notes=[
            f"{lists.label} lists {len(listed):,} tracks; {len(file_of):,} of them are in this "
            "study.",
            *template_texts.tag_notes(classes, hidden),
            _split_note(lists),
        ],
        rejected=[
            *bad_lines,
            *media_files.missing(absent, f"tracks in {lists.label}", "audio"),
            *too_long,
            *unreadable,
        ],
        scored=classes,
        descriptions=_descriptions(class_of),
        tag_list=tag_set,
    )


# -- lists ---------------------------------------------------------------------------------------


def _root(path: Path) -> Path:
    """The folder with the sounds: above a list, skipping folders that hold only lists."""
    if path.is_dir():
        return path
    folder = path.parent
    while BELOW_SOUND.fullmatch(folder.name) and folder.parent != folder:
        folder = folder.parent
    return folder


def _lists_of(path: Path) -> TrackLists:
    """The list at this path, and the other parts of its split beside it."""
    if not _is_list(path):
        raise UserError(
            f"{path} is not a list of tracks: expected a .tsv file that begins with the columns "
            f"{', '.join(COLUMNS)}."
        )
    name, part = _parted(path)
    parts = {one: path.with_name(f"{name}-{one}.tsv") for one in SUBSETS}
    there = {one: file for one, file in parts.items() if file.is_file()}
    return TrackLists(name, there or {part: path})


def _choose(root: Path) -> TrackLists:
    """The lists in a folder: a published split before a single list, split 0, the top 50."""
    by_place: dict[tuple[str, str], dict[str, Path]] = {}
    for file in media_files.listing(root):
        path = root / file
        if file.lower().endswith(".tsv") and _is_list(path):
            name, part = _parted(path)
            by_place.setdefault((str(path.parent), name), {})[part] = path
    found = [(folder, TrackLists(name, parts)) for (folder, name), parts in by_place.items()]
    found = [one for one in found if one[1].is_split] or found
    found = [one for one in found if one[0].endswith("split-0")] or found
    found = [one for one in found if PREFERRED in one[1].name] or found
    if len(found) == 1:
        return found[0][1]
    if not found:
        raise UserError(
            f"{root} has no list of tracks: expected MTG-Jamendo's autotagging*.tsv there, with "
            f"the columns {', '.join(COLUMNS)}."
        )
    files = sorted(str(path) for _, lists in found for path in lists.parts.values())
    raise UserError(
        f"{root} has lists of {len(found)} sets of tags "
        f"({', '.join(sorted({lists.name for _, lists in found}))}): name one of the files, "
        f"e.g. jamendo:{files[0]}."
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


def read(lists: TrackLists) -> tuple[list[ListedTrack], list[Rejected]]:
    """Every track of the lists, and the lines that cannot be read."""
    found: dict[str, ListedTrack] = {}
    rejected: list[Rejected] = []
    for part, path in lists.parts.items():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The list {path.name} cannot be read: {error}.") from error
        for number, line in enumerate(text.splitlines()[1:], start=2):
            if not line.strip():
                continue
            one = _listed_track(line.split("\t"), part)
            if one is None:
                reason = (
                    f"Line {number} of {path.name} is not a track: expected {', '.join(COLUMNS)}, "
                    "separated by tabs."
                )
                rejected.append(Rejected(path.name, "audio", reason))
            elif found.setdefault(one.track, one).part != part:
                raise UserError(
                    f"The track {one.track} is in {lists.name}-{found[one.track].part} and in "
                    f"{lists.name}-{part}: expected every track in one list."
                )
    return list(found.values()), rejected


def _listed_track(fields: list[str], part: str) -> ListedTrack | None:
    if len(fields) < len(COLUMNS) or not fields[0] or not fields[3]:
        return None
    try:
        length_s = float(fields[4])
    except ValueError:
        return None
    if not 0 < length_s < float("inf"):
        return None
    parts = [tag.strip().rpartition("---") for tag in fields[5:] if tag.strip()]
    tags = tuple((kind, name) for kind, _, name in parts)
    return ListedTrack(fields[0], fields[1], fields[2], fields[3], length_s, tags, part)


def _too_long(one: ListedTrack) -> Rejected:
    reason = (
        f"{one.path!r} lasts {one.length_s / 60:.1f} minutes: expected at most "
        f"{limits.MAX_SECONDS / 60:.0f}, so cut it."
    )
    return Rejected(one.path, "audio", reason)


# -- tags and splits -----------------------------------------------------------------------------


def _class_names(listed: Iterable[ListedTrack]) -> dict[Tag, str]:
    """Tag -> class, ordered by kind; a name with two kinds is followed by its kind."""
    tags = sorted({tag for one in listed for tag in one.tags})
    n_kinds = Counter(name for _, name in tags)
    return {(kind, name): name if n_kinds[name] == 1 else f"{name} ({kind})" for kind, name in tags}


def _descriptions(class_of: Mapping[Tag, str]) -> dict[str, str]:
    """Every class as separate words, {} if that changes none."""
    words_of = {label: IN_WORDS.get(name, name) for (_, name), label in class_of.items()}
    return words_of if any(label != words for label, words in words_of.items()) else {}


def _track(
    one: ListedTrack, file: str, class_of: Mapping[Tag, str], hidden: Sequence[str], seed: int
) -> MusicTrack:
    named: dict[str, list[str]] = {}
    for kind, name in one.tags:
        if class_of[kind, name] not in hidden:
            named.setdefault(kind, []).append(IN_WORDS.get(name, name))
    return MusicTrack(
        clip_id=one.track,
        path=file,
        labels=tuple(class_of[tag] for tag in one.tags),
        captions=template_texts.of_tags(named, one.track, seed),
        length_s=one.length_s,
        facts={"artist": one.artist, "album": one.album},
    )


def _assignments(
    lists: TrackLists, listed: Sequence[ListedTrack], request: Request
) -> Sequence[Mapping[str, str]]:
    """The published split, the same each time; otherwise random splits by artist."""
    if lists.is_split:
        return splits.given({one.track: SUBSETS[one.part] for one in listed}, request)
    return splits.by_group({one.track: one.artist for one in listed}, TEST_SHARE, request)


def _split_note(lists: TrackLists) -> str:
    if lists.is_split:
        return (
            f"The split is the published one of {lists.name}: spaces are trained on train and "
            "validation, and tested on test (Seth 2022 §V-B)."
        )
    return (
        f"{', '.join(path.name for path in lists.parts.values())} is not a complete split, so a "
        "fifth of the tracks was drawn for testing, with no artist on both sides. The published "
        "numbers are for the published splits."
    )
