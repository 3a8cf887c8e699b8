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

from core.datasets import media_files, tracks
from core.datasets.audioset import clips
from core.datasets.base import Rejected
from core.datasets.splits import TESTED, TRAINED
from core.datasets.table_file import READERS, is_missing, names_in, numbers, read_rows
from core.errors import UserError
from core.files import leaves_root

CAPTION = ("caption", "text")
FILE = ("path", "file_name", "file")
TAGS = ("aspect_list", "labels", "tags")
SPLIT = ("split", "subset")
SUBSETS = {
    **dict.fromkeys(("train", "training", "dev", "development"), TRAINED),
    **dict.fromkeys(("val", "valid", "validation", "translation"), TRAINED),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), TESTED),
}
MAX_CHARACTERS = 5_000  # of one caption
USAGE = "captions:PATH"


@dataclass
class CaptionedClip:
    """A sound of the table: its file, or its YouTube id until the file is found; and its rows."""

    clip_id: str
    path: str
    start_s: float | None = None
    duration_s: float | None = None
    captions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    subset: str = ""
    may_be_whole: bool = False  # whether the file may be the whole video; its length shows it


def table_of(path: Path) -> Path:
    """The table itself, or the only table with captions in a folder."""
    if not path.is_dir():
        return path
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in READERS)
    found = [file for file in tables if file.is_file() and _has_captions(file)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} tables with captions ({', '.join(file.name for file in found)})"
    raise UserError(
        f"{path} has {what if found else 'no table with a column `caption`'}: expected one, or its "
        f"name in captions:{path}/TABLE.csv."
    )


def _has_captions(path: Path) -> bool:
    try:
        return _column(read_rows(path, USAGE), CAPTION) is not None
    except UserError:
        return False


def _column(rows: pd.DataFrame, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in rows.columns), None)


def _is_youtube(rows: pd.DataFrame) -> bool:
    return _column(rows, FILE) is None and "ytid" in rows.columns


def clips_of(rows: pd.DataFrame, path: Path) -> tuple[list[CaptionedClip], list[Rejected]]:
    """The clips of a table, each with all its captions; and the rows that cannot be used."""
    words, file = _column(rows, CAPTION), _column(rows, FILE)
    if words is None or (file is None and not {"ytid", "start_s"} <= set(rows.columns)):
        raise UserError(
            f"The table {path.name} has the columns {list(rows.columns)}: expected `caption`, and "
            "`path`, or `ytid` and `start_s`."
        )
    split, tags = _column(rows, SPLIT), _column(rows, TAGS)
    starts = numbers(rows, "start_s")
    lengths = numbers(rows, "duration_s").fillna(numbers(rows, "end_s") - starts)
    found: dict[str, CaptionedClip] = {}
    rejected: list[Rejected] = []
    for number, row in enumerate(rows.to_dict("records")):
        where = f"Row {number + 1} of {path.name}"
        caption, named = " ".join(_text(row[words]).split()), _text(row[file or "ytid"])
        start_s, duration_s = float(starts.iloc[number]), float(lengths.iloc[number])
        reason = _reason(named, caption, bool(file), start_s, duration_s)
        if reason:
            rejected.append(Rejected(named or path.name, "text", f"{where} {reason}."))
            continue
        if file is None:
            clip_id = clips.clip_id(named, start_s)
        else:
            clip_id = named if np.isnan(start_s) else f"{named}@{start_s:g}"
        if clip_id not in found:
            part = None if np.isnan(start_s) and file else _or_none(duration_s)
            found[clip_id] = CaptionedClip(clip_id, named, _or_none(start_s), part)
        clip = found[clip_id]
        clip.captions.append(caption)
        clip.tags += [tag for tag in _tags(row[tags]) if tag not in clip.tags] if tags else []
        clip.subset = _subset(clip, _text(row[split]) if split else "", where)
    return list(found.values()), rejected


def _text(value: Any) -> str:
    return "" if is_missing(value) else str(value)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def _reason(named: str, caption: str, by_path: bool, start_s: float, duration_s: float) -> str:
    """Why a row cannot be used, "" if it can."""
    if not named:
        return "names no sound: expected its path or its YouTube id"
    if not caption:
        return "has no caption: expected at least one word"
    if len(caption) > MAX_CHARACTERS:
        return f"has a caption of {len(caption):,} characters: expected at most {MAX_CHARACTERS:,}"
    if by_path and leaves_root(named):
        return f"has the path {named!r}, which leaves the table's folder: put the file below it"
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
    if is_missing(value):
        return []
    if isinstance(value, str) and value.strip().startswith("["):
        for read in (ast.literal_eval, json.loads):
            try:
                parts = read(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(parts, list):
                value = parts
                break
    return list(dict.fromkeys(" ".join(name.lower().split()) for name in names_in(value)))


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


def sounds_digest(rows: pd.DataFrame, root: Path) -> str:
    """A digest of the sound files: those that the table names, or all below the folder."""
    if _is_youtube(rows):
        return media_files.digest(root, media_files.listing(root))
    column = _column(rows, FILE)
    named = sorted(set(rows[column].astype(str))) if column else []
    there = [name for name in named if not leaves_root(name) and (root / name).is_file()]
    return media_files.digest(root, there)


def present(
    listed: Sequence[CaptionedClip], rows: pd.DataFrame, root: Path
) -> tuple[list[CaptionedClip], list[str]]:
    """The clips with a file, and the names of the others.

    For clips found by YouTube id, `path` becomes that of the file, and `start_s` becomes 0 if the
    file's name says that it starts with the clip.
    """
    if not _is_youtube(rows):
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


def example(rows: pd.DataFrame, listed: Sequence[CaptionedClip]) -> str:
    """A file name for the error message that no file was found."""
    if not listed:
        return "the paths in its rows, none of which can be used"
    return f"{listed[0].path}.wav" if _is_youtube(rows) else listed[0].path
