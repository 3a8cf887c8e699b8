"""A table of captioned sounds: its columns, its rows to clips, and the files that belong to them.

The columns are those that `captions` describes. A row that cannot be taken in is rejected with
its number and its reason; the others stand.
"""

import ast
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.datasets import tracks
from core.datasets.audioset import clips
from core.datasets.base import Rejected
from core.datasets.table import READERS, labels_of, read_rows
from core.errors import UserError
from core.files import leaves_root

WORDS = ("caption", "text")
FILES = ("path", "file_name", "file")
TAGS = ("aspect_list", "labels", "tags")
SPLITS = ("split", "subset")
SUBSETS = {
    **dict.fromkeys(("train", "training", "dev", "development"), tracks.TRAINED),
    **dict.fromkeys(("val", "valid", "validation", "translation"), tracks.TRAINED),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), tracks.TESTED),
}
MAX_CHARACTERS = 5_000  # of one caption


@dataclass
class Clip:
    """A sound of the table: where it should lie, and what its rows say of it."""

    clip_id: str
    path: str
    start_s: float | None = None
    duration_s: float | None = None
    captions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    subset: str = ""
    uncut: bool = False  # whether only the file's length tells that it begins with the clip


def table_of(path: Path) -> Path:
    """The table itself, or the only one with captions in a folder."""
    if not path.is_dir():
        return path
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in READERS)
    found = [file for file in tables if file.is_file() and _has_captions(file)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} tables with captions ({', '.join(file.name for file in found)})"
    raise UserError(
        f"{path} holds {what if found else 'no table with a column `caption`'}: expected one, or "
        f"its name in captions:{path}/TABLE.csv."
    )


def _has_captions(path: Path) -> bool:
    try:
        return _column(read_rows(path, "captions:PATH"), WORDS) is not None
    except UserError:
        return False


def _column(rows: pd.DataFrame, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in rows.columns), None)


def _is_youtube(rows: pd.DataFrame) -> bool:
    return _column(rows, FILES) is None and "ytid" in rows.columns


def clips_of(rows: pd.DataFrame, path: Path) -> tuple[list[Clip], list[Rejected]]:
    """The clips of a table, each with all its captions; and the rows that are none."""
    words, file = _column(rows, WORDS), _column(rows, FILES)
    if words is None or (file is None and not {"ytid", "start_s"} <= set(rows.columns)):
        raise UserError(
            f"The table {path.name} has the columns {list(rows.columns)}: expected `caption`, and "
            "`path`, or `ytid` and `start_s`."
        )
    split, tags = _column(rows, SPLITS), _column(rows, TAGS)
    starts, ends = _numbers(rows, "start_s"), _numbers(rows, "end_s")
    lengths = _numbers(rows, "duration_s").fillna(ends - starts)
    found: dict[str, Clip] = {}
    rejected: list[Rejected] = []
    for number, row in enumerate(rows.to_dict("records")):
        where = f"Row {number + 1} of {path.name}"
        caption = " ".join(str(row[words]).split()) if _is_there(row[words]) else ""
        named = str(row[file or "ytid"]) if _is_there(row[file or "ytid"]) else ""
        start_s, duration_s = starts.iloc[number], lengths.iloc[number]
        reason = _reason(named, caption, bool(file), start_s, duration_s, where)
        if reason:
            rejected.append(Rejected(named or path.name, "text", reason))
            continue
        if file is None:
            clip = Clip(clips.clip_id(named, start_s), named, start_s, duration_s)
        elif np.isnan(start_s):
            clip = Clip(named, named)
        else:
            clip = Clip(f"{named}@{start_s:g}", named, start_s, duration_s)
        clip.start_s, clip.duration_s = _or_none(clip.start_s), _or_none(clip.duration_s)
        clip = found.setdefault(clip.clip_id, clip)
        clip.captions.append(caption)
        clip.tags += [tag for tag in _tags(row[tags]) if tag not in clip.tags] if tags else []
        clip.subset = _subset(clip, row[split] if split else "", where)
    return list(found.values()), rejected


def _numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    """A column of seconds, NaN where there is none."""
    if name not in rows.columns:
        return pd.Series(np.nan, index=rows.index)
    return pd.to_numeric(rows[name], errors="coerce").astype(float)


def _is_there(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and np.isnan(value))


def _or_none(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _reason(
    named: str, caption: str, by_path: bool, start_s: float, duration_s: float, where: str
) -> str:
    """Why a row cannot be taken in, "" when it can."""
    if not named:
        return f"{where} names no sound: fill its column."
    if not caption:
        return f"{where} has no caption: fill its column."
    if len(caption) > MAX_CHARACTERS:
        return (
            f"{where} has a caption of {len(caption):,} characters: expected "
            f"{MAX_CHARACTERS:,} at most."
        )
    if by_path and leaves_root(named):
        return f"{where} has the path {named!r}, which leaves the table's folder: put it below."
    if not by_path and np.isnan(start_s):
        return f"{where} has no start_s: expected seconds into the video."
    if start_s < 0 or duration_s <= 0:
        return (
            f"{where} begins at second {start_s:g} and lasts {duration_s:g} s: expected a start of "
            "0 or more and a length above 0."
        )
    return ""


def _tags(value: Any) -> list[str]:
    """A list, one written as text (Python's or JSON's), or names separated by `|`; lower case."""
    if not _is_there(value):
        return []
    if isinstance(value, str) and value.strip().startswith("["):
        for read in (ast.literal_eval, json.loads):
            try:
                parts = read(value.strip())
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(parts, list):
                value = [str(part) for part in parts]
                break
    return list(dict.fromkeys(" ".join(name.lower().split()) for name in labels_of(value)))


def _subset(clip: Clip, value: Any, where: str) -> str:
    told = str(value).strip().lower() if _is_there(value) else ""
    if not told:
        return clip.subset
    if told not in SUBSETS:
        raise UserError(f"{where} has the split {told!r}: expected one of {', '.join(SUBSETS)}.")
    subset = SUBSETS[told]
    if clip.subset and clip.subset != subset:
        raise UserError(
            f"The clip {clip.clip_id!r} is in {clip.subset} and {subset}: expected all rows of a "
            "sound in one split."
        )
    return subset


# -- sounds --------------------------------------------------------------------------------------


def sounds_digest(rows: pd.DataFrame, root: Path) -> str:
    """Sizes and times of the sounds that are there: those named, or all below the folder."""
    if _is_youtube(rows):
        return tracks.files_digest(root)
    column = _column(rows, FILES)
    text = hashlib.sha256()
    for name in sorted(set(rows[column].astype(str))) if column else []:
        file = root / name
        if not leaves_root(name) and file.is_file():
            stat = file.stat()
            text.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return text.hexdigest()


def _match(listed: Sequence[Clip], root: Path) -> dict[int, clips.Clip]:
    """Row in `listed` -> the files of its YouTube id, which several clips may share."""
    table = pd.DataFrame(
        {
            "ytid": [clip.path for clip in listed],
            "start_s": [clip.start_s for clip in listed],
            "end_s": [(clip.start_s or 0.0) + (clip.duration_s or 0.0) for clip in listed],
        }
    )
    paths = tracks.sounds(root)
    found: dict[int, clips.Clip] = {}
    for _, rows in table.groupby(table.groupby("ytid").cumcount()):  # each ytid once in each
        matched, _ = clips.match(rows.reset_index(drop=True), paths)
        found |= {int(rows.index[clip.row]): clip for clip in matched}
    return found


def present(listed: Sequence[Clip], rows: pd.DataFrame, root: Path) -> tuple[list[Clip], list[str]]:
    """The clips with a file, and the names of the others.

    Of those found by YouTube id, `path` becomes the file's, and `start_s` 0 where the file's name
    says that it begins with the clip.
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
            uncut=not files[row].cut,
        )
        for row in sorted(files)
    ]
    return there, [clip.clip_id for row, clip in enumerate(listed) if row not in files]


def settled(clip: Clip, length_s: float | None) -> Clip:
    """A clip whose start is that in its file: 0 in a cut, which its length tells."""
    if not clip.uncut or length_s is None or clip.start_s is None:
        return clip
    is_whole = (
        length_s >= clip.start_s + 1.0 and length_s > (clip.duration_s or 0.0) + clips.SLACK_S
    )
    return replace(clip, start_s=clip.start_s if is_whole else 0.0)


def example(rows: pd.DataFrame, listed: Sequence[Clip]) -> str:
    if not listed:
        return "those in its rows, of which none can be used"
    return f"{listed[0].path}.wav" if _is_youtube(rows) else listed[0].path
