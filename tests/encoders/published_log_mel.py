"""The log-mel front end of YAMNet and VGGish, transcribed from its published definition in NumPy.

Source: `research/audioset/mel_features.py` and `vggish_params.py` of the TensorFlow Model Garden.
Triangles that are linear in mel (HTK: 1127 ln(1 + f/700)), on magnitudes of a 512-point Fourier
transform of 400 samples under a periodic Hann window, every 160; the zeroth bin counts for nothing.
"""

import numpy as np

RATE_HZ, N_WINDOW, N_HOP, N_FFT, N_BANDS = 16_000, 400, 160, 512, 64


def mel(frequency_hz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log(1.0 + np.asarray(frequency_hz) / 700.0)


def to_mel() -> np.ndarray:
    """`(257, 64)` float64."""
    bins = mel(np.linspace(0, RATE_HZ / 2, N_FFT // 2 + 1))[:, None]
    edges = np.linspace(mel(125.0), mel(7_500.0), N_BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    triangles = np.maximum(triangles, 0)
    triangles[0] = 0
    return triangles


def log_mel(samples: np.ndarray, log_offset: float) -> np.ndarray:
    """`(f, 64)` float64 of `(n,)` samples."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), N_WINDOW)[::N_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_WINDOW) / N_WINDOW)
    return np.log(np.abs(np.fft.rfft(frames * window, N_FFT)) @ to_mel() + log_offset)
