"""Items longer than what an encoder hears at once: embedded piece by piece, and averaged.

An encoder is handed `Card.hears_s` seconds of sound. An item that lasts longer (a 30-second track)
is cut into as many whole pieces of that length as it holds, and its vector is their mean. Pictures
and texts are whole as they are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.encoders.base import Card, Encoder


def embed(encoder: Encoder, media: Sequence[Any]) -> np.ndarray:
    """`(n, dim)` float32, one row for each of the `n` media, however long they are."""
    if encoder.card.modality != "audio":
        return encoder.embed(media)
    pieces = [cut(samples, encoder.card) for samples in media]
    vectors = encoder.embed([piece for each in pieces for piece in each])
    if len(vectors) == len(media):
        return vectors
    first = np.cumsum([0, *(len(each) for each in pieces[:-1])])
    counts = np.array([len(each) for each in pieces])
    summed = np.add.reduceat(vectors.astype(np.float64), first, axis=0)
    return np.asarray(summed / counts[:, None], dtype=np.float32)


def cut(samples: np.ndarray, card: Card) -> list[np.ndarray]:
    """`(n,)` samples to whole pieces of `card.hears_s`; what is shorter stays one piece."""
    n_piece = round(card.hears_s * (card.rate_hz or 1))
    n_pieces = max(1, len(samples) // n_piece)
    if n_pieces == 1:
        return [samples]
    return [samples[row * n_piece : (row + 1) * n_piece] for row in range(n_pieces)]
