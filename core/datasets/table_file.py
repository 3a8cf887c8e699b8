"""Tables in CSV, TSV, Parquet or JSONL files, and the values in their cells.

A cell is read by a function of its kind (`text`, `name`, `path`, `number` or `names`). It gives the
value, or raises ValueError with what was expected. `checked` turns these into sentences about rows.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import UserError, shown

READERS = {
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
    ".tsv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, sep="\t"),
    ".parquet": pd.read_parquet,
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
}
MAX_CHARACTERS = 100_000  # of a cell
MAX_NAME = 1_000  # characters of a name, a label or a path
MAX_PART = 255  # bytes of a file's or folder's name


def read_rows(path: Path, usage: str, layout: str = "") -> pd.DataFrame:
    """The rows of a table; cells of a CSV or TSV are text, "" if empty.

    Parameters
    ----------
    usage : how the table is named on the command line, for the error message
    layout : a key of `READERS`, if the file's ending does not tell the layout

    Raises
    ------
    UserError
        The file has another ending, is missing or cannot be read, or names a column twice.
    """
    reader = READERS.get(layout or path.suffix.lower())
    if reader is None or not path.is_file():
        raise UserError(
            f"{path} is not a table: expected a file ending in {', '.join(READERS)} ({usage})."
        )
    try:
        rows = reader(path)
    except Exception as error:  # the libraries raise errors of many kinds for damaged files
        words = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise UserError(
            f"The table {path.name} cannot be read ({words}): check it, or save it again."
        ) from error
    rows.columns = [str(name) for name in rows.columns]
    twice = rows.columns[rows.columns.duplicated()]
    if len(twice):
        raise UserError(
            f"The table {path.name} has the column {shown(twice[0])} twice: expected it once."
        )
    return rows.reset_index(drop=True)


def checked(
    rows: pd.DataFrame, kinds: Mapping[str, Callable[[Any], Any]], table: str
) -> tuple[pd.DataFrame, list[str]]:
    """The columns in `kinds`, each cell read by the function of its column.

    Cells that are absent or wrong get the value of an empty one.

    Returns
    -------
    DataFrame with these columns, and for each row what is wrong with it, "" if nothing; `table` is
    the file's name in these sentences.
    """
    problems = [""] * len(rows)
    columns: dict[str, Any] = {}
    for name, read in kinds.items():
        values = [read(None)] * len(rows)
        for row, cell in enumerate(rows[name].tolist() if name in rows.columns else ()):
            try:
                values[row] = read(cell)
            except ValueError as error:
                problems[row] = problems[row] or (
                    f"Row {row + 1} of {table} has the {name} {shown(cell)}: expected {error}."
                )
        columns[name] = pd.Series(values, index=rows.index, dtype=object)
    return pd.DataFrame(columns, index=rows.index), problems


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty; an empty text is a value."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    return isinstance(cell, float) and np.isnan(cell)


def text(cell: Any, most: int = MAX_CHARACTERS) -> str:
    """The words in a cell; a number as it is written, "" for an empty cell."""
    if is_missing(cell):
        return ""
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))  # a column of whole numbers with empty cells
    if isinstance(cell, (bool, int, float, np.number, np.bool_)):
        return str(cell)
    if not isinstance(cell, str):
        raise ValueError("text")
    if len(cell) > most:
        raise ValueError(f"at most {most:,} characters, found {len(cell):,}")
    if any("\ud800" <= sign <= "\udfff" for sign in cell) or "\0" in cell:
        raise ValueError("text in UTF-8 without NUL")
    return cell


def name(cell: Any) -> str:
    """A name or a label: a short text."""
    return text(cell, MAX_NAME)


def path(cell: Any) -> str:
    """A path that a file system can have."""
    found = name(cell)
    if any(len(part.encode()) > MAX_PART for part in found.split("/")):
        raise ValueError(f"a path whose parts have at most {MAX_PART} bytes")
    return found


def number(cell: Any) -> float:
    """A finite number, NaN for an empty cell."""
    if is_missing(cell) or (isinstance(cell, str) and cell.strip().lower() in ("", "nan")):
        return float("nan")
    try:
        if isinstance(cell, (str, int, float, np.number)) and not isinstance(cell, bool):
            value = float(cell)
            if np.isfinite(value):
                return value
    except (ValueError, OverflowError, TypeError):
        pass
    raise ValueError("a number such as 1.5")


def names(cell: Any) -> tuple[str, ...]:
    """The names in a cell: a list, or text separated by `|`; each name once."""
    several = isinstance(cell, (list, tuple, set, np.ndarray))
    parts = [name(part).strip() for part in (cell if several else text(cell).split("|"))]
    return tuple(dict.fromkeys(part for part in parts if part))
