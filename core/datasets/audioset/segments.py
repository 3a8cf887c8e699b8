"""AudioSet's segment lists: `*_segments.csv` -> a table of segments, and one of their labels.

Layout: comment lines (`# ...`) or a heading, then one row per segment, with or without blanks
after the commas, the labels in one quoted field:

    --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"

Two million rows take seconds: a file is one Arrow column of lines, and every check runs on the
whole column. A line that is not such a row is rejected with its number and the reason; the other
lines are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.datasets.base import Rejected
from core.errors import UserError
from core.taxonomy import Taxonomy

SUFFIX = "_segments.csv"
LAYOUT = '`ytid, start_seconds, end_seconds, "label,label"`, as AudioSet publishes its segments'

_ROW = (
    r"^\s*(?P<ytid>[^,\"]*?)\s*,\s*(?P<start>[^,\"]*?)\s*,\s*(?P<end>[^,\"]*?)\s*,"
    r"\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\",]*?))\s*$"
)
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)$"
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Segments:
    """The segments that could be read.

    table : `ytid, start_s, end_s, source, line`, indexed from 0; each ytid once
    label_row, label_node : (m,) int64, a row of `table` and the position of one of its labels in
        the ontology, sorted by row
    rejected : every line that cannot be used
    """

    table: pd.DataFrame
    label_row: np.ndarray
    label_node: np.ndarray
    rejected: list[Rejected]


def read(files: Sequence[tuple[str, Path]], taxonomy: Taxonomy, ontology: str) -> Segments:
    """Read segment lists; `files` are names for error messages, and paths.

    If a video is listed several times, only its first segment is used, so that no recording is in
    two subsets (AudioSet itself lists each video once).

    Raises
    ------
    UserError
        A file cannot be read, or none of its lines is a segment.
    """
    rows: list[pd.DataFrame] = []
    labels: list[pd.DataFrame] = []
    rejected: list[Rejected] = []
    n_rows = 0
    for name, path in files:
        lines = _lines(name, path)
        mine, own_labels, wrong = _parse(name, lines, taxonomy, ontology)
        rejected += wrong
        own_labels["row"] += n_rows
        n_rows += len(mine)
        rows.append(mine)
        labels.append(own_labels)
    table = pd.concat(rows, ignore_index=True)
    label = pd.concat(labels, ignore_index=True)
    again = table["ytid"].duplicated().to_numpy()
    rejected += [
        _rejected(
            row.source,
            row.line,
            f"lists the video {row.ytid!r} again: only its first segment is used",
        )
        for row in table[again].itertuples()
    ]
    new_row = np.cumsum(~again) - 1
    kept = label[~again[label["row"].to_numpy()]]
    return Segments(
        table[~again].reset_index(drop=True),
        new_row[kept["row"].to_numpy()],
        kept["node"].to_numpy(),
        rejected,
    )


def _lines(name: str, path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The segment list {name} cannot be read ({error.strerror or 'unknown reason'}): check "
            "the file and its permissions."
        ) from error
    return content.decode("utf-8-sig", errors="replace").split("\n")


def _parse(
    name: str, lines: list[str], taxonomy: Taxonomy, ontology: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[Rejected]]:
    """One file: its good rows, their labels (`row, node`), and its bad lines."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pa.array(lines, pa.large_string())
    fields = pc.extract_regex(column, _ROW)
    ytid, start, end, quoted, bare = (pc.struct_field(fields, [i]) for i in range(5))
    shaped = fields.is_valid().to_numpy(zero_copy_only=False)
    blank = _mask(pc.match_substring_regex(column, r"^\s*(#|$)"))
    heading = _mask(pc.equal(pc.utf8_lower(ytid), "ytid"))
    shaped &= ~blank & ~heading
    if not shaped.any():
        raise UserError(f"The segment list {name} has no row of the expected layout {LAYOUT}.")
    start_s, end_s = _numbers(start), _numbers(end)
    text = pc.if_else(pc.equal(quoted, ""), bare, quoted)
    line, node, spelling = _labels(text, taxonomy)

    number = np.arange(1, len(lines) + 1)
    unknown = dict(zip(line[node < 0][::-1].tolist(), spelling[node < 0][::-1], strict=True))
    has_unknown = np.zeros(len(lines), dtype=bool)
    has_unknown[list(unknown)] = True
    labelled = np.zeros(len(lines), dtype=bool)
    labelled[line] = True
    checks: list[tuple[np.ndarray, Any]] = [
        (
            ~shaped & ~blank & ~heading,
            lambda i: f"does not have the layout {LAYOUT}: {_shown(lines[i])}",
        ),
        (_mask(pc.equal(ytid, "")), lambda i: f"names no video: {_shown(lines[i])}"),
        (
            ~np.isfinite(start_s) | ~np.isfinite(end_s),
            lambda i: (
                f"has the times {_shown(start[i].as_py())} and {_shown(end[i].as_py())}: expected "
                "two numbers of seconds"
            ),
        ),
        (
            (start_s < 0) | (end_s <= start_s),
            lambda i: (
                f"runs from {start_s[i]:g} s to {end_s[i]:g} s: expected a start of 0 or more, and "
                "a later end"
            ),
        ),
        (~labelled, lambda i: "has no labels: expected at least one"),
        (
            has_unknown,
            lambda i: (
                f"has the label {_shown(unknown[i])}, which is not in the ontology {ontology}"
            ),
        ),
    ]
    good = shaped.copy()
    done = blank | heading
    reasons: dict[int, str] = {}
    for failing, reason in checks:
        for i in np.flatnonzero(failing & ~done):
            reasons[int(i)] = reason(int(i))
        done |= failing
        good &= ~failing
    wrong = [_rejected(name, i + 1, reasons[i]) for i in sorted(reasons)]

    row_of = np.cumsum(good) - 1
    own = good[line]
    table = pd.DataFrame(
        {
            "ytid": ytid.filter(pa.array(good)).to_pandas().astype("str"),
            "start_s": start_s[good],
            "end_s": end_s[good],
            "source": name,
            "line": number[good],
        }
    )
    return table, pd.DataFrame({"row": row_of[line[own]], "node": node[own]}), wrong


def _labels(text: Any, taxonomy: Taxonomy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists of ids -> the line, the node (-1 if unknown) and the spelling of each id."""
    import pyarrow.compute as pc

    lists = pc.split_pattern(text, ",")
    line = pc.list_parent_indices(lists).to_numpy()
    coded = pc.utf8_trim_whitespace(pc.list_flatten(lists)).dictionary_encode()
    spelled = np.array(coded.dictionary.to_pylist(), dtype=object)
    position = {id_: node for node, id_ in enumerate(taxonomy.ids)}
    node_of = np.array([position.get(id_, -1) for id_ in spelled], dtype=np.int64)
    codes = coded.indices.to_numpy()
    there = np.array([id_ != "" for id_ in spelled], dtype=bool)[codes]
    codes, line = codes[there], line[there]
    return line.astype(np.int64), node_of[codes], spelled[codes]


def _numbers(column: Any) -> np.ndarray:
    """Strings -> float64, NaN for anything but plain decimal numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.fill_null(pc.match_substring_regex(column, _NUMBER), False)
    values = pc.cast(pc.if_else(plain, column, None), pa.float64())
    return values.to_numpy(zero_copy_only=False)


def _mask(column: Any) -> np.ndarray:
    """An Arrow column of booleans -> NumPy, null as False."""
    import pyarrow.compute as pc

    return pc.fill_null(column, False).to_numpy(zero_copy_only=False)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")


def _rejected(source: str, line: int, reason: str) -> Rejected:
    return Rejected(f"{source}:{line}", "segment", f"Line {line} of {source} {reason}.")
