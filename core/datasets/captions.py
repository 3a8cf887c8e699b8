"""`captions:PATH`: sounds with captions, listed in a table; MusicCaps' layout included.

    python -m precompute all --dataset captions:FOLDER --audio hcnn --text bert
    python -m precompute all --dataset captions:FOLDER/musiccaps-public.csv

PATH is a CSV, TSV, Parquet or JSONL table, or a folder with one. A row is a caption of a sound;
rows of one sound are one clip. Columns, of those that are there:

=========================================  =====================================================
`caption` or `text`                        the words (required)
`path`, `file_name` or `file`              the sound's file, relative to the table
`ytid` with `start_s` and `end_s`          or its YouTube id: `<ytid>.*` or `<ytid>_<start>.*`
                                           anywhere below the table's folder (MusicCaps)
`start_s`, and `end_s` or `duration_s`     the stretch of the file at `path` that is meant
`split` or `subset`                        train, validation, test
`aspect_list`, `labels` or `tags`          what the sound is tagged with, a list or `a|b|c`
=========================================  =====================================================

The 50 most frequent tags are what zero-shot tagging is measured on. Without a split of the table's
own, clips are drawn as S has it (§III-D): 75 % to train, 15 % to validate, which is drawn inside
of training here, and 10 % to test. Sounds that are not there are counted, and some of them listed.

`--size N` takes no more than N clips, at random.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.datasets import caption_table, tracks
from core.datasets.base import Card, Ingested, ParallelMap, Request, n_splits
from core.datasets.caption_table import Clip
from core.datasets.table import read_rows
from core.datasets.tracks import Track
from core.errors import UserError
from core.store import Draft

TEST_SHARE = 0.1  # S §III-D: 75/15/10, of which 15 is drawn inside of training
N_TAGS = 50

CARD = Card(
    name="captions",
    title="Sounds with captions",
    licence="as the table's owner gave it (MusicCaps: CC BY-SA 4.0)",
    citation="",
    description="Sounds and the captions that a table gives them.",
)
MUSICCAPS = {
    "title": "MusicCaps",
    "citation": "Agostinelli et al.: MusicLM: Generating music from text (arXiv:2301.11325, 2023)",
    "licence": "captions CC BY-SA 4.0 (Google); each clip as its owner gave it",
}


def fingerprint(request: Request) -> Mapping[str, Any]:
    """The table's own bytes, the sounds that it names as far as they are there, and the size."""
    path = caption_table.table_of(request.spec.root())
    rows = read_rows(path, "captions:PATH")
    return {
        "table": hashlib.sha256(path.read_bytes()).hexdigest(),
        "root": str(path.parent),
        "name": path.name,
        "sounds": caption_table.sounds_digest(rows, path.parent),
        "size": request.size,
        "version": 1,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read the table, find its sounds, and choose the tags.

    Raises
    ------
    UserError
        There is no table, or several; it cannot be read or lacks a column; a clip is in two
        subsets; or no clip of it has a sound.
    """
    path = caption_table.table_of(request.spec.root())
    rows = read_rows(path, "captions:PATH")
    listed, rejected = caption_table.clips_of(rows, path)
    n_listed = len(listed)
    listed = tracks.some(listed, request)
    root = path.parent
    there, absent = caption_table.present(listed, rows, root)
    rejected += tracks.tell_absent(absent, path.name)
    if not there:
        raise UserError(
            f"None of the {n_listed:,} captioned clips of {path.name} has its sound below {root}: "
            f"expected files named like {caption_table.example(rows, listed)}."
        )
    assignments = _assignments(there, request)
    measured = [
        clip.path
        for clip in there
        if clip.uncut
        or (clip.start_s is None and assignments[0].get(clip.clip_id) == tracks.TESTED)
    ]
    files = list(dict.fromkeys(clip.path for clip in there))
    lengths, unreadable = tracks.look(root, files, measured, draft, run)
    there = [
        caption_table.settled(clip, lengths[clip.path]) for clip in there if clip.path in lengths
    ]
    if not there:
        raise UserError(
            f"None of the {len(files):,} sounds of {path.name} can be read. The first reason: "
            f"{unreadable[0].reason}"
        )
    classes = _most_frequent(there)
    found = [
        Track(
            clip_id=clip.clip_id,
            path=clip.path,
            labels=tuple(tag for tag in classes if tag in clip.tags),
            captions=tuple(clip.captions),
            length_s=lengths[clip.path],
            start_s=clip.start_s,
            duration_s=clip.duration_s,
            facts={"tags": clip.tags},
        )
        for clip in there
    ]
    usable = {clip.clip_id for clip in there}
    assignments = [
        {clip_id: subset for clip_id, subset in subset_of.items() if clip_id in usable}
        for subset_of in assignments
    ]
    return Ingested(
        card=_card(rows, path),
        items=items.table(tracks.rows(found, assignments[0])),
        splits=items.split_table(assignments),
        classes=classes,
        paired_by="clip",
        root=str(root),
        notes=_notes(n_listed, there, classes, len(assignments), path.name),
        rejected=[*rejected, *unreadable],
        scored=classes,
    )


# -- tags, splits, notes -------------------------------------------------------------------------


def _most_frequent(listed: Sequence[Clip]) -> list[str]:
    """The 50 tags that most clips bear, in that order."""
    counts = Counter(tag for clip in listed for tag in clip.tags)
    return sorted(counts, key=lambda tag: (-counts[tag], tag))[:N_TAGS]


def _assignments(there: Sequence[Clip], request: Request) -> list[dict[str, str]]:
    """The table's own split, the same in every repetition; else random ones by recording."""
    if any(clip.subset for clip in there):
        given = {clip.clip_id: clip.subset for clip in there if clip.subset}
        return [given] * (request.splits or 1)
    recording_of = {clip.clip_id: clip.path for clip in there}
    return [
        tracks.draw(recording_of, TEST_SHARE, np.random.default_rng([request.seed, split]))
        for split in range(n_splits(request, 2 * len(there)))
    ]


def _card(rows: pd.DataFrame, path: Path) -> Card:
    if {"ytid", "aspect_list", "caption"} <= set(rows.columns):
        return replace(CARD, **MUSICCAPS)
    return replace(CARD, title=f"{CARD.title}: {path.name}")


def _notes(
    n_listed: int, there: Sequence[Clip], classes: Sequence[str], n_repeats: int, name: str
) -> list[str]:
    notes = [
        f"{n_listed:,} clips are captioned in {name}; {len(there):,} of them are in this study."
    ]
    if any(clip.subset for clip in there):
        notes.append("The split is the table's own; its train and validation clips both train.")
    else:
        notes.append(
            "A tenth of the recordings is drawn to test, the others train (Seth 2022 §III-D: "
            "75/15/10, where the 15 are drawn inside of training)."
        )
        if n_repeats > 1 and any(clip.start_s is None for clip in there):
            notes.append(
                "Of recordings over 30 seconds, those to test in the first split are heard in the "
                "middle, and all others at the beginning, in every split."
            )
    if classes:
        notes.append(
            f"The {len(classes)} most frequent tags are the classes. They occur in captions, too, "
            "so a space that was trained here has seen most of their words."
        )
    else:
        notes.append(
            "The table has no tags (columns aspect_list, labels or tags), so there is nothing to "
            "measure zero-shot tagging on; retrieval by caption is measured."
        )
    return notes
