"""Fixtures that many test modules share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from core import media_roots
from tests.precompute_runs import SMALL_DEMO

REPO = Path(__file__).resolve().parent.parent
MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session", autouse=True)
def own_media_roots(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """The roots that the tests' studies note are not those of the person who runs the tests."""
    base = tmp_path_factory.getbasetemp()
    os.environ[media_roots.STATE] = str(base if worker_id == "master" else base.parent)


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page under test replaces `__main__`, which worker processes of later tests would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real media, weights and metadata beside the repository, if there is one."""
    folder = REPO.parent / "shared"
    if not (folder / "realmedia").is_dir():
        pytest.skip("no ../shared beside the repository: real media and weights are not tested")
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MadeOnce:
    """`made_once(name, make)`: a folder that `make(folder)` fills once a session, only read later.

    Processes that test side by side share it: the first makes it, the others wait for it.
    """
    base = tmp_path_factory.getbasetemp()
    session = base if worker_id == "master" else base.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = session / "shared" / name, session / "shared" / f"{name}.done"
        done.parent.mkdir(exist_ok=True)
        with FileLock(done.with_suffix(".lock")):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed to make it
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def demo_workspace(made_once: MadeOnce) -> Path:
    """A whole study of the smallest demo corpus, made by the command line once a session.

    `JEE_TEST_WORKSPACE` may name one that is there already, to save a minute.
    """
    given = os.environ.get("JEE_TEST_WORKSPACE")
    command = [sys.executable, "-m", "precompute", "all", *SMALL_DEMO]

    def make(folder: Path) -> None:
        subprocess.run([*command, "--workspace", str(folder)], cwd=REPO, check=True)

    return Path(given) if given else made_once("demo", make)


@pytest.fixture(scope="module")
def own_demo(demo_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo study for the tests of one module, which write in it."""
    return Path(shutil.copytree(demo_workspace, tmp_path_factory.mktemp("own") / "demo"))
