"""Rows of the ranking study: values, chance levels and bootstrap intervals from per-query arrays.

The metrics are defined in `core.studies.ranking.study`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.studies.bootstrap import draw_weights, interval, weighted_means, weighted_medians

Float = npt.NDArray[np.float64]
Row = dict[str, Any]
Scalar = float | np.floating[Any]
MACRO = ("precision@10", "map", "ndcg@30")  # with an interval over classes too


def bootstrap(
    values: dict[str, Float],
    chances: dict[str, Float],
    n_bootstrap: int,
    rng: np.random.Generator,
) -> dict[str, Float]:
    """Bootstrap draws, (n_bootstrap,) each, of every metric and of its chance level.

    The same queries are drawn for all, so that a ratio of two metrics can be taken draw by draw.
    """
    names = [*values, *(f"chance of {name}" for name in values)]
    columns = np.column_stack([*values.values(), *chances.values()])
    means, medians = [np.empty((0, len(names)))], [np.empty(0)]
    for weights in draw_weights(len(columns), n_bootstrap, rng):
        means.append(weighted_means(weights, columns))
        if "median_rank" in values:
            medians.append(weighted_medians(weights, values["median_rank"]))
    draws = dict(zip(names, np.concatenate(means).T, strict=True))
    return {**draws, "median_rank": np.concatenate(medians)}


def order_rows(
    values: dict[str, Float], chances: dict[str, Float], draws: dict[str, Float], gallery_size: int
) -> tuple[list[Row], list[Row]]:
    """Rows of the metrics that depend on the order of the gallery, and of a random order."""
    rows: list[Row] = []
    random_rows: list[Row] = []
    for name, column in values.items():
        n = int((~np.isnan(column)).sum())
        if n == 0:
            continue
        value = np.nanmedian(column) if name == "median_rank" else np.nanmean(column)
        chance = np.nanmean(chances[name])
        of_value, of_chance = draws[name], draws[f"chance of {name}"]
        rows.append(_row(name, value, of_value, n, gallery_size, chance))
        random_rows.append(_row(name, chance, of_chance, n, gallery_size, chance))
        if name.startswith("ndcg@") and chance < 1:
            with np.errstate(invalid="ignore", divide="ignore"):
                of_lift = (of_value - of_chance) / (1 - of_chance)
            of_lift = of_lift[np.isfinite(of_lift)]
            up = (value - chance) / (1 - chance)
            rows.append(_row("ndcg_lift", up, of_lift, n, gallery_size, 0.0))
            random_rows.append(_row("ndcg_lift", 0.0, np.zeros(len(of_lift)), n, gallery_size, 0.0))
    return rows, random_rows


def gap_row(unit_q: Float, unit_g: Float) -> Row:
    n, m = len(unit_q), len(unit_g)
    mean_q, mean_g = unit_q.mean(axis=0), unit_g.mean(axis=0)
    centre = (n * mean_q + m * mean_g) / (n + m)
    # Sum of squared distances to the common centre, without stacking the two arrays.
    squares = sum(float(((unit - centre) ** 2).sum()) for unit in (unit_q, unit_g))
    chance = np.sqrt(squares / max(n + m - 1, 1) * (1 / n + 1 / m))
    return _row("modality_gap", np.linalg.norm(mean_q - mean_g), np.empty(0), n, m, chance)


def hubness_rows(top: npt.NDArray[np.int32], gallery_size: int) -> tuple[Row, Row]:
    n, k = top.shape
    times = np.bincount(top.ravel(), minlength=gallery_size).astype(np.float64)
    off = times - times.mean()
    std = np.sqrt((off**2).mean())
    skewness = float((off**3).mean() / std**3) if std > 0 else 0.0
    p = k / gallery_size
    chance = (1 - 2 * p) / np.sqrt(n * p * (1 - p)) if p < 1 else 0.0
    none = np.empty(0)
    return (
        _row("hubness", skewness, none, n, gallery_size, chance),
        _row("hubness", chance, none, n, gallery_size, chance),
    )


def over_classes(
    values: dict[str, Float],
    chances: dict[str, Float],
    query_labels: Sequence[tuple[int, ...]],
    gallery_size: int,
    n_bootstrap: int,
    seed: int,
) -> list[Row]:
    """The mean over classes of the mean over their queries, with an interval over classes.

    Queries of a class are alike, so the interval over queries is too narrow for a statement about
    other classes: here whole classes are drawn. `n` is the number of classes; the metrics are
    those of `MACRO`, with the end `_over_classes`.

    `values` and `chances` have a metric's number of each query; `query_labels` its label positions.
    """
    classes = sorted({label for labels in query_labels for label in labels})
    mine = [np.array([label in labels for labels in query_labels]) for label in classes]
    rows: list[Row] = []
    for name in (name for name in MACRO if name in values):
        means, expected = (
            np.array([_mean(column[one]) for one in mine])
            for column in (values[name], chances[name])
        )
        known = ~np.isnan(means)
        if known.sum() < 2:
            continue
        rng = np.random.default_rng([seed, 13])
        blocks = draw_weights(int(known.sum()), n_bootstrap, rng) if n_bootstrap else ()
        draws = [weighted_means(weights, means[known, None])[:, 0] for weights in blocks]
        low, high = interval(np.concatenate([np.empty(0), *draws]))
        rows.append(
            {
                "metric": f"{name}_over_classes",
                "value": float(means[known].mean()),
                "low": low,
                "high": high,
                "n": int(known.sum()),
                "gallery_size": gallery_size,
                "chance": float(np.nanmean(expected[known])),
            }
        )
    return rows


def _mean(column: Float) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else float("nan")


def _row(
    metric: str, value: Scalar, draws: Float, n: int, gallery_size: int, chance: Scalar
) -> Row:
    low, high = interval(draws)
    return {
        "metric": metric,
        "value": float(value),
        "low": low,
        "high": high,
        "n": n,
        "gallery_size": gallery_size,
        "chance": float(chance),
        "seed": None,
    }
