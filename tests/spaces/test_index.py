"""Search: exact order, ties, filters, batches; the approximate index against the exact one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.spaces import index
from core.spaces.index import Index


def unit(n: int, d: int = 12, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def plain(vectors: np.ndarray, query: np.ndarray, top: int, rows: np.ndarray) -> np.ndarray:
    scores = (vectors[rows].astype(np.float64) * query).sum(axis=1).astype(np.float32)
    return rows[np.argsort(-scores, kind="stable")[:top]]


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(1, 700),
    top=st.integers(1, 12),
    n_distinct=st.integers(1, 60),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_order_ties_and_filters(n: int, top: int, n_distinct: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(n_distinct, seed=seed)[rng.integers(n_distinct, size=n)]  # many ties
    queries = unit(3, seed=seed + 1)
    mask = rng.random(n) < share
    searched = Index(vectors)
    for allowed in (None, mask, np.flatnonzero(mask)):
        usable = np.arange(n) if allowed is None else np.flatnonzero(mask)
        rows, scores = searched.search(queries, top, allowed)
        assert rows.shape == scores.shape == (3, min(top, len(usable)))
        assert (rows.dtype, scores.dtype) == (np.int64, np.float32)
        for query, found, score in zip(queries, rows, scores, strict=True):
            assert found.tolist() == plain(vectors, query, top, usable).tolist()
            assert score == pytest.approx(vectors[found] @ query, abs=1e-6)
            alone, alone_scores = searched.search(query, top, allowed)
            assert np.array_equal(alone[0], found)
            assert np.array_equal(alone_scores[0], score)


def test_length_does_not_matter() -> None:
    vectors = unit(50)
    scaled = vectors * np.linspace(0.1, 9, 50, dtype=np.float32)[:, None]
    for query in (vectors[7], 5 * vectors[7].astype(np.float64)):
        rows, scores = Index(scaled).search(query, 5)
        assert rows[0].tolist() == Index(vectors).search(query, 5)[0][0].tolist()
        assert rows[0, 0] == 7
        assert scores[0, 0] == pytest.approx(1, abs=1e-6)


def test_unit_vectors_are_not_copied_and_zeros_score_zero() -> None:
    vectors = unit(20)
    assert Index(vectors).vectors is vectors
    vectors[4] = 0
    _, scores = Index(vectors).search(vectors[0], 20)
    assert np.isfinite(scores).all()
    assert 0.0 in scores
    _, nothing = Index(vectors).search(np.zeros(12), 3)
    assert nothing.tolist() == [[0, 0, 0]]


def test_wrong_shapes_are_refused() -> None:
    searched = Index(unit(20))
    with pytest.raises(ValueError, match="expected"):
        searched.search(np.ones(13), 3)
    with pytest.raises(ValueError, match="mask of shape"):
        searched.search(np.ones(12), 3, np.ones(19, bool))
    with pytest.raises(ValueError, match="outside 0…19"):
        searched.search(np.ones(12), 3, np.array([4, 20]))
    assert searched.search(np.ones(12), 3, np.zeros(20, bool))[0].shape == (1, 0)
    assert Index(np.empty((0, 12), np.float32)).search(np.ones(12), 3)[0].shape == (1, 0)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    """A clustered set that counts as large here, and queries near its clusters."""
    monkeypatch.setattr(index, "EXACT_ROWS", 3000)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 24))
    vectors = centres[rng.integers(40, size=20_000)] + 0.6 * rng.normal(size=(20_000, 24))
    queries = centres[rng.integers(40, size=60)] + 0.8 * rng.normal(size=(60, 24))
    return vectors.astype(np.float32), queries.astype(np.float32)


def exact(vectors: np.ndarray, queries: np.ndarray, rows: np.ndarray) -> list[set]:
    lengths = np.linalg.norm(vectors[rows], axis=1)
    return [set(rows[np.argsort(-(vectors[rows] @ q) / lengths)[:10]].tolist()) for q in queries]


def recall(found: np.ndarray, truth: list[set]) -> float:
    return float(
        np.mean([len(set(f.tolist()) & t) / 10 for f, t in zip(found, truth, strict=True)])
    )


def test_large_sets_are_searched_in_lists(large: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, queries = large
    searched = Index(vectors)
    rows, scores = searched.search(queries, 10)
    assert recall(rows, exact(vectors, queries, np.arange(20_000))) >= 0.99
    assert (np.diff(scores, axis=1) <= 0).all()
    lists = searched._built()
    assert lists.n_probe < lists.faiss_index.nlist  # it did not get there by reading everything
    for share in (0.5, 0.03):
        mask = np.random.default_rng(1).random(20_000) < share
        rows, _ = searched.search(queries, 10, mask)
        assert mask[rows].all()
        assert recall(rows, exact(vectors, queries, np.flatnonzero(mask))) >= 0.98
    everything, _ = searched.search(queries[0], 20_000)
    assert sorted(everything[0].tolist()) == list(range(20_000))


def test_random_pairs_and_percentiles() -> None:
    a, b = unit(300), unit(200, seed=1)
    background = index.random_pair_scores(a, 3 * b, n_pairs=4000, seed=0)
    assert (np.diff(background) >= 0).all()
    assert background.dtype == np.float32
    again = index.random_pair_scores(a, b, n_pairs=4000, seed=0)
    assert background == pytest.approx(again, abs=1e-6)
    assert np.median(background) == pytest.approx(np.median(a @ b.T), abs=0.03)
    assert len(index.random_pair_scores(a, b[:0])) == 0


def test_percentile_counts_ties_by_half() -> None:
    background = np.array([0.3, 0.1, 0.2, 0.2])
    found = index.percentile(np.array([0.0, 0.1, 0.2, 0.25, 1.0]), background)
    assert found.tolist() == [0, 12.5, 50, 75, 100]
    assert float(index.percentile(0.2, background)) == 50
    assert np.isnan(index.percentile(0.2, np.empty(0)))
