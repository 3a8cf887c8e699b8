"""Label sets: the relevance of every gallery item for the labels of a query.

Few label sets are distinct (18 for W's classes, about a thousand for 4,000 AudioSet clips), so
relevance is computed between sets and looked up per item, without a queries × gallery matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

RECALL_AT = (1, 5, 10)
PRECISION_AT = (5, 10)


@dataclass(frozen=True)
class LabelView:
    """For one label set of a query: gain (sets,), relevant (m,) bool, ideal DCG, chance levels."""

    gain: Float
    relevant: npt.NDArray[np.bool_]
    ideal: float
    chance: dict[str, float]


class LabelledGallery:
    """The gallery's label sets, each once, and their relevance for a query's label set."""

    def __init__(
        self,
        labels: Sequence[tuple[int, ...]],
        kept: Int,
        relevance: npt.NDArray[np.floating[Any]],
        combine: str,
        k: int,
    ) -> None:
        sets: dict[tuple[int, ...], int] = {}
        # (m,) the set of each item
        self.code = np.array([sets.setdefault(labels[row], len(sets)) for row in kept])
        self.count = np.bincount(self.code).astype(np.int64)
        self.flat = np.concatenate([np.array(labels_, dtype=np.int64) for labels_ in sets])
        self.starts = np.cumsum([0, *(len(labels_) for labels_ in sets)])[:-1]
        self.relevance = np.asarray(relevance, dtype=np.float64)
        self.combine = combine
        self.discount = 1.0 / np.log2(np.arange(2, k + 2))
        self.discount_sum = np.concatenate([[0.0], np.cumsum(self.discount)])  # by number of ranks

    def view(self, query: tuple[int, ...]) -> LabelView:
        m, k = len(self.code), len(self.discount)
        labels = list(dict.fromkeys(query))
        per_label = np.maximum.reduceat(
            self.relevance[labels][:, self.flat], self.starts, axis=1
        )  # (labels of the query, sets)
        gain = per_label.max(axis=0) if self.combine == "best" else per_label.mean(axis=0)
        mine = np.zeros(len(self.relevance), dtype=bool)
        mine[labels] = True
        shares = np.logical_or.reduceat(mine[self.flat], self.starts)

        best_first = np.argsort(-gain, kind="stable")
        filled = np.minimum(np.cumsum(self.count[best_first]), k)
        weight = np.diff(self.discount_sum[filled], prepend=0.0)
        ideal = float(gain[best_first] @ weight)
        expected = float(gain @ self.count) / m * self.discount_sum[min(k, m)]
        n_relevant = int(self.count[shares].sum())
        return LabelView(
            gain=gain,
            relevant=shares[self.code],
            ideal=ideal,
            chance={
                f"ndcg@{k}": expected / ideal if ideal > 0 else np.nan,
                "map": chance_average_precision(n_relevant, m),
                **{f"hit@{r}": chance_hit(n_relevant, m, r) for r in RECALL_AT},
                **{f"precision@{p}": n_relevant / m for p in PRECISION_AT},
            },
        )


def chance_average_precision(n_relevant: int, m: int) -> float:
    """Expected average precision of a random order with n_relevant items among m; NaN at 0.

    From E[rel_i rel_j] = R (R − 1) / (m (m − 1)): H/m + (R − 1) (m − H) / (m (m − 1)), with H the
    m-th harmonic number (Bestgen 2015).
    """
    if n_relevant == 0:
        return float("nan")
    if m == 1:
        return 1.0
    harmonic = float((1.0 / np.arange(1, m + 1)).sum())
    return harmonic / m + (n_relevant - 1) * (m - harmonic) / (m * (m - 1))


def chance_hit(n_relevant: int, m: int, k: int) -> float:
    """Probability that k of m items drawn without replacement include one of n_relevant."""
    drawn = np.arange(min(k, m))
    return 1.0 - float(np.prod(np.maximum(m - n_relevant - drawn, 0) / (m - drawn)))
