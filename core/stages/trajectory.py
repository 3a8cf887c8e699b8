"""The moving map of every generation space, as a part of `maps`."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.config import Config
from core.encoder_sets import encoder_set_name
from core.engines.base import Engine
from core.record import Record
from core.spaces import trajectory
from core.stages.making import make_missing
from core.store import Artefact, Store

VERSION = 1


@dataclass(frozen=True)
class Task:
    """The moving map of one generation space."""

    store_root: str
    key: dict[str, Any]
    generated: str
    seed: int


def run(
    config: Config, store: Store, engine: Engine, record: Record, generated: dict[str, Artefact]
) -> dict[str, Artefact]:
    """Draw the epochs of every pair's first split; `{"PAIR:epochs": artefact}`."""
    tasks: dict[str, Task] = {}
    for encoder_set in (encoder_set_name(*names) for names in config.encoder_sets):
        if f"{encoder_set}:0" in generated:
            digest = generated[f"{encoder_set}:0"].digest
            key = {"generated": digest, "seed": config.seed, "version": VERSION}
            tasks[f"{encoder_set}:epochs"] = Task(store.root, key, digest, config.seed)
    return make_missing("maps", draw, tasks, "drawing epochs", store, engine, record)


def draw(task: Task) -> str:
    """Fit the maps of one task's epochs, and commit; returns the digest."""
    store = Store(task.store_root)
    generated = store.need("generate", task.generated)
    draft = store.begin("maps", task.key)
    shown = generated.table("snapshots.items.parquet")
    numbers = generated.table("snapshots.epochs.parquet")["epoch"]
    points = trajectory.fit_epochs(generated.array("snapshots.npy"), seed=task.seed)
    parts = [
        shown.assign(epoch=number, x=xy[:, 0], y=xy[:, 1])
        for number, xy in zip(numbers, points, strict=True)
    ]
    columns = ["epoch", "item_id", "modality", "partner", "x", "y"]
    draft.write_table("epochs.parquet", pd.concat(parts, ignore_index=True)[columns])
    return draft.commit(n_epochs=len(numbers), n_points=len(shown), seed=task.seed).digest
