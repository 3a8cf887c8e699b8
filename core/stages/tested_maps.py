"""The test datasets' part of `maps`: their items placed on the study's maps.

The maps stay as they are. Every item of a test dataset is placed among its nearest neighbours of
the full space, as a query is (`core.spaces.maps.place`), so both datasets can be read on one map.
"""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.engines.base import Engine
from core.spaces import maps
from core.spaces.fitted import Space
from core.spaces.index import Index
from core.stages import evaluate, transfer
from core.stages.evaluation_data import Sources
from core.stages.study_run import ArtefactTask, StudyRun
from core.store import Artefact, Draft
from core.vectors import read_vectors

VERSION = 1


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact per test dataset and encoder set, `maps:SET:@NAME`, of the first split."""
    for test_set, encoder_set in itertools.product(run.test_sets, run.encoder_sets):
        tested = run.on(test_set)
        natives = transfer.natives_of(tested, encoder_set)
        sources = evaluate.sources_of(run, encoder_set, 0)
        assert sources.trained is not None
        key = {
            "spaces": sources.trained.digest,
            "natives": {name: artefact.digest for name, artefact in natives.items()},
            "seed": run.config.seed,
            "version": VERSION,
        }
        write = functools.partial(_write, run, encoder_set, sources, natives)
        yield ArtefactTask(f"maps:{encoder_set}{tested.end}", key, write)


def _write(
    run: StudyRun,
    encoder_set: str,
    sources: Sources,
    natives: dict[str, Artefact],
    draft: Draft,
) -> dict[str, Any]:
    drawn = run.artefacts[f"maps:{encoder_set}"].table("maps.parquet")
    frames = [
        _placed(run.engine, drawn[drawn["space"] == space], space, sources, natives)
        for space in drawn["space"].unique()
    ]
    table = pd.concat(frames, ignore_index=True).astype(dict.fromkeys("xyz", np.float32))
    draft.write_table("maps.parquet", table)
    n_points = int(table["item_id"].nunique())
    return {"n_points": n_points, "n_fitted": 0, "n_placed": n_points, "seed": draft.key["seed"]}


def _placed(
    engine: Engine,
    drawn: pd.DataFrame,
    space: str,
    sources: Sources,
    natives: dict[str, Artefact],
) -> pd.DataFrame:
    """The items of a test dataset on all maps of a space."""
    fit = transfer.fitted(sources, space)
    own = sources.vectors()[space]
    ids = np.concatenate([vectors.item_ids for vectors in own.values()])
    index = Index(np.concatenate([vectors.array for vectors in own.values()]))
    with engine.clock.time("placing test items"):
        near = {name: _near(fit, name, artefact, index) for name, artefact in natives.items()}
    frames = []
    for (method, n_dims), rows in drawn.groupby(["method", "n_dims"], sort=False):
        axes = list("xyz"[: int(n_dims)])
        places = rows.set_index("item_id")[axes].loc[ids].to_numpy()
        for name, (item_ids, found, scores) in near.items():
            frame = pd.DataFrame({"item_id": item_ids, "modality": name, "space": space})
            frame = frame.assign(method=method, n_dims=n_dims, x=np.nan, y=np.nan, z=np.nan)
            frame[axes] = maps.place(places[found], scores)
            frames.append(frame.assign(placed=True))
    return pd.concat(frames, ignore_index=True)


def _near(
    fit: Space, modality: str, native: Artefact, index: Index
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ids of the items, and the rows and cosines of their neighbours, `(n, k)` each."""
    vectors = read_vectors(native, "vectors.npy")
    shared = fit.project(modality, vectors.array)
    found, scores = index.search(shared, min(maps.N_PLACE, len(index)))
    return vectors.item_ids, found, scores
