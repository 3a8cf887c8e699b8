"""Principal components of one modality's native vectors: W's baseline (Wu et al. 2021, §2.2).

Fitted on the translation subset alone, with 128 components or as many as rows and columns allow.
scikit-learn is needed to fit few vectors, NumPy alone to project.

A fit has nothing random: the same vectors give the same components every time. With up to
`EXACT_DIMS` rows or columns the components are exact, from the covariance matrix or, of fewer rows
than columns, from a singular value decomposition. (scikit-learn's own choice is a randomised solver
here. Where variances fall slowly, its later components are those of the seed.) Beyond, a fixed
subspace is multiplied with the covariance `N_PASSES` times (Halko et al. 2011, algorithm 4.4).

Vectors are read in blocks of rows, so a memory map is not copied, unless they are decomposed whole.

    fitted = fit(native, 128, translation_rows)
    projected = fitted.project(native)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.spaces.projection import CHUNK_ROWS, project_rows

EXACT_DIMS = 3072  # beyond, an exact fit takes longer than the passes
N_PASSES = 7  # scikit-learn's number where components are few
N_SPARE = 10  # extra columns of the subspace: scikit-learn's number


@dataclass
class Pca:
    """Fitted components, as in scikit-learn: `mean_` (d,), `components_` (k, d) float32 with
    orthonormal rows, `explained_variance_ratio_` (k,)."""

    mean_: np.ndarray
    components_: np.ndarray
    explained_variance_ratio_: np.ndarray

    @property
    def n_dims(self) -> int:
        return len(self.components_)

    def project(self, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → (n, k) float32.

        Raises
        ------
        UserError
            The vectors have another length.
        """
        mean, components = self.mean_.astype(np.float64), self.components_.T.astype(np.float64)

        def through(block: np.ndarray) -> np.ndarray:
            return (block - mean) @ components

        return project_rows(through, native, len(mean), self.n_dims)

    def widened(self, n_dims: int) -> Pca:
        """The same fit with components of zeros added, up to (n_dims, d)."""
        n_more = n_dims - self.n_dims
        return Pca(
            self.mean_,
            np.pad(self.components_, ((0, n_more), (0, 0))),
            np.pad(self.explained_variance_ratio_, (0, n_more)),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        return {
            "mean": self.mean_,
            "components": self.components_,
            "explained_variance_ratio": self.explained_variance_ratio_,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Pca:
        """The inverse of `arrays`."""
        return cls(arrays["mean"], arrays["components"], arrays["explained_variance_ratio"])


def fit(native: np.ndarray, n_components: int = 128, rows: np.ndarray | None = None) -> Pca:
    """Fit min(n_components, n, d) components on (n, d) finite vectors, or on some `rows` of them.

    Each component's largest coefficient is positive, so that two fits agree in sign. Constant
    vectors give components that explain 0 of the variance.

    Raises
    ------
    UserError
        There are fewer than two rows, or values are not finite.
    """
    native = np.asanyarray(native)
    n = len(native) if rows is None else len(rows)
    if native.ndim != 2 or n < 2:
        raise UserError(
            f"Principal components need at least two vectors, and the shape is "
            f"{(n, *native.shape[1:])}; add items to the translation subset."
        )
    d = native.shape[1]
    k = min(n_components, n, d)
    if n <= min(d, EXACT_DIMS):
        held = np.asarray(native if rows is None else native[rows], dtype=np.float32)
        _require_finite(bool(np.isfinite(held).all()))
        mean, components, ratio = _fit_held(held, k)
    else:
        mean, components, ratio = _fit_in_blocks(native, rows, n, k)
    components = np.ascontiguousarray(components, dtype=np.float32)
    largest = np.abs(components).argmax(axis=1)
    signs = np.where(components[np.arange(k), largest] < 0, -1.0, 1.0).astype(np.float32)
    return Pca(
        mean.astype(np.float32),
        components * signs[:, None],
        np.nan_to_num(ratio).astype(np.float32),
    )


Fit = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean (d,), components (k, d), shares (k,)


def _fit_held(held: np.ndarray, k: int) -> Fit:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore", divide="ignore"):  # constant vectors: 0 / 0, see `fit`
        fitted = PCA(k, svd_solver="full").fit(held)
    return fitted.mean_, fitted.components_, fitted.explained_variance_ratio_


def _fit_in_blocks(native: np.ndarray, rows: np.ndarray | None, n: int, k: int) -> Fit:
    """Fit in passes over blocks of rows; memory: one block and a (d, d) or (d, k) matrix."""
    from scipy.linalg import eigh, qr

    d = native.shape[1]

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, n, CHUNK_ROWS):
            chosen = slice(start, start + CHUNK_ROWS)
            block = native[chosen] if rows is None else native[rows[chosen]]
            yield np.asarray(block, dtype=np.float32)

    total, finite = np.zeros(d), True
    for block in blocks():
        finite = finite and bool(np.isfinite(block).all())
        total += block.sum(axis=0, dtype=np.float64)
    _require_finite(finite)
    mean = (total / n).astype(np.float32)

    def centred() -> Iterator[np.ndarray]:
        return (block - mean for block in blocks())

    if d <= EXACT_DIMS:
        scatter = np.zeros((d, d))
        for block in centred():
            scatter += block.T @ block
        values, vectors = eigh(scatter, subset_by_index=(d - k, d - 1))
        variance = float(np.trace(scatter))
        return mean, vectors[:, ::-1].T, values[::-1] / max(variance, np.finfo(float).tiny)

    def scattered(basis: np.ndarray) -> tuple[np.ndarray, float]:
        """The scatter matrix times (d, j), and its trace, from one pass."""
        found, variance = np.zeros(basis.shape), 0.0
        for block in centred():
            found += block.T @ (block @ basis)
            variance += float(np.square(block, dtype=np.float64).sum())
        return found, variance

    basis = np.random.default_rng(0).standard_normal((d, min(k + N_SPARE, d)))
    for _ in range(N_PASSES):
        basis, _ = qr(scattered(basis.astype(np.float32))[0], mode="economic")
    product, variance = scattered(basis.astype(np.float32))
    values, turns = eigh(basis.T @ product)
    chosen = np.argsort(values)[::-1][:k]
    return mean, (basis @ turns[:, chosen]).T, values[chosen] / max(variance, 1e-300)


def _require_finite(finite: bool) -> None:
    if not finite:
        raise UserError(
            "Principal components need finite numbers, and some vectors hold NaN or infinity; "
            "run the extraction again or leave these items out."
        )
