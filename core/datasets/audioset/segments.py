"""AudioSet's segment lists: `*_segments.csv` -> a table of segments, and one of their labels.

Layout: comment lines (`# ...`) or a heading, then one row per segment, with or without blanks
after the commas, the labels in one quoted field:

    --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"

A line that is not such a row is rejected with its number and the reason; the other lines are kept.
"""

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.datasets.base import Rejected
from core.errors import UserError
from core.taxonomy import Taxonomy

SUFFIX = "_segments.csv"
LAYOUT = '`ytid, start_seconds, end_seconds, "label,label"`, as AudioSet publishes its segments'

_FIELD = r"\s*([^,\"]*?)\s*"
_ROW = re.compile(rf"{_FIELD},{_FIELD},{_FIELD},\s*(?:\"([^\"]*)\"|([^\",]*?))\s*")
_NO_ROW = re.compile(r"\s*(#.*|ytid\s*,.*)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
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


class _BadLine(Exception):
    """A line that cannot be used; the message says why."""


def read(files: Sequence[tuple[str, Path]], taxonomy: Taxonomy, ontology: str) -> Segments:
    """Read segment lists; `files` are names for error messages, and paths.

    If a video is listed several times, only its first segment is used, so that no recording is in
    two subsets (AudioSet itself lists each video once).

    Raises
    ------
    UserError
        A file cannot be read, or none of its lines is a segment.
    """
    node_of = {id_: node for node, id_ in enumerate(taxonomy.ids)}
    rejected: list[Rejected] = []
    row_of: dict[str, int] = {}  # by ytid
    start_s, end_s, line_number = array("d"), array("d"), array("q")
    source: list[str] = []
    label_row, label_node = array("q"), array("q")
    for name, path in files:
        n_rows = 0
        for number, line in enumerate(_lines(name, path), start=1):
            match = _ROW.fullmatch(line)
            if _NO_ROW.fullmatch(line):
                continue
            n_rows += match is not None
            try:
                ytid, start, end, nodes = _segment(line, match, node_of, ontology)
                if ytid in row_of:
                    raise _BadLine(
                        f"lists the video {ytid!r} again: only its first segment is used"
                    )
            except _BadLine as bad:
                reason = f"Line {number} of {name} {bad}."
                rejected.append(Rejected(f"{name}:{number}", "segment", reason))
                continue
            row = row_of[ytid] = len(row_of)
            start_s.append(start)
            end_s.append(end)
            source.append(name)
            line_number.append(number)
            label_row.extend([row] * len(nodes))
            label_node.extend(nodes)
        if not n_rows:
            raise UserError(f"The segment list {name} has no row of the expected layout {LAYOUT}.")
    table = pd.DataFrame(
        {
            "ytid": list(row_of),
            "start_s": np.array(start_s),
            "end_s": np.array(end_s),
            "source": source,
            "line": np.array(line_number),
        }
    )
    return Segments(table, np.array(label_row), np.array(label_node), rejected)


def _lines(name: str, path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The segment list {name} cannot be read ({error.strerror or 'unknown reason'}): check "
            "the file and its permissions."
        ) from error
    return content.decode("utf-8-sig", errors="replace").split("\n")


def _segment(
    line: str, match: re.Match[str] | None, node_of: Mapping[str, int], ontology: str
) -> tuple[str, float, float, list[int]]:
    """Video, start and end in seconds, and the nodes of the labels of one line."""
    if match is None:
        raise _BadLine(f"does not have the layout {LAYOUT}: {_shown(line)}")
    ytid, start, end, quoted, bare = match.groups()
    if not ytid:
        raise _BadLine(f"names no video: {_shown(line)}")
    if not (_NUMBER.fullmatch(start) and _NUMBER.fullmatch(end)):
        raise _BadLine(
            f"has the times {_shown(start)} and {_shown(end)}: expected two numbers of seconds"
        )
    start_s, end_s = float(start), float(end)
    if not 0 <= start_s < end_s:
        raise _BadLine(
            f"runs from {start_s:g} s to {end_s:g} s: expected a start of 0 or more, and a later "
            "end"
        )
    labels = [label for part in (quoted or bare or "").split(",") if (label := part.strip())]
    if not labels:
        raise _BadLine("has no labels: expected at least one")
    unknown = [label for label in labels if label not in node_of]
    if unknown:
        raise _BadLine(
            f"has the label {_shown(unknown[0])}, which is not in the ontology {ontology}"
        )
    return ytid, start_s, end_s, [node_of[label] for label in labels]


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
