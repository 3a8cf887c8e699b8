"""Label permutation: the scores that remain when labels are dealt out anew.

Predictions and rankings stay as they are; the labels of the tested items are permuted
`N_PERMUTED` times. The chance level of a measure is an expectation; this is its whole
distribution for these items, with their unequal classes, and so it gives a p-value:
p = (1 + #{permuted ≥ score}) / (K + 1), no lower than 1 / (K + 1).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.studies.confusion import confusion, f1_per_class

Row = dict[str, Any]
N_PERMUTED = 200


def rows(metric: str, score: float, permuted: npt.NDArray[np.floating], n: int) -> list[Row]:
    """The mean of the permuted scores with their 95 % range, and the p-value of the score."""
    low, high = np.quantile(permuted, [0.025, 0.975])
    p = (1 + int((permuted >= score - 1e-12).sum())) / (len(permuted) + 1)
    mean = float(permuted.mean())
    head = {"n": n}
    return [
        {**head, "metric": f"{metric}_permuted", "value": mean, "low": low, "high": high},
        {**head, "metric": f"{metric}_p", "value": p},
    ]


def macro_f1(counts: npt.NDArray[np.integer], score: float, seed: int) -> list[Row]:
    """Of a confusion matrix (true class by row)."""
    n_classes = len(counts)
    truth, predicted = (np.repeat(one, counts.ravel()) for one in _cells(n_classes))
    rng = np.random.default_rng([seed, 11])
    present = counts.sum(axis=1) > 0
    permuted = [
        f1_per_class(confusion(rng.permutation(truth), predicted, n_classes))[present].mean()
        for _ in range(N_PERMUTED)
    ]
    return rows("macro_f1", score, np.array(permuted), len(truth))


def _cells(n_classes: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    every = np.arange(n_classes)
    return np.repeat(every, n_classes), np.tile(every, n_classes)


def precision(
    top: npt.NDArray[np.integer],
    query_labels: Sequence[tuple[int, ...]],
    gallery_labels: Sequence[tuple[int, ...]],
    n_labels: int,
    k: int,
    seed: int,
) -> list[Row]:
    """Of precision@k: the labels of the gallery are permuted, the ranked items stay.

    Parameters
    ----------
    top : (n, ≥ k) gallery rows, best first; -1 for queries that are left out
    """
    kept = np.flatnonzero(top[:, 0] >= 0)
    labelled = np.array([row for row, one in enumerate(gallery_labels) if one], dtype=np.int64)
    if not len(kept) or not len(labelled):
        return []
    wanted = _incidence([query_labels[row] for row in kept.tolist()], n_labels)
    owned = _incidence([gallery_labels[row] for row in labelled], n_labels)
    place = np.full(len(gallery_labels), -1, dtype=np.int64)
    place[labelled] = np.arange(len(labelled))
    first = place[top[kept, :k]]
    # Queries with one set of labels share a row: few sets make this small at any size.
    sets, which = np.unique(wanted, axis=0, return_inverse=True)
    relevant = (sets.astype(np.float32) @ owned.T.astype(np.float32)) > 0
    which = which.reshape(-1, 1)
    rng = np.random.default_rng([seed, 12])
    score = float(relevant[which, first].mean())
    permuted = [
        float(relevant[which, order[first]].mean())
        for order in (rng.permutation(len(labelled)) for _ in range(N_PERMUTED))
    ]
    found = rows(f"precision@{k}", score, np.array(permuted), len(kept))
    return [{**row, "gallery_size": len(gallery_labels)} for row in found]


def _incidence(labels: Sequence[tuple[int, ...]], n_labels: int) -> npt.NDArray[np.bool_]:
    found = np.zeros((len(labels), n_labels), dtype=bool)
    for row, some in enumerate(labels):
        found[row, list(some)] = True
    return found
