"""`weights`: a table of all encoders' weights, and downloads of those named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core import encoders
from core.encoders import downloads, weights


def run(
    weights_dir: Path | None, wanted: Sequence[str], print_json: bool, console: Console
) -> None:
    """Download the weights of the encoders in `wanted`, then list those of all encoders.

    Raises
    ------
    UserError
        A name is unknown (checked before any download), or a download failed.
    """
    for name in wanted:
        encoders.card(name)
    for name in wanted:
        downloads.download(name, weights_dir)
    rows = downloads.table(weights_dir)
    if print_json:
        print(json.dumps(rows))
        return
    console.print(_table(rows))
    named = f"{weights_dir}, " if weights_dir else ""
    console.print(
        f"Weights are looked for in {named}{weights.cache_dir()} and the publishers' own caches. "
        "Download with `python -m precompute weights --download NAME`.",
        highlight=False,
        soft_wrap=True,
    )


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    """One row per file; an encoder's name, modality and licence are on its first row."""
    table = Table()
    for column in ("encoder", "modality", "file", "size", "licence", "where from", "present"):
        table.add_column(column, overflow="fold")
    before = None
    for row in rows:
        first = row["name"] != before
        before = row["name"]
        shared = (row["name"], row["modality"]) if first else ("", "")
        licence = row["licence"] if first else ""
        if row["file"] is None:
            table.add_row(*shared, "none needed", "", licence, "", "yes")
            continue
        present = "yes" if row["present"] else "no"
        size = _size_text(row["size"])
        table.add_row(*shared, row["file"], size, licence, row["where_from"], present)
    return table


def _size_text(size: int | None) -> str:
    if size is None:
        return ""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
