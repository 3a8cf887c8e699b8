"""How well maps keep neighbours: perfect, random and shuffled maps, and a slow definition."""

import numpy as np
import pytest

from core.spaces import map_quality


def circle(n: int) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False) ** 1.01  # all gaps differ
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def slowly(vectors: np.ndarray, places: np.ndarray, rows: np.ndarray, k: int) -> tuple:
    """Both measures by their definitions, point by point."""
    n, total, kept = len(vectors), 0, 0
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row in rows:
        others = [one for one in range(n) if one != row]
        by_space = sorted(others, key=lambda one: -float(units[one] @ units[row]))
        by_map = sorted(others, key=lambda one: float(((places[one] - places[row]) ** 2).sum()))
        rank = {one: number for number, one in enumerate(by_space, 1)}
        total += sum(max(0, rank[one] - k) for one in by_map[:k])
        kept += len(set(by_space[:k]) & set(by_map[:k]))
    return 1 - 2 * total / (len(rows) * k * (2 * n - 3 * k - 1)), kept / (len(rows) * k)


def test_a_map_that_keeps_all_neighbours_is_perfect() -> None:
    points = circle(200)
    ((trustworthiness, recall),) = map_quality.measure(points, [points], np.arange(200))
    assert (trustworthiness, recall) == (1.0, 1.0)


def test_a_random_map_is_at_chance() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(800, 12)).astype(np.float32)
    places = rng.normal(size=(800, 2)).astype(np.float32)
    ((trustworthiness, recall),) = map_quality.measure(vectors, [places], np.arange(800))
    assert trustworthiness == pytest.approx(0.5, abs=0.02)
    assert recall == pytest.approx(10 / 799, abs=0.005)


def test_measures_are_those_of_their_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_quality, "CHUNK_SCORES", 700)  # several blocks
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(120, 6)).astype(np.float32)
    maps = [vectors[:, :2].copy(), vectors[:, :3].copy()]
    rows = np.arange(0, 120, 7)
    found = map_quality.measure(vectors, maps, rows, k=5)
    for one, places in zip(found, maps, strict=True):
        assert one == pytest.approx(slowly(vectors, places, rows, 5))


def test_too_few_points_have_no_measure() -> None:
    points = circle(12)
    assert np.isnan(map_quality.measure(points, [points], np.arange(12))).all()
    assert np.isnan(map_quality.measure(circle(50), [circle(50)], np.arange(0))).all()


def test_the_sample_is_the_same_for_a_seed() -> None:
    rows = np.arange(5_000)
    assert np.array_equal(map_quality.sample(rows, 3), map_quality.sample(rows, 3))
    assert len(map_quality.sample(rows, 3)) == map_quality.MOST_QUERIES
    assert np.array_equal(map_quality.sample(rows[:7], 3), rows[:7])
