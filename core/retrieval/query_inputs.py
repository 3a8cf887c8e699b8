"""What a query consists of: embedded files, words and items, each with a weight."""

from dataclasses import dataclass, field

import numpy as np

WITHOUT = -0.5  # weight of words to keep away from; at -1 they outweigh the words searched for


@dataclass(frozen=True)
class QueryInput:
    """One sound, sequence of frames, picture or text, embedded: one row per window.

    Parameters
    ----------
    name : file name, words or `item_id`
    modality : "audio", "image" or "text"
    native : (k, d) float32, from the encoder
    starts_s : (k,) seconds, where each window starts in the recording
    loudness : (k,) RMS of each window; ones for pictures and words
    sampled : the recording was too long, so only some of its windows were embedded
    item_id : "" unless the input is an item of the collection
    shared : vectors (k, d) in the spaces that the input was projected into so far
    """

    name: str
    modality: str
    native: np.ndarray
    starts_s: np.ndarray = field(default_factory=lambda: np.zeros(1))
    loudness: np.ndarray = field(default_factory=lambda: np.ones(1))
    sampled: bool = False
    item_id: str = ""
    shared: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False)

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """Rows (k, …), one per window, averaged by loudness; evenly when all windows are silent."""
        total = float(self.loudness.sum())
        weights = self.loudness / total if total > 0 else np.full(len(rows), 1.0 / len(rows))
        return np.asarray(weights @ rows)


@dataclass(frozen=True)
class WeightedInput:
    """A query input and its weight in the query; below 0, results are kept away from it.

    `window`: one row of the input; None for all of them.
    """

    query_input: QueryInput
    weight: float = 1.0
    window: int | None = None
