"""Differences between two runs over the same queries and draws, with paired bootstrap intervals.

A run and a study are read alike. Ranking is paired by query: both ranked the same gallery for the
same items. Curves are paired by test item and by draw: both classifiers were trained on the same
items with the same seed, and tested on the same ones. A bootstrap draws the test items of each
class again, then the draws. A run with several trainings counts with its mean over them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.stages.audio_image_studies import DRAWN
from core.studies.bootstrap import draw_weights, interval, weighted_means
from core.study import Study

Row = dict[str, Any]
QUERY_METRICS = {
    "ndcg": "ndcg@30",
    "precision_at_10": "precision@10",
    "average_precision": "map",
}
TRAININGS = "trainings.parquet"  # of a run: the queries of every training
SCORES = "scores.parquet"  # of a run: macro F1 of every point, draw and training
SCORE_KEYS = ["target", "n_target", "seed"]
QUERIES, ITEMS, DRAWS, BOTH = "queries", "items", "draws", "items and draws"


def queries_of(study: Study, encoder_set: str) -> pd.DataFrame:
    """`item_id, direction` and the metrics of each query in the translated space."""
    evaluated = study.artefact(f"evaluate:{encoder_set}:0")
    if evaluated.has(TRAININGS):
        return evaluated.table(TRAININGS)
    found = study.queries(encoder_set)
    return found[found["space"] == "translation"]


def scores_of(study: Study, encoder_set: str, system: str = "MMT") -> pd.DataFrame:
    """`target, n_target, seed, value`: macro F1 of every point of a run, or of a study's system."""
    evaluated = study.artefact(f"evaluate:{encoder_set}:0")
    if evaluated.has(SCORES):
        return evaluated.table(SCORES)
    rows = evaluated.table("measurements.parquet")
    if "training" in rows:
        rows = rows[rows["training"] == 0]  # a study's further trainings have other seeds
    kept = (rows["study"] == "mix_in") & (rows["metric"] == "macro_f1")
    return rows[kept & (rows["system"] == system)]


def drawn_of(study: Study, encoder_set: str, system: str = "MMT") -> pd.DataFrame | None:
    """What the classifiers of a run, or of a study's system, predict for every test item.

    `target, n_target, seed, truth, predicted`, and `training` of a run; None where it was not
    stored.
    """
    evaluated = study.artefact(f"evaluate:{encoder_set}:0")
    if not evaluated.has(DRAWN):
        return None
    found = evaluated.table(DRAWN)
    return found if evaluated.has(SCORES) else found[found["system"] == system]


def of_queries(
    mine: pd.DataFrame,
    base: pd.DataFrame,
    n_bootstrap: int,
    chance: Mapping[tuple[str, str], float] | None = None,
    seed: int = 0,
) -> list[Row]:
    """Differences of the ranking metrics in each direction that both have.

    `chance` has the value of a random ranking by metric and direction.
    """
    columns = list(QUERY_METRICS)
    keys = ["direction", "item_id"]
    both = [frame.groupby(keys, sort=False)[columns].mean() for frame in (mine, base)]
    joined = both[0].join(both[1].add_suffix("_base"), how="inner")
    rows: list[Row] = []
    for direction, found in joined.groupby(level="direction", sort=False):
        ours = found[columns].to_numpy()
        theirs = found[[f"{name}_base" for name in columns]].to_numpy()
        undefined = np.isnan(ours) | np.isnan(theirs)
        ours, theirs = (np.where(undefined, np.nan, part) for part in (ours, theirs))
        draws = _draws(ours - theirs, n_bootstrap, seed)
        for number, name in enumerate(columns):
            n = int((~undefined[:, number]).sum())
            if n:
                metric = QUERY_METRICS[name]
                head: Row = {"metric": metric, "direction": direction, "target": ""}
                head |= {"n_target": -1, "chance": (chance or {}).get((metric, str(direction)))}
                values = (ours[:, number], theirs[:, number], draws[:, number])
                rows.append(head | _row(*values) | {"covers": QUERIES})
    return rows


def of_scores(
    mine: pd.DataFrame,
    base: pd.DataFrame,
    n_bootstrap: int,
    drawn: pd.DataFrame | None = None,
    drawn_base: pd.DataFrame | None = None,
    seed: int = 0,
) -> list[Row]:
    """Differences of macro F1 at each point that both have, over the draws that both have.

    With `drawn` of both (`drawn_of`) an interval covers test items and draws, else draws alone;
    `covers` says which.
    """
    both = [frame.groupby(SCORE_KEYS, sort=False)["value"].mean() for frame in (mine, base)]
    joined = both[0].to_frame("ours").join(both[1].to_frame("theirs"), how="inner")
    chances = mine.groupby("target")["chance"].first() if "chance" in mine else {}
    rows: list[Row] = []
    for (target, n_target), found in joined.groupby(level=[0, 1], sort=True):
        ours, theirs = found["ours"].to_numpy(), found["theirs"].to_numpy()
        at = (target, int(n_target), found.index.get_level_values("seed"))
        chance = chances.get(target)
        resampled = None
        if chance:
            n_classes = round(1 / chance)
            resampled = _resampled(drawn, drawn_base, at, n_classes, n_bootstrap, seed)
        covers = BOTH if len(ours) > 1 else ITEMS
        if resampled is None:
            covers, resampled = DRAWS, _draws((ours - theirs)[:, None], n_bootstrap, seed)[:, 0]
            if len(ours) < 2:
                resampled = resampled[:0]  # one draw says nothing about its spread
        head: Row = {"metric": "macro_f1", "direction": "", "target": target}
        head |= {"n_target": int(n_target), "chance": chance}
        rows.append(head | _row(ours, theirs, resampled) | {"covers": covers})
    return rows


def _resampled(
    mine: pd.DataFrame | None,
    base: pd.DataFrame | None,
    at: tuple[str, int, pd.Index],
    n_classes: int,
    n_bootstrap: int,
    seed: int,
) -> np.ndarray | None:
    """(n_bootstrap,) differences of macro F1 at a point, over test items and draws drawn again.

    None where predictions of a draw are not stored, or the test items are others.
    """
    if mine is None or base is None or not n_bootstrap:
        return None
    target, n_target, seeds = at
    parts = [one[(one["target"] == target) & (one["n_target"] == n_target)] for one in (mine, base)]
    truths = [np.array(truth) for one in parts for truth in one["truth"]]
    if not truths or any(not np.array_equal(truth, truths[0]) for truth in truths):
        return None
    if any(set(seeds) - set(one["seed"]) for one in parts):
        return None
    rng = np.random.default_rng(seed)
    truth = truths[0]
    weights = _within_classes(truth, n_bootstrap, rng)
    ours, theirs = (
        np.stack(
            [_macro_f1(one[one["seed"] == of], truth, weights, n_classes) for of in seeds], axis=1
        )
        for one in parts
    )
    of_draws = np.concatenate(list(draw_weights(len(seeds), n_bootstrap, rng)))
    return np.asarray(((ours - theirs) * of_draws).sum(axis=1) / len(seeds))


def _within_classes(truth: np.ndarray, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """`(n_bootstrap, n)` weights; the items of each class are drawn among themselves."""
    weights = np.empty((n_bootstrap, len(truth)))
    for name in np.unique(truth):
        (rows,) = np.nonzero(truth == name)
        weights[:, rows] = np.concatenate(list(draw_weights(len(rows), n_bootstrap, rng)))
    return weights


def _macro_f1(
    drawn: pd.DataFrame, truth: np.ndarray, weights: np.ndarray, n_classes: int
) -> np.ndarray:
    """`(b,)`: macro F1 for each row of weights `(b, n)`, mean over trainings."""
    every = np.stack([np.array(one) for one in drawn["predicted"]])
    named = np.eye(n_classes)
    true = weights @ named[truth]
    found = np.zeros(len(weights))
    for predicted in every:
        hits = weights @ (named[truth] * (predicted == truth)[:, None])
        involved = true + weights @ named[predicted]
        f1 = np.divide(2 * hits, involved, out=np.zeros_like(hits), where=involved > 0)
        found += f1.sum(axis=1)
    return found / len(every) / n_classes


def _draws(columns: np.ndarray, n_bootstrap: int, seed: int) -> np.ndarray:
    """(n, c) differences -> (n_bootstrap, c) means of bootstrap draws."""
    if not len(columns) or not n_bootstrap:
        return np.empty((0, columns.shape[1]))
    weights = draw_weights(len(columns), n_bootstrap, np.random.default_rng(seed))
    return np.concatenate([weighted_means(block, columns) for block in weights])


def _row(ours: np.ndarray, theirs: np.ndarray, draws: np.ndarray) -> Row:
    low, high = interval(draws)
    value, base = float(np.nanmean(ours)), float(np.nanmean(theirs))
    n = int((~np.isnan(ours)).sum())
    return {"value": value, "base": base, "difference": value - base, "low": low, "high": high} | {
        "n": n
    }
