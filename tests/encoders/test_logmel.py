"""`logmel` against librosa, and its sensitivity to gain, pitch and timbre."""

import numpy as np
import pytest

from core.encoders import logmel
from core.encoders.base import Encoder, fit_length


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return logmel.load(None, 1)


def tone(hz: float, gain: float = 0.3) -> np.ndarray:
    time_s = np.arange(logmel.RATE_HZ) / logmel.RATE_HZ
    partials = sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 8))
    return (gain * partials * np.exp(-2 * time_s)).astype(np.float32)


def test_vector_is_made_of_librosas_spectrogram_and_mfcc(encoder: Encoder) -> None:
    import librosa

    sound = tone(220) + np.random.default_rng(0).normal(0, 0.01, logmel.RATE_HZ).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=sound,
        sr=logmel.RATE_HZ,
        n_fft=logmel.N_FFT,
        hop_length=logmel.HOP,
        n_mels=logmel.N_MELS,
        fmin=logmel.LOWEST_HZ,
        pad_mode="constant",
    )
    decibels = librosa.power_to_db(mel, ref=np.max, top_db=logmel.DEPTH_DB)
    levels = decibels / 40 + 1
    mfcc = librosa.feature.mfcc(S=levels, n_mfcc=logmel.N_MFCC + 1)[1:] / np.sqrt(logmel.N_MELS)
    expected = []
    for rows, typical in ((levels, logmel.STD_MEL), (mfcc, logmel.STD_MFCC)):
        expected += [
            rows.mean(1) / typical[0],
            rows.std(1) / typical[1],
            np.percentile(rows, 10, axis=1) / typical[2],
            np.percentile(rows, 90, axis=1) / typical[3],
            np.abs(np.diff(rows)).mean(1) / typical[4],
        ]
    found = encoder.embed([sound])[0]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-3, atol=2e-3)


def test_gain_does_not_matter(encoder: Encoder) -> None:
    loud, quiet = encoder.embed([tone(330), tone(330, 0.3 / 100)])
    np.testing.assert_allclose(quiet, loud, rtol=1e-3, atol=2e-3)


def test_pitch_and_timbre_matter(encoder: Encoder) -> None:
    low, high, noise = encoder.embed(
        [tone(110), tone(880), np.random.default_rng(0).normal(0, 0.1, logmel.RATE_HZ)]
    )
    repeated = encoder.embed([tone(112)])[0]
    near = np.linalg.norm(low - repeated)
    assert near < np.linalg.norm(low - high) / 2
    assert near < np.linalg.norm(low - noise) / 2


def test_silence_is_at_the_floor(encoder: Encoder) -> None:
    silence = encoder.embed([np.zeros(logmel.RATE_HZ, np.float32)])[0]
    n = logmel.N_MELS
    np.testing.assert_allclose(silence[:n] * logmel.STD_MEL[0], -1, rtol=1e-6)
    np.testing.assert_allclose(silence[n : 2 * n], 0, atol=1e-5)  # no change over time


def test_short_and_long_are_fitted(encoder: Encoder) -> None:
    sound = tone(440)
    short, long = sound[:5000], np.concatenate([sound, sound])
    found = encoder.embed([short, long])
    whole = encoder.embed([fit_length(short, logmel.RATE_HZ), fit_length(long, logmel.RATE_HZ)])
    np.testing.assert_array_equal(found, whole)
