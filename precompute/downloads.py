"""``weights``: which encoders' weights are here, and fetching those that are asked for."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.encoders import weights


def run(
    weights_dir: Path | None, wanted: Sequence[str], print_json: bool, console: Console
) -> None:
    """Fetch the weights of the encoders in ``wanted``, then list every encoder's."""
    for name in wanted:
        weights.download(name, weights_dir)
    rows = weights.table(weights_dir)
    if print_json:
        print(json.dumps(rows))
        return
    table = Table()
    for column in ("encoder", "modality", "file", "size", "licence", "where from", "present"):
        table.add_column(column, overflow="fold")
    for row in rows:
        if row["file"] is None:
            table.add_row(
                row["name"], row["modality"], "none needed", "", row["licence"], "", "yes"
            )
            continue
        size = f"{row['size'] / 1e6:.1f} MB" if row["size"] else ""
        present = "yes" if row["present"] else "no"
        table.add_row(
            *(row["name"], row["modality"], row["file"], size),
            *(row["licence"], row["where_from"], present),
        )
    console.print(table)
