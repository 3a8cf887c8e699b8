"""Every registered encoder keeps the contract of `core.encoders.base`.

Encoders whose weights are downloaded are run twice: with tiny networks of the same shape, made for
the tests, and with the real files if `../shared/weights` or the cache folder has them.
"""

import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import encoders
from core.encoders import lsa, weights
from core.encoders.base import Card, Encoder
from core.errors import MissingWeights
from tests.encoders import tiny_torch

SHARED_WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "weights"
WITHOUT_WEIGHTS = [name for name in encoders.names() if not encoders.card(name).weights]
WITH_WEIGHTS = [name for name in encoders.names() if encoders.card(name).weights]
CASES = [
    *WITHOUT_WEIGHTS,
    *(f"{name}-tiny" for name in WITH_WEIGHTS),
    *(f"{name}-real" for name in WITH_WEIGHTS),
]


@functools.cache
def loaded(name: str, folder: Path | None, n_threads: int) -> Encoder:
    if encoders.card(name).fitted:
        return lsa.fit(media_of(encoders.card(name), seed=99, n=60), seed=0)
    with tiny_torch.narrow(folder):
        return encoders.load(name, folder, n_threads)


@pytest.fixture(params=CASES)
def folder_of(request: pytest.FixtureRequest, tiny_folder: Path) -> tuple[str, Path | None]:
    name, _, build = request.param.partition("-")
    if build == "tiny":
        return name, tiny_folder
    folder = SHARED_WEIGHTS if SHARED_WEIGHTS.is_dir() else None
    try:
        loaded(name, folder, 1)
    except MissingWeights as error:
        pytest.skip(f"weights absent: {error}")
    return name, folder


@pytest.fixture
def encoder(folder_of: tuple[str, Path | None]) -> Encoder:
    return loaded(*folder_of, 1)


def media_of(card: Card, seed: int = 0, n: int = 6) -> list[Any]:
    """Seconds, pictures or texts of different kinds, loudness, sizes and lengths."""
    rng = np.random.default_rng(seed)
    if card.modality == "text":
        words = ["slow", "fast", "violin", "flute", "drums", "plays", "the", "loud", "warm", "dark"]
        return [" ".join(rng.choice(words, length)) for length in rng.integers(2, 40, n)]
    if card.modality == "audio":
        assert card.rate_hz is not None
        time_s = np.arange(card.rate_hz) / card.rate_hz
        return [
            (
                rng.uniform(0.05, 0.5) * np.sin(2 * np.pi * rng.uniform(100, 2000) * time_s)
                + rng.uniform(0, 0.1) * rng.standard_normal(card.rate_hz)
            ).astype(np.float32)
            for _ in range(n)
        ]
    sizes = rng.integers(20, 400, (n, 2))
    return [
        np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((h // 4, w // 4, 1))).astype(np.uint8)
        for h, w in sizes
    ]


def assert_same(card: Card, found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to the seventh digit, which the size of the batch may change in any network."""
    one_step = {"vggish": 1.0}  # its vectors are whole numbers of 8 bits, truncated
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=one_step.get(card.name, 1e-6 * scale))


def extremes_of(card: Card) -> list[Any]:
    """Awkward media that are still allowed."""
    rng = np.random.default_rng(1)
    if card.modality == "text":
        return [
            "",
            " \n\t",
            "🎻 👩‍🎤",
            "כינור איטי",
            "<script>alert('drum')</script> &amp;",
            "a \0 and half a \ud83c pair",
            "word " * 20_000,
            "x" * 100_000,
        ]
    if card.modality == "audio":
        n = card.rate_hz or 0
        return [
            np.zeros(n, np.float32),
            np.full(n, 1.0, np.float32),  # a constant offset
            rng.choice([-1.0, 1.0], n).astype(np.float32),  # full-scale noise
            np.full(n, 1e-38, np.float32),
            np.eye(1, n, n // 2, dtype=np.float32)[0],  # a click
            np.full(n, 100.0, np.float32),  # a float file far over full scale
            np.zeros(1, np.float32),
            np.ones(3 * n, np.float32),
        ]
    return [
        np.zeros((64, 64, 3), np.uint8),
        np.full((64, 64, 3), 255, np.uint8),
        rng.integers(0, 256, (200, 300, 3), dtype=np.uint8),
        np.full((1, 1, 3), 200, np.uint8),
        rng.integers(0, 256, (2, 3000, 3), dtype=np.uint8),
        rng.integers(0, 256, (3000, 1, 3), dtype=np.uint8),
    ]


@pytest.mark.parametrize("name", encoders.names())
def test_card_is_complete(name: str) -> None:
    card = encoders.card(name)
    assert card.name == name
    assert card.modality in ("audio", "image", "text")
    assert card.dim > 0
    assert card.version >= 1
    assert card.title
    assert card.licence
    assert card.citation
    assert (card.parameters > 0) == bool(card.weights)
    if card.modality == "audio":
        assert card.rate_hz
        assert card.window_s is not None
        assert 0 < card.window_s <= card.hears_s
    else:
        assert card.rate_hz is None
    if card.modality == "image":
        assert card.size_px
    for file in card.weights:
        assert file.address.startswith("https://")
        assert not Path(file.name).is_absolute()
        assert ".." not in Path(file.name).parts
        assert file.sha256 is None or len(file.sha256) == 64
        assert file.md5 is None or len(file.md5) == 32
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.dim = 1  # type: ignore[misc]


def test_vectors_have_the_cards_length_and_type(encoder: Encoder) -> None:
    media = media_of(encoder.card)
    vectors = encoder.embed(media)
    assert vectors.shape == (len(media), encoder.card.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


def test_different_media_give_different_vectors(encoder: Encoder) -> None:
    vectors = encoder.embed(media_of(encoder.card))
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert distances[~np.eye(len(vectors), dtype=bool)].min() > 1e-3


def test_batched_alone_and_again_are_one_vector(encoder: Encoder) -> None:
    media = media_of(encoder.card)
    batched = encoder.embed(media)
    alone = np.vstack([encoder.embed([one]) for one in media])
    assert_same(encoder.card, alone, batched)
    assert_same(encoder.card, encoder.embed(media), batched)


def test_order_does_not_matter(encoder: Encoder) -> None:
    media = media_of(encoder.card)
    assert_same(encoder.card, encoder.embed(media[::-1]), encoder.embed(media)[::-1])


def test_earlier_media_do_not_matter(encoder: Encoder) -> None:
    media = media_of(encoder.card, n=2)
    before = encoder.embed(media)
    encoder.embed(extremes_of(encoder.card))
    assert_same(encoder.card, encoder.embed(media), before)


def test_called_from_several_threads(encoder: Encoder) -> None:
    batches = [media_of(encoder.card, seed, n=3) for seed in range(8)]
    expected = [encoder.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(encoder.embed, batches))
    for one, other in zip(found, expected, strict=True):
        assert_same(encoder.card, one, other)


def test_spread_over_several_threads(encoder: Encoder, folder_of: tuple[str, Path | None]) -> None:
    media = media_of(encoder.card, n=7)
    found = loaded(*folder_of, 3).embed(media)
    assert_same(encoder.card, found, encoder.embed(media))


def test_no_media_give_no_rows(encoder: Encoder) -> None:
    vectors = encoder.embed([])
    assert vectors.shape == (0, encoder.card.dim)
    assert vectors.dtype == np.float32


def test_extremes_are_finite(encoder: Encoder) -> None:
    assert np.isfinite(encoder.embed(extremes_of(encoder.card))).all()


def test_media_are_not_changed(encoder: Encoder) -> None:
    media = media_of(encoder.card, n=2)
    if encoder.card.modality == "text":
        pytest.skip("a text cannot be changed")
    copies = [one.copy() for one in media]
    for one in media:
        one.setflags(write=False)
    encoder.embed(media)
    for one, copy in zip(media, copies, strict=True):
        np.testing.assert_array_equal(one, copy)


def test_wrong_shapes_are_refused(encoder: Encoder) -> None:
    wrong = np.zeros((2, 100), np.float32)
    with pytest.raises(ValueError, match="expected"):
        encoder.embed([wrong])


def test_weights_sum_is_that_of_the_file(
    encoder: Encoder, folder_of: tuple[str, Path | None]
) -> None:
    _, folder = folder_of
    if encoder.card.fitted:
        assert len(encoder.weights_sha256 or "") == 64
    elif not encoder.card.weights:
        assert encoder.weights_sha256 is None
    else:
        assert encoder.weights_sha256 == weights.sha256_of(weights.find_all(encoder.card, folder))
