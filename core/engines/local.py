"""Where work runs: the cores of this machine (here), or a Ray cluster (`ray_engine`).

`run` maps a module-level function over picklable tasks in worker processes, with a progress bar
that shows rate and time left. Workers are fresh processes (spawned), each with single-threaded
numeric libraries, so that two of them use two cores and not four.

A task can be done twice, or begun and left: what it makes, it writes whole into the workspace that
its `store_root` names. So the same function over the same tasks leaves the same artefacts behind
whichever engine runs it.

    python -m precompute all --engine local
    python -m precompute all --engine ray --address auto --workspace s3://bucket/study
"""

import abc
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from core.clock import Clock
from core.cpu import n_cores
from core.errors import UserError

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREAD_LIMITS, "1")
ENGINES = ("local", "ray")


class Engine(abc.ABC):
    """What every engine is: a context manager that runs tasks and draws their progress.

    `clock` counts the time of every title, from the first task handed out to the last taken
    back; what a stage computes by itself is timed on it too.

    Parameters
    ----------
    console : rich Console, optional
        Where progress is drawn.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.clock = Clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(at_once=error is not None)

    def run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        """Yield `function(task)` for every task, in the order in which they finish.

        Raises
        ------
        UserError
            What a task raised of the kind, as it is; or too many workers died.
        """
        if tasks:
            with self.clock.time(title):
                yield from self._run(function, tasks, title)

    @abc.abstractmethod
    def _run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        """`run` over one task or more."""

    @abc.abstractmethod
    def stop(self, at_once: bool = False) -> None:
        """End the workers; `at_once` does not wait for what they are doing."""

    def progress(self) -> Progress:
        """A progress display in the one style of all stages."""
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(show_speed=True),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
        )


def engine_for(
    name: str = "local",
    address: str | None = None,
    n_workers: int | None = None,
    console: Console | None = None,
) -> Engine:
    """The engine of this name; nothing is started before its first use.

    Parameters
    ----------
    name : str
        `local` or `ray`.
    address : str, optional
        Of a Ray cluster: `auto`, `local`, `HOST:PORT` or `ray://HOST:PORT`.
    n_workers : int, optional
        How many tasks run side by side; as many as there are cores by default.
    console : rich Console, optional
        Where progress is drawn.

    Raises
    ------
    UserError
        The name is unknown, Ray is not installed, or an address was given to `local`.
    """
    if name == "local":
        if address is not None:
            raise UserError(
                f"The address {address!r} is of no use to the local engine: add `--engine ray`, "
                "or leave --address out."
            )
        return LocalEngine(n_workers, console)
    if name == "ray":
        from core.engines.ray import RayEngine

        return RayEngine(address or "auto", n_workers, console)
    raise UserError(f"There is no engine {name!r}: expected one of {', '.join(ENGINES)}.")


class LocalEngine(Engine):
    """All cores of this machine, through one pool of processes started at first use.

    Parameters
    ----------
    n_workers : int, optional
        Worker processes; as many as this process may use cores by default.
    console : rich Console, optional
        Where progress is drawn.
    """

    def __init__(self, n_workers: int | None = None, console: Console | None = None) -> None:
        super().__init__(console)
        self.n_workers = n_workers or n_cores()
        self._pool: ProcessPoolExecutor | None = None

    def _run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        """Raises `UserError` when a worker process died (out of memory, or killed)."""
        pool = self._started()
        waiting = iter(tasks)
        running: set[Future[Any]] = set()
        with self.progress() as progress:
            bar = progress.add_task(title, total=len(tasks))
            try:
                while True:
                    while len(running) < 2 * self.n_workers:
                        task = next(waiting, None)
                        if task is None:
                            break
                        running.add(pool.submit(function, task))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        result = future.result()
                        progress.advance(bar)
                        yield result
            except BrokenProcessPool as error:
                raise UserError(
                    f"A worker process died while {title} (killed, or out of memory): run the "
                    "same command again, it goes on from the last finished shard."
                ) from error

    def stop(self, at_once: bool = False) -> None:
        if self._pool is None:
            return
        processes = list((self._pool._processes or {}).values()) if at_once else []
        self._pool.shutdown(wait=not at_once, cancel_futures=True)
        for process in processes:
            process.terminate()
        self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            before = {name: os.environ.get(name) for name in ONE_THREAD}
            os.environ.update(ONE_THREAD)
            try:
                self._pool = ProcessPoolExecutor(
                    self.n_workers,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_start_worker,
                )
                for future in [self._pool.submit(os.getpid) for _ in range(self.n_workers)]:
                    future.result()
            finally:
                for name, value in before.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value
        return self._pool


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, which ends its workers, and end with a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
