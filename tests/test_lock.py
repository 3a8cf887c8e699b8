"""Two runs on one workspace: one makes an artefact, the other leaves, waits or takes over."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import lock
from core.config import Config
from core.errors import UserError
from core.lock import Busy, Holder
from core.stages import table as stages
from core.store import Store
from tests import ready_vectors
from tests.conftest import REPO
from tests.object_store import s3_server
from tests.precompute_runs import HereEngine

PART = ("train", "0" * 16)


@pytest.fixture(params=["folder", "memory", "s3"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "s3":
        with s3_server(monkeypatch):
            yield Store("s3://bucket/w")
    else:
        yield Store(tmp_path / "w" if request.param == "folder" else f"memory://{tmp_path.name}/w")


def test_a_second_run_says_who_is_at_work_and_leaves(store: Store) -> None:
    with Holder(store) as first, Holder(store) as second:
        first.take([PART])
        with pytest.raises(
            Busy, match=r"process \d+ on .*, since 20.* is making train/0000.*--wait"
        ):
            second.take([PART])
        second.take([("train", "1" * 16)])  # other artefacts are free
        first.release()
        second.take([PART])
        assert second.holds(*PART)


def test_of_many_at_once_one_gets_it(store: Store) -> None:
    holders = [Holder(store) for _ in range(6)]
    together = threading.Barrier(len(holders))

    def ask(holder: Holder) -> bool:
        together.wait()
        try:
            holder.take([PART])
        except Busy:
            return False
        return True

    with ThreadPoolExecutor(len(holders)) as pool:
        assert sum(pool.map(ask, holders)) == 1
    for holder in holders:
        holder.__exit__(None, None, None)
    assert store.names("locks/train") == []


def test_waiting_ends_when_the_other_run_ends(store: Store) -> None:
    said: list[str] = []
    first = Holder(store)
    first.take([PART])
    with ThreadPoolExecutor(1) as pool, Holder(store, said.append) as second:
        waiting = pool.submit(second.take, [PART], True)
        while not said:
            time.sleep(0.01)
        assert not waiting.done()
        first.__exit__(None, None, None)
        waiting.result(timeout=30)
    assert said[0].startswith("Waiting for A run (process ")


def test_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    hold = (
        "import sys, time; from core.lock import Holder; from core.store import Store\n"
        f"Holder(Store(sys.argv[1])).take([{PART!r}]); print('held', flush=True); time.sleep(600)"
    )
    root = tmp_path / "w"
    command = [sys.executable, "-c", hold, str(root)]
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with Holder(Store(root)) as second:
        with pytest.raises(Busy, match=f"process {process.pid} "):
            second.take([PART])
        process.kill()
        process.wait()
        second.take([PART])


def test_a_run_on_another_host_is_dead_when_its_heart_stands_still(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.2)
    first = Holder(store)
    first.values["host"] = "elsewhere"
    first.take([PART])
    with Holder(store) as second:
        with pytest.raises(Busy, match="on elsewhere"):
            second.take([PART])
        monkeypatch.setattr(lock, "DEAD_S", 1.0)
        first._ended.set()  # it dies without a word
        first._thread.join()
        second.take([PART])


@pytest.mark.parametrize("damaged", ["lock", "run"])
def test_a_file_that_is_not_readable_is_held_until_it_stays_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.2)
    run, taken = "locks/runs/other.json", f"locks/{PART[0]}/{PART[1]}.0.json"
    store.write_json(run, {"host": "elsewhere", "process": 7, "since": "now", "beats": 1})
    store.write_json(taken, {"run": "other"})
    name = taken if damaged == "lock" else run
    whole = store.read_bytes(name)
    store.write_bytes(name, whole[:-4])
    with Holder(store) as holder, ThreadPoolExecutor(1) as pool:
        taking = pool.submit(holder.take, [PART])
        while not holder._seen:
            time.sleep(0.01)
        store.write_bytes(name, whole)
        for beats in (2, 3, 4):  # it lives
            time.sleep(0.3)
            store.write_json(run, {**store.json(run), "beats": beats})
        with pytest.raises(Busy, match="process 7 on elsewhere"):
            taking.result(timeout=30)
        store.write_bytes(name, b"")
        monkeypatch.setattr(lock, "DEAD_S", 1.0)
        holder.take([PART])
        assert store.names(f"locks/{PART[0]}") == [f"{PART[1]}.1.json"]


def test_a_run_waits_for_the_artefact_that_another_makes(tmp_path: Path) -> None:
    path = ready_vectors.write_table(tmp_path)
    config, store = Config(f"table:{path}", splits=1), Store(tmp_path / "w")
    task = next(iter(stages.TABLE[0].plan(stages.StudyRun(config, store, HereEngine()))))
    part = ("ingest", stages.digest(task.key))
    with Holder(store) as other:
        other.take([part])
        with HereEngine() as engine, pytest.raises(UserError, match="is making ingest/"):
            stages.run(config, store, engine, until="ingest")
    left = tmp_path / "w" / "ingest" / f"{part[1]}.partial"
    left.mkdir(parents=True)
    with HereEngine() as engine:
        stages.run(config, store, engine, until="ingest")
        left.mkdir(parents=True, exist_ok=True)  # of a run that lost
        (left / "items.parquet").write_bytes(b"half")
        stages.run(config, store, engine, until="ingest")
    assert not left.exists()
    assert store.open(*part) is not None
