"""Spectra and mel bands as the published front ends of audio networks define them.

Spectra are computed in the precision of the window: float32 where the published code does so,
float64 where a logarithm of very small values follows.
"""

from typing import Any

import numpy as np


def hann(n: int, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """`(n,)`: a periodic Hann window."""
    return np.hanning(n + 1)[:-1].astype(dtype)


def frames(samples: np.ndarray, n: int, hop: int) -> np.ndarray:
    """`(n_frames, n)`: a view of the stretches of `n` samples, `hop` apart, that fit."""
    return np.lib.stride_tricks.sliding_window_view(samples, n)[::hop]


def spectra(framed: np.ndarray, window: np.ndarray, n_fft: int | None = None) -> np.ndarray:
    """`(n_frames, n_fft // 2 + 1)` complex, of windowed frames padded with zeros to `n_fft`."""
    import scipy.fft

    return np.asarray(scipy.fft.rfft(framed * window, n_fft, axis=1))


def power(framed: np.ndarray, window: np.ndarray, n_fft: int | None = None) -> np.ndarray:
    """The squared magnitudes of `spectra`."""
    spectrum = spectra(framed, window, n_fft)
    return spectrum.real**2 + spectrum.imag**2


def slaney_bands(
    rate_hz: float, n_fft: int, n_mels: int, lowest_hz: float, highest_hz: float
) -> np.ndarray:
    """`(n_fft // 2 + 1, n_mels)` float64: triangles of equal area on Slaney's mel scale.

    Linear below 1 kHz (15 mel), logarithmic above: 27 mel to a factor of 6.4 (Auditory Toolbox).
    A triangle is linear in Hz. Equal to `librosa.filters.mel`, without the second that importing
    librosa costs each process.
    """
    step = np.log(6.4) / 27

    def to_mel(hz: float) -> float:
        return hz * 15 / 1000 if hz < 1000 else 15 + np.log(hz / 1000) / step

    mels = np.linspace(to_mel(lowest_hz), to_mel(highest_hz), n_mels + 2)
    hz = np.where(mels < 15, mels * 1000 / 15, 1000 * np.exp(step * (mels - 15)))
    triangles = _triangles(np.fft.rfftfreq(n_fft, 1 / rate_hz), hz)
    return triangles * 2 / (hz[2:] - hz[:-2])


def sparse(bands: np.ndarray) -> Any:
    """`(n_mels, bins)` sparse float32 of `(bins, n_mels)`: 98 % of the bands is zero.

    A sparse product also runs on one core alone.
    """
    import scipy.sparse

    return scipy.sparse.csr_array(bands.T.astype(np.float32))


def kaldi_bands(
    rate_hz: float, n_fft: int, n_mels: int, lowest_hz: float, highest_hz: float
) -> np.ndarray:
    """`(n_fft // 2 + 1, n_mels)` float64: triangles of height 1, linear in Kaldi's mel.

    1127 ln(1 + hz / 700) (Kaldi `mel-computations.h`).
    """

    def to_mel(hz: np.ndarray | float) -> np.ndarray:
        return 1127 * np.log1p(np.asarray(hz) / 700)

    mels = np.linspace(to_mel(lowest_hz), to_mel(highest_hz), n_mels + 2)
    return _triangles(to_mel(np.fft.rfftfreq(n_fft, 1 / rate_hz)), mels)


def _triangles(bins: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """`(bins, corners - 2)`: from each corner up to the next, down to the one after it."""
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling))
