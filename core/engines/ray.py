"""The engine of several machines: a Ray cluster.

Ray sends the tasks and the `core` package to its workers, so every machine runs this version of
the code. Each machine needs the same Python version with `requirements.txt` and
`requirements-ray.txt`, and must see the workspace, the media and the weights at the same place (a
folder mounted at the same path, or an `s3://` URL). Each worker checks this before its first task.

Addresses: `auto` (the cluster of this machine, or of `RAY_ADDRESS`), `HOST:PORT` from a machine of
the cluster, `ray://HOST:PORT` from any other machine, `local` (a cluster on this machine, started
for this run).

    python -m precompute all --engine ray --address ray://head:10001 --workspace s3://bucket/study
"""

import contextlib
import dataclasses
import functools
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console

from core.cpu import n_cores
from core.engines.base import ONE_THREAD, Engine
from core.errors import UserError
from core.store import Store

REPO = Path(__file__).resolve().parents[2]
SHIPPED = ("core",)
# The fields of a task that name a place, and the place's name in errors.
PLACES = {"store_root": "workspace", "media_root": "media", "weights_dir": "weights"}
MAX_RETRIES = 3  # of a task whose worker or machine died
ANSWER_S = 10.0  # limit for an address to answer
LOOK_S = 5.0  # between two counts of the cluster's cores
PATIENCE_S = 120.0  # how long to wait for a first core
# Ray reads these when it is imported. No usage report leaves this machine.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


class RayEngine(Engine):
    """All cores of a Ray cluster.

    Parameters
    ----------
    address : str
        `auto`, `local`, `HOST:PORT` or `ray://HOST:PORT`.
    n_workers : int, optional
        Most tasks at once; the number of cores of the cluster by default.
    console : rich Console, optional
        Where progress is shown.

    Raises
    ------
    UserError
        Ray is not installed.
    """

    def __init__(
        self, address: str = "auto", n_workers: int | None = None, console: Console | None = None
    ) -> None:
        super().__init__(console)
        self.address = address
        self._ray = _imported()
        self._wanted = n_workers
        self._remote: Any = None  # the remote function, once there is a connection
        self._token = f".seen-{uuid.uuid4().hex[:12]}"
        self._marked: dict[str, Store] = {}

    def __enter__(self) -> "RayEngine":
        self._started()
        return self

    @property
    def n_workers(self) -> int:
        """How many tasks run at once; the number follows a growing cluster."""
        self._started()
        return self._wanted or self._n_cores()

    def _run(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], title: str
    ) -> Iterator[Any]:
        """Hands Ray at most two tasks per core at a time. When a worker dies, another one gets its
        task, up to `MAX_RETRIES` times.

        Raises `UserError` when the cluster lost too many workers, went away, or does not see
        the workspace.
        """
        remote = self._started().options(num_cpus=1, max_retries=MAX_RETRIES)
        waiting = iter(tasks)
        running: list[Any] = []
        looked, limit = time.monotonic(), self._limit()
        with self.progress() as progress, self._plain_errors(title):
            bar = progress.add_task(title, total=len(tasks))
            try:
                while True:
                    while len(running) < limit:
                        task = next(waiting, None)
                        if task is None:
                            break
                        task = self._portable(task)
                        running.append(remote.remote(function, task, self._token))
                    if not running:
                        return
                    done, running = self._ray.wait(running, num_returns=1, timeout=LOOK_S)
                    if time.monotonic() - looked >= LOOK_S:
                        looked, limit = time.monotonic(), self._limit()
                    for reference in done:
                        result = self._ray.get(reference)
                        progress.advance(bar)
                        yield result
            finally:
                for reference in running:
                    with contextlib.suppress(Exception):
                        self._ray.cancel(reference, force=True)

    def stop(self, at_once: bool = False) -> None:
        for store in self._marked.values():
            with contextlib.suppress(Exception):
                store.remove(self._token)
        self._marked.clear()
        if self._remote is not None:
            self._remote = None
            self._ray.shutdown()

    # -- the cluster -------------------------------------------------------------------------

    def _started(self) -> Any:
        """The remote function; connects at the first call."""
        if self._remote is None:
            self._connect()
            self._remote = self._ray.remote(_work)
        return self._remote

    def _connect(self) -> None:
        options: dict[str, Any] = {
            "address": self.address,
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "runtime_env": {
                "env_vars": ONE_THREAD,
                "py_modules": [str(REPO / name) for name in SHIPPED],
                "excludes": ["**/__pycache__"],
            },
        }
        if self.address == "local":
            options |= {"num_cpus": self._wanted or n_cores(), "include_dashboard": False}
        else:
            self._check_address()
        try:
            try:
                self._ray.init(**options)
            except ConnectionAbortedError:  # the head was too busy to start our server in time
                self._ray.init(**options)
        except Exception as error:  # Ray raises all kinds, its own and gRPC's
            raise self._unreachable(error) from error

    def _check_address(self) -> None:
        """Fail soon where nothing listens at the address: Ray itself tries for many minutes."""
        try:
            host, port = _host_and_port(self.address)
            socket.create_connection((host, port), ANSWER_S).close()
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: BaseException) -> UserError:
        sent = isinstance(error, ConnectionAbortedError)  # a traceback from the head
        reason = _last_line(error) if sent else _first_line(error)
        return UserError(
            f"No Ray cluster answers at {self.address} ({reason}): start one with "
            "`ray start --head` on one machine and `ray start --address=HOST:6379` on the others, "
            "or give --address the right one."
        )

    def _n_cores(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _limit(self) -> int:
        """How many tasks Ray may have at a time."""
        if self._wanted:
            return self._wanted
        deadline = time.monotonic() + PATIENCE_S
        while (n_cores := self._n_cores()) == 0:
            if time.monotonic() > deadline:
                raise UserError(
                    f"The Ray cluster at {self.address} has no cores to work with: add machines "
                    "with `ray start --address=HOST:6379`, then run the same command again."
                )
            time.sleep(1.0)
        return 2 * n_cores

    # -- tasks -------------------------------------------------------------------------------

    def _portable(self, task: Any) -> Any:
        """The task with absolute paths. A token file in its workspace lets workers recognise it."""
        places = {name: getattr(task, name, None) for name in PLACES}
        changes = {name: _absolute(place) for name, place in places.items() if place}
        if changes and dataclasses.is_dataclass(task) and not isinstance(task, type):
            task = dataclasses.replace(task, **changes)
        root = changes.get("store_root")
        if root and root not in self._marked:
            store = Store(root)
            store.write_bytes(self._token, b"")
            self._marked[root] = store
        return task

    @contextlib.contextmanager
    def _plain_errors(self, title: str) -> Iterator[None]:
        """Turn Ray's own errors into one sentence; a task's errors pass unchanged."""
        errors = self._ray.exceptions
        again = "run the same command again to continue from the last finished task."
        try:
            yield
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, UserError):
                raise cause from None
            # With an error of Ray's as its cause, the task could not be unpacked by the worker.
            if isinstance(cause, (ImportError, errors.RayError)):
                raise UserError(
                    f"A worker of the Ray cluster cannot run this code ({_first_line(cause)}): "
                    "install requirements.txt and requirements-ray.txt on every machine, with the "
                    "same Python."
                ) from error
            raise cause from error
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError) as error:
            raise UserError(
                f"Workers of the Ray cluster died {MAX_RETRIES + 1} times on the same task while "
                f"{title} (killed, or out of memory): {again}"
            ) from error
        except errors.RuntimeEnvSetupError as error:
            raise UserError(
                f"The Ray cluster could not take this code ({_last_line(error)}): check that its "
                "machines can write to Ray's temporary folder."
            ) from error
        except (errors.RayError, ConnectionError) as error:
            raise UserError(
                f"The Ray cluster at {self.address} went away while {title} "
                f"({_first_line(error)}): start it again and {again}"
            ) from error


def _work(function: Callable[[Any], Any], task: Any, token: str) -> Any:
    """Run one task in a worker, after a check that the worker sees the task's places."""
    for name, words in PLACES.items():
        place = getattr(task, name, None)
        if place:
            _check_place(words, place, token if name == "store_root" else None)
    return function(task)


@functools.lru_cache(maxsize=64)
def _check_place(words: str, place: str, token: str | None) -> None:
    """Raise UserError unless this machine sees a place; checked once per process.

    Without this check, a machine without the media would report every file as unreadable, and a
    machine with another folder of the workspace's name would write its results there.
    """
    is_folder = "://" in place or os.path.isdir(place)
    seen = is_folder if token is None else Store(place).has(token)
    if not seen:
        raise UserError(
            f"The machine {socket.gethostname()} of the Ray cluster does not see the {words} "
            f"{place}: use a folder that every machine has at this path (a network mount), or an "
            "s3:// URL."
        )


def _imported() -> ModuleType:
    """The module `ray`, or a UserError with the command that installs it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "Ray is not installed: run `.venv/bin/pip install -r requirements-ray.txt`."
        ) from error
    return ray


def _host_and_port(address: str) -> tuple[str, int]:
    """Host and port of an address. Ray resolves `auto` through its own file or `RAY_ADDRESS`."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    if "://" not in address:
        # Not public, but only this function knows which cluster `auto` means.
        from ray._private.services import canonicalize_bootstrap_address

        address = canonicalize_bootstrap_address(address) or address
    host, found, port = address.rpartition("://")[2].rpartition(":")
    if not found or not port.isdigit():
        raise ValueError("expected auto, local, HOST:PORT or ray://HOST:PORT")
    return host.strip("[]"), int(port)


def _absolute(place: str) -> str:
    return place if "://" in place else os.path.abspath(os.path.expanduser(place))


def _first_line(error: object) -> str:
    return _lines(error)[0].rstrip(".:")


def _last_line(error: object) -> str:
    return _lines(error)[-1].rstrip(".")


def _lines(error: object) -> list[str]:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines or [type(error).__name__]
