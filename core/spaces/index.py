"""Nearest neighbours by cosine, and the scale of a score.

Up to `EXACT_ROWS` vectors a search is one matrix product. Beyond, FAISS proposes candidates
(inverted lists of 8-bit vectors; it visits as many lists as a recall of `MIN_RECALL` needs) and the
candidates are scored exactly. Each score is a float64 sum, so that a query has the same neighbours
alone and in a batch, and equal vectors tie: the lower row is first. The lists are built in the
first search: about 5 s of CPU time for 200,000 vectors of 128, 25 s for a million.

Conventions: vectors (n, d) float32, rows numbered from 0; a zero vector scores 0 with all.

    rows, scores = Index(vectors).search(queries, top=10, allowed=mask)
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from core.once import library

EXACT_ROWS = 200_000
MIN_RECALL = 0.995  # of the ten nearest to sampled rows; sets how many lists are visited
N_TUNING = 256
N_TUNING_NEIGHBOURS = 10
CHUNK_SCORES = 1 << 25  # similarities held at once: 128 MB
GATHER_SHARE = 0.25  # below this share of allowed rows, a copy of them is searched
ROUNDING = 1e-5  # more than the error of float32 products of unit vectors
BLOCK = 64  # scores per block when a threshold is searched by the blocks' maxima


class Index:
    """Searchable vectors (n, d), of any length; unit rows, also mapped ones, are not copied."""

    def __init__(self, vectors: np.ndarray) -> None:
        if vectors.ndim != 2:
            raise ValueError(f"vectors of shape {vectors.shape}: expected (n, d)")
        self.vectors = _as_unit(vectors)
        self._lists: _Lists | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def is_exact(self) -> bool:
        return len(self) <= EXACT_ROWS

    def search(
        self, query: np.ndarray, top: int, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The nearest rows to each query, best first.

        Parameters
        ----------
        query : (d,) or (q, d)
        allowed : (n,) bool mask, or rows; None allows all

        Returns
        -------
        Rows (q, k) int64 and cosines (q, k) float32, k = min(top, number allowed), also for a
        single query. Raises `ValueError` for other shapes.
        """
        queries = _as_unit(np.atleast_2d(np.asarray(query)))
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1]:
            raise ValueError(
                f"query of shape {np.shape(query)}: expected (…, {self.vectors.shape[1]})"
            )
        rows = _allowed_rows(allowed, len(self))
        n_allowed = len(self) if rows is None else len(rows)
        top = min(top, n_allowed)
        if top <= 0:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        if self.is_exact or n_allowed <= EXACT_ROWS // 4:
            return self._search_exactly(queries, top, rows)
        lists = self._built()
        found = [self._search_lists(lists, query, top, rows) for query in queries]
        return np.concatenate([r for r, _ in found]), np.concatenate([s for _, s in found])

    def _built(self) -> _Lists:
        with self._lock:
            if self._lists is None:
                self._lists = _Lists.build(self)
            return self._lists

    def _search_exactly(
        self, queries: np.ndarray, top: int, rows: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        vectors, closed = self.vectors, None
        if rows is not None and len(rows) < GATHER_SHARE * len(self):
            vectors = self.vectors[rows]
        elif rows is not None:
            closed = np.ones(len(self), dtype=bool)
            closed[rows] = False
            rows = None
        found = np.empty((len(queries), top), np.int64)
        scores = np.empty((len(queries), top), np.float32)
        n_queries = max(1, CHUNK_SCORES // len(vectors))
        for start in range(0, len(queries), n_queries):
            block = queries[start : start + n_queries]
            similarity = block @ vectors.T if len(block) > 1 else (vectors @ block[0])[None]
            if closed is not None:
                similarity[:, closed] = -np.inf
            for i, row in enumerate(similarity, start):
                candidates = _candidates(row, top)
                found[i], scores[i] = _ranked(vectors, candidates, queries[i], top)
        return found if rows is None else rows[found], scores

    def _search_lists(
        self, lists: _Lists, query: np.ndarray, top: int, rows: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        share = 1.0 if rows is None else len(rows) / len(self)
        candidates = lists.candidates(query, top, rows, share)
        if len(candidates) < top:
            return self._search_exactly(query[None], top, rows)
        found, scores = _ranked(self.vectors, candidates, query, top)
        return found[None], scores[None]


class _Lists:
    """FAISS inverted lists over the rows of an index, and the number of them to visit."""

    def __init__(self, faiss_index: Any, n_probe: int) -> None:
        self.faiss_index, self.n_probe = faiss_index, n_probe

    @classmethod
    def build(cls, index: Index) -> _Lists:
        faiss = library("faiss")

        vectors = index.vectors
        n, d = vectors.shape
        rng = np.random.default_rng(0)
        n_lists = 1 << round(np.log2(2 * np.sqrt(n)))
        lists: Any = faiss.index_factory(d, f"IVF{n_lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        lists.cp.niter = 8
        sample = np.sort(rng.choice(n, size=min(n, 64 * n_lists), replace=False))
        lists.train(np.ascontiguousarray(vectors[sample], dtype=np.float32))
        for start in range(0, n, 1 << 16):
            lists.add(np.ascontiguousarray(vectors[start : start + (1 << 16)], dtype=np.float32))
        built = cls(lists, 1)
        built.tune(index, rng)
        return built

    def tune(self, index: Index, rng: np.random.Generator) -> None:
        """Find the fewest lists that reach `MIN_RECALL` over the sampled queries' ten nearest."""
        chosen = rng.choice(len(index), size=min(N_TUNING, len(index)), replace=False)
        queries = np.asarray(index.vectors[np.sort(chosen)])
        k = N_TUNING_NEIGHBOURS
        truth, _ = index._search_exactly(queries, k, None)
        while self.n_probe < self.faiss_index.nlist:
            found = [index._search_lists(self, query, k, None)[0][0] for query in queries]
            hits = [len(np.intersect1d(f, t)) for f, t in zip(found, truth, strict=True)]
            if sum(hits) >= MIN_RECALL * k * len(queries):
                break
            self.n_probe *= 2

    def candidates(
        self, query: np.ndarray, top: int, rows: np.ndarray | None, share: float
    ) -> np.ndarray:
        """Rows to score exactly, sorted. The fewer rows are allowed, the more lists are read."""
        faiss = library("faiss")

        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = min(self.faiss_index.nlist, int(np.ceil(self.n_probe / share)))
        if rows is not None:
            parameters.sel = faiss.IDSelectorBatch(rows)
        n_wanted = 2 * top + 16  # 8-bit vectors misplace a few
        _, found = self.faiss_index.search(query[None], n_wanted, params=parameters)
        return np.sort(found[0][found[0] >= 0])


def random_pair_scores(
    a: np.ndarray, b: np.ndarray, *, n_pairs: int = 10_000, seed: int = 0
) -> np.ndarray:
    """Cosines of random rows of `a` (n, d) and `b` (m, d): the background of a score.

    Returns (n_pairs,) float32, sorted; empty if either side is empty.
    """
    if not len(a) or not len(b):
        return np.empty(0, np.float32)
    rng = np.random.default_rng(seed)
    left, right = rng.integers(len(a), size=n_pairs), rng.integers(len(b), size=n_pairs)
    scores = np.einsum("nd,nd->n", _as_unit(np.asarray(a[left])), _as_unit(np.asarray(b[right])))
    return np.sort(scores)


def percentile(score: float | np.ndarray, background: np.ndarray) -> np.ndarray:
    """The share of the background below each score, in percent; ties count half.

    `background` (n,) scores in any order. Returns float64 of the score's shape; NaN if the
    background is empty.
    """
    if not len(background):
        return np.full(np.shape(score), np.nan)
    ordered = np.sort(background)
    below, up_to = (np.searchsorted(ordered, score, side) for side in ("left", "right"))
    return np.asarray(50.0 * (below + up_to) / len(ordered))


def _as_unit(vectors: np.ndarray) -> np.ndarray:
    """float32 with unit rows; the same array if it already is that (a memory map stays one)."""
    norms = np.concatenate(
        [
            np.sqrt(np.einsum("nd,nd->n", block, block, dtype=np.float64))
            for start in range(0, max(len(vectors), 1), 1 << 16)
            for block in [vectors[start : start + (1 << 16)]]
        ]
    )
    if vectors.dtype == np.float32 and np.all((np.abs(norms - 1) < 1e-6) | (norms == 0)):
        return vectors
    norms[norms == 0] = 1.0
    return np.divide(vectors, norms[:, None], dtype=np.float32, casting="same_kind")


def _allowed_rows(allowed: np.ndarray | None, n: int) -> np.ndarray | None:
    if allowed is None:
        return None
    allowed = np.asarray(allowed)
    if allowed.dtype == bool:
        if allowed.shape != (n,):
            raise ValueError(f"mask of shape {allowed.shape}: expected ({n},)")
        return None if allowed.all() else np.flatnonzero(allowed)
    rows = np.unique(allowed.astype(np.int64))
    if len(rows) and not 0 <= rows[0] <= rows[-1] < n:
        raise ValueError(f"allowed rows outside 0…{n - 1}")
    return rows


def _candidates(scores: np.ndarray, top: int) -> np.ndarray:
    """Positions of all scores (n,) that may be among the `top` best, ascending.

    The k-th largest of the blocks' maxima is not above the k-th largest score, so that scores below
    it are excluded. That takes one fast pass, a partition of all scores the time of ten.
    """
    n_blocks = len(scores) // BLOCK
    if n_blocks > 4 * top:
        maxima = scores[: n_blocks * BLOCK].reshape(n_blocks, BLOCK).max(axis=1)
        floor = np.partition(maxima, n_blocks - top)[n_blocks - top]
        positions = np.flatnonzero(scores >= floor - ROUNDING)
    else:
        positions = np.arange(len(scores))
    kept = scores[positions]
    if len(kept) > top:
        kth = np.partition(kept, len(kept) - top)[len(kept) - top]
        positions = positions[kept >= kth - ROUNDING]
    return positions


def _ranked(
    vectors: np.ndarray, candidates: np.ndarray, query: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `top` best of the candidates (ascending rows): rows (top,), cosines (top,) float32."""
    products = vectors[candidates].astype(np.float64) * query
    scores = products.sum(axis=1).astype(np.float32)
    order = np.argsort(-scores, kind="stable")[:top]
    return candidates[order], scores[order]
