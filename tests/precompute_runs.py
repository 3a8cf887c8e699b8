"""Runs of the command line for tests, and an engine that works in this process."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core.engines.local import LocalEngine

# The demo of the tests: small, with encoders that take no time.
SMALL_DEMO = ("--dataset", "demo", "--size", "360", "--audio", "logmel", "--image", "hog")
REPO = Path(__file__).resolve().parent.parent


def precompute(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m precompute ...` to its end, with what it printed."""
    command = [sys.executable, "-m", "precompute", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)


def manifests(root: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.glob("*/*/manifest.json"))}


# Files that a stage has written in the middle of its work.
SEEN_AT_WORK = {
    "ingest": "*.partial/shards/*.json",
    "extract": "*.partial/shards/*.npy",
    "train": "*.partial/*.safetensors",
    "generate": "*.partial/*.parquet",
    "evaluate": "*.partial/forests/*.safetensors",
    "maps": "*.partial/*.npy",
}


def wait_until_at_work(root: Path, stage: str, process: subprocess.Popen) -> bool:
    """Wait until a stage has written one of its files, but not the artefact.

    False when the process ended before that was seen.
    """
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if any(".tmp-" not in path.name for path in root.glob(f"{stage}/{SEEN_AT_WORK[stage]}")):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    raise AssertionError(f"{stage} never began")


class HereEngine(LocalEngine):
    """Tasks one after another in this process; `stop_after` kills it after so many of them."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__(1)
        self.stop_after = stop_after
        self.done: list[Any] = []

    def _run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        for task in tasks:
            if self.stop_after is not None and len(self.done) >= self.stop_after:
                raise KilledError
            yield function(task)
            self.done.append(task)


class KilledError(BaseException):
    """Stands for a process that ended between two tasks."""
