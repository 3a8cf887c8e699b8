"""Random forests: fit, class probabilities, and flat arrays for the store.

The forest of W §3.2 (scikit-learn's `RandomForestClassifier`): 100 trees of depth at most 32, Gini
impurity, a bootstrap draw per tree, the square root of the number of features tried per split,
probabilities averaged over the trees. It is compiled here (`core.studies.trees`) because the
mix-in study fits hundreds of forests. x is `(n, d)` float32, y is `(n,)` whole numbers in
`[0, n_classes)`. The same seed gives the same forest, with any number of threads.

    forest = fit(x, y, n_classes=18, seed=0)
    probabilities = forest.predict_proba(x_new)
    again = Forest.from_arrays(forest.arrays())
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.cpu import n_cores
from core.errors import UserError
from core.recipe_checks import check_recipe

# Codes of one feature are uint16: beyond this many distinct values, neighbours share a code.
MAX_CODES = 65_536
# Features are numbered by int16 in the trees.
MAX_FEATURES = 32_767
# Codes that a growing subtree copies: 256 kB, within a core's second-level cache.
LOCAL_CODES = 1 << 17


@dataclass(frozen=True)
class ForestConfig:
    """How a forest is grown; the defaults are W's (§3.2)."""

    n_trees: int = 100
    max_depth: int = 32
    max_features: int | None = None  # tried per split; None: the square root of d, rounded down

    def __post_init__(self) -> None:
        lowest = {"n_trees": 1, "max_depth": 0, "max_features": 1}
        check_recipe(self, "forest", at_least=lowest)


W_FOREST = ForestConfig()


@dataclass(frozen=True)
class Forest:
    """A fitted forest: all trees end to end, each in preorder.

    The left child of node k is k + 1. `right` counts from the tree's first node; in a leaf
    (`feature` -1) it holds the leaf's class, or `~row` of the tree's part of `mixed`.
    """

    n_classes: int
    n_features: int
    feature: NDArray[np.int16]  # (n_nodes,)
    threshold: NDArray[np.float32]  # (n_nodes,): x <= threshold goes left
    right: NDArray[np.int32]  # (n_nodes,)
    mixed: NDArray[np.float32]  # (n_mixed, n_classes): class shares of leaves with several
    node_start: NDArray[np.int64]  # (n_trees + 1,)
    mixed_start: NDArray[np.int64]  # (n_trees + 1,)

    @property
    def n_trees(self) -> int:
        return self.node_start.size - 1

    def predict_proba(self, x: ArrayLike) -> NDArray[np.float32]:
        """Class probabilities of x `(n, d)`: `(n, n_classes)` float32, each row sums to 1.

        The mean over trees of the class shares in the leaf of an item (Breiman 2001, as in
        scikit-learn). Raises UserError for vectors of another length or not finite.
        """
        from core.studies.trees import add_votes

        x = _checked(x)
        if x.shape[1] != self.n_features:
            raise UserError(
                f"The vectors have {x.shape[1]} numbers each, this classifier was trained on "
                f"{self.n_features}: use the space it was trained in."
            )
        votes = np.zeros((x.shape[0], self.n_classes))
        trees = (self.feature, self.threshold, self.right, self.mixed)
        add_votes(x, *trees, self.node_start, self.mixed_start, votes)
        return (votes / self.n_trees).astype(np.float32)

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """The most probable class of each row of x `(n, d)`: `(n,)`; ties go to the lower one."""
        return self.predict_proba(x).argmax(axis=1)

    def arrays(self) -> dict[str, NDArray]:
        """Everything the forest is, as named arrays (for `np.savez_compressed` or safetensors)."""
        return {
            "shape": np.array([self.n_features, self.n_classes], dtype=np.int64),
            "feature": self.feature,
            "threshold": self.threshold,
            "right": self.right,
            "mixed": self.mixed,
            "node_start": self.node_start,
            "mixed_start": self.mixed_start,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> "Forest":
        """The inverse of `arrays`. Raises UserError for arrays that do not make a forest.

        Everything is checked, because the compiled code uses these numbers unchecked.
        """
        try:
            n_features, n_classes = (int(value) for value in arrays["shape"])
            forest = cls(
                n_classes=n_classes,
                n_features=n_features,
                feature=_contiguous(arrays["feature"], np.int16),
                threshold=_contiguous(arrays["threshold"], np.float32),
                right=_contiguous(arrays["right"], np.int32),
                mixed=_contiguous(arrays["mixed"], np.float32),
                node_start=_contiguous(arrays["node_start"], np.int64),
                mixed_start=_contiguous(arrays["mixed_start"], np.int64),
            )
            sound = _is_sound(forest)
        except (KeyError, ValueError, TypeError, IndexError):
            sound = False
        if not sound:
            raise UserError(
                "The stored classifier is damaged (its trees point outside themselves): "
                "delete it and compute the studies again."
            )
        return forest


def fit(
    x: ArrayLike,
    y: ArrayLike,
    n_classes: int,
    seed: int,
    config: ForestConfig = W_FOREST,
    n_jobs: int | None = None,
) -> Forest:
    """Fit a random forest (W §3.2; scikit-learn's `RandomForestClassifier`).

    Splits are scikit-learn's, except that nodes of 1,024 items and more try 256 thresholds per
    feature, spread evenly over the ranks of their values, instead of all.

    Parameters
    ----------
    x : (n, d) float32
    y : (n,) whole numbers in `[0, n_classes)`; a class without items gets probability 0
    n_jobs : threads, None for all cores; it does not change the result

    Raises
    ------
    UserError
        The input is empty or of unequal length, a value is not finite, or a label out of range.
    """
    from core.studies.trees import grow_tree

    x = _checked(x)
    y = checked_labels(y, n_classes)
    n, d = x.shape
    if n != y.size:
        raise UserError(f"Found {n} vectors and {y.size} labels: each vector needs one label.")
    if n == 0 or d == 0:
        raise UserError("A classifier needs at least one labelled vector to train on: found none.")
    if d > MAX_FEATURES:
        raise UserError(f"Vectors of {d} numbers are too wide for a forest: at most 32,767.")
    max_features = min(config.max_features or max(1, int(np.sqrt(d))), d)
    n_local = min(n, max(16, LOCAL_CODES // d))
    seeds = np.random.SeedSequence(seed).generate_state(config.n_trees, np.uint64)

    with ThreadPoolExecutor(n_jobs or n_cores()) as pool:
        coded = list(pool.map(_code, (x[:, j] for j in range(d))))
        codes = np.stack([column for column, _, _ in coded])
        rows = np.ascontiguousarray(codes.T)
        lowest, highest = (
            np.zeros((d, max(len(row[side]) for row in coded)), dtype=np.float32) for side in (1, 2)
        )
        for j, (_, low, high) in enumerate(coded):
            lowest[j, : low.size] = low
            highest[j, : high.size] = high
        trees = list(
            pool.map(
                lambda tree_seed: grow_tree(
                    codes,
                    rows,
                    n_local,
                    lowest,
                    highest,
                    y,
                    n_classes,
                    config.max_depth,
                    max_features,
                    tree_seed,
                ),
                seeds,
            )
        )
    feature, threshold, right, mixed = (
        np.concatenate([tree[part] for tree in trees]) for part in range(4)
    )
    return Forest(
        n_classes=n_classes,
        n_features=d,
        feature=feature,
        threshold=threshold,
        right=right,
        mixed=mixed,
        node_start=_starts([tree[0].size for tree in trees]),
        mixed_start=_starts([tree[3].shape[0] for tree in trees]),
    )


def checked_labels(y: ArrayLike, n_classes: int) -> NDArray[np.int32]:
    """Labels as `(n,)` int32. Raises UserError if one is not a whole number in [0, n_classes)."""
    y = np.asarray(y)
    whole = np.issubdtype(y.dtype, np.integer) or y.size == 0
    if y.ndim != 1 or not whole or (y.size and (y.min() < 0 or y.max() >= n_classes)):
        raise UserError(
            f"Labels must be one row of whole numbers from 0 to {n_classes - 1}: "
            f"found shape {y.shape} of {y.dtype}"
            + (f", from {y.min()} to {y.max()}." if y.ndim == 1 and whole and y.size else ".")
        )
    return y.astype(np.int32)


def _checked(x: ArrayLike) -> NDArray[np.float32]:
    x = np.asarray(x)
    if x.ndim != 2:
        raise UserError(f"Vectors must form a table (n, d): found shape {x.shape}.")
    with np.errstate(over="ignore"):
        x = _contiguous(x, np.float32)
    finite = np.isfinite(x).all(axis=1)
    if not finite.all():
        raise UserError(
            f"{np.count_nonzero(~finite)} of {len(x)} vectors hold values that are not finite "
            f"(the first is row {int(np.argmin(finite))}): leave those items out."
        )
    return x


def _contiguous(values: ArrayLike, dtype: type[np.generic]) -> NDArray:
    """Contiguous and writable, copied if needed: other layouts would compile again."""
    return np.require(np.asarray(values), dtype, ["C", "W"])


def _code(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.uint16], NDArray[np.float32], NDArray[np.float32]]:
    """The rank of each value among the distinct ones, and the range of values of each rank."""
    order = np.argsort(values)
    ordered = values[order]
    step = ordered[1:] > ordered[:-1]
    rank = np.concatenate([[0], np.cumsum(step)])
    n_distinct = int(rank[-1]) + 1
    if n_distinct > MAX_CODES:
        rank = rank * MAX_CODES // n_distinct
        step = rank[1:] > rank[:-1]
    code = np.empty(values.size, dtype=np.uint16)
    code[order] = rank
    return code, ordered[np.append(True, step)], ordered[np.append(step, True)]


def _starts(sizes: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _is_sound(forest: Forest) -> bool:
    """Whether every path through every tree ends in a leaf with a class of this forest."""
    n_nodes = forest.feature.size
    starts, mixed_starts = forest.node_start, forest.mixed_start
    if not (
        forest.n_classes > 0
        and forest.feature.shape == forest.threshold.shape == forest.right.shape == (n_nodes,)
        and forest.mixed.ndim == 2
        and forest.mixed.shape[1] == forest.n_classes
        and starts.ndim == 1
        and starts.shape == mixed_starts.shape
        and starts.size > 1
        and starts[0] == mixed_starts[0] == 0
        and starts[-1] == n_nodes
        and mixed_starts[-1] == len(forest.mixed)
        and (np.diff(starts) > 0).all()
        and (np.diff(mixed_starts) >= 0).all()
    ):
        return False
    sizes = np.diff(starts)
    size = np.repeat(sizes, sizes)
    node = np.arange(n_nodes) - np.repeat(starts[:-1], sizes)  # number within its tree
    n_mixed = np.repeat(np.diff(mixed_starts), sizes)
    leaf = forest.feature < 0
    inner = (forest.feature < forest.n_features) & (forest.right > node + 1) & (forest.right < size)
    ends = (forest.right < forest.n_classes) & (~forest.right < n_mixed)
    return bool(np.where(leaf, ends, inner).all())
