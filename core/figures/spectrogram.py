"""A small picture of one second of sound, quick enough to be made for every card."""

import io

import numpy as np
import scipy.fft

N_FFT = 1024
N_BANDS = 96
RANGE_DB = 70.0


def spectrogram(samples: np.ndarray, rate_hz: int, n_frames: int = 160) -> np.ndarray:
    """`(n_bands, n_frames) float32` in 0 to 1: dB over a logarithmic frequency axis.

    `samples (n,) float32` mono. Hann windows of 1024 samples, about `n_frames`; bands from
    60 Hz to half the rate or 10 kHz, low at the bottom (last row); 70 dB below the loudest is 0.
    Silence is all zeros.
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


def coloured(values: np.ndarray, stops: list[str], size_px: tuple[int, int] = (320, 240)) -> bytes:
    """`(h, w)` in 0 to 1 as a JPEG through a scale of `#RRGGBB` stops; a PNG is five times as
    large, and both the page and the network feel it."""
    from PIL import Image

    table = np.array([[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in stops], dtype=float)
    spots = np.linspace(0, 1, len(stops))
    levels = np.linspace(0, 1, 256)
    lookup = np.stack([np.interp(levels, spots, table[:, k]) for k in range(3)], axis=1)
    levels_image = Image.fromarray((values * 255).astype(np.uint8))
    resized = levels_image.resize(size_px, Image.Resampling.BILINEAR)
    resized.putpalette(lookup.round().astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    resized.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
