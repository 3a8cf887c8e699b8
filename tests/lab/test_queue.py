"""The queue: one run at a time in a process of its own, cancelled within a second."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.lab import queue as queues
from core.lab import runs
from core.lab.queue import Job, Queue
from core.lab.recipe import Settings
from core.study import Study


@pytest.fixture(scope="module")
def queue() -> Iterator[Queue]:
    made = Queue()
    made.warm()
    yield made
    made.close()


def wait(job: Job, *states: str, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while job.state not in states:
        assert time.monotonic() < until, (job.state, job.sentence)
        time.sleep(0.02)


def lives_after(process: int, until: float) -> bool:
    """Whether a process is still there at a time (`time.monotonic`); one that was killed is not."""
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state in "ZX":
            return False
        time.sleep(0.02)
    return True


def job_of(study: Study, settings: Settings) -> Job:
    return Job(study.store.root, study.digest, [("", settings)])


def test_a_run_tells_its_steps_and_the_next_one_waits(
    queue: Queue, study: Study, small: Settings
) -> None:
    first = queue.submit(job_of(study, small.changed({"margin": 0.31})))
    second = queue.submit(job_of(study, small.changed({"margin": 0.32})))
    assert queue.position(second) == 1
    wait(first, "done")
    assert next(step.name for _, step in first.steps) == "planned"
    assert first.steps[-1][1].name == "finished"
    assert len(first.history) == 2
    assert first.done == 1.0
    wait(second, "done")
    made = {one.id for one in runs.runs(study.store)}
    assert {job.steps[-1][1].facts["id"] for job in (first, second)} <= made


def test_a_run_ends_within_a_second_of_its_cancelling(
    queue: Queue, study: Study, small: Settings
) -> None:
    long = small.changed({"max_epochs": 100_000, "patience": 100_000, "margin": 0.4})
    running, waiting = queue.submit(job_of(study, long)), queue.submit(job_of(study, long))
    until = time.monotonic() + 240
    while not running.history:
        assert time.monotonic() < until
        time.sleep(0.02)
    child = queue._child
    assert child
    assert running.seconds_left is None or running.seconds_left >= 0
    queue.cancel(waiting)
    started = time.monotonic()
    queue.cancel(running)
    assert (running.state, waiting.state) == ("cancelled", "cancelled")
    assert not lives_after(child, started + 1.0)
    after = queue.submit(job_of(study, small.changed({"margin": 0.33})))
    wait(after, "done")


def test_a_run_ends_with_the_server_that_it_runs_for(study: Study, small: Settings) -> None:
    long = small.changed({"max_epochs": 100_000, "patience": 100_000, "margin": 0.41})
    code = (
        "import json, sys, time\n"
        "from core.lab.queue import Job, Queue\n"
        "from core.lab.recipe import Settings\n"
        "root, study, settings = json.loads(sys.argv[1])\n"
        "queue = Queue()\n"
        "job = queue.submit(Job(root, study, [('', Settings.from_dict(settings))]))\n"
        "while not job.history: time.sleep(0.02)\n"
        "print(queue._process.pid, queue._child, flush=True)\n"
        "time.sleep(600)\n"
    )
    asked = json.dumps([study.store.root, study.digest, long.as_dict()])
    before = runs.runs(study.store)
    with subprocess.Popen(
        [sys.executable, "-c", code, asked], stdout=subprocess.PIPE, text=True, cwd=queues.REPO
    ) as server:
        assert server.stdout is not None
        worker, child = (int(text) for text in server.stdout.readline().split())
        server.kill()
        until = time.monotonic() + 30
        assert not lives_after(worker, until)
        assert not lives_after(child, until)
    assert runs.runs(study.store) == before
    with runs.turn(study.store):  # the next run need not wait for the dead one
        pass


def test_one_run_at_a_time_in_a_workspace(queue: Queue, study: Study, small: Settings) -> None:
    with runs.turn(study.store):
        job = queue.submit(job_of(study, small.changed({"margin": 0.35})))
        until = time.monotonic() + 240
        while not job.sentence:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert job.sentence.startswith("Waiting for")
        assert job.steps == []
    wait(job, "done")
    assert job.sentence == ""


def test_the_memory_of_a_run_is_given_back(queue: Queue, study: Study, small: Settings) -> None:
    first = queue.submit(job_of(study, small.changed({"margin": 0.36})))
    wait(first, "done")
    worker = queue._process
    assert worker is not None
    used = queues.memory_of(worker.pid)
    second = queue.submit(job_of(study, small.changed({"margin": 0.37})))
    wait(second, "done")
    assert queue._process is worker  # it has forked for both, and holds nothing of them
    assert queues.memory_of(worker.pid) < used + (20 << 20)


def test_impossible_settings_are_told_in_one_sentence(
    queue: Queue, study: Study, small: Settings
) -> None:
    job = queue.submit(job_of(study, small.changed({"share": 0.001})))
    wait(job, "failed")
    assert "at least 10" in job.sentence


def test_a_run_that_takes_too_much_memory_ends(
    queue: Queue, study: Study, small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST_BYTES", 1 << 20)
    job = queue.submit(job_of(study, small.changed({"margin": 0.34})))
    wait(job, "failed")
    assert "of memory" in job.sentence


def test_the_memory_of_a_process_is_known() -> None:
    assert queues.memory_of(os.getpid()) > 10 << 20
    assert queues.memory_of(2**30) == 0
