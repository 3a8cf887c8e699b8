"""From a stored map and the filters to what the figure draws."""

from collections.abc import Sequence

import numpy as np

from core.figures import map_points as points_
from core.figures import maps


def panel(
    title: str,
    classes: Sequence[str],
    whole: points_.MapPoints,
    points: points_.MapPoints,
    joined: np.ndarray = maps.NO_PAIRS,
) -> maps.Panel:
    """The points of a map that the filters left, on the axes of the whole."""
    return maps.Panel(
        title,
        points.xyz,
        points.item_ids,
        points.modality,
        points.class_row,
        classes,
        bounds=np.stack([whole.xyz.min(axis=0), whole.xyz.max(axis=0)]) if len(whole) else None,
        joined=joined,
    )


def counted(
    points: points_.MapPoints, matching: points_.MapPoints, whole: points_.MapPoints
) -> str:
    """How many points a map shows, of how many there are."""
    shown = f"{len(matching):,} of {len(whole):,} points"
    if len(points) == len(matching):
        return shown
    return f"{shown}, {len(points):,} of them drawn"
