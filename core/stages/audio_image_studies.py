"""W's studies of sounds and pictures: classification, mix-in, centroids, label distribution.

W §3.3 and §4. Most of the time is spent on the forests (`core.stages.forests`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config
from core.engines.base import Engine
from core.stages import forests, reviewers
from core.stages.evaluation_data import AUDIO_IMAGE, SPACES, EvaluationData
from core.store import Draft
from core.studies import centroids, classification, distribution, forest_cells, mix_in
from core.studies.forest_cells import Cell, Outcome

Row = dict[str, Any]
DRAWN = "drawn.parquet"  # the mix-in predictions of every draw


def run(config: Config, draft: Draft, engine: Engine, data: EvaluationData) -> list[Row]:
    """The measurements; writes `predictions.parquet`, `drawn.parquet` and `forests.safetensors`."""
    train, test = data.labelled("train"), data.labelled("test")
    seed, n_classes = draft.key["seed"], len(data.paired_classes)
    cells = forest_cells.cells(train, config.mix_in_draws, seed)
    outcomes, grown = forests.grow(draft, engine, train, test, n_classes, cells, config.forest)
    first = [one for one in outcomes if one.cell == Cell(one.cell.system, seed)]
    draft.write_table("predictions.parquet", predictions(data, first))
    draft.write_table(DRAWN, drawn(data, outcomes))
    draft.write_tensors(
        "forests.safetensors",
        {
            f"{system}/{name}": array
            for system, forest in grown.items()
            for name, array in forest.arrays().items()
        },
    )
    rows = classification.measurements(outcomes, data.paired_classes)
    rows += mix_in.measurements(outcomes, n_classes)
    rows += reviewers.of_outcomes(outcomes, seed)
    with engine.clock.time("centroids"):
        rows += central(data)
    return rows + _distribution(data, rows)


def ends(config: Config, draft: Draft, engine: Engine, data: EvaluationData) -> list[Row]:
    """Both ends of MMT's mix-in curves, one forest each: nothing and everything of the target."""
    train, test = data.labelled("train"), data.labelled("test")
    seed, n_classes = draft.key["seed"], len(data.paired_classes)
    cells = [Cell("MMT", seed), *(Cell("MMT", seed, target, 0) for target in AUDIO_IMAGE)]
    outcomes, _ = forests.grow(draft, engine, train, test, n_classes, cells, config.forest)
    return mix_in.measurements(outcomes, n_classes)


def predictions(data: EvaluationData, outcomes: list[Outcome]) -> pd.DataFrame:
    """Every system's prediction for each test item."""
    classes = np.array(data.paired_classes)
    frames = []
    for outcome in outcomes:
        frame = data.single(outcome.target, "test")
        frames.append(
            pd.DataFrame(
                {
                    "item_id": frame["item_id"],
                    "target": outcome.target,
                    "system": outcome.cell.system,
                    "truth": items.single_labels(frame),
                    "predicted": classes[outcome.predicted],
                    "confidence": outcome.proba.max(axis=1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def drawn(data: EvaluationData, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """What every classifier of the mix-in curves predicts, one row for each.

    Returns
    -------
    `target, system, n_target, seed`, and two lists of the test items' order: `truth` and
    `predicted`, numbers of the paired classes (int16)
    """
    truth = {
        target: items.class_numbers(data.single(target, "test"), data.paired_classes)
        for target in {one.target for one in outcomes}
    }
    rows = [
        {
            "target": one.target,
            "system": one.cell.system,
            "n_target": one.n_target,
            "seed": one.cell.seed,
            "truth": truth[one.target].astype(np.int16),
            "predicted": np.asarray(one.predicted, np.int16),
        }
        for one in outcomes
    ]
    return pd.DataFrame(rows)


def central(data: EvaluationData) -> list[Row]:
    """Distances between the class centroids of both modalities, on `test` (W figure 4)."""
    frames = [data.single(modality, "test") for modality in AUDIO_IMAGE]
    joined = pd.concat(frames, ignore_index=True)
    rows: list[Row] = []
    for space in data.vectors:
        if space not in SPACES:
            continue
        vectors = [
            data.vectors[space][modality].take(frame["item_id"])
            for modality, frame in zip(AUDIO_IMAGE, frames, strict=True)
        ]
        found = centroids.study(
            np.concatenate(vectors),
            joined["modality"].tolist(),
            items.single_labels(joined).tolist(),
            classes=data.paired_classes,
        )
        rows += [{"study": "centroids", "space": space, **row} for row in found]
    return rows


def _distribution(data: EvaluationData, rows: list[Row]) -> list[Row]:
    """Label counts of every subset, and their correlation with F1 (W figure 6)."""
    found = distribution.label_counts(
        data.items["subset"].tolist(),
        data.items["modality"].tolist(),
        data.items["labels"].tolist(),
        data.classes,
    )
    for modality in AUDIO_IMAGE:
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
