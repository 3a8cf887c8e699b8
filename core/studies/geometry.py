"""The geometry of a shared space: alignment of pairs, and uniformity of each modality.

Wang and Isola (2020), of unit vectors: alignment is the mean squared distance of the two items of a
pair, 0 to 4, lower is better; uniformity is log E exp(−2 ‖u − v‖²) over two items of a modality, 0
where all are one point, about −4 where they fill a sphere of many dimensions, lower is better. A
space can be perfect in one of the two alone, so both are given. The distance of the modalities'
means, the modality gap, is a row of the ranking study.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.vectors import unit_rows

Row = dict[str, Any]
MOST_ITEMS = 4_000  # of a modality, for uniformity: 8 million pairs
T = 2.0


def alignment(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> Row:
    """The mean squared distance of pairs: row i of a `(n, d)` and of b `(n, d)`.

    `chance` is the same for all items of a with all items of b, however they are paired.
    """
    x, y = unit_rows(a, np.float64), unit_rows(b, np.float64)
    lengths = float((x**2).sum(axis=1).mean() + (y**2).sum(axis=1).mean())
    value = lengths - 2 * float((x * y).sum(axis=1).mean())
    chance = lengths - 2 * float(x.mean(axis=0) @ y.mean(axis=0))
    return {"metric": "alignment", "value": value, "chance": chance, "n": len(x)}


def uniformity(vectors: npt.NDArray[np.floating], seed: int) -> Row:
    """log E exp(−2 ‖u − v‖²) over two different items; `chance`: of as many Gaussian vectors."""
    rng = np.random.default_rng([seed, 10])
    chosen = vectors
    if len(vectors) > MOST_ITEMS:
        chosen = vectors[np.sort(rng.permutation(len(vectors))[:MOST_ITEMS])]
    random = rng.normal(size=chosen.shape)
    value, chance = (_log_potential(one) for one in (chosen, random))
    return {"metric": "uniformity", "value": value, "chance": chance, "n": len(chosen)}


def _log_potential(vectors: npt.NDArray[np.floating]) -> float:
    unit = unit_rows(np.asarray(vectors), np.float64)
    n = len(unit)
    if n < 2:
        return 0.0
    squared = (unit**2).sum(axis=1)
    total = 0.0
    for start in range(0, n, 512):
        part = slice(start, start + 512)
        distances = squared[part, None] + squared - 2 * unit[part] @ unit.T
        total += float(np.exp(-T * np.maximum(distances, 0)).sum())
    return float(np.log(max((total - n) / (n * (n - 1)), 1e-300)))
