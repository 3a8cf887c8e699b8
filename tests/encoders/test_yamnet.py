"""`yamnet`: its samples, front end and size."""

from pathlib import Path

import numpy as np
import pytest

from core.encoders import savedmodel, yamnet
from core.encoders.base import Encoder
from tests.encoders import published_log_mel, tiny_savedmodels

CARD = yamnet.CARD


@pytest.fixture(scope="module")
def encoder(savedmodel_folder: Path) -> Encoder:
    return yamnet.load(savedmodel_folder, 2)


def second(seed: int = 0, n: int = 16_000) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


def expected(samples: np.ndarray) -> np.ndarray:
    """The tiny network's vector of 15,600 samples, in NumPy with the published front end."""
    frames = published_log_mel.log_mel(samples, 0.001)
    assert frames.shape == (96, 64)
    halves = frames.reshape(2, 48, 64).mean(axis=1).ravel()
    weights = tiny_savedmodels.module("yamnet").weights[0].numpy()
    return np.asarray(halves @ weights, np.float32)


def test_one_patch_of_the_middle_at_its_own_level(encoder: Encoder) -> None:
    loud = second()
    quiet = loud / 100
    vectors = encoder.embed([loud, quiet])
    np.testing.assert_allclose(vectors[0], expected(loud[200:15_800]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(vectors[1], expected(quiet[200:15_800]), rtol=1e-4, atol=1e-4)
    assert np.abs(vectors[0] - vectors[1]).max() > 1  # it is not levelled


def test_only_the_edges_are_ignored(encoder: Encoder) -> None:
    sound = second()
    edges, inside = sound.copy(), sound.copy()
    edges[:200] = edges[15_800:] = 0
    inside[200:360] = 0
    vectors = encoder.embed([sound, edges, inside])
    np.testing.assert_allclose(vectors[1], vectors[0], atol=1e-5)
    assert np.abs(vectors[2] - vectors[0]).max() > 1e-3


def test_a_short_sound_is_followed_by_zeros(encoder: Encoder) -> None:
    short = second(n=9_000)
    whole = np.pad(short, (0, 6_600))
    vectors = encoder.embed([short, whole])
    np.testing.assert_allclose(vectors[0], expected(whole), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(vectors[1], vectors[0], atol=1e-5)


def test_the_front_end_of_the_savedmodel_is_the_published_one() -> None:
    tf = savedmodel.start(2)
    found = tiny_savedmodels.log_mel(tf.constant(second()), 0.001).numpy()
    np.testing.assert_allclose(found, published_log_mel.log_mel(second(), 0.001), atol=2e-4)


def test_a_batch_equals_single_calls_of_the_model(
    encoder: Encoder, savedmodel_folder: Path
) -> None:
    tf = savedmodel.start(2)
    model = tf.saved_model.load(str(savedmodel_folder / "yamnet_1"))
    seconds = [second(seed) for seed in range(70)]  # more than one batch
    alone = []
    for each in seconds:
        scores, embeddings, frames = model(each[200:15_800])
        assert scores.shape == (1, 521)
        assert frames.shape == (96, 64)
        alone.append(embeddings[0].numpy())
    np.testing.assert_allclose(encoder.embed(seconds), alone, atol=1e-5)


def test_parameters_are_those_of_the_published_layers() -> None:
    layers = tiny_savedmodels.module("yamnet", whole=True).weights
    trained = sum(
        int(np.prod(part.shape)) for kernel, shift, *_ in layers for part in (kernel, shift)
    )
    assert CARD.parameters == trained
    assert round(CARD.parameters / 1e6, 1) == 3.2  # Wu et al. 2021, table 1
    assert CARD.dim == 1024


def test_the_published_layers_run(tmp_path: Path) -> None:
    tiny_savedmodels.save(tmp_path / "yamnet_1", "yamnet", whole=True)
    seconds = [second(seed) for seed in range(3)]
    encoder = yamnet.load(tmp_path, 2)
    vectors = encoder.embed(seconds)
    assert vectors.shape == (3, 1024)
    assert (vectors > 1e-2).mean() > 0.3
    alone = np.vstack([encoder.embed([each]) for each in seconds])
    np.testing.assert_allclose(vectors, alone, atol=1e-5 * np.abs(vectors).max())
