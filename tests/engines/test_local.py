"""Workers: every task runs once, errors arrive unchanged, and no worker outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.engines.local import LocalEngine
from core.errors import UserError

REPO = Path(__file__).resolve().parents[2]


def square(number: int) -> int:
    if number == 13:
        raise UserError("Thirteen was found: expected another number.")
    return number * number


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def threads(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def test_every_task_runs_once_in_another_process() -> None:
    with LocalEngine(2) as engine:
        assert sorted(engine.run(square, range(12), "squares")) == [n * n for n in range(12)]
        assert list(engine.run(square, [], "nothing")) == []
        pids = set(engine.run(pid, range(8), "pids"))
    assert pids
    assert os.getpid() not in pids


def pid(_: int) -> int:
    return os.getpid()


def test_workers_use_one_thread_each_and_the_parent_is_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with LocalEngine(1) as engine:
        assert list(engine.run(threads, [0], "threads")) == ["1"]
    assert "OMP_NUM_THREADS" not in os.environ


def test_an_error_in_a_worker_reaches_the_caller() -> None:
    with LocalEngine(1) as engine, pytest.raises(UserError, match=r"Thirteen was found"):
        list(engine.run(square, [12, 13], "squares"))


def test_a_killed_worker_gives_one_sentence() -> None:
    with LocalEngine(1) as engine, pytest.raises(UserError, match=r"A worker process died while"):
        list(engine.run(die, [0], "dying"))


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.engines.test_local import pid\n"
        "from core.engines.local import LocalEngine\n"
        "if __name__ == '__main__':\n"
        "    engine = LocalEngine(2)\n"
        "    found = set(engine.run(pid, range(6), 'pids'))\n"
        f"    open({str(pids)!r}, 'w').write(' '.join(map(str, found)))\n"
        "    import time; time.sleep(300)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    parent = subprocess.Popen(
        [sys.executable, str(script)], cwd=REPO, env={**os.environ, "PYTHONPATH": str(REPO)}
    )
    wait_until(lambda: pids.exists() and pids.read_text() != "")
    workers = [int(text) for text in pids.read_text().split()]
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(alive(worker) for worker in workers))


def alive(pid_: int) -> bool:
    try:
        return Path(f"/proc/{pid_}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def wait_until(condition: object, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
