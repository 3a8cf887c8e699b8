"""The points of a map, and which of them the filters leave. No Streamlit here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_DRAWN = 50_000  # points of one map: what a browser draws in seconds


@dataclass(frozen=True)
class MapPoints:
    """A map's points, all of one length: ids, `xyz (n, 2 or 3) float32` and what filters ask."""

    item_ids: np.ndarray
    xyz: np.ndarray
    modality: np.ndarray
    class_row: np.ndarray  # place in the class order, -1 without one class
    subset: np.ndarray

    def __len__(self) -> int:
        return len(self.item_ids)

    def where(self, mask: np.ndarray) -> "MapPoints":
        return MapPoints(
            self.item_ids[mask],
            self.xyz[mask],
            self.modality[mask],
            self.class_row[mask],
            self.subset[mask],
        )


def chosen(
    points: MapPoints,
    class_rows: Sequence[int] = (),
    kinds: Sequence[str] = (),
    within: Sequence[str] = (),
) -> MapPoints:
    """The points of these classes, modalities and subsets; an empty filter keeps all."""
    mask = np.ones(len(points), dtype=bool)
    if class_rows:
        mask &= np.isin(points.class_row, np.asarray(class_rows))
    if kinds:
        mask &= np.isin(points.modality, np.asarray(kinds, dtype=object))
    if within:
        mask &= np.isin(points.subset, np.asarray(within, dtype=object))
    return points if mask.all() else points.where(mask)


def sample(points: MapPoints, n: int, keep: Sequence[str] = ()) -> MapPoints:
    """So many of the points, drawn at random and always the same ones, and those to `keep`."""
    if len(points) <= n:
        return points
    mask = np.isin(points.item_ids, np.asarray(keep, dtype=object))
    mask[np.random.default_rng(0).choice(len(points), n, replace=False)] = True
    return points.where(mask)
