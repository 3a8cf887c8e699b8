"""A spectrogram as a small JPEG, fast enough to be made for every item on a page."""

import io
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from PIL.Image import Image

N_FFT = 1024
N_BANDS = 96
RANGE_DB = 70.0
LIGHT_STOPS = ("#F3F4F0", "#C4DEE1", "#5FA5B2", "#17697A", "#08313C")
DARK_STOPS = ("#14171B", "#1F3A44", "#2F7C8C", "#9ADDEA", "#F4FBFC")


def levels(samples: np.ndarray, rate_hz: int, n_frames: int = 160) -> np.ndarray:
    """Levels over time and a logarithmic frequency axis, from Hann windows of 1024 samples.

    Parameters
    ----------
    samples : (n,) float32, mono
    n_frames : about so many columns

    Returns
    -------
    (96, n_frames) float32
        From 0 (70 dB below the loudest, or silence) to 1. The first row is 10 kHz, or half the
        rate where that is lower, the last one 60 Hz.
    """
    padded = np.pad(np.asarray(samples, dtype=np.float32), (N_FFT // 2, N_FFT // 2))
    hop = max(32, (len(padded) - N_FFT) // n_frames)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::hop]
    magnitude = np.abs(scipy.fft.rfft(frames * np.hanning(N_FFT).astype(np.float32), axis=1))
    top_hz = min(rate_hz / 2, 10_000.0)
    bands_hz = np.geomspace(60.0, top_hz, N_BANDS)
    place = np.minimum(bands_hz * N_FFT / rate_hz, magnitude.shape[1] - 1.001)
    low = place.astype(int)
    part = (place - low).astype(np.float32)
    banded = magnitude[:, low] * (1 - part) + magnitude[:, low + 1] * part
    loudest = float(banded.max()) if banded.size else 0.0
    if not np.isfinite(loudest) or loudest <= 1e-9:
        return np.zeros((N_BANDS, len(frames)), dtype=np.float32)
    decibels = 20 * np.log10(np.maximum(banded / loudest, 1e-9))
    return np.asarray(np.clip(1 + decibels / RANGE_DB, 0, 1).T[::-1], dtype=np.float32)


def to_jpeg(
    samples: np.ndarray,
    rate_hz: int,
    dark: bool = False,
    n_frames: int = 160,
    size_px: tuple[int, int] = (320, 240),
) -> bytes:
    """The spectrogram of a mono sound as a JPEG (a PNG is five times as large)."""
    buffer = io.BytesIO()
    to_picture(samples, rate_hz, dark, n_frames, size_px).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def to_picture(
    samples: np.ndarray,
    rate_hz: int,
    dark: bool = False,
    n_frames: int = 160,
    size_px: tuple[int, int] = (320, 240),
) -> "Image":
    """The spectrogram of a mono sound as an RGB picture."""
    from PIL import Image

    stops = DARK_STOPS if dark else LIGHT_STOPS
    colours = np.array([[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in stops], dtype=float)
    shades, ends = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    palette = np.stack([np.interp(shades, ends, channel) for channel in colours.T], axis=1)
    picture = Image.fromarray((levels(samples, rate_hz, n_frames) * 255).astype(np.uint8))
    resized = picture.resize(size_px, Image.Resampling.BILINEAR)
    resized.putpalette(palette.round().astype(np.uint8).tobytes())
    return resized.convert("RGB")
