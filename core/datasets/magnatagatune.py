"""`magnatagatune:FOLDER`: MagnaTagATune, half-minute clips with the tags of a game's players.

    python -m precompute all --dataset magnatagatune:FOLDER --audio hcnn --text bert

Below FOLDER lie `annotations_final.csv` (clip_id, 188 tags, mp3_path, separated by tabs), if
wanted `clip_info_final.csv` (artists and titles), and the clips in their sixteen folders `0` to
`f`, wherever these are.

Tags are the 50 most frequent ones. The split is the usual one by folder, 0 to b and c to train, d
to f to test; clips with none of the 50 tags are left out, as are three files that hold nothing.
That is the split of S §V-C (Lee et al. 2017; Won et al. 2020), whose files are not read.

`--size N` takes no more than N clips, at random.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.datasets import tag_captions, tracks
from core.datasets.audioset.clips import listing
from core.datasets.base import Card, Ingested, ParallelMap, Rejected, Request
from core.datasets.tracks import Track
from core.errors import UserError
from core.store import Draft

ANNOTATIONS, CLIP_INFO = "annotations_final.csv", "clip_info_final.csv"
N_TAGS = 50
TEST_FOLDERS = frozenset("def")
FOLDERS = frozenset("0123456789abcdef")
DAMAGED = {  # files without a byte of sound, in every copy of the collection
    "6/norine_braun-now_and_zen-08-gently-117-146",
    "8/jacob_heringman-josquin_des_prez_lute_settings-19-gintzler__pater_noster-204-233",
    "9/american_baroque-dances_and_suites_of_rameau_and_couperin-25-"
    "le_petit_rien_xiveme_ordre_couperin-88-117",
}
FACTS = ("artist", "album", "title")

CARD = Card(
    name="magnatagatune",
    title="MagnaTagATune",
    licence="CC BY-NC-SA 3.0",
    citation=(
        "Law, West, Mandel, Bay, Downie: Evaluation of algorithms using games: the case of music "
        "tagging (ISMIR 2009)"
    ),
    description=(
        "Clips of 29 seconds with the 50 most frequent tags. The texts are sentences made of each "
        "clip's tags, all 188 of them."
    ),
)


@dataclass(frozen=True)
class Annotations:
    """Who was given which tags: `applies` (n, t) bool, rows as `clip_ids` and `paths`."""

    clip_ids: list[str]
    paths: list[str]
    tags: list[str]
    applies: np.ndarray

    def row(self, number: int) -> list[str]:
        return [self.tags[column] for column in np.flatnonzero(self.applies[number])]


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file, and how many clips are asked for."""
    root = request.spec.root()
    return {
        "root": str(root),
        "files": tracks.files_digest(root),
        "size": request.size,
        "version": 1,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read the annotations, find the clips, and make a sentence of every clip's tags.

    Raises
    ------
    UserError
        The annotations are not there or cannot be read, or no clip of them has a file.
    """
    root = request.spec.root()
    listed = [file.path for file in listing(root)]
    annotated = _annotations(root, _nearest(listed, ANNOTATIONS))
    classes = _most_frequent(annotated)
    columns = [annotated.tags.index(tag) for tag in classes]
    tagged = np.flatnonzero(annotated.applies[:, columns].any(axis=1)).tolist()
    wanted = tracks.some(tagged, request)
    places = tracks.by_key(tracks.sounds(root))
    there, absent, damaged = [], [], []
    for row in wanted:
        path = annotated.paths[row]
        if tracks.key_of(path) in DAMAGED:
            damaged.append(Rejected(path, "audio", tracks.damage(path)))
        elif tracks.key_of(path) in places:
            there.append(row)
        else:
            absent.append(path)
    file_of = {row: places[tracks.key_of(annotated.paths[row])] for row in there}
    usable, unreadable = tracks.look(root, list(file_of.values()), (), draft, run)
    there = [row for row in there if file_of[row] in usable]
    if not there:
        first = f" The first reason: {unreadable[0].reason}" if unreadable else ""
        raise UserError(
            f"None of the {len(wanted):,} tagged clips has sound below {root}: expected files "
            f"named like {absent[0] if absent else '0/….mp3'}.{first}"
        )
    hidden = tag_captions.withheld(classes, request.seed)
    info = _clip_info(root, listed)
    found = [
        _track(annotated, row, file_of[row], classes, hidden, info, request.seed) for row in there
    ]
    subset_of = {track.clip_id: _subset(track.facts["folder"]) for track in found}
    return Ingested(
        card=CARD,
        items=items.table(tracks.rows(found, subset_of)),
        splits=items.split_table([subset_of] * (request.splits or 1)),
        classes=classes,
        paired_by="clip",
        root=str(root),
        notes=[
            f"Of {len(annotated.clip_ids):,} annotated clips {len(tagged):,} have one of the "
            f"{len(classes)} most frequent tags; {len(there):,} of these are in this study.",
            *tag_captions.notes(classes, hidden),
            *_notes(found, subset_of),
        ],
        rejected=[*damaged, *tracks.tell_absent(absent, ANNOTATIONS), *unreadable],
        scored=classes,
    )


def _nearest(listed: Sequence[str], name: str) -> str | None:
    """The file of this name that is nearest to the root."""
    found = [path for path in listed if path.rpartition("/")[2].lower() == name]
    return min(found, key=lambda path: (path.count("/"), path), default=None)


def _annotations(root: Path, path: str | None) -> Annotations:
    if path is None:
        raise UserError(
            f"{root} holds no {ANNOTATIONS}: expected MagnaTagATune's table of clips and tags."
        )
    frame = _table(root / path, ANNOTATIONS)
    columns = frame.columns.tolist()
    if len(columns) < 3 or columns[0] != "clip_id" or columns[-1] != "mp3_path":
        raise UserError(
            f"The table {ANNOTATIONS} has the columns {columns[:3]} … {columns[-1:]}: expected "
            "clip_id, the tags, and mp3_path, separated by tabs."
        )
    frame = frame[frame["mp3_path"].str.contains("/")].drop_duplicates("clip_id")
    return Annotations(
        frame["clip_id"].tolist(),
        frame["mp3_path"].tolist(),
        columns[1:-1],
        frame[columns[1:-1]].to_numpy() == "1",
    )


def _table(path: Path, name: str) -> pd.DataFrame:
    """A table as text, whatever stands in it."""
    try:
        return pd.read_csv(
            path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_MINIMAL
        )
    except (ValueError, OSError, UnicodeDecodeError) as error:
        words = " ".join(str(error).split())[:200]
        raise UserError(f"The table {name} cannot be read: {words}") from error


def _most_frequent(annotated: Annotations) -> list[str]:
    """The 50 tags that most clips bear, in that order."""
    counts = annotated.applies.sum(axis=0)
    order = np.argsort(-counts, kind="stable")[:N_TAGS]
    return [annotated.tags[column] for column in order if counts[column] > 0]


def _clip_info(root: Path, listed: Sequence[str]) -> dict[str, dict[str, str]]:
    """Clip -> artist, album and title, where the table of them is there and can be read."""
    path = _nearest(listed, CLIP_INFO)
    if path is None:
        return {}
    try:
        frame = _table(root / path, CLIP_INFO)
    except UserError:
        return {}  # names to show, and no more
    known = [name for name in FACTS if name in frame.columns]
    if "clip_id" not in frame.columns:
        return {}
    rows = frame.drop_duplicates("clip_id").set_index("clip_id")[known].to_dict("index")
    return {str(clip_id): {str(k): str(v) for k, v in row.items()} for clip_id, row in rows.items()}


def _track(
    annotated: Annotations,
    row: int,
    path: str,
    classes: Sequence[str],
    hidden: Sequence[str],
    info: Mapping[str, Mapping[str, str]],
    seed: int,
) -> Track:
    tags = annotated.row(row)
    clip_id = annotated.clip_ids[row]
    caption = tag_captions.of_tags({"": [tag for tag in tags if tag not in hidden]}, clip_id, seed)
    return Track(
        clip_id=clip_id,
        path=path,
        labels=tuple(tag for tag in tags if tag in classes),
        captions=(caption,) if caption else (),
        facts={"folder": annotated.paths[row].split("/")[-2].lower(), **info.get(clip_id, {})},
    )


def _subset(folder: str) -> str:
    return tracks.TESTED if folder in TEST_FOLDERS else tracks.TRAINED


def _notes(found: Sequence[Track], subset_of: Mapping[str, str]) -> list[str]:
    notes = [
        "The split is by folder, 0 to c to train spaces with and d to f to test, without clips "
        "that have none of the tags (Seth 2022 §V-C: 4,331 clips to test)."
    ]
    artists: dict[str, set[str]] = {tracks.TRAINED: set(), tracks.TESTED: set()}
    for track in found:
        artists[subset_of[track.clip_id]].add(track.facts.get("artist", ""))
    both = (artists[tracks.TRAINED] & artists[tracks.TESTED]) - {""}
    if both:
        n_known = sum(
            track.facts.get("artist") in both and subset_of[track.clip_id] == tracks.TESTED
            for track in found
        )
        notes.append(
            f"{n_known:,} clips to test are by one of {len(both):,} artists who are among those to "
            "train, too: the usual split does not keep artists apart."
        )
    return notes
