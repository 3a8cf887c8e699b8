"""Alignment and uniformity against their definitions, and at their ends."""

import numpy as np
import pytest

from core.studies import geometry


def unit(n: int, d: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_alignment_is_the_mean_squared_distance_of_pairs() -> None:
    a, b = unit(50, 8, 0), unit(50, 8, 1)
    row = geometry.alignment(3 * a, b)  # lengths do not matter
    assert row["value"] == pytest.approx(((a - b) ** 2).sum(axis=1).mean())
    every = ((a[:, None] - b[None]) ** 2).sum(axis=2).mean()
    assert row["chance"] == pytest.approx(every)
    assert geometry.alignment(a, a)["value"] == pytest.approx(0)
    assert geometry.alignment(a, -a)["value"] == pytest.approx(4)


def test_uniformity_is_the_log_of_the_mean_potential() -> None:
    x = unit(600, 6, 0)
    squared = ((x[:, None] - x[None]) ** 2).sum(axis=2)[~np.eye(600, dtype=bool)]
    row = geometry.uniformity(x, seed=0)
    assert row["value"] == pytest.approx(np.log(np.exp(-2 * squared).mean()))
    assert geometry.uniformity(np.ones((30, 6)), seed=0)["value"] == pytest.approx(0, abs=1e-6)
    cone = x + 3
    assert geometry.uniformity(cone, seed=0)["value"] > row["value"] + 1


def test_gaussian_vectors_are_about_as_uniform_as_chance() -> None:
    row = geometry.uniformity(unit(2_000, 64, 3), seed=0)
    assert row["value"] == pytest.approx(row["chance"], abs=0.02)
    assert row["value"] == pytest.approx(-4, abs=0.2)
