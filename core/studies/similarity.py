"""How alike two encoders see the same things: CKA and mutual nearest neighbours, calibrated.

Row i of both arrays is the same clip. Linear CKA (Kornblith et al. 2019) compares all distances,
the overlap of nearest neighbours (Huh et al. 2024) the nearest. Both are above 0 for unrelated
vectors too, the more so the fewer rows and the more dimensions there are. So the rows of one side
are permuted `N_PERMUTED` times, and the score s becomes

    s' = max(0, (s − τ) / (s_max − τ)),   p = (1 + #{null ≥ s}) / (K + 1)

with τ the 95th percentile of the null (the order statistic ⌈0.95 (K + 1)⌉) and s_max = 1: s' is 0
where the rows could as well be permuted, and 1 for the same representation.

CKA is of the first `N_COMPONENTS` principal components of each side, and of at most `MOST_ROWS`
rows, so that nine pairs of encoders take less than a minute.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.spaces.index import Index
from core.vectors import unit_rows

Float = npt.NDArray[np.floating]

N_PERMUTED, LEVEL = 200, 0.95
N_NEIGHBOURS = 10
N_COMPONENTS, MOST_ROWS = 128, 10_000
N_AT_ONCE = 8  # permutations
FEWEST_ROWS = 3 * N_NEIGHBOURS


@dataclass(frozen=True)
class Calibrated:
    """A score s of two representations, its null, and what is left of it above the null.

    Attributes
    ----------
    score : s, from 0 to 1
    above : s', from 0 to 1
    threshold : τ
    p : the share of permutations with at least this score, no lower than 1 / (K + 1)
    """

    score: float
    above: float
    threshold: float
    p: float


def calibrated(score: float, null: Float) -> Calibrated:
    """A score with the formula above; `null` (K,) scores of permuted rows."""
    null = np.sort(np.asarray(null, np.float64))
    place = int(np.ceil(LEVEL * (len(null) + 1)))
    threshold = float(null[min(place, len(null)) - 1])
    above = max(0.0, (score - threshold) / (1 - threshold)) if threshold < 1 else 0.0
    p = (1 + int((null >= score - 1e-12).sum())) / (len(null) + 1)
    return Calibrated(score, above, threshold, p)


class Representation:
    """The vectors `(n, d)` of one side, with what both measures need of them, computed once."""

    def __init__(self, vectors: Float) -> None:
        self.vectors = unit_rows(np.asarray(vectors), np.float32)

    @cached_property
    def components(self) -> npt.NDArray[np.float32]:
        """`(n, k)`: the centred vectors in their principal components, of unit Gram norm."""
        centred = self.vectors - self.vectors.mean(axis=0)
        if centred.shape[1] > N_COMPONENTS:
            values, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
            centred = centred @ axes[:, np.argsort(-values)[:N_COMPONENTS]].astype(np.float32)
        norm = float(np.linalg.norm((centred.T @ centred).astype(np.float64)))
        return np.asarray(centred / np.sqrt(max(norm, 1e-30)), dtype=np.float32)

    @cached_property
    def neighbours(self) -> npt.NDArray[np.int64]:
        """`(n, N_NEIGHBOURS)`: the nearest other rows of each row."""
        found, _ = Index(self.vectors).search(self.vectors, N_NEIGHBOURS + 1)
        own = found == np.arange(len(found))[:, None]
        own[~own.any(axis=1), -1] = True  # among equal vectors a row may miss itself
        return found[~own].reshape(len(found), N_NEIGHBOURS).astype(np.int64)


def cka(one: Representation, other: Representation, seed: int) -> Calibrated:
    """Linear CKA of two sides of n rows: ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖), centred."""
    x, y = np.ascontiguousarray(one.components.T), other.components
    orders = [np.arange(len(y)), *_permutations(len(y), seed)]
    scores: list[float] = []
    for start in range(0, len(orders), N_AT_ONCE):  # one wide product is faster than many
        some = orders[start : start + N_AT_ONCE]
        products = x @ np.concatenate([y[order] for order in some], axis=1)
        parts = np.split(np.square(products, dtype=np.float64), len(some), axis=1)
        scores += [float(part.sum()) for part in parts]
    return calibrated(scores[0], np.array(scores[1:]))


def mutual_neighbours(one: Representation, other: Representation, seed: int) -> Calibrated:
    """The mean share of each row's `N_NEIGHBOURS` nearest rows that both sides have in common."""
    n = len(one.vectors)
    near = np.zeros((n, n), dtype=bool)
    np.put_along_axis(near, one.neighbours, True, axis=1)
    found = other.neighbours

    def score(place: npt.NDArray[np.int64]) -> float:
        return float(near[place[:, None], place[found]].mean())

    null = [score(place) for place in _permutations(n, seed)]
    return calibrated(score(np.arange(n)), np.array(null))


def rows_of(n: int, seed: int) -> npt.NDArray[np.int64]:
    """The rows to compare: all, or `MOST_ROWS` drawn of more, ascending."""
    if n <= MOST_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 9]).permutation(n)[:MOST_ROWS])


def _permutations(n: int, seed: int) -> list[npt.NDArray[np.int64]]:
    rng = np.random.default_rng([seed, 8])
    return [rng.permutation(n) for _ in range(N_PERMUTED)]
