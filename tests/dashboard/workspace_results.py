"""The results of the tests' workspace: rankings, classification, mix-in, centroids, labels."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.store import Store
from core.studies import (
    centroids,
    classification,
    distribution,
    forest_cells,
    measure,
    mix_in,
    ranking,
)
from core.studies.forest_cells import Cell, Labelled, Outcome
from core.studies.forests import Forest, ForestConfig
from tests.dashboard.tiny_items import CLASSES, PAIRED

SMALL = ForestConfig(n_trees=8)


def evaluate(
    store: Store,
    frame: pd.DataFrame,
    splits: pd.DataFrame,
    spaces: dict[str, dict[str, np.ndarray]],
    encoder_set: Mapping[str, str],
    split: int,
    seed: int,
) -> Any:
    frame = items.with_subset(frame, splits, split)
    common = {**encoder_set, "split": split}
    ranked, queries = rank(frame, spaces, common)
    draft = store.begin(
        "evaluate", {"encoder_set": dict(encoder_set), "split": split, "seed": seed}
    )
    if not {"audio", "image"} <= set(encoder_set):  # sounds and words alone: nothing is classified
        draft.write_table("measurements.parquet", ranked)
        draft.write_table("queries.parquet", queries)
        return draft.commit(seed=seed)
    scored, predictions, tensors = classify(frame, spaces, common)
    parts = [
        ranked,
        scored,
        mixed(frame, spaces, common),
        centroid_rows(frame, spaces, common),
        label_rows(frame, scored, common),
    ]
    draft.write_table("measurements.parquet", pd.concat(parts, ignore_index=True))
    draft.write_table("predictions.parquet", predictions)
    draft.write_table("queries.parquet", queries)
    draft.write_tensors("forests.safetensors", tensors)
    return draft.commit(seed=seed)


def rank(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    relevance = np.full((len(CLASSES), len(CLASSES)), 14.0) + 7.0 * np.eye(len(CLASSES))
    parts, queries = [], []
    for space, arrays in spaces.items():
        for query, gallery in itertools.permutations(arrays, 2):
            tables = {kind: items.of(frame, kind) for kind in (query, gallery)}
            rows = {
                kind: np.flatnonzero(table["subset"] == "crossmodal")
                for kind, table in tables.items()
            }
            ids = {kind: tables[kind]["item_id"].to_numpy()[rows[kind]] for kind in tables}
            labels = {
                kind: [
                    tuple(CLASSES.index(name) for name in names)
                    for names in tables[kind]["labels"].to_numpy()[rows[kind]]
                ]
                for kind in tables
            }
            clip_row = {
                clip: row
                for row, clip in enumerate(tables[gallery]["clip_id"].to_numpy()[rows[gallery]])
            }
            clips = tables[query]["clip_id"].to_numpy()[rows[query]]
            result = ranking.study(
                arrays[query][rows[query]],
                arrays[gallery][rows[gallery]],
                labels[query],
                labels[gallery],
                relevance,
                pair_of=np.array([clip_row.get(clip, -1) for clip in clips]),
                n_bootstrap=50,
            )
            direction = f"{query}_to_{gallery}"
            head = {"study": "ranking", "space": space, "direction": direction, **common}
            parts.append(measure.table(result.rows, **head))
            if space == "translation":
                parts.append(measure.table(result.random_rows, system="random", **head))
            queries.append(
                pd.DataFrame(
                    {
                        "item_id": ids[query],
                        "direction": direction,
                        "space": space,
                        "ndcg": result.per_query["ndcg@30"],
                        "precision_at_10": result.per_query["precision@10"],
                        "average_precision": result.per_query["map"],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True), pd.concat(queries, ignore_index=True)


def labelled(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], subset: str
) -> dict[str, dict[str, Labelled]]:
    found: dict[str, dict[str, Labelled]] = {}
    for space, arrays in spaces.items():
        found[space] = {}
        for kind in ("audio", "image"):
            array = arrays[kind]
            mine = items.of(frame, kind)
            y = items.class_numbers(mine, PAIRED)
            mask = ((mine["subset"] == subset) & (y >= 0)).to_numpy()
            found[space][kind] = Labelled(array[mask], y[mask])
    return found


def with_experts(found: dict[str, dict[str, Labelled]]) -> dict[str, dict[str, Labelled]]:
    """The spaces of SMT too."""
    return {**found, "aligned": found["translation"], "scaled": found["pca"]}


def run_cells(
    cells: list[Cell], frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]]
) -> tuple[dict[str, Forest], list[Outcome]]:
    """The first forest of each system, and all outcomes."""
    train_items, test_items = (
        with_experts(labelled(frame, spaces, name)) for name in ("train", "test")
    )
    forests: dict[str, Forest] = {}
    outcomes: list[Outcome] = []
    for cell in cells:
        forest, found = forest_cells.run_cell(cell, train_items, test_items, len(PAIRED), SMALL)
        if forest:
            forests.setdefault(cell.system, forest)
        outcomes += found
    return forests, outcomes


def classify(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
    cells = [Cell(system, seed) for system in forest_cells.SYSTEMS for seed in (0, 1)]
    forests, outcomes = run_cells(cells, frame, spaces)
    predictions = []
    for outcome in outcomes:
        if outcome.cell.seed:
            continue
        mine = items.of(frame, outcome.target)
        y = items.class_numbers(mine, PAIRED)
        mask = ((mine["subset"] == "test") & (y >= 0)).to_numpy()
        predictions.append(
            pd.DataFrame(
                {
                    "item_id": mine["item_id"].to_numpy()[mask],
                    "target": outcome.target,
                    "system": outcome.cell.system,
                    "truth": [PAIRED[row] for row in y[mask]],
                    "predicted": [PAIRED[row] for row in outcome.predicted],
                    "confidence": outcome.proba.max(axis=1),
                }
            )
        )
    tensors = {
        f"{system}/{name}": value
        for system, forest in forests.items()
        for name, value in forest.arrays().items()
    }
    table = measure.table(classification.measurements(outcomes, PAIRED), **common)
    return table, pd.concat(predictions, ignore_index=True), tensors


def mixed(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> pd.DataFrame:
    seeds = range(3)
    cells = [Cell(system, seed) for system in forest_cells.SYSTEMS for seed in seeds]
    cells += [
        Cell(system, seed, target, n)
        for target in ("audio", "image")
        for system in (*mix_in.MULTI_MODAL, "SMT")
        for n in (0, 4)
        for seed in seeds
    ]
    cells += [
        Cell(system, seed, target, 4)
        for target, system in mix_in.SINGLE_MODAL.items()
        for seed in seeds
    ]
    _, outcomes = run_cells(cells, frame, spaces)
    return measure.table(mix_in.measurements(outcomes, len(PAIRED)), **common)


def centroid_rows(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> pd.DataFrame:
    parts = []
    for space, of_kind in labelled(frame, spaces, "test").items():
        found = centroids.study(
            np.concatenate([part.x for part in of_kind.values()]),
            [kind for kind, part in of_kind.items() for _ in part.y],
            [PAIRED[row] for part in of_kind.values() for row in part.y],
            classes=PAIRED,
        )
        parts.append(measure.table(found, study="centroids", space=space, **common))
    return pd.concat(parts, ignore_index=True)


def label_rows(frame: pd.DataFrame, scored: pd.DataFrame, common: dict[str, Any]) -> pd.DataFrame:
    counted = distribution.label_counts(
        frame["subset"], frame["modality"], frame["labels"], CLASSES
    )
    rows = list(counted)
    for target in dict.fromkeys(scored["target"]):
        f1 = scored[
            (scored["metric"] == "f1") & (scored["system"] == "MMT") & (scored["target"] == target)
        ]
        counts = {
            row["class"]: row["value"] - PAIRED.index(row["class"])  # unequal, to correlate
            for row in counted
            if row["other"] == "translation" and row["target"] == target and row["class"] in PAIRED
        }
        scores = f1.groupby("class")["value"].mean().to_dict()
        rows += [
            {**row, "target": target, "system": "MMT"}
            for row in distribution.correlation(counts, scores)
        ]
    return measure.table(rows, study="distribution", **common)
