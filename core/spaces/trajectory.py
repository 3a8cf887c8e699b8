"""The moving map: what a space does to some points, epoch by epoch, in two dimensions.

Seth 2022, figures 2 and 5, shows t-SNE maps of validation pairs at several epochs, each made on its
own. Here every map starts from the one before and is given a few iterations, so that points move
rather than jump; it is then turned (never stretched) onto the one before, since a t-SNE map has no
up or down. As on any map, distances are never read off it.

Conventions: vectors (e, n, k) with unit rows, coordinates (e, n, 2) float32, seeded.
"""

from __future__ import annotations

import numpy as np

from core.spaces import maps

N_ITER = 30  # of each map after the first; twice as many move points twice as far in one step
FIRST_EXAGGERATED, FIRST_ITER = 150, 350  # iterations of the first, as in `maps`


def chosen(n_epochs: int, most: int) -> list[int]:
    """At most `most` (two at least) of the epochs 0 … n_epochs, evenly spread, both ends kept."""
    spread = np.linspace(0, n_epochs, min(n_epochs + 1, max(most, 2)))
    return [int(epoch) for epoch in np.unique(spread.round())]


def fit_epochs(vectors: np.ndarray, *, seed: int) -> np.ndarray:
    """One t-SNE map an epoch, each begun where the one before ended: (e, n, 2) float32.

    Fewer than `maps.MIN_POINTS` points are laid out as `maps.fit_maps` lays them.
    """
    n_epochs, n = vectors.shape[:2]
    found = np.empty((n_epochs, n, 2), dtype=np.float32)
    for epoch in range(n_epochs):
        own = np.asarray(vectors[epoch], dtype=np.float32)
        if n < maps.MIN_POINTS:
            found[epoch] = maps.fit_map(own, "tsne", 2, seed)
        elif epoch == 0:
            found[epoch] = _tsne(own, None, seed)
        else:
            found[epoch] = turned(_tsne(own, found[epoch - 1], seed), found[epoch - 1])
    return found


def turned(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """`points` (n, 2) centred and turned or mirrored, so that they lie nearest to `onto`.

    Orthogonal Procrustes (Schönemann 1966), without scaling.
    """
    centre = onto.mean(axis=0)
    points = points - points.mean(axis=0)
    left, _, right = np.linalg.svd(points.T @ (onto - centre))
    return np.asarray(points @ (left @ right) + centre, dtype=np.float32)


def _tsne(vectors: np.ndarray, start: np.ndarray | None, seed: int) -> np.ndarray:
    import openTSNE
    from openTSNE import affinity, initialization, nearest_neighbors

    n = len(vectors)
    perplexity = min(maps.PERPLEXITY, (n - 1) / 3)
    graph = maps.neighbours(vectors, int(3 * perplexity) + 1)
    affinities = affinity.PerplexityBasedNN(
        knn_index=nearest_neighbors.PrecomputedNeighbors(*(side[:, 1:] for side in graph)),
        perplexity=perplexity,
        n_jobs=1,
        random_state=seed,
    )
    first = start is None
    if first:
        start = initialization.pca(vectors, n_components=2, random_state=seed)
    embedding = openTSNE.TSNEEmbedding(
        start,
        affinities,
        theta=0.8,
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
    )
    if first:
        embedding.optimize(FIRST_EXAGGERATED, exaggeration=12, momentum=0.5, inplace=True)
    embedding.optimize(FIRST_ITER if first else N_ITER, momentum=0.8, inplace=True)
    return np.asarray(embedding)
