"""Principal components of one modality's native vectors: W's baseline (Wu et al. 2021, §2.2).

Fitted on the translation subset alone; 128 components, or as many as rows and columns allow.
Arrays in, arrays out; scikit-learn is needed to fit and NumPy alone to project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import UserError

CHUNK_ROWS = 4096


@dataclass
class Pca:
    """Fitted components, as in scikit-learn: ``mean_`` (d,), ``components_`` (k, d) float32 with
    orthonormal rows, ``explained_variance_ratio_`` (k,)."""

    mean_: np.ndarray
    components_: np.ndarray
    explained_variance_ratio_: np.ndarray

    @property
    def n_dims(self) -> int:
        return len(self.components_)

    def project(self, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → (n, k) float32; a row does not depend on its neighbours.

        Raises ``UserError`` on vectors of another length.
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

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        return {
            "mean": self.mean_,
            "components": self.components_,
            "explained_variance_ratio": self.explained_variance_ratio_,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Pca:
        """The inverse of ``arrays``."""
        return cls(arrays["mean"], arrays["components"], arrays["explained_variance_ratio"])


def fit(native: np.ndarray, n_components: int = 128, seed: int = 0) -> Pca:
    """Fit on (n, d) finite vectors; min(n_components, n, d) components.

    Each component's largest coefficient is positive, so that two fits agree in sign. ``seed``
    matters only where scikit-learn chooses its randomised solver. Constant vectors give components
    that explain nothing: their share of the variance is 0.

    Raises ``UserError`` on fewer than two rows or on values that are not finite.
    """
    from sklearn.decomposition import PCA

    native = np.asarray(native, dtype=np.float32)
    if native.ndim != 2 or len(native) < 2:
        raise UserError(
            f"Principal components need at least two vectors, and the shape is {native.shape}; "
            "add items to the translation subset."
        )
    if not np.isfinite(native).all():
        raise UserError(
            "Principal components need finite numbers, and some vectors hold NaN or infinity; "
            "run the extraction again or leave these items out."
        )
    k = min(n_components, *native.shape)
    with np.errstate(invalid="ignore", divide="ignore"):  # constant vectors: 0 / 0, mended below
        fitted = PCA(k, random_state=seed).fit(native)
    components = np.ascontiguousarray(fitted.components_, dtype=np.float32)
    largest = np.abs(components).argmax(axis=1)
    signs = np.where(components[np.arange(k), largest] < 0, -1.0, 1.0).astype(np.float32)
    return Pca(
        fitted.mean_.astype(np.float32),
        components * signs[:, None],
        np.nan_to_num(fitted.explained_variance_ratio_).astype(np.float32),
    )
