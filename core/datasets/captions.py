"""`captions:PATH`: sounds with captions, listed in a table such as that of MusicCaps.

    python -m precompute all --dataset captions:FOLDER --audio hcnn --text bert
    python -m precompute all --dataset captions:FOLDER/musiccaps-public.csv

PATH is a CSV, TSV, Parquet or JSONL table, or a folder with one. Each row is a caption of a sound;
rows of the same sound are one clip. Columns:

=========================================  =====================================================
`caption` or `text`                        the words (required)
`path`, `file_name` or `file`              the sound file, relative to the table
`ytid` with `start_s` and `end_s`          or its YouTube id: `<ytid>.*` or `<ytid>_<start>.*`,
                                           anywhere below the table's folder (MusicCaps)
`start_s`, and `end_s` or `duration_s`     the part of the file at `path` that is used
`split` or `subset`                        train, validation, test
`aspect_list`, `labels` or `tags`          the tags of the sound, a list or `a|b|c`
=========================================  =====================================================

Zero-shot tagging is measured on the 50 most frequent tags. If the table has no split, 10 % of the
recordings are drawn for testing and the rest for training (S §III-D: 75/15/10; the generators
draw their 15 from these 90). Missing sounds are counted and some are named.

`--size N` uses a random N clips.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core import items
from core.datasets import caption_table, media_files, splits, tracks
from core.datasets.base import DatasetCard, Ingested, ParallelMap, Request, first_reason
from core.datasets.caption_table import CaptionedClip
from core.datasets.tracks import MusicTrack
from core.errors import UserError
from core.store import Draft

TEST_SHARE = 0.1  # S §III-D
N_TAGS = 50

CARD = DatasetCard(
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
    """The bytes of the table, the sound files that are there, and the size."""
    table = caption_table.read(request.spec.root())
    return {
        "table": hashlib.sha256(table.path.read_bytes()).hexdigest(),
        "root": str(table.path.parent),
        "name": table.path.name,
        "sounds": caption_table.sounds_digest(table),
        "size": request.size,
        "version": 1,
    }


def ingest(request: Request, draft: Draft, run: ParallelMap) -> Ingested:
    """Read the table, find its sounds, and choose the tags."""
    table = caption_table.read(request.spec.root())
    name, root = table.path.name, table.path.parent
    listed, rejected = caption_table.clips_of(table)
    chosen = tracks.sample(listed, request)
    there, absent = caption_table.present(chosen, table)
    if not there:
        example = (
            chosen[0].path + ("" if table.by_path else ".wav")
            if chosen
            else "the paths in its rows"
        )
        raise UserError(
            f"None of the {len(listed):,} captioned clips of {name} has a sound below {root}: "
            f"expected files named like {example}.{first_reason(rejected)}"
        )
    assignments = _assignments(there, request)
    measured = [
        clip.path
        for clip in there
        if clip.may_be_whole
        or (clip.start_s is None and assignments[0].get(clip.clip_id) == splits.TESTED)
    ]
    files = list(dict.fromkeys(clip.path for clip in there))
    lengths, unreadable = tracks.check(root, files, measured, draft, run)
    usable = [
        caption_table.settled(clip, lengths[clip.path]) for clip in there if clip.path in lengths
    ]
    if not usable:
        raise UserError(
            f"None of the {len(files):,} sounds of {name} can be read: expected sound files."
            f"{first_reason(unreadable)}"
        )
    classes = _most_frequent(usable)
    found = [
        MusicTrack(
            clip_id=clip.clip_id,
            path=clip.path,
            labels=tuple(tag for tag in classes if tag in clip.tags),
            captions=tuple(clip.captions),
            length_s=lengths[clip.path],
            start_s=clip.start_s,
            duration_s=clip.duration_s,
            facts={"tags": clip.tags},
        )
        for clip in usable
    ]
    kept = {clip.clip_id for clip in usable}
    assignments = [
        {clip_id: subset for clip_id, subset in subset_of.items() if clip_id in kept}
        for subset_of in assignments
    ]
    title = f"{CARD.title}: {name}"
    return Ingested(
        card=replace(CARD, **MUSICCAPS) if table.is_musiccaps else replace(CARD, title=title),
        items=items.table(tracks.rows(found, assignments[0])),
        splits=items.split_table(assignments),
        classes=classes,
        paired_by="clip",
        root=str(root),
        notes=_notes(len(listed), usable, classes, len(assignments), name),
        rejected=[
            *rejected,
            *media_files.missing(absent, f"clips in {name}", "audio"),
            *unreadable,
        ],
        scored=classes,
    )


# -- tags, splits, notes -------------------------------------------------------------------------


def _most_frequent(listed: Sequence[CaptionedClip]) -> list[str]:
    """The 50 tags that most clips have, most frequent first."""
    counts = Counter(tag for clip in listed for tag in clip.tags)
    return sorted(counts, key=lambda tag: (-counts[tag], tag))[:N_TAGS]


def _assignments(there: Sequence[CaptionedClip], request: Request) -> Sequence[Mapping[str, str]]:
    """The table's own split, the same each time; otherwise random splits by recording."""
    given = {clip.clip_id: clip.subset for clip in there if clip.subset}
    if given:
        return splits.given(given, request)
    return splits.by_group({clip.clip_id: clip.path for clip in there}, TEST_SHARE, request)


def _notes(
    n_listed: int, there: Sequence[CaptionedClip], classes: Sequence[str], n_repeats: int, name: str
) -> list[str]:
    notes = [f"{name} has captions for {n_listed:,} clips; {len(there):,} of them are used here."]
    if any(clip.subset for clip in there):
        notes.append(
            "The split is the table's own. Spaces are trained on its train and validation clips."
        )
    else:
        notes.append(
            "A tenth of the recordings is drawn for testing, the others for training. Generators "
            "validate with a sixth of these, so the shares are 75/15/10 (Seth 2022 §III-D)."
        )
        if n_repeats > 1 and any(clip.start_s is None for clip in there):
            notes.append(
                "The test recordings of the first split are represented by their middle 30 "
                "seconds, all others by their first 30 seconds, in every split."
            )
    if classes:
        notes.append(
            f"The {len(classes)} most frequent tags are the classes. They also occur in captions, "
            "so a space trained here has seen most of their words."
        )
    else:
        notes.append(
            "The table has no tags (columns aspect_list, labels or tags), so zero-shot tagging is "
            "not measured; retrieval by caption is."
        )
    return notes
