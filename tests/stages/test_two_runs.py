"""Two runs at once on one workspace, some of them killed: the report of an undisturbed run."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import ready_vectors
from tests.precompute_runs import REPO, precompute

N_INTERLEAVINGS = 20


def report(root: Path) -> list[dict[str, object]]:
    done = precompute("report", "--workspace", root, "--json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def start(study: Path, root: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "precompute", "evaluate", "--study", str(study)]
    command += ["--workspace", str(root), "--workers", "2", "--wait"]
    return subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    table = ready_vectors.write_table(folder)
    (folder / "study.yaml").write_text(
        f"dataset: table:{table}\nsplits: 2\nn_bootstrap: 20\nmix_in_draws: 1\n"
        "forest: {n_trees: 5}\n"
    )
    return folder / "study.yaml"


@pytest.fixture(scope="module")
def undisturbed(study: Path) -> tuple[list[dict[str, object]], float]:
    """The report of one run alone, and its seconds."""
    before = time.monotonic()
    process = start(study, study.parent / "alone")
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    return report(study.parent / "alone"), time.monotonic() - before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(N_INTERLEAVINGS))
def test_two_runs_and_kills_leave_the_report_of_one_run(
    study: Path, undisturbed: tuple[list[dict[str, object]], float], tmp_path: Path, seed: int
) -> None:
    expected, seconds = undisturbed
    draw, root = random.Random(seed), tmp_path / "w"
    runs = [start(study, root)]
    time.sleep(draw.uniform(0, seconds / 2))
    runs.append(start(study, root))
    for process in runs:
        if draw.random() < 0.5:
            time.sleep(draw.uniform(0, seconds / 2))
            process.send_signal(draw.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
    for process in runs:
        _, said = process.communicate(timeout=600)
        ends = (0, 130, -signal.SIGINT, -signal.SIGKILL, -signal.SIGTERM)
        assert process.returncode in ends, said
        assert "Traceback" not in said or process.returncode != 0, said
    last = start(study, root)
    _, said = last.communicate(timeout=600)
    assert last.returncode == 0, said
    assert report(root) == expected
    assert not list(root.glob("*/*.partial"))
    assert not list(root.glob("locks/*/*.*.json"))
