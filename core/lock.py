"""Who is at work on which artefacts of a workspace, so that two runs never write the same one.

A run has a file `locks/runs/<token>.json` with its host, process and start, and a heartbeat: a
number that it raises every few seconds. An artefact that it makes has a file
`locks/<stage>/<digest>.<n>.json` with the run's token. Such a file is created only if it is not
there (a link in a folder, a conditional write on an object store), so of two runs one gets it.

A run is dead when its process is gone (on the same host), or when its heartbeat stands still for
`DEAD_S` by the observer's own clock. Its artefacts are taken over by creating the file with the
next `n`. Readers ask for no lock.

    with Holder(store) as holder:
        holder.take([("train", digest)], wait=True)     # raises Busy if another run has it
        ...
        holder.release()
"""

import contextlib
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
        self._held: list[str] = []
        self._beats = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._seen: dict[str, tuple[int, float]] = {}  # token -> last heartbeat, and when

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
                self.store.remove(self._run(self.token))

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
            while owner := self._try(stage, digest):
                if not wait and self._lives(owner) is True:
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

    def _try(self, stage: str, digest: str) -> str | None:
        """Hold an artefact, or return the token of the run that does."""
        while True:
            found = self._files(stage, digest)
            n = 0
            if found:
                n, name = found[-1]
                owner = self._owner(name)
                if owner == self.token:
                    return None
                if owner is None:
                    continue  # it has just been released: look again
                if self._lives(owner) is not False:
                    return owner
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

    def _owner(self, name: str) -> str | None:
        """The token in a lock; None if it has just been released, "" if it is damaged."""
        try:
            return str(self.store.json(name)["run"])
        except MissingArtefact:
            return None
        except (ValueError, KeyError, TypeError):
            return ""

    # -- runs ----------------------------------------------------------------------------------

    def _run(self, token: str) -> str:
        return f"{RUNS}/{token}.json"

    def _read(self, token: str) -> dict[str, Any] | None:
        try:
            values = self.store.json(self._run(token))
        except (MissingArtefact, ValueError):
            return None
        return values if isinstance(values, dict) else None

    def _lives(self, token: str) -> bool | None:
        """Whether a run lives. None if that is not known yet: it is elsewhere, and its heartbeat
        has not been watched for long enough."""
        values = self._read(token)
        if values is None:
            return False
        if values.get("host") == self.values["host"]:
            return _born(int(values.get("process", 0))) == values.get("born")
        beats, now = int(values.get("beats", 0)), time.monotonic()
        last, when = self._seen.setdefault(token, (beats, now))
        if beats != last:
            self._seen[token] = (beats, now)
            return True
        return False if now - when > DEAD_S else None

    def _who(self, token: str) -> str:
        values = self._read(token) or {}
        return (
            f"A run (process {values.get('process', '?')} on {values.get('host', '?')}, since "
            f"{values.get('since', '?')})"
        )

    def _write(self) -> None:
        self._beats += 1
        self.store.write_json(self._run(self.token), {**self.values, "beats": self._beats})

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with contextlib.suppress(UserError):  # a full disk: the run itself will say so
                self._write()


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
