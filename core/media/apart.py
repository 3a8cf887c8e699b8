"""Files of strangers, decoded in a process of its own with bounded time and memory.

    with apart.Decoder() as decoder:  # 8 s of processor for all that one upload needs
        kind = decoder.kind_of(content, "clip.mp4")
        audio = decoder.read_audio(content, "clip.mp4", rate_hz=16_000)

A `Decoder` has the functions of `core.media` and gives the same values and errors. Decoding holds
no lock of this process and costs it no memory but the result. The processes are kept for the next
file; one that has grown is replaced.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.cpu import n_cores
from core.errors import MediaError
from core.media.formats import Kind, refusal
from core.media.probe import Probe
from core.media.sound import Audio
from core.media.source import Source

UPLOAD_S = 8.0  # of processor, for all that one upload needs
WALL_S = 90.0  # of one call: a busy machine gives a process a small part of its processor
ENDING_S = 0.5
MOST_IDLE = 2
REPO = Path(__file__).resolve().parents[2]


class Decoder:
    """What `core.media` can do, within `seconds` of processor for all calls together.

    Raises
    ------
    MediaError
        In every method: the file is refused, or needs more time or memory than it may.
    """

    def __init__(self, seconds: float = UPLOAD_S) -> None:
        self.seconds = self.left_s = seconds
        self._files = contextlib.ExitStack()
        self._paths: dict[int, tuple[bytes, Path]] = {}

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()
        self._paths.clear()

    def kind_of(self, source: Source, name: str) -> Kind:
        kind: Kind = self._call("kind_of", source, name)
        return kind

    def probe(self, source: Source, name: str) -> Probe:
        found: Probe = self._call("probe", source, name)
        return found

    def read_audio(self, source: Source, name: str, **part: Any) -> Audio:
        audio: Audio = self._call("read_audio", source, name, **part)
        return audio

    def read_image(self, source: Source, name: str) -> np.ndarray:
        picture: np.ndarray = self._call("read_image", source, name)
        return picture

    def read_frame(self, source: Source, name: str, at_s: float) -> np.ndarray:
        return self.read_frames(source, name, [at_s])[0]

    def read_frames(self, source: Source, name: str, times_s: Sequence[float]) -> list[np.ndarray]:
        frames: list[np.ndarray] = self._call("read_frames", source, name, times_s=list(times_s))
        return frames

    def _call(self, function: str, source: Source, name: str, **arguments: Any) -> Any:
        if self.left_s <= 0:
            raise self._too_long(name)
        worker = _take()
        try:
            answer = worker.ask(function, self._path(source), name, self.left_s, arguments)
        finally:
            _give_back(worker)
        if answer is None or answer[2] > self.left_s:  # the kernel's timer can come late
            self.left_s = 0.0
            raise self._too_long(name)
        kind, value, spent_s = answer
        self.left_s -= spent_s
        if kind == "refused":
            raise MediaError(value)
        if kind == "memory":
            raise refusal(name, "needs too much memory to decode", "make it smaller")
        return value

    def _too_long(self, name: str) -> MediaError:
        return refusal(
            name,
            f"takes more than {self.seconds:g} s of processor to decode",
            "make it shorter or smaller",
        )

    def _path(self, source: Source) -> Path:
        """The file itself, or a temporary one with these bytes, as long as the decoder lives."""
        if isinstance(source, Path):
            return source
        if id(source) not in self._paths:
            folder = tempfile.TemporaryDirectory(prefix="upload-")
            path = Path(self._files.enter_context(folder)) / "file"
            path.write_bytes(source)
            self._paths[id(source)] = source, path
        return self._paths[id(source)][1]


# -- the processes --------------------------------------------------------------------------------


class Worker:
    """A process that decodes, one file at a time; it ends with this one."""

    def __init__(self) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "core.media.apart_worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=REPO,
                env={**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"},
            )
        self.is_worn = False  # it has grown

    def ask(
        self, function: str, path: Path, name: str, seconds: float, arguments: dict[str, Any]
    ) -> tuple[str, Any, float] | None:
        """What the function returned and the seconds it took; None: more than it may."""
        try:
            self._pipe.send((function, path, name, seconds, arguments))
            if not self._pipe.poll(WALL_S):
                self.end()
                return None
            kind, value, spent_s, self.is_worn = self._pipe.recv()
        except (EOFError, OSError):
            self.end()
            if self.process.returncode == -signal.SIGPROF:
                return None
            return "refused", str(_crashed(name)), 0.0
        return kind, value, spent_s

    @property
    def can_go_on(self) -> bool:
        return not self.is_worn and self.process.poll() is None

    def end(self) -> None:
        """End the process, which ends by itself once nobody can ask it, or is killed."""
        self._pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING_S)
        self.process.kill()
        self.process.wait()


_IDLE: queue.LifoQueue[Worker] = queue.LifoQueue()
_ROOM = threading.BoundedSemaphore(max(1, n_cores()))


def warm() -> None:
    """Have a process ready."""
    _give_back(_take())


def _take() -> Worker:
    _ROOM.acquire()
    try:
        while True:
            worker = _IDLE.get_nowait()
            if worker.can_go_on:
                return worker
            worker.end()
    except queue.Empty:
        pass
    try:
        return Worker()
    except BaseException:
        _ROOM.release()
        raise


def _give_back(worker: Worker) -> None:
    if worker.can_go_on and _IDLE.qsize() < MOST_IDLE:
        _IDLE.put(worker)
    else:
        worker.end()
    _ROOM.release()


def _crashed(name: str) -> MediaError:
    return refusal(name, "makes its decoder crash, because it is damaged", "export it again")
