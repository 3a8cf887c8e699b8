"""Mel bands and windows, against librosa and SciPy."""

import numpy as np
import pytest

from core.encoders import logmel, mel, musicnn


@pytest.mark.parametrize(
    ("rate_hz", "n_fft", "n_mels", "lowest_hz", "highest_hz"),
    [
        (48_000, 1024, 64, 50, 14_000),
        (musicnn.RATE_HZ, musicnn.N_FFT, musicnn.N_MELS, 0, musicnn.RATE_HZ / 2),
        (logmel.RATE_HZ, logmel.N_FFT, logmel.N_MELS, logmel.LOWEST_HZ, logmel.RATE_HZ / 2),
    ],
)
def test_slaney_bands_are_librosas(
    rate_hz: float, n_fft: int, n_mels: int, lowest_hz: float, highest_hz: float
) -> None:
    import librosa.filters

    expected = librosa.filters.mel(
        sr=rate_hz, n_fft=n_fft, n_mels=n_mels, fmin=lowest_hz, fmax=highest_hz
    )
    found = mel.slaney_bands(rate_hz, n_fft, n_mels, lowest_hz, highest_hz)
    np.testing.assert_allclose(found.T, expected, rtol=1e-5, atol=1e-8)
    np.testing.assert_array_equal(mel.sparse(found).toarray(), found.T.astype(np.float32))


def test_hann_window_is_scipys_periodic_one() -> None:
    from scipy.signal.windows import hann

    np.testing.assert_allclose(mel.hann(512, np.float64), hann(512, sym=False), atol=1e-12)


def test_power_keeps_the_precision_of_its_window() -> None:
    samples = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    framed = mel.frames(samples, 400, 160)
    assert framed.shape == (4, 400)
    wide = mel.power(framed, mel.hann(400, np.float64), 512)
    assert wide.shape == (4, 257)
    assert wide.dtype == np.float64
    narrow = mel.power(framed, mel.hann(400), 512)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, wide, rtol=1e-3, atol=1e-3)
