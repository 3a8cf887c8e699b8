"""Maps keep neighbours together, are repeatable, and accept the smallest sets."""

import sys

import numpy as np
import pytest

from core.spaces import maps


def clusters(
    n: int, d: int = 16, n_clusters: int = 4, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.arange(n) % n_clusters
    vectors = rng.normal(size=(n_clusters, d))[label] + 0.1 * rng.normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), label


def neighbour_agreement(points: np.ndarray, label: np.ndarray) -> float:
    distance = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(distance, np.inf)
    return float((label[distance.argmin(axis=1)] == label).mean())


@pytest.mark.parametrize("method", maps.METHODS)
def test_clusters_stay_clusters_and_seeds_repeat(method: str) -> None:
    vectors, label = clusters(120)
    one = {n_dims: maps.fit_map(vectors, method, n_dims, seed=3) for n_dims in (2, 3)}
    for n_dims, points in one.items():
        assert points.shape == (120, n_dims)
        assert points.dtype == np.float32
        assert np.isfinite(points).all()
        assert neighbour_agreement(points, label) > 0.95
    again = maps.fit_map(vectors, method, 2, seed=3)
    assert np.array_equal(one[2], again)


@pytest.mark.parametrize("method", maps.METHODS)
@pytest.mark.parametrize("n", [0, 1, 4, 5, 6, 17])
def test_small_sets(method: str, n: int) -> None:
    vectors, _ = clusters(n)
    for n_dims in (2, 3):
        points = maps.fit_map(vectors, method, n_dims, seed=0)
        assert points.shape == (n, n_dims)
        assert np.isfinite(points).all()
        assert len(np.unique(points, axis=0)) == n


@pytest.mark.parametrize("method", maps.METHODS)
def test_equal_and_zero_vectors(method: str) -> None:
    vectors = np.concatenate([np.ones((12, 4)), np.zeros((12, 4)), np.eye(4)]).astype(np.float32)
    for n_dims in (2, 3):
        assert np.isfinite(maps.fit_map(vectors, method, n_dims, seed=0)).all()


def test_neighbours_are_exact_and_begin_with_the_row_itself() -> None:
    vectors, _ = clusters(80)
    vectors[7] = vectors[3]
    rows, distances = maps.neighbours(vectors, 6)
    expected = np.sort(1 - vectors @ vectors.T, axis=1)[:, :6]
    assert np.array_equal(rows[:, 0], np.arange(80))
    assert distances == pytest.approx(expected, abs=1e-5)
    assert rows[7, 1] == 3
    assert all(len(set(row)) == 6 for row in rows.tolist())


def test_tensorflow_is_neither_imported_nor_hidden_for_others() -> None:
    before = sys.modules.get("tensorflow", "absent")
    maps._import_umap()
    assert sys.modules.get("tensorflow", "absent") == before


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of umap, tsne"):
        maps.fit_map(np.ones((9, 3), np.float32), "mds", 2, seed=0)


def test_place_is_the_weighted_mean() -> None:
    coordinates = np.array([[0, 0], [1, 0], [0, 4]])
    assert maps.place(coordinates, np.array([0.5, 0.25, 0.25])).tolist() == [0.25, 1.0]
    assert maps.place(coordinates, np.array([0.5, -0.3, 0.0])).tolist() == [0.0, 0.0]
    mean = maps.place(coordinates, np.array([-1.0, -0.5, -0.2]))
    assert mean == pytest.approx(coordinates.mean(axis=0))
    with pytest.raises(ValueError, match="0 neighbours"):
        maps.place(np.empty((0, 2)), np.empty(0))
    with pytest.raises(ValueError, match="3 neighbours"):
        maps.place(np.empty((2, 2)), np.empty(3))


def test_many_queries_are_placed_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    coordinates, similarities = rng.normal(size=(20, 5, 3)), rng.normal(size=(20, 5))
    similarities[3] = -0.5
    alone = [maps.place(*one) for one in zip(coordinates, similarities, strict=True)]
    assert maps.place(coordinates, similarities) == pytest.approx(np.array(alone))


def test_a_sample_has_every_kind_in_proportion() -> None:
    strata = np.repeat(["a", "b", "c"], [6_000, 3_000, 1_000])
    rows = maps.fitted_rows(strata, np.zeros(10_000, bool), seed=0, max_fitted=500)
    assert len(rows) == len(set(rows.tolist())) == 500
    assert np.array_equal(rows, np.sort(rows))
    n = {kind: int((strata[rows] == kind).sum()) for kind in "abc"}
    assert n == pytest.approx({"a": 300, "b": 150, "c": 50}, abs=1)
    again = maps.fitted_rows(strata, np.zeros(10_000, bool), seed=0, max_fitted=500)
    other = maps.fitted_rows(strata, np.zeros(10_000, bool), seed=1, max_fitted=500)
    assert np.array_equal(rows, again)
    assert not np.array_equal(rows, other)


@pytest.mark.parametrize(
    ("n_preferred", "n_drawn"), [(5_000, 300), (200, 200), (0, 0), (10_000, 400), (9_900, 300)]
)
def test_a_sample_comes_mostly_from_preferred_points(n_preferred: int, n_drawn: int) -> None:
    preferred = np.arange(10_000) < n_preferred
    rows = maps.fitted_rows(np.arange(10_000) % 7, preferred, seed=0, max_fitted=400)
    assert len(set(rows.tolist())) == 400
    assert preferred[rows].sum() == n_drawn


def test_few_points_are_all_fitted() -> None:
    for n in (0, 1, 400):
        rows = maps.fitted_rows(np.zeros(n), np.ones(n, bool), seed=0, max_fitted=400)
        assert np.array_equal(rows, np.arange(n))


@pytest.mark.parametrize("method", maps.METHODS)
def test_points_that_are_placed_join_their_cluster(method: str) -> None:
    vectors, label = clusters(240)
    fitted = np.sort(np.random.default_rng(0).permutation(240)[:120])
    near = maps.neighbourhood(vectors, fitted)
    assert np.array_equal(np.sort(np.concatenate([near.fitted, near.placed])), np.arange(240))
    nearest = fitted[near.near[:, 0]]
    expected = (vectors[near.placed] @ vectors[fitted].T).argmax(axis=1)
    assert np.array_equal(nearest, fitted[expected])
    points = maps.fit_whole(vectors, near, method, 2, seed=3)
    assert points.shape == (240, 2)
    assert neighbour_agreement(points, label) > 0.95
    assert np.array_equal(points[fitted], maps.fit_map(vectors[fitted], method, 2, seed=3))
    one = near.placed[17]
    row = points[fitted[near.near[17]]]
    assert points[one] == pytest.approx(maps.place(row, near.similarities[17]))


def test_without_points_to_place_the_whole_is_the_fit() -> None:
    vectors, _ = clusters(60)
    near = maps.neighbourhood(vectors, np.arange(60))
    assert near.placed.shape == (0,)
    points = maps.fit_whole(vectors, near, "tsne", 2, seed=0)
    assert np.array_equal(points, maps.fit_map(vectors, "tsne", 2, seed=0))
