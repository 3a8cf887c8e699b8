"""Regularised canonical correlation analysis of two modalities: a shared space in closed form.

Hotelling 1936; with a ridge (Vinod 1976) whose size cross-validation chooses, and with each
direction scaled by its correlation, as in *correlation-weighted* retrieval (Gong et al. 2014, *A
multi-view embedding space*, eq. 9, with power 1). No network is trained and nothing is random.

Items belong together by *group*: the clip for true pairs, the class where pairs were made within
classes. The cross-covariance is that of all pairs within the groups, every group weighing the
same, so no pair has to be drawn: Σ_g (x̄_g − x̄)(ȳ_g − ȳ)ᵀ. With one pair a group it is the usual
one.

Vectors of many dimensions are reduced to `N_REDUCED` principal components first.

    fitted = fit({"audio": x, "image": y}, groups, folds)
    shared = fitted.project("audio", native)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.spaces import pca
from core.spaces.projection import project_rows
from core.vectors import unit_rows

N_COMPONENTS = 128
N_REDUCED = 256
RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # times the mean variance of the reduced vectors
N_FOLDS = 4
N_SCORED = 2_000  # held-out items of a modality that a ridge is judged by
PARTS = ("mean", "weights", "centre")


@dataclass(frozen=True)
class Cca:
    """A fit by modality: `mean` (d,), `weights` (d, k) and `centre` (k,), all float32.

    `correlations` (k,) are those of the training items; `ridge` is the chosen one of `RIDGES`.
    """

    sides: dict[str, dict[str, np.ndarray]]
    correlations: np.ndarray
    ridge: float

    @property
    def n_dims(self) -> int:
        return len(self.correlations)

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → (n, k) float32 with unit rows.

        Raises
        ------
        UserError
            The modality was not fitted, or the vectors have another length.
        """
        if modality not in self.sides:
            known = ", ".join(sorted(self.sides))
            raise UserError(f"CCA has no {modality}: it was fitted for {known}.")
        side = {name: part.astype(np.float64) for name, part in self.sides[modality].items()}

        def through(block: np.ndarray) -> np.ndarray:
            shared = unit_rows((block - side["mean"]) @ side["weights"], np.float64)
            return unit_rows(shared - side["centre"], np.float64)

        return project_rows(through, native, len(side["mean"]), self.n_dims, modality)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        flat = {f"{m}/{name}": side[name] for m, side in self.sides.items() for name in PARTS}
        return flat | {"correlations": self.correlations, "ridge": np.array(self.ridge)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Cca:
        """The inverse of `arrays`."""
        sides: dict[str, dict[str, np.ndarray]] = {}
        for key in arrays:
            modality, _, name = key.rpartition("/")
            if modality:
                sides.setdefault(modality, {})[name] = np.asarray(arrays[key])
        return cls(sides, np.asarray(arrays["correlations"]), float(arrays["ridge"]))


def fit(
    natives: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    folds: Mapping[str, np.ndarray],
    n_components: int = N_COMPONENTS,
) -> Cca:
    """Fit two modalities.

    Parameters
    ----------
    natives : by modality, the training items (n, d)
    groups : by modality, (n,) int: items of one number belong together; items of a group that the
        other modality does not have count in its mean and variance alone
    folds : by modality, (n,) int from 0 to `N_FOLDS` - 1; items of one clip are in one fold. The
        ridge is the one whose space best finds the held-out items of a query's group

    Raises
    ------
    UserError
        There are fewer than two groups with both modalities, or values are not finite.
    """
    reductions = {m: pca.fit(native, N_REDUCED) for m, native in natives.items()}
    reduced = {m: reductions[m].project(native).astype(np.float64) for m, native in natives.items()}
    scores = np.zeros(len(RIDGES))
    for fold in range(N_FOLDS):
        kept = {m: folds[m] != fold for m in natives}
        out = {m: reduced[m][~kept[m]][:N_SCORED] for m in natives}
        out_groups = {m: groups[m][~kept[m]][:N_SCORED] for m in natives}
        moments = _moments(_rows(reduced, kept), _rows(groups, kept))
        if moments is None:
            continue
        for row, ridge in enumerate(RIDGES):
            weights, _ = _solved(moments, ridge, n_components)
            shared = {m: (out[m] - moments.means[m]) @ weights[m] for m in natives}
            scores[row] += _found(shared, out_groups)
    ridge = RIDGES[int(np.argmax(scores))]
    moments = _moments(reduced, groups)
    if moments is None:
        raise UserError(
            f"CCA needs at least two clips or classes with both {' and '.join(natives)}: add some "
            "to the translation subset."
        )
    chosen, correlations = _solved(moments, ridge, n_components)
    sides = {}
    for m, reduction in reductions.items():
        vectors = unit_rows((reduced[m] - moments.means[m]) @ chosen[m], np.float64)
        matrix = reduction.components_.astype(np.float64).T @ chosen[m]
        mean = reduction.mean_ + moments.means[m] @ reduction.components_
        of_group = np.unique(groups[m], return_inverse=True)[1]
        share = 1.0 / np.bincount(of_group)[of_group]  # a group weighs the same, as in the fit
        parts = (mean, matrix, np.average(vectors, axis=0, weights=share))
        sides[m] = {k: part.astype(np.float32) for k, part in zip(PARTS, parts, strict=True)}
    return Cca(sides, correlations.astype(np.float32), ridge)


@dataclass(frozen=True)
class _Moments:
    """Means and covariances of both modalities, and their cross-covariance (first × second)."""

    means: dict[str, np.ndarray]
    covariances: dict[str, np.ndarray]
    cross: np.ndarray


def _rows(parts: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {m: part[kept[m]] for m, part in parts.items()}


def _moments(
    vectors: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray]
) -> _Moments | None:
    """None with fewer than two groups that have both modalities."""
    first, second = vectors
    both = np.intersect1d(groups[first], groups[second])
    if len(both) < 2:
        return None
    means, covariances, centroids = {}, {}, {}
    for m, x in vectors.items():
        names, of_group, counts = np.unique(groups[m], return_inverse=True, return_counts=True)
        weights = 1.0 / counts[of_group] / len(names)
        means[m] = weights @ x
        centred = x - means[m]
        covariances[m] = (centred * weights[:, None]).T @ centred
        sums = np.zeros((len(names), x.shape[1]))
        np.add.at(sums, of_group, centred)
        centroids[m] = (sums / counts[:, None])[np.searchsorted(names, both)]
    return _Moments(means, covariances, centroids[first].T @ centroids[second] / len(both))


def _solved(
    moments: _Moments, ridge: float, n_components: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """By modality, weights (r, k) scaled by the correlations, and these (k,)."""
    from scipy.linalg import cholesky, solve_triangular, svd

    roots = []
    for covariance in moments.covariances.values():
        size = len(covariance)
        added = ridge * max(float(np.trace(covariance)) / size, 1e-12)
        roots.append(cholesky(covariance + added * np.eye(size), lower=True))
    half = solve_triangular(roots[0], moments.cross, lower=True)
    whole = solve_triangular(roots[1], half.T, lower=True).T
    left, correlations, right = svd(whole, full_matrices=False)
    k = min(n_components, len(correlations))
    turns = (left[:, :k], right[:k].T)
    weights = {
        m: solve_triangular(root, turn, lower=True, trans="T") * correlations[:k]
        for m, root, turn in zip(moments.means, roots, turns, strict=True)
    }
    return weights, correlations[:k]


def _found(shared: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray]) -> float:
    """Mean over the queries of both directions of the share of other groups' items that score
    lower than an item of the query's group (the area under the ROC curve)."""
    first, second = shared
    scores = unit_rows(shared[first], np.float64) @ unit_rows(shared[second], np.float64).T
    same = groups[first][:, None] == groups[second]
    areas = []
    for values, hits in ((scores, same), (scores.T, same.T)):
        ranks = values.argsort(axis=1).argsort(axis=1) + 1.0
        n_hits, n = hits.sum(axis=1), hits.shape[1]
        usable = (n_hits > 0) & (n_hits < n)
        lower = (ranks * hits).sum(axis=1) - n_hits * (n_hits + 1) / 2
        areas += (lower[usable] / (n_hits * (n - n_hits))[usable]).tolist()
    return float(np.mean(areas)) if areas else 0.0
