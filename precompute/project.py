"""``project``: UMAP and t-SNE maps of each space, both modalities together, in 2-D and 3-D."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.config import Config
from core.errors import UserError
from core.spaces import maps
from core.store import Artefact, Store
from core.study import Record, pair_name
from precompute.engine import LocalEngine

VERSION = 1
SPACES = ("translation", "pca")


@dataclass(frozen=True)
class Task:
    """The maps of some spaces by one method."""

    store_root: str
    trained: str
    spaces: tuple[str, ...]
    method: str
    seed: int
    folder: str

    @property
    def files(self) -> list[str]:
        """The tables that this task writes, one a space."""
        return [f"{space}.{self.method}.parquet" for space in self.spaces]


def run(
    config: Config,
    store: Store,
    engine: LocalEngine,
    record: Record,
    trained: dict[str, Artefact],
) -> dict[str, Artefact]:
    """Make the maps of every encoder pair's first split; ``{"AUDIO+IMAGE": artefact}``."""
    artefacts = {}
    for audio, image in config.pairs:
        name = pair_name(audio, image)
        space = trained[f"{name}:0"]
        key = {"spaces": space.digest, "seed": config.seed, "version": VERSION}
        artefact = store.find("project", key)
        if artefact is None:
            artefact = _project(config, store, engine, space, key)
        record.note(f"project:{name}", artefact)
        artefacts[name] = artefact
    return artefacts


def _project(
    config: Config, store: Store, engine: LocalEngine, trained: Artefact, key: dict[str, Any]
) -> Artefact:
    draft = store.begin("project", key)
    # t-SNE takes longest and goes first; UMAP compiles itself, so its spaces share a process.
    work = [("tsne", (space,)) for space in SPACES] + [("umap", SPACES)]
    tasks = [
        Task(store.root, trained.digest, spaces, method, config.seed, draft.folder)
        for method, spaces in work
    ]
    files = [file for task in tasks for file in task.files]
    if not draft.has("maps.parquet"):
        missing = [task for task in tasks if not all(draft.has(file) for file in task.files)]
        for _ in engine.run(make_maps, missing, "drawing maps"):
            pass
        parts = [draft.table(file) for file in files]
        draft.write_table("maps.parquet", pd.concat(parts, ignore_index=True))
    for file in files:
        draft.remove(file)
    n_points = draft.table("maps.parquet")["item_id"].nunique()
    return draft.commit(n_points=n_points, seed=config.seed)


def make_maps(task: Task) -> str:
    """Fit the 2-D and 3-D maps of some spaces by one method, and write a table a space."""
    store = Store(task.store_root)
    trained = store.open("train", task.trained)
    if trained is None:
        raise UserError(f"The artefact train/{task.trained} is gone: run the same command again.")
    for space, name in zip(task.spaces, task.files, strict=True):
        file = f"{task.folder}/{name}"
        if not store.exists(file):
            store.write_table(file, _map_table(trained, space, task.method, task.seed))
    return task.method


def _map_table(trained: Artefact, space: str, method: str, seed: int) -> pd.DataFrame:
    ids, modalities, vectors = [], [], []
    for modality in ("audio", "image"):
        item_ids = trained.table(f"{modality}.items.parquet")["item_id"].tolist()
        ids += item_ids
        modalities += [modality] * len(item_ids)
        vectors.append(np.asarray(trained.array(f"{space}.{modality}.npy")))
    frames = []
    for n_dims, points in maps.fit_maps(np.concatenate(vectors), method, seed=seed).items():
        frame = pd.DataFrame({"item_id": ids, "modality": modalities})
        frame["space"], frame["method"], frame["n_dims"] = space, method, n_dims
        for axis, name in enumerate("xyz"):
            frame[name] = points[:, axis] if axis < n_dims else np.float32("nan")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
