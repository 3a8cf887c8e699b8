"""Who is at work on which artefacts of a workspace, so that two runs never write the same one.

A run has a file `locks/runs/<token>.json` with its host, process and start, and a heartbeat: a
number that it raises every few seconds. An artefact that it makes has a file
`locks/<stage>/<digest>.<n>.json` with the run's token. Such a file is created only if it is not
there (a link in a folder, a conditional write on an object store), so of two runs one gets it.

A run is dead when its process is gone (on the same host), or when its heartbeat stands still for
`DEAD_S` by the observer's own clock. A file that cannot be read may be half written: its run is
dead only if it stays so for `DEAD_S`. The artefacts of a dead run are taken over by creating the
file with the next `n`. Readers ask for no lock.

    with Holder(store) as holder:
        holder.take([("train", digest)], wait=True)     # raises Busy if another run has it
        ...
        holder.release()
"""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from core.errors import MissingArtefact, UserError
from core.store import Store

BEAT_S = 2.0
DEAD_S = 20.0  # ten heartbeats
RUNS = "locks/runs"
Part = tuple[str, str]  # stage and digest of an artefact


class Busy(UserError):
    """Another run makes the same artefact; the message says who, and since when."""


class Holder:
    """This run, and the artefacts that it holds; a context manager.

    Parameters
    ----------
    store : the workspace
    tell : called with a sentence when the run begins to wait for another one
    """

    def __init__(self, store: Store, tell: Callable[[str], None] = lambda text: None) -> None:
        self.store, self.tell = store, tell
        self.token = uuid.uuid4().hex[:16]
        self.values = {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "born": _born(os.getpid()),
            "since": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        }
        self._run = _run(self.token)
        self._held: list[str] = []
        self._beats = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._seen: dict[str, tuple[int, float]] = {}  # run -> last heartbeat, and when

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._beats:
            self._thread.join()
            with contextlib.suppress(UserError):  # the workspace may be gone; others find us dead
                self.release()
                self.store.remove(self._run)

    def take(self, parts: Iterable[Part], wait: bool = False) -> None:
        """Hold these artefacts; all runs take theirs in the same order, so none wait in a circle.

        Raises
        ------
        Busy
            Another run makes one of them, and `wait` is False.
        """
        parts = sorted(parts)
        if parts and not self._beats:
            self._write()
            self._thread.start()
        for stage, digest in parts:
            told = False
            while other := self._try(stage, digest):
                owner, lives = other
                if not wait and lives is True:
                    raise Busy(
                        f"{self._who(owner)} is making {stage}/{digest} in the workspace "
                        f"{self.store.root}: wait for it with `--wait`, or run the command again "
                        "later."
                    )
                if not told and wait:
                    self.tell(f"Waiting for {self._who(owner)}, which makes {stage}/{digest}.")
                    told = True
                time.sleep(BEAT_S / 4)

    def release(self) -> None:
        """Hold nothing any more."""
        while self._held:
            self.store.remove(self._held.pop())

    def holds(self, stage: str, digest: str) -> bool:
        """Whether any run that is not known to be dead holds an artefact, this one included."""
        found = self._files(stage, digest)
        owner = self._owner(found[-1][1]) if found else None
        return owner is not None and self._lives(owner) is not False

    def _try(self, stage: str, digest: str) -> tuple[str, bool | None] | None:
        """Hold an artefact, or return the file of the run that does, and whether it lives."""
        while True:
            found = self._files(stage, digest)
            n = 0
            if found:
                n, name = found[-1]
                owner = self._owner(name)
                if owner == self._run:
                    return None
                if owner is None:
                    continue  # it has just been released: look again
                lives = self._lives(owner)  # once: the next look finds the same heartbeat
                if lives is not False:
                    return owner, lives
                n += 1
            mine = f"locks/{stage}/{digest}.{n}.json"
            if not self.store.create_json(mine, {"run": self.token}):
                continue
            self._held.append(mine)
            if self._files(stage, digest)[-1][0] == n:
                for _, name in found:
                    self.store.remove(name)
                return None
            self.store.remove(self._held.pop())  # another run was quicker with a higher number

    def _files(self, stage: str, digest: str) -> list[tuple[int, str]]:
        """The lock files of an artefact with their numbers; the highest one counts."""
        parts = (name.split(".") for name in self.store.names(f"locks/{stage}"))
        numbers = sorted(
            int(one[1])
            for one in parts
            if len(one) == 3 and one[0] == digest and one[1].isdigit() and one[2] == "json"
        )
        return [(n, f"locks/{stage}/{digest}.{n}.json") for n in numbers]

    def _json(self, name: str) -> dict[str, Any] | None:
        """What a file of the locks says; None if it is absent, {} if it is damaged or half written.

        Its bytes are read first: an error of the network is no damage.
        """
        try:
            values = json.loads(self.store.read_bytes(name))
        except MissingArtefact:
            return None
        except ValueError:
            return {}
        return values if isinstance(values, dict) else {}

    def _owner(self, lock: str) -> str | None:
        """The file of the run that has a lock; None if the lock has just been released.

        A lock that is not readable stands for its run: nothing changes there, as in a dead run.
        """
        values = self._json(lock)
        if values is None:
            return None
        return _run(str(values["run"])) if "run" in values else lock

    # -- runs ----------------------------------------------------------------------------------

    def _lives(self, run: str) -> bool | None:
        """Whether a run lives, by its file. None if that is not known yet: it is elsewhere or its
        file is not readable, and its heartbeat has not been watched for long enough."""
        values = self._json(run)
        if values is None:
            return False
        if values.get("host") == self.values["host"]:
            return _born(int(values.get("process", 0))) == values.get("born")
        now = time.monotonic()
        last, when = self._seen.setdefault(run, (int(values.get("beats", 0)), now))
        beats = int(values.get("beats", last))
        if beats != last:
            self._seen[run] = (beats, now)
            return True
        return False if now - when > DEAD_S else None

    def _who(self, run: str) -> str:
        values = self._json(run) or {}
        return (
            f"A run (process {values.get('process', '?')} on {values.get('host', '?')}, since "
            f"{values.get('since', '?')})"
        )

    def _write(self) -> None:
        self._beats += 1
        self.store.write_json(self._run, {**self.values, "beats": self._beats})

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with contextlib.suppress(UserError):  # a full disk: the run itself will say so
                self._write()


def _run(token: str) -> str:
    """The file of a run."""
    return f"{RUNS}/{token}.json"


def _born(process: int) -> str:
    """When a process of this machine began, as its system counts; "" if there is none.

    A number is given to another process later, so the number alone would not do.
    """
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
            return "" if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if os.path.isdir("/proc/self"):
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "?"
