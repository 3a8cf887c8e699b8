"""The files of a dataset: finding them, noticing changes, and checking each of them.

Paths are relative to the dataset's root, with `/` between folders.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.datasets.base import ParallelMap, Rejected
from core.items import Item
from core.store import Draft, Store

T = TypeVar("T")

SHARD_SIZE = 512
N_MISSING_NAMED = 20


def listing(root: Path) -> list[str]:
    """Every file below the root, sorted. Links are followed, hidden files are left out."""
    found: list[str] = []
    seen: set[str] = set()
    waiting = [(str(root), "")]
    while waiting:
        folder, below = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above itself
            continue
        seen.add(real)
        try:
            entries = list(os.scandir(folder))
        except OSError:  # a folder without read permission counts as empty
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                waiting.append((entry.path, f"{below}{entry.name}/"))
            elif entry.is_file():
                found.append(f"{below}{entry.name}")
    return sorted(found)


def named(paths: Iterable[str], name: str) -> list[str]:
    """The paths whose file has this name, whatever its case; those nearest to the root first."""
    found = [path for path in paths if path.rpartition("/")[2].lower() == name]
    return sorted(found, key=lambda path: (path.count("/"), path))


def digest(root: Path, paths: Iterable[str]) -> str:
    """A digest of the paths, sizes and modification times of some files."""
    text = hashlib.sha256()
    for path in paths:
        stat = os.stat(f"{root}/{path}")
        text.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return text.hexdigest()


def fingerprint(root: Path, **more: Any) -> dict[str, Any]:
    """The fingerprint of a dataset that consists of all files below the root."""
    return {"root": str(root), "files": digest(root, listing(root)), "version": 1, **more}


def missing(names: Sequence[str], listed: str, modality: str) -> list[Rejected]:
    """One row for all listed names without a file, or none; `listed` as in "tracks of LIST"."""
    if not names:
        return []
    shown = ", ".join(names[:N_MISSING_NAMED])
    more = len(names) - N_MISSING_NAMED
    reason = (
        f"No file was found for {len(names):,} of the {listed} ({shown}"
        f"{f' and {more:,} more' if more > 0 else ''}): put the files below the folder to include "
        "them."
    )
    return [Rejected("", modality, reason)]


def decode_all(
    read: Callable[[T], Sequence[Item] | Rejected], tasks: Sequence[T]
) -> tuple[list[Item], list[Rejected]]:
    """The items of all tasks, in order, and the rejected ones; for decoding, in threads."""
    found: list[Item] = []
    rejected: list[Rejected] = []
    with ThreadPoolExecutor() as pool:
        for outcome in pool.map(read, tasks):
            if isinstance(outcome, Rejected):
                rejected.append(outcome)
            else:
                found.extend(outcome)
    return found, rejected


# -- many files, in worker processes -------------------------------------------------------------


@dataclass(frozen=True)
class FileShard:
    """Some tasks for one worker, and the file for its results."""

    store_root: str
    name: str
    check: Callable[[Any], tuple[Any, list[Rejected]]]
    tasks: tuple[Any, ...]


def check_all(
    check: Callable[[T], tuple[Any, list[Rejected]]],
    tasks: Sequence[T],
    draft: Draft,
    run: ParallelMap,
    title: str,
    shard_size: int = SHARD_SIZE,
) -> tuple[list[Any], list[Rejected]]:
    """Check many files on all cores; after an interruption, finished shards are not repeated.

    Parameters
    ----------
    check : function of a task, which can be sent to another process
        Returns a JSON value or a dataclass (None to leave the task out), and rejected files.

    Returns
    -------
    The values in the order of the tasks, as read from JSON; and all rejected files.
    """
    names = [f"shards/{number:05d}.json" for number in range(-(-len(tasks) // shard_size))]
    shards = [
        FileShard(
            draft.store.root,
            draft.path(name),
            check,
            tuple(tasks[number * shard_size : (number + 1) * shard_size]),
        )
        for number, name in enumerate(names)
        if not draft.has(name)
    ]
    for _ in run(check_shard, shards, title):
        pass
    results = [draft.json(name) for name in names]
    draft.remove("shards")
    return (
        [value for result in results for value in result["found"]],
        [Rejected(**row) for result in results for row in result["rejected"]],
    )


def check_shard(shard: FileShard) -> None:
    """Check the files of one shard. The results are written at once; the file means done."""
    outcomes = [shard.check(task) for task in shard.tasks]
    result = {
        "found": [value for value, _ in outcomes if value is not None],
        "rejected": [row for _, rows in outcomes for row in rows],
    }
    Store(shard.store_root).write_json(shard.name, result)
