"""Fixtures that many test modules share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.precompute_runs import SMALL_DEMO

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real media, weights and metadata beside the repository, if there is one."""
    folder = REPO.parent / "shared"
    if not (folder / "realmedia").is_dir():
        pytest.skip("no ../shared beside the repository: real media and weights are not tested")
    return folder


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A whole study of the smallest demo corpus, made by the command line once a session.

    Processes that test side by side share it: the first makes it, the others wait for it.
    `JEE_TEST_WORKSPACE` may name one that is there already, to save a minute.
    """
    given = os.environ.get("JEE_TEST_WORKSPACE")
    if given:
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    folder = base if worker_id == "master" else base.parent  # which is the session's own
    root, done = folder / "demo", folder / "demo.done"
    command = [sys.executable, "-m", "precompute", "all", *SMALL_DEMO]
    with FileLock(folder / "demo.lock"):
        if not done.exists():
            subprocess.run([*command, "--workspace", str(root)], cwd=REPO, check=True)
            done.touch()
    return root
