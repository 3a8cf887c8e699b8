"""The fitted spaces of a study: their classes, and how each is read from its stored arrays."""

from collections.abc import Callable

import numpy as np

from core.spaces import cca, generation, pca, translation, united


class PcaSpace:
    """One fitted PCA per modality, with `project` like a translation."""

    def __init__(self, fits: dict[str, pca.Pca]) -> None:
        self.fits = fits

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        return self.fits[modality].project(native)


Space = translation.Translation | PcaSpace | cca.Cca | united.United | generation.Generation
STORED: dict[str, Callable[[dict[str, np.ndarray]], Space]] = {
    "translation": translation.Translation.from_arrays,
    "united": united.United.from_arrays,
    "cca": cca.Cca.from_arrays,
    "generation": generation.Generation.from_arrays,
}
