"""Spectrograms: low tones at the bottom, silence, JPEG."""

import io

import numpy as np
import pytest
from PIL import Image

from core.figures import spectrogram


def test_low_tones_are_at_the_bottom() -> None:
    time_s = np.arange(16_000) / 16_000
    tones = [
        spectrogram.levels(np.sin(2 * np.pi * hz * time_s).astype(np.float32), 16_000)
        for hz in (200, 2000)
    ]
    rows = [int(tone.mean(axis=1).argmax()) for tone in tones]
    assert rows[0] > rows[1]
    assert all(tone.min() >= 0 and tone.max() <= 1 for tone in tones)


@pytest.mark.parametrize("n", [0, 1, 500, 16_000])
def test_silence_and_short_sounds_have_a_spectrogram(n: int) -> None:
    assert not spectrogram.levels(np.zeros(n, np.float32), 8000).any()


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_of_silence_has_the_colour_of_the_ground(dark: bool) -> None:
    jpeg = spectrogram.to_jpeg(np.zeros(8000, np.float32), 8000, dark, size_px=(32, 24))
    picture = Image.open(io.BytesIO(jpeg))
    assert picture.size == (32, 24)
    stops = spectrogram.DARK_STOPS if dark else spectrogram.LIGHT_STOPS
    ground = [int(stops[0][at : at + 2], 16) for at in (1, 3, 5)]
    assert np.abs(np.asarray(picture, dtype=int) - ground).max() <= 3
