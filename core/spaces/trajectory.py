"""The moving map: some points of a space, epoch by epoch, in two dimensions.

Seth 2022, figures 2 and 5, shows t-SNE maps of validation pairs at several epochs, each made
separately. Here every map starts from the one before and gets only a few iterations, so that points
move rather than jump. It is then rotated (never stretched) to match the one before, because a t-SNE
map has no orientation. As on any map, distances are never read from it.

Conventions: vectors (e, n, k) with unit rows, coordinates (e, n, 2) float32, seeded.
"""

from __future__ import annotations

import numpy as np

from core.spaces import maps

N_ITER = 30  # of each map after the first; twice as many move points twice as far per step
FIRST_EXAGGERATED, FIRST_ITER = 150, 350  # iterations of the first, as in `maps`


def chosen(n_epochs: int, most: int) -> list[int]:
    """At most `most` (at least two) of the epochs 0 … n_epochs, evenly spaced, with both ends."""
    epochs = np.linspace(0, n_epochs, min(n_epochs + 1, max(most, 2)))
    return [int(epoch) for epoch in np.unique(epochs.round())]


def fit_epochs(vectors: np.ndarray, *, seed: int) -> np.ndarray:
    """One t-SNE map per epoch, each starting where the one before ended: (e, n, 2) float32.

    Fewer than `maps.MIN_POINTS` points are placed as by `maps.fit_map`.
    """
    n_epochs, n = vectors.shape[:2]
    found = np.empty((n_epochs, n, 2), dtype=np.float32)
    for epoch in range(n_epochs):
        now = np.asarray(vectors[epoch], dtype=np.float32)
        if n < maps.MIN_POINTS:
            found[epoch] = maps.fit_map(now, "tsne", 2, seed)
        elif epoch == 0:
            found[epoch] = _tsne(now, None, seed)
        else:
            found[epoch] = rotated(_tsne(now, found[epoch - 1], seed), found[epoch - 1])
    return found


def rotated(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """`points` (n, 2 or 3) moved and rotated or mirrored, so that they are nearest to `onto`.

    Orthogonal Procrustes (Schönemann 1966), without scaling.
    """
    centre = onto.mean(axis=0)
    points = points - points.mean(axis=0)
    left, _, right = np.linalg.svd(points.T @ (onto - centre))
    return np.asarray(points @ (left @ right) + centre, dtype=np.float32)


def _tsne(vectors: np.ndarray, start: np.ndarray | None, seed: int) -> np.ndarray:
    import openTSNE
    from openTSNE import initialization

    first = start is None
    if first:
        start = initialization.pca(vectors, n_components=2, random_state=seed)
    embedding = openTSNE.TSNEEmbedding(
        start,
        maps.affinities(maps.neighbours(vectors, maps.N_GRAPH), seed),
        theta=0.8,
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
    )
    if first:
        embedding.optimize(FIRST_EXAGGERATED, exaggeration=12, momentum=0.5, inplace=True)
    embedding.optimize(FIRST_ITER if first else N_ITER, momentum=0.8, inplace=True)
    return np.asarray(embedding)
