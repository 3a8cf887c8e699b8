"""The queue of runs of one server: one at a time, each in a process of its own.

A worker (`core.lab.worker`) that has loaded all libraries forks for each run, so that nobody waits
for them. A run has one thread less than the machine has cores, and its memory is watched.
Cancelling kills it. Of several servers and command lines on one workspace, one makes a run at a
time.

    queue = Queue()
    job = queue.submit(Job(root, study.digest, [("", settings)]))
    queue.position(job), job.steps, job.state
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.cpu import n_cores
from core.engines.base import ONE_THREAD
from core.lab.recipe import Settings
from core.lab.run import Step

REPO = Path(__file__).resolve().parents[2]
MOST_BYTES = 4 << 30  # of memory that a run may use
MOST_FINISHED = 50  # jobs that are remembered
WATCH_S = 0.2
State = Literal["waiting", "running", "done", "failed", "cancelled"]
log = logging.getLogger("lab")


@dataclass
class Job:
    """A run, or the runs of a sweep, that somebody has asked for.

    Attributes
    ----------
    runs : the value of the swept setting, and the settings, of each run
    setting : the swept one; "" for a single run
    base : digest of the study or run to compare with; "" for the study
    steps : what has been said so far, with the number of its run
    history : the epochs of the training that goes on, or has ended last
    sentence : why it failed, or what it waits for
    exchange : a modality; the job is then the exchange rates of `study`, and has no runs
    table : the rows of the exchange rates
    """

    root: str
    study: str
    runs: Sequence[tuple[Any, Settings]]
    setting: str = ""
    base: str = ""
    exchange: str = ""
    state: State = "waiting"
    steps: list[tuple[int, Step]] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    sentence: str = ""
    table: list[dict[str, Any]] = field(default_factory=list)
    started: float = 0.0
    ended: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def done(self) -> float:
        """The part of the work that is done, from 0 to 1."""
        if self.state == "done":
            return 1.0
        number, step = self.steps[-1] if self.steps else (0, None)
        return (number + (step.done if step else 0.0)) / max(len(self.runs), 1)

    @property
    def seconds_left(self) -> float | None:
        """As far as can be said from the time so far."""
        if self.state != "running" or self.done < 0.05:
            return None
        spent = time.time() - self.started
        return spent / self.done - spent

    def request(self) -> str:
        """The line for the worker."""
        asked = {
            "root": self.root,
            "study": self.study,
            "base": self.base,
            "exchange": self.exchange,
            "runs": [settings.as_dict() for _, settings in self.runs],
            "n_threads": max(1, n_cores() - 1),
        }
        return json.dumps(asked) + "\n"


class Queue:
    """The jobs of one server; every method can be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._process: subprocess.Popen[str] | None = None
        self._child = 0  # the process of the run that goes on
        self._thread: threading.Thread | None = None

    def submit(self, job: Job) -> Job:
        """Add a job to the end of the queue."""
        with self._changed:
            over = [one for one in self._jobs if one.is_over]
            for one in over[: len(over) - MOST_FINISHED]:
                self._jobs.remove(one)
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_all, daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return job

    def cancel(self, job: Job) -> None:
        """End a job now, whether it waits or runs."""
        with self._changed:
            was = job.state
            if not job.is_over:
                job.state, job.ended = "cancelled", time.time()
            if was == "running":
                self._end_run()

    def position(self, job: Job) -> int:
        """How many jobs are before this one; 0 if it is running or over."""
        with self._changed:
            open_jobs = [one for one in self._jobs if not one.is_over]
            return open_jobs.index(job) if job in open_jobs else 0

    def warm(self) -> None:
        """Have a worker ready, if none is."""
        with self._changed:
            self._ready()

    def close(self) -> None:
        """End the worker, and with it the run that goes on."""
        with self._changed:
            for job in self._jobs:
                if not job.is_over:
                    job.state = "cancelled"
            self._kill()

    # -- the thread --------------------------------------------------------------------------

    def _run_all(self) -> None:
        while True:
            with self._changed:
                job = None
                while job is None:
                    waiting = (one for one in self._jobs if one.state == "waiting")
                    job = next(waiting, None)
                    if job is None:
                        self._changed.wait()
                job.state, job.started = "running", time.time()
            try:
                if not self._run(job):  # the worker ended at this moment, because nobody asked
                    self._run(job)
            except Exception:
                log.exception("a run of the lab failed")
                self._end(job, "failed", "The run could not be made. The reason is in the log.")
                with self._changed:
                    self._kill()
            self._end(
                job,
                "failed",
                "The run's process ended before the run did: run it again, or ask less.",
            )

    def _run(self, job: Job) -> bool:
        """Give a job to the worker and hear all that it says; False if it could not begin."""
        with self._changed:
            if job.is_over:
                return False
            process = self._ready()
        assert process.stdin is not None
        assert process.stdout is not None
        began = False
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job.request())
            process.stdin.flush()
        for line in process.stdout:
            said = _read(line)
            began = began or said["kind"] == "began"
            if said["kind"] == "ended":
                break
            self._hear(job, said)
        with self._changed:
            self._child = 0
        return began

    def _hear(self, job: Job, said: dict[str, Any]) -> None:
        with self._changed:
            if said["kind"] == "began":
                self._child = int(said["process"])
                threading.Thread(target=self._watch, args=(job, self._child), daemon=True).start()
            if job.is_over:
                self._end_run()
                return
            if said["kind"] == "waits":
                job.sentence = said["sentence"]
            elif said["kind"] == "epochs":
                job.history = said["history"]
            elif said["kind"] == "table":
                job.table = said["rows"]
            elif said["kind"] == "step":
                job.sentence = ""
                job.steps.append((said["number"], Step(**said["step"])))
        if said["kind"] == "done":
            self._end(job, "done")
        elif said["kind"] == "failed":
            self._end(job, "failed", said["sentence"])

    def _end(self, job: Job, state: State, sentence: str = "") -> None:
        with self._changed:
            if not job.is_over:
                job.state, job.sentence, job.ended = state, sentence, time.time()

    def _watch(self, job: Job, child: int) -> None:
        """End a run that takes too much memory."""
        while self._child == child:
            if memory_of(child) > MOST_BYTES:
                self._end(
                    job,
                    "failed",
                    f"The run needed more than {MOST_BYTES >> 30} GB of memory: ask for a smaller "
                    "sample (most) or fewer draws.",
                )
                with self._changed:
                    self._end_run()
            time.sleep(WATCH_S)

    def _end_run(self) -> None:
        """Kill the run that goes on; the worker stays. It has no run yet while it loads."""
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)

    def _ready(self) -> subprocess.Popen[str]:
        """The worker that is ready or getting ready."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.lab.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=REPO,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(REPO)},
            )
        return self._process

    def _kill(self) -> None:
        self._end_run()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _read(line: str) -> dict[str, Any]:
    """A line of the worker; a run that was killed may have left half a one."""
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"kind": ""}
    return said


def memory_of(pid: int) -> int:
    """The bytes of memory that a process holds; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
