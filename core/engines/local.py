"""The engine of one machine: a pool of worker processes.

with LocalEngine() as engine:
    for result in engine.run(function, tasks, "working"): ...
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from rich.console import Console

from core.cpu import n_cores
from core.engines.base import ONE_THREAD, Engine
from core.errors import UserError


class LocalEngine(Engine):
    """All cores of this machine, through one pool of processes that starts at the first use.

    Parameters
    ----------
    n_workers : int, optional
        Worker processes; one for each core that this process may use by default.
    console : rich Console, optional
        Where progress is shown.
    """

    def __init__(self, n_workers: int | None = None, console: Console | None = None) -> None:
        super().__init__(console)
        self.n_workers = n_workers or n_cores()
        self._pool: ProcessPoolExecutor | None = None

    def _run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
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
                    "same command again to continue from the last finished task."
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
    """Leave Ctrl-C to the parent process, and end when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
