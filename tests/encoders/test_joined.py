"""Joined encoders: their names, weights, cards and vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core import encoders
from core.encoders import joined
from core.encoders.base import Card
from core.errors import UserError


def test_a_name_has_parts_and_weights() -> None:
    assert joined.parts("logmel") == (("logmel", 1.0),)
    assert joined.parts("yamnet_lite=10+musicnn=2.5") == (("yamnet_lite", 10.0), ("musicnn", 2.5))
    assert joined.parts("yamnet_lite+musicnn") == (("yamnet_lite", 1.0), ("musicnn", 1.0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("logmel", "logmel"),
        ("logmel=1+musicnn", "logmel+musicnn"),
        ("logmel=2.50+musicnn=2.5", "logmel+musicnn"),
        ("logmel=10.0+musicnn", "logmel=10+musicnn=1"),
    ],
)
def test_a_name_is_written_in_one_way(name: str, expected: str) -> None:
    assert joined.canonical(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("logmel+logmel", "names an encoder twice"),
        ("logmel+", "leaves one out"),
        ("+logmel", "leaves one out"),
        ("logmel=2", "is one alone, so it takes no weight"),
        ("logmel=0+musicnn", "has the weight '0': expected a number above 0"),
        ("logmel=-1+musicnn", "has the weight '-1'"),
        ("logmel=nan+musicnn", "has the weight 'nan'"),
        ("logmel=inf+musicnn", "has the weight 'inf'"),
        ("logmel=much+musicnn", "has the weight 'much'"),
        ("logmel+hog", r"joins logmel \(audio\) with hog \(image\): expected encoders of one"),
        ("logmel+qqq", "There is no encoder 'qqq'"),
    ],
)
def test_an_unusable_name_is_one_sentence(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        encoders.card(name)


def test_the_card_names_every_part() -> None:
    card = encoders.card("yamnet_lite=10+musicnn=2.5")
    parts = [encoders.card("yamnet_lite"), encoders.card("musicnn")]
    assert card.name == "yamnet_lite=10+musicnn=2.5"
    assert card.dim == sum(part.dim for part in parts)
    assert card.parameters == sum(part.parameters for part in parts)
    for part in parts:
        assert part.licence in card.licence
        assert part.citation in card.citation
        assert set(part.weights) <= set(card.weights)
    assert card.joint == ""
    assert not card.fitted
    assert encoders.card("minilm+lsa").fitted


def test_parts_have_the_lengths_of_their_weights() -> None:
    rng = np.random.default_rng(0)
    blocks = [rng.standard_normal((5, 12)) * 100, rng.standard_normal((5, 24)) / 100]
    found = joined.join(blocks, (4, 3))
    assert (found.shape, found.dtype) == ((5, 36), np.float32)
    np.testing.assert_allclose(np.linalg.norm(found[:, :12], axis=1), 6 * 4 / 5, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found[:, 12:], axis=1), 6 * 3 / 5, rtol=1e-6)
    np.testing.assert_array_equal(joined.join(blocks, (8, 6)), found)


def test_a_part_of_zeros_stays_zeros() -> None:
    found = joined.join([np.zeros((1, 3)), np.ones((1, 1))], (1, 1))
    np.testing.assert_allclose(found, [[0, 0, 0, np.sqrt(2)]], rtol=1e-6)


class Echo:
    """An encoder: the first number of a medium and its length."""

    weights_sha256 = None

    def __init__(self, rate_hz: int) -> None:
        self.card = Card(f"echo{rate_hz}", "audio", 2, "", "", "", 0, rate_hz=rate_hz)

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        return np.array([[one[0], len(one)] for one in media], np.float32)


def test_each_part_hears_sound_at_its_own_rate() -> None:
    parts = (Echo(8_000), Echo(16_000))
    card = joined.card("echo8000+echo16000", [part.card for part in parts])
    assert card.rate_hz == 16_000
    encoder = joined.Joined(card, parts, (1.0, 1.0))
    found = encoder.embed([np.ones(32_000, np.float32)])
    blocks = [parts[0].embed([np.ones(16_000)]), parts[1].embed([np.ones(32_000)])]
    np.testing.assert_allclose(found, joined.join(blocks, (1, 1)), atol=1e-3)


def test_joined_pictures_are_those_of_the_parts() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    # One encoder twice under two names: no second one works without weights.
    one = encoders.load("hog")
    both = joined.Joined(joined.card("hog+hog2", [one.card, one.card]), (one, one), (1.0, 1.0))
    found = both.embed([picture, picture])
    half = one.card.dim
    np.testing.assert_array_equal(found[:, :half], found[:, half:])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.sqrt(2 * half), rtol=1e-6)
    assert joined.encoders_of(both) == (one, one)
    assert joined.encoders_of(one) == (one,)
