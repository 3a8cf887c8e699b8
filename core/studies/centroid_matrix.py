"""Distances between centroids, averaged over splits from the stored numbers (W figure 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.studies import centroids

UNITS = {"euclidean": "Euclidean distance", "normalised": "distance / scale"}


@dataclass(frozen=True)
class CentroidMatrix:
    """Centroids as `(modality, class)`, their distances `(n, n)`, and the scale of the space."""

    names: list[tuple[str, str]]
    distances: np.ndarray
    scale: float

    def table(self) -> pd.DataFrame:
        """The distances with their names, for CSV."""
        labels = [f"{modality}:{name}" for modality, name in self.names]
        table = pd.DataFrame(self.distances, columns=labels)
        table.insert(0, "centroid", labels)
        return table


def read(
    rows: pd.DataFrame, space: str, scale: str, order: str, classes: Sequence[str]
) -> CentroidMatrix:
    """The mean distances of a space over splits.

    Parameters
    ----------
    rows : the measurements of the centroid study
    scale : "euclidean", or "normalised": each split's distances divided by its scale
    order : how the centroids are sorted: "modality", "class" or "cluster"
    classes : the fixed order of classes
    """
    mine = rows[rows["space"] == space]
    distances = mine[mine["metric"] == "centroid_distance"]
    scales = mine[mine["metric"] == "centroid_scale"].groupby("split")["value"].mean()
    if scale == "normalised":
        distances = distances.assign(value=distances["value"] / distances["split"].map(scales))
    mean = distances.groupby(["class", "other"], sort=False, as_index=False)["value"].mean()
    found, matrix = centroids.matrix(mean.assign(metric="centroid_distance").to_dict("records"))
    names = [(modality, name) for modality, _, name in (each.partition(":") for each in found)]
    rank = {name: row for row, name in enumerate(classes)}
    base = sorted(range(len(names)), key=lambda row: (names[row][0], rank.get(names[row][1], -1)))
    places = centroids.order(
        np.nan_to_num(matrix[np.ix_(base, base)]),
        [names[row][0] for row in base],
        [names[row][1] for row in base],
        order,
    )
    rows_in_order = [base[place] for place in places]
    return CentroidMatrix(
        [names[row] for row in rows_in_order],
        matrix[np.ix_(rows_in_order, rows_in_order)],
        float(scales.mean()) if len(scales) else float("nan"),
    )
