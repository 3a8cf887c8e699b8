"""Centroid distances (W §3.3, figure 4): the position of each class of each modality in a space.

There is one centroid per modality and class, the mean of its vectors in the space (for distance
"cosine" too: the mean is taken before the angle). A centroid is named `modality:class`, such as
"audio:violin". Distances within one space are comparable, those of two spaces are not, because
their scales differ: the normalised view divides by `scale`, the mean distance between two items of
the space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class CentroidResult:
    """The result of `study`: c centroids in order of modality, then of class.

    names, modalities, classes: (c,) each. counts (c,): the items of each. vectors (c, d) float64.
    distances (c, c) float64, symmetric, 0 on the diagonal. scale: mean distance between two items.
    left_out: names of centroids without items.
    """

    names: tuple[str, ...]
    modalities: tuple[str, ...]
    classes: tuple[str, ...]
    counts: Int
    vectors: Float
    distances: Float
    distance: str
    scale: float
    left_out: tuple[str, ...]
    rows: list[Row]


def study(
    vectors: npt.NDArray[np.floating[Any]],
    modalities: Sequence[str],
    labels: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    distance: str = "euclidean",
    seed: int = 0,
) -> CentroidResult:
    """Centroids of a subset and the distances between them.

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
    classes : the classes to use, in order (default: all, sorted); other items are left out

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
    wanted = [(side, class_) for side in sides for class_ in ordered]
    members = {
        pair: np.flatnonzero((of_modality == pair[0]) & (of_label == pair[1])) for pair in wanted
    }
    kept = [pair for pair in wanted if len(members[pair])]
    if len(kept) < 2:
        raise UserError(
            f"The centroid study found {len(kept)} classes with items where it needs at least two: "
            "check the labels of the subset or choose another one."
        )
    centres = np.stack([wide[members[pair]].mean(axis=0) for pair in kept])
    counts = np.array([len(members[pair]) for pair in kept], dtype=np.int64)
    codes = np.full(len(wide), -1, dtype=np.int64)  # the centroid of each item
    for place, pair in enumerate(kept):
        codes[members[pair]] = place
    between = pairwise(centres, centres, distance)
    np.fill_diagonal(between, 0.0)

    names = tuple(f"{side}:{class_}" for side, class_ in kept)
    side_of = np.array([side for side, _ in kept], dtype=object)
    class_of = np.array([class_ for _, class_ in kept], dtype=object)
    scale = mean_item_distance(wide[codes >= 0], distance, seed)
    rows = _distance_rows(names, counts, between)
    rows.append(_row("centroid_scale", scale, int((codes >= 0).sum())))
    rows += _summary_rows(side_of, class_of, between)
    rows += _item_rows(wide, codes, side_of, class_of, centres, distance)
    return CentroidResult(
        names=names,
        modalities=tuple(side_of),
        classes=tuple(class_of),
        counts=counts,
        vectors=centres,
        distances=between,
        distance=distance,
        scale=scale,
        left_out=tuple(f"{side}:{c}" for side, c in wanted if not len(members[side, c])),
        rows=rows,
    )


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


def _distance_rows(names: Sequence[str], counts: Int, between: Float) -> list[Row]:
    return [
        _row("centroid_distance", between[i, j], int(min(counts[i], counts[j])), names[i], names[j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]


def _summary_rows(side: Any, kind: Any, between: Float) -> list[Row]:
    """Distances of the same and of other classes across modalities, and nearest classes."""
    rows: list[Row] = []
    sides = list(dict.fromkeys(side))
    for a in sides:
        for b in sides:
            if a == b:
                continue
            block = between[np.ix_(side == a, side == b)]
            same = kind[side == a][:, None] == kind[side == b][None, :]
            shared = same.any(axis=1)  # classes that both modalities have
            if not shared.any():
                continue
            nearest = np.take_along_axis(same, block.argmin(axis=1)[:, None], axis=1)[:, 0]
            n = int(shared.sum())
            found = _row("nearest_class_accuracy", nearest[shared].mean(), n, a, b)
            rows.append({**found, "chance": 1 / block.shape[1]})
            if sides.index(a) < sides.index(b):
                same_mean = block[same].mean()
                rows.append(_row("same_class_distance", same_mean, n, a, b))
                if (~same).any():
                    other_mean = block[~same].mean()
                    rows.append(_row("other_class_distance", other_mean, n, a, b))
                    if other_mean > 0:
                        ratio = same_mean / other_mean
                        rows.append({**_row("class_distance_ratio", ratio, n, a, b), "chance": 1.0})
    return rows


def _item_rows(
    vectors: Float, codes: Int, side: Any, kind: Any, centres: Float, distance: str
) -> list[Row]:
    """Items of one modality classified by the nearest centroid of another."""
    rows: list[Row] = []
    sides = list(dict.fromkeys(side))
    for a in sides:
        for b in sides:
            shared = np.flatnonzero((side == a) & np.isin(kind, kind[side == b]))
            items = np.flatnonzero(np.isin(codes, shared))
            if a == b or not len(items):
                continue
            there = pairwise(vectors[items], centres[side == b], distance)
            right = kind[side == b][there.argmin(axis=1)] == kind[codes[items]]
            found = _row("nearest_centroid_accuracy", right.mean(), len(items), a, b)
            rows.append({**found, "chance": 1 / there.shape[1]})
    return rows
