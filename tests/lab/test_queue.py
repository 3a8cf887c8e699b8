"""The queue: one run at a time in a process of its own, cancelled within a second."""

import os
import time
from collections.abc import Iterator

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
    process = queue._process
    assert process is not None
    assert running.seconds_left is None or running.seconds_left >= 0
    queue.cancel(waiting)
    started = time.monotonic()
    queue.cancel(running)
    assert time.monotonic() - started < 1.0
    assert (running.state, waiting.state) == ("cancelled", "cancelled")
    assert process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    after = queue.submit(job_of(study, small.changed({"margin": 0.33})))
    wait(after, "done")


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
