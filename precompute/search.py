"""`search`: retrieval as a command, one JSON object per query."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.clock import Clock
from core.errors import UserError
from core.retrieval.retriever import Retriever, as_json
from core.study import Study


@dataclass(frozen=True)
class Wanted:
    """A search: files, words, words to keep away from, and what to find."""

    files: Sequence[Path]
    texts: Sequence[str]
    without: Sequence[str]
    modality: str
    top: int
    space: str | None  # None: the one that the page Retrieve begins with


def run(
    study: Study, wanted: Wanted, weights_dir: Path | None, print_json: bool, console: Console
) -> int:
    """Search with each file; return how many queries failed.

    The sound and the frames of a video are searched together. Words are blended into every
    file's query; without files they are a query by themselves.
    """
    retriever = Retriever(study, weights_dir=weights_dir)
    n_failed = 0
    for file in wanted.files or (None,):
        try:
            answer = _search(retriever, file, wanted)
        except UserError as error:
            answer = {"query": _title(file, wanted), "error": str(error)}
            n_failed += 1
        if print_json:
            print(json.dumps(answer, ensure_ascii=False), flush=True)
        else:
            _show(answer, console)
    return n_failed


def _search(retriever: Retriever, file: Path | None, wanted: Wanted) -> dict[str, Any]:
    clock = Clock()
    query = retriever.query(file, wanted.texts, wanted.without, clock)
    space = wanted.space or retriever.default_space
    answer = retriever.search(query, wanted.modality, wanted.top, space, clock=clock)
    return dict(as_json(_title(file, wanted), answer))


def _title(file: Path | None, wanted: Wanted) -> str:
    """A query in words, as it is printed."""
    said = [*wanted.texts, *(f"not {words}" for words in wanted.without)]
    return " + ".join([*([str(file)] if file else []), *said])


def _show(answer: dict[str, Any], console: Console) -> None:
    console.print(answer["query"], style="bold", markup=False, highlight=False)
    if "error" in answer:
        console.print(f"  {answer['error']}", style="red", markup=False, highlight=False)
        return
    table = Table("score", "percentile", "labels", "item")
    for row in answer["results"]:
        labels = ", ".join(row["labels"])
        table.add_row(f"{row['score']:.3f}", f"{row['percentile']:.0f}", labels, row["item_id"])
    console.print(table)
    console.print(
        f"of {answer['gallery_size']} items; a random pair scores {answer['median_score']:.3f}",
        style="dim",
    )
