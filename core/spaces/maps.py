"""Maps: UMAP and t-SNE of a space in two and three dimensions.

A map is only for looking at; distances are never read from it. A new point is placed among its
nearest neighbours of the full space; nothing is refitted. All maps of a space share its neighbour
graph, which is exact: at these sizes a matrix product is faster than compiling an approximate
search.

Of more than `MAX_FITTED` points a seeded sample is fitted, and the others are placed like new
points. `fitted_rows` draws the sample; `Neighbourhood` has everything that the maps of a space
need.

Conventions: vectors (n, d) float32; coordinates (n, n_dims) float32, seeded; cosine throughout.

    near = neighbourhood(vectors, fitted_rows(classes, preferred, seed=0, max_fitted=MAX_FITTED))
    points = fit_whole(vectors, near, "umap", 2, seed=0)
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.once import LOADING, library
from core.spaces.index import Index

METHODS = ("umap", "tsne")
N_NEIGHBORS = 15  # UMAP's default (McInnes et al. 2018)
PERPLEXITY = 30.0  # van der Maaten and Hinton 2008; neighbours = 3 × perplexity
MIN_POINTS = 5  # fewer have no neighbourhood
N_GRAPH = int(3 * PERPLEXITY) + 1  # columns of a neighbour graph, the point itself included
MAX_FITTED = 20_000  # t-SNE in 3-D takes two minutes for these, and grows more than linearly
CHUNK_ROWS = 1 << 14
PREFERRED_SHARE = 0.75  # of the fitted points: those that pages show most
N_PLACE = 15  # neighbours that place a point on a map

Graph = tuple[np.ndarray, np.ndarray]  # rows and distances, both (n, k): see `neighbours`


@dataclass(frozen=True)
class Neighbourhood:
    """The neighbours in a space of n points, f of which are fitted and m = n − f placed.

    Attributes
    ----------
    fitted, placed : (f,) and (m,) int64 rows, ascending
    rows, distances : (f, k) int32 and float32, the nearest points of each fitted point, itself
        first, as positions among the fitted
    near, similarities : (m, j) int32 and float32, the nearest fitted points of each placed point
    start : (f, n_dims) float32, where the fitted points start, if maps of several spaces start
        from the same places (`common_start`)
    """

    fitted: np.ndarray
    placed: np.ndarray
    rows: np.ndarray
    distances: np.ndarray
    near: np.ndarray
    similarities: np.ndarray
    start: np.ndarray | None = None


def fitted_rows(
    strata: Sequence[Any] | np.ndarray,
    preferred: np.ndarray,
    *,
    seed: int,
    max_fitted: int,
) -> np.ndarray:
    """The rows of n points that are fitted, int64, ascending; all of up to `max_fitted` points.

    Parameters
    ----------
    strata : (n,) the kind of each point; each kind is drawn in proportion to its number
    preferred : (n,) bool; these make up `PREFERRED_SHARE` of the sample if there are enough of
        them (more only if there are too few others)
    """
    codes = np.unique(np.asarray(strata), return_inverse=True)[1]
    if len(codes) <= max_fitted:
        return np.arange(len(codes))
    rng = np.random.default_rng([seed, 0])
    first, rest = np.flatnonzero(preferred), np.flatnonzero(~np.asarray(preferred, dtype=bool))
    n_first = min(len(first), max(round(PREFERRED_SHARE * max_fitted), max_fitted - len(rest)))
    parts = ((first, n_first), (rest, max_fitted - n_first))
    return np.sort(np.concatenate([evenly(part, codes[part], n, rng) for part, n in parts]))


def evenly(rows: np.ndarray, codes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n of the rows, each code in proportion to its share of them, to within one."""
    order = np.lexsort((rng.random(len(rows)), codes))
    at = ((np.arange(n) + rng.random()) * (len(rows) / max(n, 1))).astype(np.int64)
    return rows[order[np.minimum(at, len(rows) - 1)]]


def neighbourhood(vectors: np.ndarray, fitted: np.ndarray) -> Neighbourhood:
    """The neighbour graph of the fitted rows of (n, d) vectors, and the others' neighbours."""
    others = np.setdiff1d(np.arange(len(vectors)), fitted)
    held = np.ascontiguousarray(vectors[fitted], dtype=np.float32)
    rows, distances = neighbours(held, min(N_GRAPH, len(held)))
    near = np.empty((len(others), min(N_PLACE, len(held))), np.int32)
    similarities = np.empty(near.shape, np.float32)
    index = Index(held)
    for start in range(0, len(others), CHUNK_ROWS):
        block = slice(start, start + CHUNK_ROWS)
        found, scores = index.search(vectors[others[block]], near.shape[1])
        near[block], similarities[block] = found, scores
    return Neighbourhood(fitted, others, rows, distances, near, similarities)


def fit_whole(
    vectors: np.ndarray, near: Neighbourhood, method: str, n_dims: int, seed: int
) -> np.ndarray:
    """One map of all n points, fitted and placed ones: (n, n_dims) float32."""
    points = np.empty((len(vectors), n_dims), np.float32)
    fitted = np.ascontiguousarray(vectors[near.fitted], dtype=np.float32)
    graph = (near.rows, near.distances)
    mapped = fit_map(fitted, method, n_dims, seed, graph, near.start)
    points[near.fitted] = mapped
    for start in range(0, len(near.placed), CHUNK_ROWS):
        block = slice(start, start + CHUNK_ROWS)
        points[near.placed[block]] = place(mapped[near.near[block]], near.similarities[block])
    return points


def common_start(spaces: Sequence[np.ndarray], n_dims: int) -> np.ndarray:
    """Places from which the maps of several spaces of the same points start: (n, n_dims) float32.

    The first principal components of the unit vectors (n, d) of all spaces side by side.
    """
    units = [one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-12) for one in spaces]
    joined = np.concatenate(units, axis=1)
    joined = joined - joined.mean(axis=0)
    _, axes = np.linalg.eigh((joined.T @ joined).astype(np.float64))  # the largest comes last
    axes = axes[:, ::-1][:, :n_dims]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    start = np.zeros((len(joined), n_dims), np.float32)
    start[:, : axes.shape[1]] = joined @ axes
    return start


def fit_map(
    vectors: np.ndarray,
    method: str,
    n_dims: int,
    seed: int,
    graph: Graph | None = None,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """One map of (n, d) vectors: (n, n_dims) float32.

    `graph` is `neighbours(vectors, N_GRAPH)`, if already known; `start` (n, n_dims) are the places
    that the map starts from, by default its own spectral layout (UMAP) or components (t-SNE).
    Fewer than `MIN_POINTS` points are placed on a circle, in order. Raises `ValueError` for an
    unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    if len(vectors) < MIN_POINTS:
        return _circle(len(vectors), n_dims)
    vectors = np.asarray(vectors, dtype=np.float32)
    graph = neighbours(vectors, N_GRAPH) if graph is None else graph
    fit = _umap if method == "umap" else _tsne
    return np.ascontiguousarray(fit(vectors, graph, seed, n_dims, start), dtype=np.float32)


def place(coordinates: np.ndarray, similarities: np.ndarray) -> np.ndarray:
    """The place of queries on a map: their neighbours' means, weighted by similarity.

    `coordinates` (…, k, n_dims), `similarities` (…, k) cosines. Negative similarities have no
    weight; if a query has no positive one, all have equal weight. Returns (…, n_dims) float32;
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


def neighbours(vectors: np.ndarray, k: int) -> Graph:
    """The k nearest rows of each row, itself first: (n, k) int32, cosine distances (n, k) float32.

    A row is its own nearest also among equal vectors.
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
    vectors: np.ndarray, graph: Graph, seed: int, n_dims: int, start: np.ndarray | None
) -> np.ndarray:
    umap = _import_umap()
    n = len(vectors)
    k = min(N_NEIGHBORS, n - 1)
    nearest = [np.ascontiguousarray(side[:, :k]) for side in graph]
    first: Any = "spectral" if start is None else start
    with warnings.catch_warnings():
        # It warns that a seed means one thread and that a given graph cannot be queried.
        warnings.simplefilter("ignore")
        return np.asarray(
            umap.UMAP(
                n_neighbors=k,
                n_components=n_dims,
                metric="cosine",
                # Its own default for more than 10,000 points; twice as many change little and
                # take twice the time.
                n_epochs=200,
                init=first if n > 4 * n_dims + 8 else "random",
                precomputed_knn=(*nearest, None),
                random_state=seed,
                transform_seed=seed,
            ).fit_transform(vectors)
        )


def _import_umap() -> Any:
    """umap-learn without TensorFlow (1 GB), which it would import if installed."""
    with LOADING:
        absent = object()
        before = sys.modules.get("tensorflow", absent)
        if before is absent:
            sys.modules["tensorflow"] = None  # type: ignore[assignment]  # makes its import fail
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that parametric UMAP lacks TensorFlow
                return library("umap")
        finally:
            if before is absent:
                del sys.modules["tensorflow"]


def _tsne(
    vectors: np.ndarray, graph: Graph, seed: int, n_dims: int, start: np.ndarray | None
) -> np.ndarray:
    import openTSNE
    from openTSNE import initialization

    if start is None:
        start = initialization.pca(vectors, n_components=n_dims, random_state=seed)
    else:
        start = initialization.rescale(start.astype(np.float64))
    # Two thirds of openTSNE's iterations and a coarser tree: a third of the time, and of the ten
    # nearest neighbours in 2-D 56 % are kept where the defaults keep 57 % (3,000 points of 18
    # clusters). The grid of the FFT is faster beyond some 10,000 points, and only in 2-D.
    fit = openTSNE.TSNE(
        n_components=n_dims,
        early_exaggeration_iter=150,
        n_iter=350,
        theta=0.8,
        negative_gradient_method="fft" if n_dims == 2 and len(vectors) > 10_000 else "bh",
        n_jobs=1,  # spaces and methods are fitted in parallel; its threads would busy-wait
        random_state=seed,
    )
    return np.asarray(fit.fit(affinities=affinities(graph, seed), initialization=start))


def affinities(graph: Graph, seed: int) -> Any:
    """openTSNE's affinities of points whose neighbour graph is known."""
    from openTSNE import affinity, nearest_neighbors

    perplexity = min(PERPLEXITY, (len(graph[0]) - 1) / 3)
    rows, distances = (side[:, 1 : int(3 * perplexity) + 1] for side in graph)
    return affinity.PerplexityBasedNN(
        knn_index=nearest_neighbors.PrecomputedNeighbors(rows, distances),
        perplexity=perplexity,
        n_jobs=1,
        random_state=seed,
    )


def _circle(n: int, n_dims: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / max(n, 1)
    points = np.zeros((n, n_dims), dtype=np.float32)
    points[:, 0], points[:, 1] = np.cos(angle), np.sin(angle)
    return points
