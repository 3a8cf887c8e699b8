"""How far a map keeps the neighbours of its space: trustworthiness and neighbour recall.

Both are measured for a seeded sample of the points, against all points of the map. Points that
were placed by their neighbours are measured apart from those that were fitted.

- Trustworthiness (Venna and Kaski 2001, equation 1): 1 minus the scaled sum of the ranks beyond k,
  in the space, of points that are among the k nearest on the map only. 1 is best; a random map has
  about 0.5.
- Neighbour recall: the share of the k nearest points of the space that are among the k nearest on
  the map. A random map has k / (n - 1).

    trustworthiness, recall = measure(vectors, [coordinates], rows, k=10)[0]
"""

from collections.abc import Sequence

import numpy as np

K = 10
MOST_QUERIES = 400  # points that are measured, of each kind
CHUNK_SCORES = 1 << 25  # cosines held at once: 128 MB


def sample(rows: np.ndarray, seed: int, most: int = MOST_QUERIES) -> np.ndarray:
    """At most `most` of the rows, ascending, the same for the same seed."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng([seed, 2]).choice(rows, most, replace=False))


def measure(
    vectors: np.ndarray, maps: Sequence[np.ndarray], rows: np.ndarray, k: int = K
) -> list[tuple[float, float]]:
    """Trustworthiness and neighbour recall of several maps of one space, over some rows.

    Parameters
    ----------
    vectors : (n, d) float32, compared by cosine
    maps : each (n, n_dims) float32
    rows : (m,) the points whose neighbours are compared

    Returns
    -------
    A pair for each map; NaN without rows, or where n is too small for k: n < 3 k / 2 + 1.
    """
    n, m = len(vectors), len(rows)
    if not m or n <= 1.5 * k + 1:
        return [(float("nan"), float("nan"))] * len(maps)
    norms = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12).astype(np.float32)
    beyond, kept = np.zeros(len(maps)), np.zeros(len(maps))
    step = max(1, CHUNK_SCORES // n)
    for start in range(0, m, step):
        block = rows[start : start + step]
        cosines = (vectors[block] @ vectors.T) / norms
        for row, own in zip(block, cosines, strict=True):
            own[row] = np.inf  # first, and counted by nobody
            near = np.argpartition(-own, k)[: k + 1]
            for number, places in enumerate(maps):
                found = _nearest(places, int(row), k)
                strange = found[~np.isin(found, near)]
                kept[number] += k - len(strange)
                beyond[number] += sum(int((own > own[one]).sum()) - k for one in strange)
    scale = 2.0 / (m * k * (2 * n - 3 * k - 1))
    return [
        (float(1 - scale * sum_), float(same / (m * k)))
        for sum_, same in zip(beyond, kept, strict=True)
    ]


def _nearest(places: np.ndarray, row: int, k: int) -> np.ndarray:
    """The k rows nearest to one on a map, without itself."""
    gaps = np.zeros(len(places), dtype=np.float32)
    for axis in range(places.shape[1]):
        gaps += (places[:, axis] - places[row, axis]) ** 2
    gaps[row] = np.inf
    return np.argpartition(gaps, k)[:k]
