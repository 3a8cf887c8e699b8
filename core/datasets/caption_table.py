"""The table of a `captions` dataset: its rows as clips, and the sound files of the clips.

The columns are described in `captions`. A row that cannot be used is rejected with its number and
the reason; the other rows are kept.
"""

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.datasets import media_files, table_file, tracks
from core.datasets.audioset import clips
from core.datasets.base import Rejected
from core.datasets.splits import TESTED, TRAINED
from core.errors import UserError
from core.files import leaves_root

COLUMNS = {  # any of these names, the first one that is there
    "caption": ("caption", "text"),
    "path": ("path", "file_name", "file"),
    "tags": ("aspect_list", "labels", "tags"),
    "split": ("split", "subset"),
}
SUBSETS = {
    **dict.fromkeys(("train", "training", "dev", "development"), TRAINED),
    **dict.fromkeys(("val", "valid", "validation", "translation"), TRAINED),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), TESTED),
}
MAX_CHARACTERS = 5_000  # of one caption


@dataclass(frozen=True)
class CaptionTable:
    """A table: `rows` has the columns `sound, caption, start_s, duration_s, tags, split, problem`.

    `sound` is a path if `by_path`, otherwise a YouTube id. `problem` is a sentence about a row
    with a value of another kind, "" if there is none.
    """

    path: Path
    rows: pd.DataFrame
    by_path: bool
    is_musiccaps: bool


@dataclass
class CaptionedClip:
    """A sound of the table: its path, or its YouTube id until the file is found; and its rows."""

    clip_id: str
    path: str
    start_s: float | None = None
    duration_s: float | None = None
    captions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    subset: str = ""
    may_be_whole: bool = False  # whether the file may be the whole video; its length shows it


def read(path: Path) -> CaptionTable:
    """The table at this path, or the only table with captions in this folder."""
    if path.is_dir():
        path = _only_table(path)
    rows = table_file.read_rows(path, "captions:PATH")
    name_of = {name: _column(rows, name) for name in COLUMNS}
    by_path = bool(name_of["path"])
    if not name_of["caption"] or not (by_path or {"ytid", "start_s"} <= set(rows.columns)):
        raise UserError(
            f"The table {path.name} has the columns {list(rows.columns)}: expected `caption`, and "
            "`path`, or `ytid` and `start_s`."
        )
    sound = name_of["path"] or "ytid"
    kinds = {
        sound: table_file.path,
        name_of["caption"]: _caption,
        "start_s": table_file.number,
        "duration_s": table_file.number,
        "end_s": table_file.number,
        name_of["tags"] or "tags": _tags,
        name_of["split"] or "split": table_file.name,
    }
    cells, problems = table_file.checked(rows, kinds, path.name)
    starts, lengths, ends = (
        cells[name].astype(float) for name in ("start_s", "duration_s", "end_s")
    )
    known = {
        "sound": cells[sound],
        "caption": cells[name_of["caption"]],
        "start_s": starts,
        "duration_s": lengths.fillna(ends - starts),
        "tags": cells[name_of["tags"] or "tags"],
        "split": cells[name_of["split"] or "split"],
        "problem": problems,
    }
    is_musiccaps = {"ytid", "aspect_list", "caption"} <= set(rows.columns)
    return CaptionTable(path, pd.DataFrame(known), by_path, is_musiccaps)


def _only_table(folder: Path) -> Path:
    tables = sorted(file for file in folder.iterdir() if file.suffix.lower() in table_file.READERS)
    found = [file for file in tables if file.is_file() and _has_captions(file)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} tables with captions ({', '.join(file.name for file in found)})"
    raise UserError(
        f"{folder} has {what if found else 'no table with a column `caption`'}: expected one, or "
        f"its name in captions:{folder}/TABLE.csv."
    )


def _has_captions(path: Path) -> bool:
    try:
        return bool(_column(table_file.read_rows(path, "captions:PATH"), "caption"))
    except UserError:
        return False


def _column(rows: pd.DataFrame, name: str) -> str:
    return next((column for column in COLUMNS[name] if column in rows.columns), "")


def clips_of(table: CaptionTable) -> tuple[list[CaptionedClip], list[Rejected]]:
    """The clips of a table, each with all its captions; and the rows that cannot be used."""
    found: dict[str, CaptionedClip] = {}
    rejected: list[Rejected] = []
    for number, row in enumerate(table.rows.to_dict("records"), start=1):
        where = f"Row {number} of {table.path.name}"
        sound, start_s, duration_s = row["sound"], row["start_s"], row["duration_s"]
        reason = _reason(sound, row["caption"], table.by_path, start_s, duration_s)
        if row["problem"] or reason:
            said = row["problem"] or f"{where} {reason}."
            rejected.append(Rejected(sound or table.path.name, "text", said))
            continue
        if not table.by_path:
            clip_id = clips.clip_id(sound, start_s)
        elif np.isnan(start_s):
            clip_id, duration_s = sound, np.nan
        else:
            clip_id = f"{sound}@{start_s:g}"
        if clip_id not in found:
            start, part = (None if np.isnan(x) else x for x in (start_s, duration_s))
            found[clip_id] = CaptionedClip(clip_id, sound, start, part)
        clip = found[clip_id]
        clip.captions.append(row["caption"])
        clip.tags += [tag for tag in row["tags"] if tag not in clip.tags]
        clip.subset = _subset(clip, row["split"], where)
    return list(found.values()), rejected


def _caption(cell: Any) -> str:
    return " ".join(table_file.text(cell).split())


def _reason(sound: str, caption: str, by_path: bool, start_s: float, duration_s: float) -> str:
    """Why a row cannot be used, "" if it can."""
    if not sound:
        return "names no sound: expected its path or its YouTube id"
    if not caption:
        return "has no caption: expected at least one word"
    if len(caption) > MAX_CHARACTERS:
        return f"has a caption of {len(caption):,} characters: expected at most {MAX_CHARACTERS:,}"
    if by_path and leaves_root(sound):
        return f"has the path {sound!r}, which leaves the table's folder: put the file below it"
    if not by_path and np.isnan(start_s):
        return "has no start_s: expected seconds into the video"
    if start_s < 0 or duration_s <= 0:
        return (
            f"starts at second {start_s:g} and lasts {duration_s:g} s: expected a start of 0 or "
            "more and a length above 0"
        )
    return ""


def _tags(value: Any) -> list[str]:
    """The tags in a cell, in lower case: names as in other tables, or a list written as text."""
    if isinstance(value, str) and table_file.text(value).strip().startswith("["):
        for read in (ast.literal_eval, json.loads):
            try:
                parts = read(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(parts, list):
                value = parts
                break
    return list(dict.fromkeys(" ".join(name.lower().split()) for name in table_file.names(value)))


def _subset(clip: CaptionedClip, value: str, where: str) -> str:
    named = value.strip().lower()
    if not named:
        return clip.subset
    if named not in SUBSETS:
        raise UserError(f"{where} has the split {named!r}: expected one of {', '.join(SUBSETS)}.")
    subset = SUBSETS[named]
    if clip.subset and clip.subset != subset:
        raise UserError(
            f"The clip {clip.clip_id!r} is in {clip.subset} and {subset}: expected all rows of a "
            "sound in one split."
        )
    return subset


# -- sounds --------------------------------------------------------------------------------------


def sounds_digest(table: CaptionTable) -> str:
    """A digest of the sound files: those that the table names, or all below the folder."""
    root = table.path.parent
    if not table.by_path:
        return media_files.digest(root, media_files.listing(root))
    named = sorted(set(table.rows["sound"]))
    there = [name for name in named if not leaves_root(name) and (root / name).is_file()]
    return media_files.digest(root, there)


def present(
    listed: Sequence[CaptionedClip], table: CaptionTable
) -> tuple[list[CaptionedClip], list[str]]:
    """The clips with a file, and the names of the others.

    For clips found by YouTube id, `path` becomes that of the file, and `start_s` becomes 0 if the
    file's name says that it starts with the clip.
    """
    root = table.path.parent
    if table.by_path:
        is_there = {path: (root / path).is_file() for path in {clip.path for clip in listed}}
        absent = [path for path, found in is_there.items() if not found]
        return [clip for clip in listed if is_there[clip.path]], sorted(absent)
    files = _match(listed, root)
    there = [
        replace(
            listed[row],
            path=files[row].paths[0],
            start_s=0.0 if files[row].cut else listed[row].start_s,
            may_be_whole=not files[row].cut,
        )
        for row in sorted(files)
    ]
    return there, [clip.clip_id for row, clip in enumerate(listed) if row not in files]


def _match(listed: Sequence[CaptionedClip], root: Path) -> dict[int, clips.SegmentFiles]:
    """Row in `listed` -> the files of its YouTube id, which several clips may share."""
    table = pd.DataFrame(
        {
            "ytid": [clip.path for clip in listed],
            "start_s": [clip.start_s for clip in listed],
            "end_s": [(clip.start_s or 0.0) + (clip.duration_s or 0.0) for clip in listed],
        }
    )
    paths = tracks.sounds(root)
    found: dict[int, clips.SegmentFiles] = {}
    for _, rows in table.groupby(table.groupby("ytid").cumcount()):  # each id once in each group
        matched, _ = clips.match(rows.reset_index(drop=True), paths)
        found |= {int(rows.index[files.row]): files for files in matched}
    return found


def settled(clip: CaptionedClip, length_s: float | None) -> CaptionedClip:
    """The clip with its start in its file, now that the file's length is known."""
    if not clip.may_be_whole or length_s is None or clip.start_s is None:
        return clip
    return replace(
        clip, start_s=clips.start_in_file(clip.start_s, clip.duration_s or 0.0, length_s)
    )
