"""Distances between centroids, averaged over splits from the stored numbers (W figure 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.studies.centroids import Float, Int, Row

ORDERS = ("modality", "class", "cluster")
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
    found, matrix = matrix_of(mean.assign(metric="centroid_distance").to_dict("records"))
    names = [(modality, name) for modality, _, name in (each.partition(":") for each in found)]
    rank = {name: row for row, name in enumerate(classes)}
    base = sorted(range(len(names)), key=lambda row: (names[row][0], rank.get(names[row][1], -1)))
    places = order_of(
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


def order_of(
    distances: Float,
    modalities: Sequence[str],
    classes: Sequence[str],
    by: str,
) -> Int:
    """The order in which to show centroids: a permutation (c,) int64.

    by "modality" (W figure 4, left): all of one modality together, classes in order of appearance;
    "class" (figure 4, right): the modalities of a class side by side; "cluster": leaves of average
    linkage, ordered so that neighbours are close (Bar-Joseph et al. 2001, scipy's ordering).
    """
    if by not in ORDERS:
        raise ValueError(f"order by {by!r}: expected one of {ORDERS}")
    side = {name: place for place, name in enumerate(dict.fromkeys(modalities))}
    kind = {name: place for place, name in enumerate(dict.fromkeys(classes))}
    if by == "cluster" and len(distances) > 2:
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import squareform

        condensed = squareform((distances + distances.T) / 2, checks=False)
        tree = linkage(condensed, method="average", optimal_ordering=True)
        return np.asarray(leaves_list(tree), dtype=np.int64)
    keys = [(side[m], kind[c]) for m, c in zip(modalities, classes, strict=True)]
    if by == "class":
        keys = [(c, m) for m, c in keys]
    return np.array(sorted(range(len(keys)), key=lambda place: keys[place]), dtype=np.int64)


def matrix_of(rows: Sequence[Row]) -> tuple[list[str], Float]:
    """Stored `centroid_distance` rows -> names in order of appearance, distances (c, c) float64."""
    pairs = [row for row in rows if row["metric"] == "centroid_distance"]
    names = list(dict.fromkeys(name for row in pairs for name in (row["class"], row["other"])))
    place = {name: index for index, name in enumerate(names)}
    out = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(out, 0.0)
    for row in pairs:
        a, b = place[row["class"]], place[row["other"]]
        out[a, b] = out[b, a] = row["value"]
    return names, out
