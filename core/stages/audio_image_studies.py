"""W's studies of sounds and pictures: classification, mix-in, centroids, label distribution.

W §3.3 and §4. The forests are the long part: they are grown wherever the engine has workers, what
came of them is kept, and a killed run goes on from there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config
from core.engines.base import Engine
from core.stages import classification_forests, mix_in_forests
from core.stages.evaluation_data import SIDES, SPACES, Data
from core.store import Draft
from core.studies import centroids, classification, distribution, mix_in

Row = dict[str, Any]


def run(config: Config, draft: Draft, engine: Engine, data: Data, seed: int) -> list[Row]:
    """W's studies of sounds and pictures: classification, mix-in, centroids, distribution."""
    rows: list[Row] = []
    train, test = data.labelled("train"), data.labelled("test")
    studied = _classification(config, draft, engine, data, train, test, seed)
    rows += _classification_rows(data, studied)
    draft.write_table("predictions.parquet", _predictions(data, studied))
    draft.write_tensors(
        "forests.safetensors",
        {
            f"{system}/{name}": array
            for system, forest in studied.forests.items()
            for name, array in forest.arrays().items()
        },
    )
    known = mix_in.known(studied.outcomes, train)
    rows += _mix_in(config, draft, engine, data, train, test, seed, known)
    with engine.clock.time("centroids"):
        rows += _centroids(data)
    rows += _distribution(data, rows)
    return rows


def _classification(
    config: Config,
    draft: Draft,
    engine: Engine,
    data: Data,
    train: classification.Items,
    test: classification.Items,
    seed: int,
) -> classification.Study:
    """Every system's forests, one a task; those that are finished are kept."""
    seeds = [seed + draw for draw in range(config.mix_in_draws)]
    n_classes = len(data.paired_classes)
    todo = classification_forests.tasks(draft, train, test, n_classes, seeds, config.forest)
    for _ in engine.run(classification_forests.grow, todo, "classification forests"):
        pass
    return classification_forests.study(draft, train, test, n_classes, seeds)


def _classification_rows(data: Data, studied: classification.Study) -> list[Row]:
    names = data.paired_classes
    chance = 1.0 / len(names)
    rows = _named(classification.rows(studied.outcomes), "classification", names)
    n_test = {(one.system, one.target): int(one.confusion.sum()) for one in studied.outcomes}
    for row in rows:
        row["n"] = n_test[row["system"], row["target"]]
        row["chance"] = chance
    first = min(one.seed for one in studied.outcomes)
    for one in studied.outcomes:
        if one.seed != first:
            continue
        head = {
            "study": "classification",
            "space": one.space,
            "system": one.system,
            "target": one.target,
            "n_target": one.n_target,
            "seed": one.seed,
            "n": int(one.confusion.sum()),
            "metric": "confusion",
        }
        rows += [
            {**head, "class": truth, "other": predicted, "value": float(one.confusion[i, j])}
            for i, truth in enumerate(names)
            for j, predicted in enumerate(names)
        ]
    return rows


def _named(rows: Iterable[Row], study: str, classes: list[str]) -> list[Row]:
    """Class numbers to class names."""
    return [
        {**row, "study": study, "class": "" if row["class"] is None else classes[row["class"]]}
        for row in rows
    ]


def _predictions(data: Data, studied: classification.Study) -> pd.DataFrame:
    names = np.array(data.paired_classes)
    first = min(one.seed for one in studied.outcomes)
    frames = []
    for one in studied.outcomes:
        if one.seed != first:
            continue
        frame = data.single(one.target, "test")
        frames.append(
            pd.DataFrame(
                {
                    "item_id": frame["item_id"],
                    "target": one.target,
                    "system": one.system,
                    "truth": items.single_labels(frame),
                    "predicted": names[one.predicted],
                    "confidence": one.proba.max(axis=1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _mix_in(
    config: Config,
    draft: Draft,
    engine: Engine,
    data: Data,
    train: classification.Items,
    test: classification.Items,
    seed: int,
    known: Mapping[mix_in.Cell, Row],
) -> list[Row]:
    """The mix-in cells, a block at a time on every core; finished blocks are kept."""
    draws, n_classes = config.mix_in_draws, len(data.paired_classes)
    todo = mix_in_forests.blocks(draft, train, test, n_classes, draws, seed, config.forest, known)
    for _ in engine.run(mix_in_forests.run_block, todo, "mix-in forests"):
        pass
    rows = mix_in_forests.rows(draft, train, draws, seed, known)
    n_test = {modality: len(test["pca"][modality]) for modality in SIDES}
    chance = 1.0 / len(data.paired_classes)
    named = _named(rows, "mix_in", data.paired_classes)
    return [{**row, "n": n_test[row["target"]], "chance": chance} for row in named]


def _centroids(data: Data) -> list[Row]:
    """Distances between the class centroids of both modalities, on `test` (W figure 4)."""
    frames = [data.single(modality, "test") for modality in SIDES]
    joined = pd.concat(frames, ignore_index=True)
    rows: list[Row] = []
    for space in SPACES:
        vectors = [
            data.vectors[space][modality].take(frame["item_id"])
            for modality, frame in zip(SIDES, frames, strict=True)
        ]
        found = centroids.study(
            np.concatenate(vectors),
            joined["modality"].tolist(),
            items.single_labels(joined).tolist(),
            classes=data.paired_classes,
        )
        rows += [{"study": "centroids", "space": space, **row} for row in found.rows]
    return rows


def _distribution(data: Data, rows: list[Row]) -> list[Row]:
    """Label counts of every subset, and how those of `translation` go with F1 (W figure 6)."""
    found = distribution.label_counts(
        data.items["subset"].tolist(),
        data.items["modality"].tolist(),
        data.items["labels"].tolist(),
        data.classes,
    )
    for modality in SIDES:
        counts = {
            row["class"]: row["value"]
            for row in found
            if row.get("other") == "translation" and row.get("target") == modality
        }
        trained = {name: counts[name] for name in data.paired_classes if name in counts}
        if not any(trained.values()):
            continue
        found += [{**row, "target": modality} for row in distribution.imbalance(trained)]
        for system in ("MMT", "MMP"):
            scores = _mean_f1(rows, system, modality)
            found += [
                {**row, "target": modality, "system": system}
                for row in distribution.correlation(trained, scores)
            ]
    return [{"study": "distribution", **row} for row in found]


def _mean_f1(rows: list[Row], system: str, target: str) -> dict[str, float]:
    """F1 per class of a system, averaged over its seeds."""
    values: dict[str, list[float]] = {}
    for row in rows:
        head = (row.get("study"), row.get("metric"), row.get("system"), row.get("target"))
        if head == ("classification", "f1", system, target):
            values.setdefault(row["class"], []).append(row["value"])
    return {name: float(np.mean(found)) for name, found in values.items()}
