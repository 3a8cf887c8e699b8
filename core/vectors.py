"""Vectors with their ids: rows are found by id, never by position.

Encoders use `unit_rows`, and their registry is quick to import: pandas comes with its first use.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from core.store import Artefact


@dataclass(frozen=True)
class Vectors:
    """Rows with their ids: `item_ids (n,) str` and `array (n, d) float32`."""

    item_ids: np.ndarray
    array: np.ndarray

    def rows(self, item_ids: Any) -> np.ndarray:
        """The row of each id: `(k,) int64`. Raises KeyError for an unknown id."""
        found = self._index.get_indexer(item_ids := np.asarray(item_ids))
        if (found < 0).any():
            raise KeyError(f"{item_ids[found < 0][0]!r} has no vector")
        return np.asarray(found, dtype=np.int64)

    def take(self, item_ids: Any) -> np.ndarray:
        return np.asarray(self.array[self.rows(item_ids)])

    @functools.cached_property
    def _index(self) -> pd.Index:
        import pandas as pd

        return pd.Index(self.item_ids)


def unit_rows(vectors: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """Vectors scaled to unit length along the last axis; a vector of zeros stays zero.

    Parameters
    ----------
    vectors : (..., d) array
    dtype : the type of the computation and the result

    Returns
    -------
    (..., d) array of `dtype`
    """
    wide = np.asarray(vectors, dtype=dtype)
    norms = np.linalg.norm(wide, axis=-1, keepdims=True)
    return np.asarray(wide / np.maximum(norms, 1e-12), dtype=dtype)


def read_vectors(artefact: Artefact, file: str, ids: str = "items.parquet") -> Vectors:
    """The vectors in a file of an artefact, memory-mapped, with the ids of their rows."""
    return Vectors(artefact.table(ids)["item_id"].to_numpy(), artefact.array(file))
