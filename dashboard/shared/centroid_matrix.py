"""Distances between centroids, averaged from the stored numbers, and their heatmap (W figure 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.figures import matrices
from core.studies import centroids
from dashboard import data
from dashboard.shared import widgets

ORDER_NAMES = {
    "paper": "as in W's figure 4",
    "modality": "by modality",
    "class": "by class",
    "cluster": "by clustering",
}
UNITS = {"euclidean": "Euclidean distance", "normalised": "distance / scale"}


@dataclass(frozen=True)
class CentroidMatrix:
    """Centroids as `(modality, class)`, the distances of all pairs of them, the space's scale."""

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
    sorted_rows = [base[place] for place in places]
    return CentroidMatrix(
        [names[row] for row in sorted_rows],
        matrix[np.ix_(sorted_rows, sorted_rows)],
        float(scales.mean()) if len(scales) else float("nan"),
    )


def show(
    found: CentroidMatrix,
    handle: data.Handle,
    encoder_set: str,
    *,
    name: str,
    title: str,
    unit: str,
    top: float | None,
    more: Mapping[str, str] | None = None,
) -> None:
    """The heatmap with its exports; `top` is the end of the colour scale."""
    widgets.show(
        matrices.distances(found.distances, found.names, widgets.dark(), top, unit, title),
        handle,
        name,
        title,
        encoder_set=encoder_set,
        table=found.table(),
        more=more,
    )
