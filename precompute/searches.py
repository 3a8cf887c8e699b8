"""``search``: retrieval as a command, one JSON object a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.errors import UserError
from core.query import Searcher, as_json
from core.study import Study
from core.things import Clock, Part


def run(
    study: Study,
    files: Sequence[Path],
    modality: str,
    top: int,
    space: str,
    weights_dir: Path | None,
    print_json: bool,
    console: Console,
) -> int:
    """Search with each file in turn, models loaded once; how many files failed.

    A video asks with its sound and its frames together.
    """
    searcher = Searcher(study, weights_dir=weights_dir)
    n_failed = 0
    for file in files:
        try:
            answer = _search(searcher, file, modality, top, space)
        except UserError as error:
            answer = {"query": str(file), "error": str(error)}
            n_failed += 1
        if print_json:
            print(json.dumps(answer, ensure_ascii=False), flush=True)
        else:
            _show(answer, console)
    return n_failed


def _search(searcher: Searcher, file: Path, modality: str, top: int, space: str) -> dict[str, Any]:
    clock = Clock()
    parts = [Part(thing) for thing in searcher.embed(file, file.name, clock)]
    return dict(as_json(str(file), searcher.search(parts, modality, top, space, clock=clock)))


def _show(answer: dict[str, Any], console: Console) -> None:
    console.print(answer["query"], style="bold", markup=False, highlight=False)
    if "error" in answer:
        console.print(f"  {answer['error']}", style="red", markup=False, highlight=False)
        return
    table = Table()
    for column in ("score", "percentile", "labels", "item"):
        table.add_column(column)
    for row in answer["results"]:
        labels = ", ".join(row["labels"])
        table.add_row(f"{row['score']:.3f}", f"{row['percentile']:.0f}", labels, row["item_id"])
    console.print(table)
    console.print(
        f"of {answer['gallery_size']} items; a random pair scores {answer['median_score']:.3f}",
        style="dim",
    )
