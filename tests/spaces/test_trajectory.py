"""The moving map: points move rather than jump, and it is repeatable."""

import numpy as np
import pytest

from core.spaces import maps, trajectory


def parting(n_epochs: int = 12, n: int = 60) -> np.ndarray:
    """Points that begin as one cloud and end as three, a step an epoch."""
    rng = np.random.default_rng(0)
    cloud, centres = rng.normal(size=(n, 16)), 3 * rng.normal(size=(3, 16))
    steps = np.linspace(0, 2, n_epochs)[:, None, None]
    vectors = cloud + steps * centres[np.arange(n) % 3]
    return (vectors / np.linalg.norm(vectors, axis=2, keepdims=True)).astype(np.float16)


def step_of(points: np.ndarray) -> float:
    """How far a point goes from one epoch to the next, in shares of the map's width."""
    moves = np.linalg.norm(np.diff(points.astype(float), axis=0), axis=2)
    return float(np.median(moves) / points.std())


def test_points_move_rather_than_jump() -> None:
    vectors = parting()
    found = trajectory.fit_epochs(vectors, seed=0)
    assert found.shape == (12, 60, 2)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    each = [
        maps.fit_map(one.astype(np.float32), "tsne", 2, seed) for seed, one in enumerate(vectors)
    ]
    assert step_of(found) < 0.8 * step_of(np.stack(each))
    # And the last map shows what the last vectors are: three clouds.
    last, kind = found[-1], np.arange(60) % 3
    apart = np.linalg.norm(last[:, None] - last[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (kind[apart.argmin(axis=1)] == kind).mean() > 0.9


def test_constant_vectors_hardly_move() -> None:
    vectors = np.repeat(parting(2)[-1:], 5, axis=0)
    assert step_of(trajectory.fit_epochs(vectors, seed=0)) < 0.05


def test_it_is_repeatable() -> None:
    vectors = parting(3, 20)
    one = trajectory.fit_epochs(vectors, seed=0)
    assert np.array_equal(one, trajectory.fit_epochs(vectors, seed=0))


@pytest.mark.parametrize("n", [1, 4])
def test_a_few_points_are_placed_too(n: int) -> None:
    found = trajectory.fit_epochs(parting(2, n), seed=0)
    assert found.shape == (2, n, 2)
    assert np.isfinite(found).all()
    assert np.array_equal(found[0], found[1])


def test_rotating_undoes_a_rotation_a_mirror_and_a_shift() -> None:
    points = np.random.default_rng(1).normal(size=(30, 2))
    angle = 2.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for moved in (points @ turn + 5, points @ turn * [1, -1] - 3):
        assert trajectory.rotated(moved, points) == pytest.approx(points, abs=1e-5)
    stretched = trajectory.rotated(3 * points, points)
    size = np.linalg.norm(stretched - stretched.mean(axis=0))
    assert size == pytest.approx(3 * np.linalg.norm(points - points.mean(axis=0)), rel=1e-5)


@pytest.mark.parametrize(
    ("n_epochs", "most", "wanted"),
    [
        (3, 40, [0, 1, 2, 3]),
        (100, 5, [0, 25, 50, 75, 100]),
        (9, 0, [0, 9]),
        (1, 40, [0, 1]),
        (0, 40, [0]),
    ],
)
def test_the_epochs_drawn_are_evenly_spaced_with_both_ends(
    n_epochs: int, most: int, wanted: list[int]
) -> None:
    assert trajectory.chosen(n_epochs, most) == wanted
