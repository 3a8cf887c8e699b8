"""The Ray engine makes the local engine's artefacts, on the workers of a cluster (`conftest`)."""

import dataclasses
import importlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config import Config
from core.engines.local import LocalEngine
from core.errors import MissingWeights, UserError
from core.spaces.translation import TranslationConfig
from core.stages import extract
from core.stages import table as stages
from core.store import Store
from precompute.engines import engine_for
from tests.engines.conftest import Cluster
from tests.object_store import BUCKET


@dataclasses.dataclass(frozen=True)
class Task:
    """A number, and the places that a real task has."""

    number: int = 0
    store_root: str = ""
    media_root: str = ""


# -- functions that workers run -------------------------------------------------------------------


def where(task: Task) -> tuple[int, int, str | None]:
    time.sleep(0.2)
    return task.number, os.getpid(), os.environ.get("OMP_NUM_THREADS")


def fail(kind: str) -> None:
    if kind == "weights":
        raise MissingWeights("net.bin is not in /models: get it from its publisher.")
    if kind == "user":
        raise UserError("Thirteen was found: expected another number.")
    raise ZeroDivisionError("one by nought")


def die_once(task: Task) -> int:
    """Die at the first attempt; a marker in the workspace shows that this is the second."""
    store = Store(task.store_root)
    if task.number == 2 and not store.has("died"):
        store.write_json("died", os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)
    store.write_json(f"done/{task.number}", os.getpid())
    return task.number


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(task: Task) -> int:
    Store(task.store_root).write_json(f"pids/{os.getpid()}", 0)
    time.sleep(0.1 if task.number == 0 else 300)
    return task.number


# -- tasks ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_task_runs_once_on_several_workers_of_one_thread(engine: Any) -> None:
    assert engine.n_workers == 2
    found = list(engine.run(where, [Task(number) for number in range(12)], "numbers"))
    assert sorted(number for number, _, _ in found) == list(range(12))
    pids = {pid for _, pid, _ in found}
    assert len(pids) > 1
    assert os.getpid() not in pids
    assert {threads for _, _, threads in found} == {"1"}
    assert list(engine.run(where, [], "nothing")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("weights", MissingWeights, r"^net\.bin is not in /models: get it from its publisher\.$"),
        ("user", UserError, r"^Thirteen was found: expected another number\.$"),
        ("other", ZeroDivisionError, r"^one by nought$"),
    ],
)
def test_an_error_in_a_worker_reaches_the_caller_unchanged(
    engine: Any, kind: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        list(engine.run(fail, [kind], "failing"))
    assert raised.type is error


@pytest.mark.slow
def test_a_missing_module_on_a_worker_gives_one_sentence(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def function(task):\n    return task\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    function = importlib.import_module("only_here").function
    with pytest.raises(UserError, match=r"cannot run this code \(.*only_here.*\): install req"):
        list(engine.run(function, [1], "working"))


@pytest.mark.slow
def test_another_worker_does_the_task_of_a_killed_one(engine: Any, tmp_path: Path) -> None:
    tasks = [Task(number, str(tmp_path)) for number in range(5)]
    assert sorted(engine.run(die_once, tasks, "dying")) == list(range(5))
    store = Store(tmp_path)
    assert store.names("done") == [str(number) for number in range(5)]
    assert store.json("done/2") != store.json("died")


@pytest.mark.slow
def test_a_task_that_kills_every_worker_gives_one_sentence(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.engines import ray as ray_engine

    monkeypatch.setattr(ray_engine, "MAX_RETRIES", 0)
    with pytest.raises(UserError, match=r"^Workers of the Ray cluster died 1 times .* while dying"):
        list(engine.run(die, [0], "dying"))


@pytest.mark.slow
def test_the_cluster_gets_few_tasks_at_a_time(engine: Any) -> None:
    class Counted(Sequence[Task]):
        taken = 0

        def __len__(self) -> int:
            return 40

        def __getitem__(self, number: Any) -> Any:
            if number >= len(self):
                raise IndexError
            self.taken += 1
            return Task(number)

    tasks = Counted()
    results = engine.run(where, tasks, "numbers")
    next(results)
    assert tasks.taken <= 2 * engine.n_workers
    results.close()


# -- places ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_workers_find_a_relative_workspace(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(engine.run(die_once, [Task(1, "here/w")], "writing")) == [1]
    assert (tmp_path / "here/w/done/1").exists()


@pytest.mark.slow
def test_a_workspace_that_workers_do_not_see_is_refused(engine: Any) -> None:
    with pytest.raises(UserError, match=r"does not see the workspace memory://w: use a folder"):
        list(engine.run(die_once, [Task(1, "memory://w")], "writing"))


@pytest.mark.slow
def test_media_that_workers_do_not_see_are_refused(engine: Any, tmp_path: Path) -> None:
    task = Task(1, str(tmp_path), "/nowhere/at/all")
    with pytest.raises(UserError, match=r"does not see the media /nowhere/at/all: use a folder"):
        list(engine.run(die_once, [task], "writing"))


# -- whole studies --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """24 clips of 3 classes: a picture each, and a ready vector for their sound."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    rows = []
    for clip in range(24):
        kind = clip % 3
        colour = np.zeros((64, 64, 3), dtype=np.uint8)
        colour[..., kind] = rng.integers(100, 255, (64, 64))
        Image.fromarray(colour).save(folder / f"{clip}.png")
        for modality in ("audio", "image"):
            rows.append(
                {
                    "item_id": f"{modality}{clip}",
                    "clip_id": f"clip{clip}",
                    "modality": modality,
                    "labels": ("cello", "flute", "organ")[kind],
                    "path": f"{clip}.png" if modality == "image" else "",
                }
            )
    pd.DataFrame(rows).to_csv(folder / "items.csv", index=False)
    np.save(folder / "audio.npy", rng.normal(size=(24, 6)) + np.arange(24)[:, None] % 3)
    ids = "\n".join(f"audio{clip}" for clip in range(24))
    (folder / "audio.ids.csv").write_text(ids + "\n")
    return Config(
        dataset=f"table:{folder / 'items.csv'}",
        image=("hog",),
        splits=1,
        translation=TranslationConfig(max_epochs=3),
    )


def run_study(study: Config, store: Store, engine: Any) -> None:
    """Run up to the spaces, with shards so small that every worker gets some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "SHARD_SIZE", 5)
        stages.run(study, store, engine, until="train")


@pytest.fixture(scope="module")
def local(study: Config, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The study by the local engine."""
    store = Store(tmp_path_factory.mktemp("local"))
    with LocalEngine(2) as engine:
        run_study(study, store, engine)
    return store


def contents(store: Store) -> dict[str, Any]:
    """The content of all artefacts of a workspace, except times."""
    found: dict[str, Any] = {}
    for stage in ("ingest", "extract", "train"):
        for digest in store.names(stage):
            artefact = store.open(stage, digest)
            assert artefact is not None
            found[f"{stage}/{digest}"] = artefact.manifest["key"]
            for name in artefact.manifest["files"]:
                if name.endswith(".npy"):
                    found[f"{stage}/{digest}/{name}"] = artefact.array(name).tolist()
                elif name.endswith(".safetensors"):
                    found[f"{stage}/{digest}/{name}"] = {
                        key: value.tolist()
                        for key, value in artefact.tensors(name).items()
                        if "seconds" not in key
                    }
                elif name.endswith(".parquet") and name != "history.parquet":
                    found[f"{stage}/{digest}/{name}"] = artefact.table(name).to_json()
    return found


@pytest.mark.slow
def test_ray_makes_the_local_engines_artefacts(
    engine: Any, study: Config, local: Store, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    run_study(study, store, engine)
    mine, theirs = contents(store), contents(local)
    assert len([name for name in mine if name.endswith(".npy")]) >= 6
    assert mine.keys() == theirs.keys()
    assert mine == theirs


@pytest.mark.slow
def test_an_interrupted_run_leaves_no_task_and_no_token(engine: Any, tmp_path: Path) -> None:
    tasks = [Task(number, str(tmp_path)) for number in range(6)]

    def interrupted() -> None:
        with engine:
            for _ in engine.run(sleep, tasks, "sleeping"):
                assert Store(tmp_path).has(engine._token)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["pids"]
    # A worker that was stopped while it wrote leaves "PID.tmp-…".
    workers = {int(name.split(".")[0]) for name in Store(tmp_path).names("pids")}
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "a worker sleeps on"
        time.sleep(0.1)


@pytest.mark.slow
def test_from_outside_the_cluster_and_into_an_object_store(
    cluster: Cluster, engine: Any, study: Config, local: Store
) -> None:
    """`ray://`: workers have only the code that was sent, and only the media as files."""
    engine.stop()  # one connection a process
    store = Store("s3://bucket/study")
    with engine_for("ray", cluster.client, 2) as client:
        assert client.n_workers == 2
        run_study(study, store, client)
        with pytest.raises(UserError, match=r"does not see the media /nowhere: use a folder"):
            list(client.run(extract.extract_shard, [lost_shard()], "extracting"))
    assert contents(store) == contents(local)
    pages = cluster.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    kept = [found["Key"] for page in pages for found in page["Contents"]]
    assert len(kept) > 10
    assert not [name for name in kept if ".partial" in name or ".seen" in name]


def lost_shard() -> extract.Shard:
    return extract.Shard("s3://bucket/study", "x", "0", "hog", None, "/nowhere", ())


# -- no cluster -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere.invalid:6379", "elsewhere", "auto"]
)
def test_an_address_without_a_cluster_is_refused_soon(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is optional: requirements-ray.txt")
    if address == "auto":
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    started = time.monotonic()
    with (
        pytest.raises(UserError, match=rf"^No Ray cluster answers at {address} \(.*ray start"),
        engine_for("ray", address),
    ):
        pass
    assert time.monotonic() - started < 15


def test_without_ray_the_error_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"^Ray is not installed: run .*requirements-ray\.txt`\.$"):
        engine_for("ray")
