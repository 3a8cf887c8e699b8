"""Differences between two runs over the same queries and draws, with paired bootstrap intervals.

A run and a study are read alike. Ranking is paired by query: both ranked the same gallery for the
same items. Curves are paired by draw: both classifiers were trained on the same items with the
same seed. A run with several trainings counts with its mean over them.
"""

from typing import Any

import numpy as np
import pandas as pd

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


def queries_of(study: Study, encoder_set: str) -> pd.DataFrame:
    """`item_id, direction` and the metrics of each query in the translated space."""
    evaluated = study.artefact(f"evaluate:{encoder_set}:0")
    if evaluated.has(TRAININGS):
        return evaluated.table(TRAININGS)
    found = study.queries(encoder_set)
    return found[found["space"] == "translation"]


def scores_of(study: Study, encoder_set: str) -> pd.DataFrame:
    """`target, n_target, seed, value`: macro F1 of every point of a run, or of MMT of a study."""
    evaluated = study.artefact(f"evaluate:{encoder_set}:0")
    if evaluated.has(SCORES):
        return evaluated.table(SCORES)
    rows = evaluated.table("measurements.parquet")
    if "training" in rows:
        rows = rows[rows["training"] == 0]  # a study's further trainings have other seeds
    kept = (rows["study"] == "mix_in") & (rows["metric"] == "macro_f1") & (rows["system"] == "MMT")
    return rows[kept]


def of_queries(
    mine: pd.DataFrame, base: pd.DataFrame, n_bootstrap: int, seed: int = 0
) -> list[Row]:
    """Differences of the ranking metrics in each direction that both have."""
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
                head: Row = {"metric": QUERY_METRICS[name], "direction": direction}
                values = (ours[:, number], theirs[:, number], draws[:, number])
                rows.append(head | {"target": "", "n_target": -1} | _row(*values))
    return rows


def of_scores(mine: pd.DataFrame, base: pd.DataFrame, n_bootstrap: int, seed: int = 0) -> list[Row]:
    """Differences of macro F1 at each point that both have, over the draws that both have."""
    both = [frame.groupby(SCORE_KEYS, sort=False)["value"].mean() for frame in (mine, base)]
    joined = both[0].to_frame("ours").join(both[1].to_frame("theirs"), how="inner")
    rows: list[Row] = []
    for (target, n_target), found in joined.groupby(level=[0, 1], sort=True):
        ours, theirs = found["ours"].to_numpy(), found["theirs"].to_numpy()
        draws = _draws((ours - theirs)[:, None], n_bootstrap, seed)[:, 0]
        if len(ours) < 2:
            draws = draws[:0]  # one draw says nothing about its spread
        head: Row = {"metric": "macro_f1", "direction": "", "target": target}
        rows.append(head | {"n_target": int(n_target)} | _row(ours, theirs, draws))
    return rows


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
