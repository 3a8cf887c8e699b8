"""A translation fitted to arrays of paired vectors, without a workspace."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.config import LABEL_PAIRED
from core.errors import UserError
from core.spaces import translation_training
from core.spaces.translation import Translation, TranslationConfig


def fit_translation(
    audio: np.ndarray,
    image: np.ndarray,
    classes: Sequence[Any] | np.ndarray | None,
    clips: Sequence[Any] | np.ndarray | None,
    config: TranslationConfig | None,
    seed: int,
) -> Translation:
    """See `core.fit_translation`."""
    natives = {"audio": np.asarray(audio), "image": np.asarray(image)}
    n = len(natives["audio"])
    columns = {"classes": classes, "clips": clips}
    sizes = {**natives, **{name: rows for name, rows in columns.items() if rows is not None}}
    for name, rows in sizes.items():
        if len(rows) != n or (name in natives and natives[name].ndim != 2):
            raise UserError(
                f"The array of {name} has the shape {np.shape(rows)}, and there are {n} pairs: "
                "give (n, d) vectors of audio and image and n classes or clips, row i of each for "
                "pair i."
            )
    kind = ("audio", "image")
    if config is None:
        config = LABEL_PAIRED if classes is not None else TranslationConfig()
    if config.needs_classes and classes is None:
        raise UserError("This recipe draws by class: give the classes of the pairs.")
    numbers = None if classes is None else np.unique(np.asarray(classes), return_inverse=True)[1]
    return translation_training.fit(
        natives,
        {kind: np.stack([np.arange(n)] * 2, axis=1)},
        {kind: np.arange(n) if clips is None else np.asarray(clips)},
        config,
        seed,
        pair_classes=None if numbers is None else {kind: numbers},
    )
