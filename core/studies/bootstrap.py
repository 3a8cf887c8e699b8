"""Bootstrap over items (Efron 1979): how much a mean or a median varies with the items drawn.

Drawing n items with replacement gives each item a whole-number weight. The weights of many draws
form one matrix, so that all metrics of a study share one matrix product per block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

LEVEL = 0.95
_BLOCK_CELLS = 2**21  # weights held at once: 16 MB


def draw_weights(n: int, n_bootstrap: int, rng: np.random.Generator) -> Iterator[Float]:
    """Blocks (b, n) of weights, n_bootstrap rows in all; each row sums to n."""
    size = max(1, _BLOCK_CELLS // n)
    for start in range(0, n_bootstrap, size):
        b = min(size, n_bootstrap - start)
        # int32 is drawn six times as fast as int64.
        drawn = rng.integers(0, n, size=(b, n), dtype=np.int32)
        drawn += np.arange(b, dtype=np.int32)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n).astype(np.float64)


def weighted_means(weights: Float, columns: Float) -> Float:
    """(b, n) weights and (n, c) columns, NaN for undefined -> (b, c) means of defined values."""
    defined = ~np.isnan(columns)
    total = weights @ np.where(defined, columns, 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / (weights @ defined.astype(np.float64)))


def weighted_medians(weights: Float, column: Float) -> Float:
    """(b, n) whole weights and (n,) column, NaN for undefined -> (b,) medians as np.median's."""
    defined = np.flatnonzero(~np.isnan(column))
    if len(defined) == 0:
        return np.full(len(weights), np.nan)
    order = defined[np.argsort(column[defined], kind="stable")]
    until = np.cumsum(weights[:, order], axis=1)
    n = until[:, -1:]
    # Positions of the two middle values, counted from 1; the same one when n is odd.
    lower = (until >= np.floor((n + 1) / 2)).argmax(axis=1)
    upper = (until >= np.floor(n / 2) + 1).argmax(axis=1)
    medians = (column[order[lower]] + column[order[upper]]) / 2
    return np.asarray(np.where(n[:, 0] > 0, medians, np.nan))


def interval(draws: npt.NDArray[Any]) -> tuple[float | None, float | None]:
    """Percentile interval at 95 % of the bootstrap draws; (None, None) without any."""
    known = draws[~np.isnan(draws)]
    if len(known) == 0:
        return None, None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
