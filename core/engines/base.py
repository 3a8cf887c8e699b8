"""Engines run tasks in parallel: on the cores of this machine, or on a Ray cluster.

`engine.run(function, tasks, title)` applies a module-level function to picklable tasks in worker
processes and shows a progress bar with rate and time left. Each worker uses one thread, so two
workers use two cores.

A task may run twice or be interrupted. It writes its results as whole files into the workspace
that its `store_root` names, so every engine leaves the same artefacts.
"""

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from rich import progress
from rich.console import Console

from core.clock import Clock

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREAD_LIMITS, "1")  # environment of every worker


class Engine(abc.ABC):
    """A context manager that runs tasks in parallel and shows their progress.

    `clock` adds up the time of every title. A stage also times its own work on it.

    Parameters
    ----------
    console : rich Console, optional
        Where progress is shown; standard error by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.clock = Clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop(at_once=any(error))

    def run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        """Yield `function(task)` for every task, in the order in which they finish.

        Raises
        ------
        UserError
            A task raised it, or too many workers died.
        """
        if tasks:
            with self.clock.time(title):
                yield from self._run(function, tasks, title)

    def run_all(self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str) -> None:
        """`run` for tasks whose results are files."""
        for _ in self.run(function, tasks, title):
            pass

    @abc.abstractmethod
    def _run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        """`run` with at least one task."""

    @abc.abstractmethod
    def stop(self, at_once: bool = False) -> None:
        """End the workers; `at_once` does not wait for running tasks."""

    def progress(self) -> progress.Progress:
        """A progress display, the same for all stages."""
        return progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(show_speed=True),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
            console=self.console,
        )
