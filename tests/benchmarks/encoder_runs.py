"""Four ways through one network, timed, for the two benchmarks of the encoders.

    ours    the `extract` stage, over files, in as many processes as there are cores
    plain   a loop over the same files, one call of the published network for each, torch and
            TensorFlow with their default number of threads
    bare    the published network alone, as its own library runs it, on the batches of `ours`,
            inputs in memory and threads as in `plain`: it does not change when our network becomes
            faster
    alone   our network on those batches, in the processes of `ours`, inputs in their memory: the
            time of extraction if decoding and preprocessing were free

They take turns, at least `LEAST_TURNS` and until `ENOUGH_S` is spent; the fastest turn of each
counts. Networks are as large as the published ones, with random weights. Workers import, load and
run everything once before the clock starts.
"""

import functools
import importlib
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from core import encoders
from core.config import Config
from core.cpu import n_cores
from core.datasets.base import DatasetCard, Ingested
from core.encoders import hcnn, hub, musicnn
from core.encoders.base import Encoder
from core.engines.local import LocalEngine
from core.items import Item, split_table, table
from core.record import Record
from core.stages import extract
from core.stages.study_run import StudyRun
from core.stages.table import TABLE, run_stage
from core.store import Artefact, Store
from tests.encoders import whole_networks

ENOUGH_S, LEAST_TURNS = 12.0, 3
LEAST_SHARE = 1 / 1.15  # bare time over our time
# Of plain and ours. Decoders may differ in the last bit, and VGGish's vectors have 8 bits.
LEAST_COSINE = 0.9999


@dataclass(frozen=True)
class Plain:
    """The plain way.

    load : run once, (name, weights folder) -> its state
    vector_of : run for each item, (state, media folder, item) -> `(dim,)`
    forward : the network alone, (state, batch of prepared inputs) -> `(b, dim)`
    """

    load: Callable[[str, Path], Any]
    vector_of: Callable[[Any, Path, Item], np.ndarray]
    forward: Callable[[Any, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Times:
    """Seconds of the four ways, and the largest distance of vectors between `ours` and `plain`."""

    n: int
    ours_s: float
    plain_s: float
    bare_s: float
    alone_s: float
    distance: float


@dataclass(frozen=True)
class Batches:
    """Prepared inputs in a file, and the rows of one shard."""

    encoder: str
    weights_dir: str
    inputs: str
    rows: range
    n_per_batch: int


def rows_of(
    name: str,
    items: Sequence[Item],
    root: Path,
    plain: Plain,
    what: str,
    at_least: float,
) -> list[dict]:
    """Two rows for the table: against the plain loop, and against the bare forward pass.

    `alone` is in the detail of the second.
    """
    n_workers = n_cores()
    times = measure(name, items, root, plain, n_workers)
    each_ms = {
        way: seconds / times.n * 1e3
        for way, seconds in (
            ("ours", times.ours_s),
            ("plain", times.plain_s),
            ("bare", times.bare_s),
            ("alone", times.alone_s),
        )
    }
    return [
        {
            "what": f"{what} through {name}, {n_workers} processes",
            "against": "decode, prepare and call the network one by one",
            "ratio": times.plain_s / times.ours_s,
            "at_least": at_least,
            "detail": (
                f"{each_ms['ours']:.1f} ms each against {each_ms['plain']:.1f}, "
                f"cosine of vectors ≥ 1 - {times.distance:.0e}"
            ),
        },
        {
            "what": f"{what} through {name}, {n_workers} processes",
            "against": "the published network alone, inputs in memory",
            "ratio": times.bare_s / times.ours_s,
            "at_least": LEAST_SHARE,
            "detail": (
                f"{each_ms['ours']:.1f} ms each against {each_ms['bare']:.1f}; "
                f"our network alone {each_ms['alone']:.1f}"
            ),
        },
    ]


def measure(name: str, items: Sequence[Item], root: Path, plain: Plain, n_workers: int) -> Times:
    """The four ways over the same items; fails when vectors differ."""
    with tempfile.TemporaryDirectory() as made, LocalEngine(n_workers) as engine:
        folder = Path(made)
        weights_dir = folder / "weights"
        weights_dir.mkdir()
        whole_networks.save(name, weights_dir)
        state = plain.load(name, weights_dir)
        batches = prepared(name, items, root, weights_dir, folder)
        list(engine.run(warm, [replace(batches[0])] * n_workers, f"loading {name}"))
        spent, turn = 0.0, 0
        best = dict.fromkeys(("ours", "plain", "bare", "alone"), math.inf)
        while turn < LEAST_TURNS or spent < ENOUGH_S:
            ours_s, ours = time_ours(
                name, items, root, weights_dir, folder / f"workspace{turn}", engine
            )
            plain_s, theirs = time_plain(items, root, plain, state)
            bare_s = time_bare(batches, plain, state)
            alone_s = time_alone(batches, engine)
            for way, seconds in zip(best, (ours_s, plain_s, bare_s, alone_s), strict=True):
                best[way] = min(best[way], seconds)
            spent, turn = spent + ours_s + plain_s + bare_s + alone_s, turn + 1
    distance = float((1 - cosines(ours, theirs)).max())
    assert distance < 1 - LEAST_COSINE, f"{name}: vectors differ, cosine {1 - distance:.6f}"
    scale = np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert np.abs(scale - 1).max() < 1e-2, f"{name}: vectors differ in length"
    seconds = {f"{way}_s": best_s for way, best_s in best.items()}
    return Times(n=len(items), distance=max(distance, 0.0), **seconds)


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """`(n,)` float64, row by row."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


# -- ours ----------------------------------------------------------------------------------------


def time_ours(
    name: str,
    items: Sequence[Item],
    root: Path,
    weights_dir: Path | None,
    workspace: Path,
    engine: LocalEngine,
) -> tuple[float, np.ndarray]:
    """Seconds of the `extract` stage in a new workspace, and the vectors in the items' order."""
    store = Store(workspace)
    modality = items[0].modality
    config = Config(
        audio=(name,) if modality == "audio" else (), image=(name,) if modality == "image" else ()
    )
    run = StudyRun(config, store, engine, weights_dir, Record(store, config))
    run.artefacts["ingest"] = ingest(store, items, root)
    (stage,) = (stage for stage in TABLE if stage.name == "extract")
    started = time.perf_counter()
    run_stage(stage, run)
    seconds = time.perf_counter() - started
    found = run.artefacts[f"extract:{name}"]
    assert list(found.table("items.parquet")["item_id"]) == [one.item_id for one in items]
    return seconds, np.asarray(found.array("vectors.npy"))


def ingest(store: Store, items: Sequence[Item], root: Path) -> Artefact:
    """The artefact of the stage before."""
    draft = store.begin("ingest", {"bench": 1})
    frame = table(items)
    card = DatasetCard("bench", "", "", "", "")
    described = Ingested(card, frame, split_table([]), ["x"], "clip", str(root), [])
    draft.write_table("items.parquet", frame)
    draft.write_json("dataset.json", described.describe())
    return draft.commit(media_digests={items[0].modality: "bench"})


# -- plain ---------------------------------------------------------------------------------------


def time_plain(
    items: Sequence[Item], root: Path, plain: Plain, state: Any
) -> tuple[float, np.ndarray]:
    """Seconds of the plain loop, and its vectors."""
    threads_of_a_user()
    plain.vector_of(state, root, items[0])
    started = time.perf_counter()
    vectors = [plain.vector_of(state, root, item) for item in items]
    return time.perf_counter() - started, np.array(vectors)


def threads_of_a_user() -> None:
    """Give torch its default number of threads."""
    import torch

    torch.set_num_threads(n_cores())


def loaded(name: str, weights_dir: Path) -> Encoder:
    """The plain way's network: all threads, linear layers of torch."""
    with mock.patch.object(hub, "pack_linear"):
        return encoders.load(name, weights_dir, n_threads=n_cores())


# -- bare and alone ------------------------------------------------------------------------------


def prepared(
    name: str, items: Sequence[Item], root: Path, weights_dir: Path, folder: Path
) -> list[Batches]:
    """The network's inputs in a file, and the rows of each shard of `ours`."""
    encoder: Any = encoders.load(name, weights_dir)
    rows = (extract.Row(one.item_id, one.path, one.start_s, one.duration_s, "") for one in items)
    media = [extract._read(str(root), encoder, row) for row in rows]
    if name == "hcnn":  # it repeats a second to fill its window
        media = [window for one in media for window in hcnn.windows(one)]
    if name == "musicnn":  # so does it
        media = [window for one in media for window in musicnn.windows(one)]
    assert len(media) == len(items)
    inputs = folder / "inputs.npy"
    np.save(inputs, np.stack([encoder.prepare(one) for one in media]))
    return [
        Batches(name, str(weights_dir), str(inputs), some, encoder.n_per_batch)
        for some in extract._shares(len(items))
    ]


def time_bare(batches: Sequence[Batches], plain: Plain, state: Any) -> float:
    """Seconds of the published network alone, in this process."""
    threads_of_a_user()
    plain.forward(state, next(inputs_of(batches[0])))
    started = time.perf_counter()
    for shard in batches:
        for batch in inputs_of(shard):
            plain.forward(state, batch)
    return time.perf_counter() - started


def time_alone(batches: Sequence[Batches], engine: LocalEngine) -> float:
    """Seconds of our network alone, in the workers."""
    started = time.perf_counter()
    list(engine.run(forward, batches, f"{batches[0].encoder} alone"))
    return time.perf_counter() - started


def forward(batches: Batches) -> float:
    """In a worker: the network over the batches of one shard."""
    encoder: Any = extract._loaded(batches.encoder, batches.weights_dir)
    return float(sum(encoder.run(batch)[0, 0] for batch in inputs_of(batches)))


def inputs_of(shard: Batches) -> Iterator[np.ndarray]:
    """The prepared inputs of one shard, in batches as `embed` makes them."""
    inputs = _in_memory(shard.inputs)[shard.rows.start : shard.rows.stop]
    for row in range(0, len(inputs), shard.n_per_batch):
        yield inputs[row : row + shard.n_per_batch]


def warm(batches: Batches) -> None:
    """In a worker: import, load and run everything once, before the clock starts."""
    importlib.import_module("soundfile")
    forward(batches)
    time.sleep(1.0)  # so that each worker gets one


@functools.lru_cache(maxsize=1)
def _in_memory(path: str) -> np.ndarray:
    return np.load(path)


# -- from the command line ------------------------------------------------------------------------


def chosen(names: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The `names` chosen by argument or by `BENCH_ENCODERS=NAME,NAME`; all by default."""
    asked = asked or [name for name in os.environ.get("BENCH_ENCODERS", "").split(",") if name]
    return [name for name in names if not asked or name in asked]


def show(rows: Sequence[dict]) -> None:
    for row in rows:
        print(
            f"{row['ratio']:.2f} (at least {row['at_least']:g})  {row['what']}, against "
            f"{row['against']}: {row['detail']}"
        )
