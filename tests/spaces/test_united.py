"""The united space: two blocks side by side, and words of their own."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from core.errors import UserError
from core.spaces.cca import Cca
from core.spaces.translation import Translation
from core.spaces.united import United

RNG = np.random.default_rng(0)


def tower(n_in: int, n_out: int) -> dict[str, np.ndarray]:
    sizes = {"w1": (8, n_in), "b1": 8, "gamma": 8, "beta": 8, "mean": 8, "var": 8}
    sizes |= {"w2": (n_out, 8), "b2": n_out}
    return {name: np.abs(RNG.normal(size=size)).astype("f4") for name, size in sizes.items()}


def side(n_in: int) -> dict[str, np.ndarray]:
    sizes = {"mean": n_in, "weights": (n_in, 3), "centre": 3}
    return {name: RNG.normal(size=size).astype("f4") for name, size in sizes.items()}


def united() -> United:
    history = [{"epoch": 1, "train_loss": 1.0, "validation_loss": 1.0, "seconds": 0.1}]
    towers = Translation({"audio": tower(5, 4), "image": tower(6, 4)}, history, 1)
    words = Translation({"text": tower(2, 7)}, history, 1)
    return United(towers, Cca({"audio": side(5), "image": side(6)}, np.ones(3), 0.1), words)


def test_a_cosine_is_the_mean_of_both_cosines() -> None:
    space, x, y = united(), RNG.normal(size=(9, 5)), RNG.normal(size=(4, 6))
    a, b = space.project("audio", x), space.project("image", y)
    assert a.shape == (9, space.n_dims) == (9, 7)
    assert np.linalg.norm(a, axis=1) == pytest.approx(1, abs=1e-6)
    parts = [p.project("audio", x) @ p.project("image", y).T for p in (space.towers, space.cca)]
    assert a @ b.T == pytest.approx((parts[0] + parts[1]) / 2, abs=1e-6)


def test_texts_have_a_tower_of_their_own() -> None:
    space, x = united(), RNG.normal(size=(3, 2))
    assert np.array_equal(space.project("text", x), space.words.project("text", x))
    alone = United(space.towers)
    assert alone.n_dims == 4
    with pytest.raises(UserError, match="no tower for text"):
        alone.project("text", x)


def test_arrays_restore_it() -> None:
    space = united()
    for whole in (space, United(space.towers), United(space.towers, space.cca)):
        back = United.from_arrays(load(save(whole.arrays())))
        x = RNG.normal(size=(3, 6))
        assert np.array_equal(back.project("image", x), whole.project("image", x))
        assert (back.cca is None, back.words is None) == (whole.cca is None, whole.words is None)
