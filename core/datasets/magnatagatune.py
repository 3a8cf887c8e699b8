"""`magnatagatune:FOLDER`: MagnaTagATune, half-minute clips tagged by the players of a game.

    python -m precompute all --dataset magnatagatune:FOLDER --audio hcnn --text bert

Below FOLDER are `annotations_final.csv` (clip_id, 188 tags, mp3_path, separated by tabs), the
clips in their sixteen folders `0` to `f`, anywhere below, and optionally `clip_info_final.csv`
(artists and titles).

The tags are the 50 most frequent ones. The split is the usual one by folder: 0 to c for training
and d to f for testing. Clips with none of the 50 tags are left out, and so are three empty files.
This is the split of S §V-C (Lee et al. 2017; Won et al. 2020); its published files are not needed.

`--size N` uses a random N clips.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import items
from core.datasets import media_files, splits, table_file, template_texts, tracks
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request, first_reason
from core.datasets.tracks import MusicTrack
from core.errors import UserError
from core.store import Draft

ANNOTATIONS, CLIP_INFO = "annotations_final.csv", "clip_info_final.csv"
N_TAGS = 50
TEST_FOLDERS = frozenset("def")
DAMAGED = {  # empty files in every copy of the collection
    "6/norine_braun-now_and_zen-08-gently-117-146",
    "8/jacob_heringman-josquin_des_prez_lute_settings-19-gintzler__pater_noster-204-233",
    "9/american_baroque-dances_and_suites_of_rameau_and_couperin-25-"
    "le_petit_rien_xiveme_ordre_couperin-88-117",
}
FACTS = ("artist", "album", "title")

CARD = DatasetCard(
    name="magnatagatune",
    title="MagnaTagATune",
    licence="CC BY-NC-SA 3.0",
    citation=(
        "Law, West, Mandel, Bay, Downie: Evaluation of algorithms using games: the case of music "
        "tagging (ISMIR 2009)"
    ),
    description=(
        "Clips of 29 seconds with the 50 most frequent tags. The texts are sentences made from "
        "each clip's tags, all 188 of them."
    ),
)


@dataclass(frozen=True)
class Annotations:
    """The tags of each clip: `applies` (n, t) bool, rows as `clip_ids` and `paths`."""

    clip_ids: list[str]
    paths: list[str]
    tags: list[str]
    applies: np.ndarray

    def row(self, number: int) -> list[str]:
        return [self.tags[column] for column in np.flatnonzero(self.applies[number])]


def fingerprint(request: Request) -> Mapping[str, Any]:
    """Paths, sizes and times of every file, and the size."""
    return media_files.fingerprint(request.spec.root(), size=request.size)


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read the annotations, find the clips, and make a sentence from every clip's tags."""
    root = request.spec.root()
    listing = media_files.listing(root)
    annotated = _annotations(root, listing)
    classes = _most_frequent(annotated)
    columns = [annotated.tags.index(tag) for tag in classes]
    tagged = np.flatnonzero(annotated.applies[:, columns].any(axis=1)).tolist()
    chosen = tracks.sample(tagged, request)
    path_of = {row: annotated.paths[row] for row in chosen}
    damaged = [row for row, path in path_of.items() if tracks.key_of(path) in DAMAGED]
    skipped = [tracks.known_damage(path_of.pop(row)) for row in damaged]
    file_of, absent, unreadable = tracks.usable_files(root, path_of, draft, run)
    if not file_of:
        raise UserError(
            f"None of the {len(chosen):,} tagged clips has a usable sound below {root}: expected "
            f"files named like {absent[0] if absent else '0/….mp3'}.{first_reason(unreadable)}"
        )
    hidden = template_texts.withheld(classes, request.seed)
    info = _clip_info(root, listing)
    found = [
        _track(annotated, row, file, classes, hidden, info, request.seed)
        for row, file in file_of.items()
    ]
    subset_of = {track.clip_id: _subset(track.facts["folder"]) for track in found}
    return Ingested(
        card=CARD,
        items=items.table(tracks.rows(found, subset_of)),
        splits=items.split_table(splits.given(subset_of, request)),
        classes=classes,
        paired_by="clip",
        root=str(root),
        notes=[
            f"Of {len(annotated.clip_ids):,} annotated clips {len(tagged):,} have one of the "
            f"{len(classes)} most frequent tags; {len(found):,} of these are in this study.",
            *template_texts.tag_notes(classes, hidden),
            *_notes(found, subset_of),
        ],
        rejected=[
            *skipped,
            *media_files.missing(absent, f"clips in {ANNOTATIONS}", "audio"),
            *unreadable,
        ],
        scored=classes,
    )


def _annotations(root: Path, listing: Sequence[str]) -> Annotations:
    paths = media_files.named(listing, ANNOTATIONS)
    if not paths:
        raise UserError(
            f"{root} has no {ANNOTATIONS}: expected MagnaTagATune's table of clips and tags."
        )
    frame = table_file.read_rows(root / paths[0], "magnatagatune:FOLDER", layout=".tsv")
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


def _most_frequent(annotated: Annotations) -> list[str]:
    """The 50 tags that most clips have, most frequent first."""
    counts = annotated.applies.sum(axis=0)
    order = np.argsort(-counts, kind="stable")[:N_TAGS]
    return [annotated.tags[column] for column in order if counts[column] > 0]


def _clip_info(root: Path, listing: Sequence[str]) -> dict[str, dict[str, str]]:
    """Clip -> artist, album and title; {} if the table of them is missing or cannot be read."""
    paths = media_files.named(listing, CLIP_INFO)
    if not paths:
        return {}
    try:
        frame = table_file.read_rows(root / paths[0], "magnatagatune:FOLDER", layout=".tsv")
    except UserError:
        return {}  # the facts are only shown
    if "clip_id" not in frame.columns:
        return {}
    known = [name for name in FACTS if name in frame.columns]
    info: dict[str, dict[str, str]] = (
        frame.drop_duplicates("clip_id").set_index("clip_id")[known].to_dict("index")
    )
    return info


def _track(
    annotated: Annotations,
    row: int,
    path: str,
    classes: Sequence[str],
    hidden: Sequence[str],
    info: Mapping[str, Mapping[str, str]],
    seed: int,
) -> MusicTrack:
    tags = annotated.row(row)
    clip_id = annotated.clip_ids[row]
    return MusicTrack(
        clip_id=clip_id,
        path=path,
        labels=tuple(tag for tag in tags if tag in classes),
        captions=template_texts.of_tags({"": [t for t in tags if t not in hidden]}, clip_id, seed),
        facts={"folder": annotated.paths[row].split("/")[-2].lower(), **info.get(clip_id, {})},
    )


def _subset(folder: str) -> str:
    return splits.TESTED if folder in TEST_FOLDERS else splits.TRAINED


def _notes(found: Sequence[MusicTrack], subset_of: Mapping[str, str]) -> list[str]:
    notes = [
        "The split is by folder: spaces are trained on 0 to c and tested on d to f, without clips "
        "that have none of the tags (Seth 2022 §V-C: 4,331 clips to test)."
    ]
    artists: dict[str, set[str]] = {splits.TRAINED: set(), splits.TESTED: set()}
    for track in found:
        artists[subset_of[track.clip_id]].add(track.facts.get("artist", ""))
    both = (artists[splits.TRAINED] & artists[splits.TESTED]) - {""}
    if both:
        n_known = sum(
            track.facts.get("artist") in both and subset_of[track.clip_id] == splits.TESTED
            for track in found
        )
        notes.append(
            f"{n_known:,} test clips are by {len(both):,} artists who are also in the training "
            "clips: the usual split does not keep artists apart."
        )
    return notes
