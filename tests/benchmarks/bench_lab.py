"""The lab: first numbers, a whole default run, and other pages' redraw meanwhile.

The demo (7,200 items, `logmel` and `hog` unless `JEE_TEST_WORKSPACE` names a finished workspace) is
copied. A run goes through the queue, as the page's button does, in a worker that has loaded; the
clock starts when the button is pressed. Pages are redrawn in this process, as a server does, while
a run goes on in its own one. Every detail has the processor time of the run's process beside it: on
a machine that others use, wall times say little.

    python -m tests.benchmarks lab
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.lab.queue import REPO, Job, Queue
from core.lab.recipe import settings_of
from core.store import Store
from core.study import Study, open_study

DEMO = ("--dataset", "demo", "--audio", "logmel", "--image", "hog", "--text", "none")
FIRST_S, WHOLE_S, GROWTH = 3.0, 15.0, 1.5
PAGES = ("map", "classify", "centroids")
N_DRAWS = 7
LOAD_S = 20.0


def run() -> list[dict]:
    """One row {what, against, ratio, at_least, detail} for each limit."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "demo"
        given = os.environ.get("JEE_TEST_WORKSPACE")
        if given:
            shutil.copytree(given, root)
        else:
            command = [sys.executable, "-m", "precompute", "all", *DEMO, "--workspace", str(root)]
            subprocess.run(command, cwd=REPO, check=True, capture_output=True)
        study = open_study(Store(root))
        queue = Queue()
        try:
            return [*_run(queue, study), *_pages(queue, study)]
        finally:
            queue.close()


def _run(queue: Queue, study: Study) -> list[dict]:
    """The default run with another margin, so that its training is its own."""
    queue.warm()
    time.sleep(LOAD_S)
    job = queue.submit(_job(study, margin=0.9))
    started = time.perf_counter()
    seconds: dict[str, tuple[float, float]] = {}
    while not job.is_over:
        for _, step in job.steps[len(seconds) :]:
            seconds.setdefault(step.name, (time.perf_counter() - started, _cpu(queue._child)))
        time.sleep(0.01)
    whole = time.perf_counter() - started
    assert job.state == "done", job.sentence
    first, cpu = seconds["ranking"]
    most_cpu = max(used for _, used in seconds.values())
    return [
        _row(
            "lab, first numbers", f"{FIRST_S:g} s", FIRST_S / first, f"{first:.1f} s, CPU {cpu:.1f}"
        ),
        _row(
            "lab, whole run",
            f"{WHOLE_S:g} s",
            WHOLE_S / whole,
            f"{whole:.1f} s, CPU {most_cpu:.1f}",
        ),
    ]


def _pages(queue: Queue, study: Study) -> list[dict]:
    """Warm redraws of other pages, without and with a run that goes on."""
    draw = {name: _redraw(name, study) for name in PAGES}
    quiet = {name: _median(one) for name, one in draw.items()}
    job = queue.submit(_job(study, max_epochs=100_000, patience=100_000))
    while not job.history:
        time.sleep(0.02)
    busy = {name: _median(one) for name, one in draw.items()}
    queue.cancel(job)
    return [
        _row(
            f"page {name} while a run goes on",
            f"{GROWTH:g} times its redraw",
            GROWTH * quiet[name] / busy[name],
            f"{1e3 * quiet[name]:.0f} ms, then {1e3 * busy[name]:.0f} ms",
        )
        for name in PAGES
    ]


def _job(study: Study, **changes: Any) -> Job:
    return Job(study.store.root, study.digest, [("", settings_of(study).changed(changes))])


def _redraw(name: str, study: Study) -> Callable[[], None]:
    """The page, drawn once; the function draws it again."""
    from streamlit.testing.v1 import AppTest

    os.environ["JEE_WORKSPACE"] = study.store.root
    page = AppTest.from_string(f"from dashboard.app import main\nmain({name!r})")
    page.run(timeout=300)

    def again() -> None:
        page.run(timeout=300)
        assert not page.exception

    return again


def _median(draw: Callable[[], None]) -> float:
    times = []
    for _ in range(N_DRAWS):
        started = time.perf_counter()
        draw()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _cpu(process: int) -> float:
    """The processor seconds that a process has used so far; 0 when it is gone."""
    try:
        parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _row(what: str, against: str, ratio: float, detail: str) -> dict:
    return {"what": what, "against": against, "ratio": ratio, "at_least": 1.0, "detail": detail}
