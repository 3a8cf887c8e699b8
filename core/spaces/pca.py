"""Principal components of one modality's native vectors: W's baseline (Wu et al. 2021, §2.2).

Fitted on the translation subset alone; 128 components, or as many as rows and columns allow.
Arrays in, arrays out; scikit-learn is needed to fit few vectors and NumPy alone to project.

Vectors of more than `HELD_BYTES` are not copied: a memory map is read in blocks of rows. Up to
`COVARIANCE_DIMS` columns the components come from the covariance matrix, exactly; beyond, from a
subspace that is multiplied with it `N_PASSES` times (Halko et al. 2011, algorithm 4.4: what
scikit-learn's randomised solver does in memory).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import UserError

CHUNK_ROWS = 4096
HELD_BYTES = 256 << 20  # of vectors that may be copied to fit on them; float32
COVARIANCE_DIMS = 3072  # wider ones take longer to diagonalise than to be passed over
N_PASSES = 7  # scikit-learn's number where components are few
N_SPARE = 10  # columns of the subspace beyond those asked for: scikit-learn's number


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
        """Native vectors (n, d) → (n, k) float32; a row does not depend on its neighbours.

        Raises `UserError` on vectors of another length.
        """
        native = np.asarray(native)
        if native.ndim != 2 or native.shape[1] != len(self.mean_):
            raise UserError(
                f"Vectors of shape {native.shape} cannot enter this space: its components take "
                f"{len(self.mean_)} numbers a row; use the encoder the space was fitted with."
            )
        mean, components = self.mean_.astype(np.float64), self.components_.T.astype(np.float64)
        projected = np.empty((len(native), self.n_dims), dtype=np.float32)
        for start in range(0, len(native), CHUNK_ROWS):
            block = slice(start, start + CHUNK_ROWS)
            projected[block] = (native[block].astype(np.float64) - mean) @ components
        return projected

    def widened(self, n_dims: int) -> Pca:
        """The same fit with zeros after its components, up to (n_dims, d)."""
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


def fit(
    native: np.ndarray, n_components: int = 128, seed: int = 0, rows: np.ndarray | None = None
) -> Pca:
    """Fit on (n, d) finite vectors, or those of some `rows` (n,) of them; min(n_components, n, d)
    components.

    Each component's largest coefficient is positive, so that two fits agree in sign. `seed`
    matters only where a solver is randomised. Constant vectors give components that explain
    nothing: their share of the variance is 0.

    Raises `UserError` on fewer than two rows or on values that are not finite.
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
    if 4 * n * d > HELD_BYTES and n > d:
        mean, components, ratio = _fit_in_blocks(native, rows, n, k, seed)
    else:
        own = np.asarray(native if rows is None else native[rows], dtype=np.float32)
        _require_finite(bool(np.isfinite(own).all()))
        mean, components, ratio = _fit_held(own, k, seed)
    components = np.ascontiguousarray(components, dtype=np.float32)
    largest = np.abs(components).argmax(axis=1)
    signs = np.where(components[np.arange(k), largest] < 0, -1.0, 1.0).astype(np.float32)
    return Pca(
        mean.astype(np.float32),
        components * signs[:, None],
        np.nan_to_num(ratio).astype(np.float32),
    )


Fit = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean (d,), components (k, d), shares (k,)


def _fit_held(own: np.ndarray, k: int, seed: int) -> Fit:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore", divide="ignore"):  # constant vectors: 0 / 0, mended above
        fitted = PCA(k, random_state=seed).fit(own)
    return fitted.mean_, fitted.components_, fitted.explained_variance_ratio_


def _fit_in_blocks(native: np.ndarray, rows: np.ndarray | None, n: int, k: int, seed: int) -> Fit:
    """From passes over blocks of rows; memory holds one block and a (d, d) or (d, k) matrix."""
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

    if d <= COVARIANCE_DIMS:
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

    basis = np.random.default_rng(seed).standard_normal((d, min(k + N_SPARE, d)))
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
