"""Tables in CSV, TSV, Parquet or JSONL files, and the values in their cells."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import UserError

READERS = {
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
    ".tsv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, sep="\t"),
    ".parquet": pd.read_parquet,
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
}


def read_rows(path: Path, usage: str, layout: str = "") -> pd.DataFrame:
    """The rows of a table; cells of a CSV or TSV are text, "" if empty.

    Parameters
    ----------
    usage : how the table is named on the command line, for the error message
    layout : a key of `READERS`, if the file's ending does not tell the layout

    Raises
    ------
    UserError
        The file has another ending, is missing or cannot be read.
    """
    reader = READERS.get(layout or path.suffix.lower())
    if reader is None or not path.is_file():
        raise UserError(
            f"{path} is not a table: expected a file ending in {', '.join(READERS)} ({usage})."
        )
    try:
        return reader(path)
    except (ValueError, OSError) as error:
        words = " ".join(str(error).split())[:200].rstrip(".")
        raise UserError(
            f"The table {path.name} cannot be read ({words}): check it, or save it again."
        ) from error


def is_missing(value: Any) -> bool:
    """Whether a cell is empty; an empty text is a value."""
    return value is None or (isinstance(value, float) and np.isnan(value))


def numbers(rows: pd.DataFrame, name: str, default: float = np.nan) -> pd.Series:
    """A column as float64; `default` where there is no column or no number."""
    if name not in rows.columns:
        return pd.Series(default, index=rows.index)
    return pd.to_numeric(rows[name], errors="coerce").fillna(default).astype(float)


def names_in(value: Any) -> tuple[str, ...]:
    """The names in a cell: a list, or text separated by `|`; each name once."""
    parts = value.split("|") if isinstance(value, str) else list(value)
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))
