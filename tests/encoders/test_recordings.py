"""Long items are embedded in pieces and averaged; short ones whole."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.encoders import recordings
from core.encoders.base import Card


class Loudness:
    """An encoder whose vector is the mean of the samples."""

    weights_sha256 = None

    def __init__(self, modality: str = "audio", hears_s: float = 2.0) -> None:
        self.card = Card(
            name="loudness",
            modality=modality,  # type: ignore[arg-type]  # a test chooses it
            dim=1,
            title="",
            licence="",
            citation="",
            parameters=0,
            rate_hz=10,
            hears_s=hears_s,
        )
        self.heard: list[int] = []

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        self.heard += [len(each) for each in media]
        return np.array([[np.mean(each)] for each in media], dtype=np.float32).reshape(-1, 1)


def test_pieces_are_whole_and_averaged() -> None:
    encoder = Loudness()
    long = np.concatenate([np.full(20, 1.0), np.full(20, 3.0), np.full(15, 99.0)])
    found = recordings.embed(encoder, [np.full(20, 7.0), long, np.full(5, 4.0)])
    np.testing.assert_allclose(found, [[7.0], [2.0], [4.0]])
    assert encoder.heard == [20, 20, 20, 5]  # the last incomplete piece is ignored


def test_an_item_of_one_piece_is_embedded_whole() -> None:
    encoder = Loudness()
    found = recordings.embed(encoder, [np.full(20, 7.0), np.full(39, 2.0)])
    np.testing.assert_allclose(found, [[7.0], [2.0]])
    assert encoder.heard == [20, 39]


def test_other_modalities_are_never_cut() -> None:
    encoder = Loudness("image")
    assert recordings.embed(encoder, [np.full(100, 3.0)]).tolist() == [[3.0]]
    assert encoder.heard == [100]


def test_no_media_give_no_rows() -> None:
    assert recordings.embed(Loudness(), []).shape == (0, 1)


@pytest.mark.parametrize(("n", "n_pieces"), [(1, 1), (20, 1), (39, 1), (40, 2), (100, 5)])
def test_as_many_pieces_as_fit(n: int, n_pieces: int) -> None:
    assert len(recordings.cut(np.zeros(n), Loudness().card)) == n_pieces
