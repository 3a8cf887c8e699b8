"""Centroid distances (W §3.3, figure 4): the position of each class of each modality in a space.

There is one centroid per modality and class, the mean of its vectors in the space (for distance
"cosine" too: the mean is taken before the angle). A centroid is named `modality:class`, such as
"audio:violin". Distances within one space are comparable, those of two spaces are not, because
their scales differ: the normalised view divides by `scale`, the mean distance between two items of
the space.

    rows = study(vectors, modalities, labels)
    names, distances = centroid_matrix.matrix_of(rows)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import UserError
from core.items import MODALITIES
from core.vectors import unit_rows

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Row = dict[str, Any]

DISTANCES = ("euclidean", "cosine")
_SCALE_ITEMS = 2_000  # the scale is measured on at most this many items, drawn by seed


def study(
    vectors: npt.NDArray[np.floating[Any]],
    modalities: Sequence[str],
    labels: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    distance: str = "euclidean",
    seed: int = 0,
) -> list[Row]:
    """The centroids of a subset, in order of modality, then of class, and their distances.

    The rows are `{metric, class, other, value, n}`, with metrics
      centroid_distance       each pair once, class and other the two names; n the smaller count
      centroid_scale          mean distance between two of the items (of at most 2,000, by seed)
      same_class_distance     mean over classes of the distance between modalities, per pair of
      other_class_distance    modalities ("class" and "other" name them), and the same between
      class_distance_ratio    different classes; same / other, 1 by chance, below 1 when the space
                              brings a class together across modalities
      nearest_class_accuracy  share of one modality's centroids ("class") whose nearest centroid in
                              the other ("other") has their class; `chance` is one over the other's
                              number of classes; n the centroids whose class both have
      nearest_centroid_accuracy  the same for the items of modality "class"

    Parameters
    ----------
    vectors : (n, d) in one space
    modalities, labels : one per item
    classes : the classes to use, in order (default: all, sorted); other items are left out, and so
        are classes without items

    Raises
    ------
    UserError
        There are fewer than two centroids, or vectors are not finite.
    ValueError
        The lengths differ, or the distance is unknown.
    """
    if distance not in DISTANCES:
        raise ValueError(f"distance is {distance!r}: expected one of {DISTANCES}")
    if vectors.ndim != 2 or not len(vectors) == len(modalities) == len(labels):
        raise ValueError(
            f"vectors {vectors.shape}, {len(modalities)} modalities and {len(labels)} labels: "
            "expected (n, d) and n of each"
        )
    wide = np.asarray(vectors, dtype=np.float64)
    n_broken = int((~np.isfinite(wide).all(axis=1)).sum())
    if n_broken:
        raise UserError(
            f"{n_broken} of {len(wide)} vectors hold NaN or infinity where finite numbers are "
            "expected: extract or train them again."
        )
    ordered = list(dict.fromkeys(classes if classes is not None else sorted(set(labels))))
    sides = [name for name in MODALITIES if name in set(modalities)]

    of_modality, of_label = np.array(modalities, dtype=object), np.array(labels, dtype=object)
    members = {
        (side, name): np.flatnonzero((of_modality == side) & (of_label == name))
        for side in sides
        for name in ordered
    }
    kept = [key for key, found in members.items() if len(found)]
    if len(kept) < 2:
        raise UserError(
            f"The centroid study found {len(kept)} classes with items where it needs at least two: "
            "check the labels of the subset or choose another one."
        )
    centres = np.stack([wide[members[key]].mean(axis=0) for key in kept])
    counts = [len(members[key]) for key in kept]
    codes = np.full(len(wide), -1, dtype=np.int64)  # the centroid of each item
    for place, key in enumerate(kept):
        codes[members[key]] = place
    between = pairwise(centres, centres, distance)

    names = [f"{side}:{name}" for side, name in kept]
    side_of, class_of = (np.array(column, dtype=object) for column in zip(*kept, strict=True))
    scale = mean_item_distance(wide[codes >= 0], distance, seed)
    rows = [
        _row("centroid_distance", between[i, j], min(counts[i], counts[j]), names[i], names[j])
        for i, j in itertools.combinations(range(len(names)), 2)
    ]
    rows.append(_row("centroid_scale", scale, int((codes >= 0).sum())))
    rows += _summary_rows(side_of, class_of, between)
    return rows + _item_rows(wide, codes, side_of, class_of, centres, distance)


def pairwise(a: Float, b: Float, distance: str) -> Float:
    """(n, d) and (m, d) -> (n, m) distances: "euclidean", or "cosine" = 1 − cosine, 0 to 2.

    A vector of zeros has cosine 0 to all.
    """
    if distance == "cosine":
        unit_a, unit_b = (unit_rows(x, np.float64) for x in (a, b))
        return np.asarray(np.clip(1.0 - unit_a @ unit_b.T, 0.0, 2.0))
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(a, b))


def mean_item_distance(vectors: Float, distance: str, seed: int = 0) -> float:
    """Mean distance between two different items, of at most 2,000 drawn by seed; NaN for one."""
    if len(vectors) > _SCALE_ITEMS:
        drawn = np.random.default_rng(seed).choice(len(vectors), _SCALE_ITEMS, replace=False)
        vectors = vectors[np.sort(drawn)]
    n = len(vectors)
    if n < 2:
        return float("nan")
    between = pairwise(vectors, vectors, distance)
    return float((between.sum() - np.trace(between)) / (n * (n - 1)))


def _row(metric: str, value: float, n: int, a: str = "", b: str = "") -> Row:
    return {"metric": metric, "class": a, "other": b, "value": float(value), "n": n}


def _summary_rows(side: Any, kind: Any, between: Float) -> list[Row]:
    """Distances of the same and of other classes across modalities, and nearest classes."""
    rows: list[Row] = []
    sides = list(dict.fromkeys(side))
    for a, b in itertools.permutations(sides, 2):
        block = between[np.ix_(side == a, side == b)]
        same = kind[side == a][:, None] == kind[side == b][None, :]
        shared = same.any(axis=1)  # classes that both modalities have
        if not shared.any():
            continue
        nearest = np.take_along_axis(same, block.argmin(axis=1)[:, None], axis=1)[:, 0]
        n = int(shared.sum())
        found = _row("nearest_class_accuracy", nearest[shared].mean(), n, a, b)
        rows.append({**found, "chance": 1 / block.shape[1]})
        if sides.index(a) > sides.index(b):
            continue
        same_mean = block[same].mean()
        rows.append(_row("same_class_distance", same_mean, n, a, b))
        if not same.all():
            other_mean = block[~same].mean()
            rows.append(_row("other_class_distance", other_mean, n, a, b))
            if other_mean > 0:
                ratio = _row("class_distance_ratio", same_mean / other_mean, n, a, b)
                rows.append({**ratio, "chance": 1.0})
    return rows


def _item_rows(
    vectors: Float, codes: Int, side: Any, kind: Any, centres: Float, distance: str
) -> list[Row]:
    """Items of one modality classified by the nearest centroid of another."""
    rows: list[Row] = []
    for a, b in itertools.permutations(dict.fromkeys(side), 2):
        shared = np.flatnonzero((side == a) & np.isin(kind, kind[side == b]))
        items = np.flatnonzero(np.isin(codes, shared))
        if not len(items):
            continue
        there = pairwise(vectors[items], centres[side == b], distance)
        correct = kind[side == b][there.argmin(axis=1)] == kind[codes[items]]
        found = _row("nearest_centroid_accuracy", correct.mean(), len(items), a, b)
        rows.append({**found, "chance": 1 / there.shape[1]})
    return rows
