"""The united space: towers that learn from labels beside CCA, and words that join them.

A vector is that of the towers and that of CCA, each of unit length, side by side (a cosine is then
the mean of both cosines). Both are centred by modality, so sounds, pictures and texts surround one
point. Texts get a tower of their own into this space, which does not change for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.spaces.cca import Cca
from core.spaces.translation import Translation

BLOCKS = ("towers", "cca", "words")  # of the stored arrays


@dataclass(frozen=True)
class United:
    """`cca` is None where the towers stand alone, `words` where there is no text."""

    towers: Translation
    cca: Cca | None = None
    words: Translation | None = None

    @property
    def n_dims(self) -> int:
        return self.towers.n_dims + (self.cca.n_dims if self.cca else 0)

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → shared vectors (n, k) float32 with unit rows.

        Raises
        ------
        UserError
            The modality has no tower, or the vectors have another length.
        """
        if self.words is not None and modality in self.words.towers:
            return self.words.project(modality, native)
        shared = self.towers.project(modality, native)
        if self.cca is None:
            return shared
        parts = [shared, self.cca.project(modality, native)]
        return np.concatenate(parts, axis=1) / np.float32(np.sqrt(2.0))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        return {
            f"{block}/{name}": array
            for block in BLOCKS
            if (part := getattr(self, block)) is not None
            for name, array in part.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> United:
        """The inverse of `arrays`."""
        parts: dict[str, dict[str, np.ndarray]] = {block: {} for block in BLOCKS}
        for name, array in arrays.items():
            block, _, rest = name.partition("/")
            parts[block][rest] = array
        return cls(
            Translation.from_arrays(parts["towers"]),
            Cca.from_arrays(parts["cca"]) if parts["cca"] else None,
            Translation.from_arrays(parts["words"]) if parts["words"] else None,
        )
