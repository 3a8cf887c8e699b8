"""Maps: UMAP and t-SNE of a space in two and three dimensions.

A map is for looking; distances are never read off it. What is new is placed among its nearest
neighbours of the full space, nothing is refitted. The 2-D and the 3-D map of one space share their
neighbour graph, which is exact here: at these sizes a matrix product is faster than the compilation
of an approximate search.

Conventions: vectors (n, d) float32; coordinates (n, n_dims) float32, seeded; cosine throughout.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from core.spaces.index import Index

METHODS = ("umap", "tsne")
N_DIMS = (2, 3)
N_NEIGHBORS = 15  # UMAP's default (McInnes et al. 2018)
PERPLEXITY = 30.0  # van der Maaten and Hinton 2008; neighbours = 3 × perplexity
MIN_POINTS = 5  # fewer have no neighbourhood to draw


def fit_maps(
    vectors: np.ndarray, method: str, *, seed: int, n_dims: tuple[int, ...] = N_DIMS
) -> dict[int, np.ndarray]:
    """The maps of (n, d) vectors by one method: n_dims → (n, n_dims) float32.

    Fewer than ``MIN_POINTS`` points are laid on a circle (in the first two dimensions), in order.
    Raises ``ValueError`` on an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    n = len(vectors)
    if n < MIN_POINTS:
        return {k: _circle(n, k) for k in n_dims}
    fit = _umap if method == "umap" else _tsne
    return {
        k: np.ascontiguousarray(points, dtype=np.float32)
        for k, points in fit(np.asarray(vectors, dtype=np.float32), seed, n_dims).items()
    }


def fit_map(vectors: np.ndarray, method: str, n_dims: int, seed: int) -> np.ndarray:
    """One map of (n, d) vectors: (n, n_dims) float32. See ``fit_maps``."""
    return fit_maps(vectors, method, seed=seed, n_dims=(n_dims,))[n_dims]


def place(coordinates: np.ndarray, similarities: np.ndarray) -> np.ndarray:
    """Where a query belongs: its neighbours' mean, weighted by similarity.

    ``coordinates`` (k, n_dims), ``similarities`` (k,) cosines. Negative similarities have no
    weight; if none is positive, all weigh the same. Returns (n_dims,) float32; raises
    ``ValueError`` without neighbours.
    """
    if not len(coordinates) or len(coordinates) != len(similarities):
        raise ValueError(f"{len(coordinates)} neighbours and {len(similarities)} similarities")
    weights = np.maximum(np.asarray(similarities, dtype=np.float64), 0.0)
    if weights.sum() == 0:
        weights = np.ones(len(weights))
    return np.asarray(np.average(coordinates, axis=0, weights=weights), dtype=np.float32)


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


def _umap(vectors: np.ndarray, seed: int, n_dims: tuple[int, ...]) -> dict[int, np.ndarray]:
    umap = _import_umap()
    n = len(vectors)
    k = min(N_NEIGHBORS, n - 1)
    graph = neighbours(vectors, k)
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
                precomputed_knn=(*graph, None),
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


def _tsne(vectors: np.ndarray, seed: int, n_dims: tuple[int, ...]) -> dict[int, np.ndarray]:
    import openTSNE
    from openTSNE import affinity, initialization, nearest_neighbors

    n = len(vectors)
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    rows, distances = neighbours(vectors, min(n, int(3 * perplexity) + 1))
    graph = nearest_neighbors.PrecomputedNeighbors(rows[:, 1:], distances[:, 1:])
    affinities = affinity.PerplexityBasedNN(
        knn_index=graph, perplexity=perplexity, n_jobs=1, random_state=seed
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
