"""Recordings longer than one call of an encoder: embedded in pieces, and averaged.

One call of an encoder takes `Card.hears_s` seconds of sound. A longer item (a 30-second track) is
cut into as many whole pieces of that length as fit, and its vector is their mean. Pictures and
texts are never cut.

Some networks hear less than that at once; their encoders average over `windows`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.encoders.base import Card, Encoder, TaggingEncoder, fit_length, mean_of_parts


def embed(encoder: Encoder, media: Sequence[Any]) -> np.ndarray:
    """`(n, dim)` float32, one row for each of the `n` media, of any length."""
    if encoder.card.modality != "audio":
        return encoder.embed(media)
    return mean_of_parts(encoder.embed, [cut(samples, encoder.card) for samples in media])


def embed_and_tag(encoder: TaggingEncoder, media: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """As `embed`, and the `(n, t)` float32 scores of the encoder's own tags, averaged alike."""

    def both(pieces: Sequence[Any]) -> np.ndarray:
        return np.concatenate(encoder.embed_and_tag(pieces), axis=1)

    found = mean_of_parts(both, [cut(samples, encoder.card) for samples in media])
    return found[:, : encoder.card.dim], found[:, encoder.card.dim :]


def cut(samples: np.ndarray, card: Card) -> list[np.ndarray]:
    """`(n,)` samples in whole pieces of `card.hears_s`; shorter than two pieces stays whole."""
    n_piece = round(card.hears_s * (card.rate_hz or 1))
    n_pieces = max(1, len(samples) // n_piece)
    if n_pieces == 1:
        return [samples]
    return [samples[row * n_piece : (row + 1) * n_piece] for row in range(n_pieces)]


def windows(samples: np.ndarray, n_window: int, n_longest: int) -> list[np.ndarray]:
    """The windows `(n_window,)` float32 that cover a sound: as few as possible, evenly spaced.

    Of a sound longer than `n_longest` the middle is taken. One shorter than a window is repeated.

    Raises ValueError when `samples` is not one-dimensional.
    """
    if len(samples) > n_longest or samples.ndim != 1:
        samples = fit_length(samples, n_longest)
    samples = samples.astype(np.float32, copy=False)
    if len(samples) < n_window:
        return [np.resize(samples, n_window)]  # repeated
    n_windows = -(-len(samples) // n_window)
    starts = np.linspace(0, len(samples) - n_window, n_windows).round().astype(int)
    return [samples[start : start + n_window] for start in starts]
