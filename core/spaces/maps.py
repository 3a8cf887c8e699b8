"""Maps: UMAP and t-SNE of a space in two and three dimensions.

A map is for looking; distances are never read off it. What is new is placed among its nearest
neighbours of the full space, nothing is refitted. All maps of one space share its neighbour graph,
which is exact here: at these sizes a matrix product is faster than the compilation of an
approximate search.

More than `MAX_FITTED` points are not fitted whole: a seeded sample is, and every other point is
placed as a new one would be. `fitted_rows` draws the sample, `Neighbourhood` holds what all
maps of a space need.

Conventions: vectors (n, d) float32; coordinates (n, n_dims) float32, seeded; cosine throughout.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.spaces.index import Index

METHODS = ("umap", "tsne")
N_DIMS = (2, 3)
N_NEIGHBORS = 15  # UMAP's default (McInnes et al. 2018)
PERPLEXITY = 30.0  # van der Maaten and Hinton 2008; neighbours = 3 × perplexity
MIN_POINTS = 5  # fewer have no neighbourhood to draw
N_GRAPH = int(3 * PERPLEXITY) + 1  # columns of a neighbour graph, the point itself included
MAX_FITTED = 20_000  # t-SNE in 3-D takes two minutes for these, and more than linearly more
CHUNK_ROWS = 1 << 14
PREFERRED_SHARE = 0.75  # of the fitted points: those that pages ask about
N_PLACE = 15  # neighbours that place a point on a map


@dataclass(frozen=True)
class Neighbourhood:
    """Who is near whom in a space of n points, f of which are fitted and m = n − f placed.

    `fitted` (f,) and `placed` (m,) int64 rows, ascending, that make up all n together. `rows`
    (f, k) int32 and `distances` (f, k) float32: of each fitted point its nearest, itself first,
    as positions among the fitted. `near` (m, j) int32 and `similarities` (m, j) float32: of
    each placed point its nearest fitted ones.
    """

    fitted: np.ndarray
    placed: np.ndarray
    rows: np.ndarray
    distances: np.ndarray
    near: np.ndarray
    similarities: np.ndarray


def fitted_rows(
    strata: Sequence[Any] | np.ndarray,
    preferred: np.ndarray,
    *,
    seed: int,
    max_fitted: int,
) -> np.ndarray:
    """Which of n points are fitted: rows (at most `max_fitted`,) int64, ascending.

    `strata` (n,): what kind of point each is; every kind is drawn in proportion to its number.
    `preferred` (n,) bool: points that make up `PREFERRED_SHARE` of the sample if they are as
    many (more only where the others are too few). Up to `max_fitted` points all are fitted.
    """
    codes = np.unique(np.asarray(strata), return_inverse=True)[1]
    if len(codes) <= max_fitted:
        return np.arange(len(codes))
    rng = np.random.default_rng([seed, 0])
    first, rest = np.flatnonzero(preferred), np.flatnonzero(~np.asarray(preferred, dtype=bool))
    n_first = min(len(first), max(round(PREFERRED_SHARE * max_fitted), max_fitted - len(rest)))
    parts = ((first, n_first), (rest, max_fitted - n_first))
    return np.sort(np.concatenate([_evenly(part, codes[part], n, rng) for part, n in parts]))


def _evenly(rows: np.ndarray, codes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n of the rows, each code as often as its share of them, to within one."""
    order = np.lexsort((rng.random(len(rows)), codes))
    at = ((np.arange(n) + rng.random()) * (len(rows) / max(n, 1))).astype(np.int64)
    return rows[order[np.minimum(at, len(rows) - 1)]]


def neighbourhood(vectors: np.ndarray, fitted: np.ndarray) -> Neighbourhood:
    """The neighbour graph of the fitted rows of (n, d) vectors, and where the others belong."""
    others = np.setdiff1d(np.arange(len(vectors)), fitted)
    own = np.ascontiguousarray(vectors[fitted], dtype=np.float32)
    rows, distances = neighbours(own, min(N_GRAPH, len(own)))
    near = np.empty((len(others), min(N_PLACE, len(own))), np.int32)
    similarities = np.empty(near.shape, np.float32)
    index = Index(own)
    for start in range(0, len(others), CHUNK_ROWS):
        block = slice(start, start + CHUNK_ROWS)
        found, scores = index.search(vectors[others[block]], near.shape[1])
        near[block], similarities[block] = found, scores
    return Neighbourhood(fitted, others, rows, distances, near, similarities)


def fit_whole(
    vectors: np.ndarray, near: Neighbourhood, method: str, n_dims: int, seed: int
) -> np.ndarray:
    """One map of all n points, fitted ones and placed ones: (n, n_dims) float32."""
    points = np.empty((len(vectors), n_dims), np.float32)
    graph = (near.rows, near.distances)
    fitted = np.ascontiguousarray(vectors[near.fitted], dtype=np.float32)
    own = fit_maps(fitted, method, seed=seed, n_dims=(n_dims,), graph=graph)[n_dims]
    points[near.fitted] = own
    for start in range(0, len(near.placed), CHUNK_ROWS):
        block = slice(start, start + CHUNK_ROWS)
        points[near.placed[block]] = place(own[near.near[block]], near.similarities[block])
    return points


def fit_maps(
    vectors: np.ndarray,
    method: str,
    *,
    seed: int,
    n_dims: tuple[int, ...] = N_DIMS,
    graph: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[int, np.ndarray]:
    """The maps of (n, d) vectors by one method: n_dims → (n, n_dims) float32.

    `graph`: what `neighbours` gives for min(n, `N_GRAPH`), where it is known already.
    Fewer than `MIN_POINTS` points are laid on a circle (in the first two dimensions), in order.
    Raises `ValueError` on an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    n = len(vectors)
    if n < MIN_POINTS:
        return {k: _circle(n, k) for k in n_dims}
    fit = _umap if method == "umap" else _tsne
    vectors = np.asarray(vectors, dtype=np.float32)
    graph = neighbours(vectors, N_GRAPH) if graph is None else graph
    return {
        k: np.ascontiguousarray(points, dtype=np.float32)
        for k, points in fit(vectors, graph, seed, n_dims).items()
    }


def fit_map(vectors: np.ndarray, method: str, n_dims: int, seed: int) -> np.ndarray:
    """One map of (n, d) vectors: (n, n_dims) float32. See `fit_maps`."""
    return fit_maps(vectors, method, seed=seed, n_dims=(n_dims,))[n_dims]


def place(coordinates: np.ndarray, similarities: np.ndarray) -> np.ndarray:
    """Where queries belong: their neighbours' means, weighted by similarity.

    `coordinates` (…, k, n_dims), `similarities` (…, k) cosines. Negative similarities have no
    weight; if none of a query's is positive, all weigh the same. Returns (…, n_dims) float32;
    raises `ValueError` without neighbours.
    """
    coordinates, similarities = np.asarray(coordinates), np.asarray(similarities)
    if not similarities.shape[-1] or coordinates.shape[:-1] != similarities.shape:
        raise ValueError(
            f"{similarities.shape[-1]} neighbours, {coordinates.shape} coordinates and "
            f"{similarities.shape} similarities"
        )
    weights = np.maximum(similarities.astype(np.float64), 0.0)
    weights[weights.sum(axis=-1) == 0] = 1.0
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.asarray((coordinates * weights[..., None]).sum(axis=-2), dtype=np.float32)


def neighbours(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of each row, itself first: (n, k) int32, cosine distances (n, k) float32.

    Among equal vectors a row still counts itself as its nearest.
    """
    n, k = len(vectors), min(k, len(vectors))
    rows, scores = Index(vectors).search(vectors, k)
    own = np.arange(n)[:, None]
    at = np.where((rows == own).any(axis=1), (rows == own).argmax(axis=1), k - 1)[:, None]
    # Move the row itself to the front; the others keep their order.
    order = np.argsort(np.where(np.arange(k) == at, -1, np.arange(k)), axis=1, kind="stable")
    rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
    rows[:, 0], scores[:, 0] = own[:, 0], 1.0
    return rows.astype(np.int32), np.maximum(1.0 - scores, 0.0).astype(np.float32)


def _umap(
    vectors: np.ndarray,
    graph: tuple[np.ndarray, np.ndarray],
    seed: int,
    n_dims: tuple[int, ...],
) -> dict[int, np.ndarray]:
    umap = _import_umap()
    n = len(vectors)
    k = min(N_NEIGHBORS, n - 1)
    nearest = [np.ascontiguousarray(side[:, :k]) for side in graph]
    maps = {}
    for dims in n_dims:
        with warnings.catch_warnings():
            # It warns that a seed means one thread and that a given graph cannot be queried.
            warnings.simplefilter("ignore")
            maps[dims] = umap.UMAP(
                n_neighbors=k,
                n_components=dims,
                metric="cosine",
                # Its own default for more than 10,000 points; twice as many change little and
                # cost twice the time.
                n_epochs=200,
                init="spectral" if n > 4 * dims + 8 else "random",
                precomputed_knn=(*nearest, None),
                random_state=seed,
                transform_seed=seed,
            ).fit_transform(vectors)
    return maps


def _import_umap() -> Any:
    """umap-learn imports TensorFlow where it is installed: 1 GB that nothing here uses."""
    absent = object()
    before = sys.modules.get("tensorflow", absent)
    if before is absent:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]  # makes its import fail
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that parametric UMAP lacks TensorFlow
            import umap
    finally:
        if before is absent:
            del sys.modules["tensorflow"]
    return umap


def _tsne(
    vectors: np.ndarray,
    graph: tuple[np.ndarray, np.ndarray],
    seed: int,
    n_dims: tuple[int, ...],
) -> dict[int, np.ndarray]:
    import openTSNE
    from openTSNE import affinity, initialization, nearest_neighbors

    n = len(vectors)
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    rows, distances = (side[:, 1 : int(3 * perplexity) + 1] for side in graph)
    nearest = nearest_neighbors.PrecomputedNeighbors(rows, distances)
    affinities = affinity.PerplexityBasedNN(
        knn_index=nearest, perplexity=perplexity, n_jobs=1, random_state=seed
    )
    maps = {}
    for dims in n_dims:
        start = initialization.pca(vectors, n_components=dims, random_state=seed)
        # Two thirds of openTSNE's iterations and a coarser tree: a third of the time, and of the
        # ten nearest neighbours in 2-D 56 % are kept where the defaults keep 57 % (3,000 points of
        # 18 clusters). The grid of the FFT pays off beyond some 10,000 points, and in 2-D alone.
        maps[dims] = np.asarray(
            openTSNE.TSNE(
                n_components=dims,
                early_exaggeration_iter=150,
                n_iter=350,
                theta=0.8,
                negative_gradient_method="fft" if dims == 2 and n > 10_000 else "bh",
                n_jobs=1,  # spaces and methods run side by side; its threads wait by spinning
                random_state=seed,
            ).fit(affinities=affinities, initialization=start)
        )
    return maps


def _circle(n: int, n_dims: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / max(n, 1)
    points = np.zeros((n, n_dims), dtype=np.float32)
    points[:, 0], points[:, 1] = np.cos(angle), np.sin(angle)
    return points
