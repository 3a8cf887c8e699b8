"""Running the command line from tests, and an engine that works in this very process."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core.engines.local import LocalEngine

REPO = Path(__file__).resolve().parent.parent


def precompute(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m precompute ...` to its end, with what it printed."""
    command = [sys.executable, "-m", "precompute", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)


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
