"""Distances between centroids read from the stored numbers, and their heatmap (W figure 4)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.studies import centroids as centroid_study

ORDER_NAMES = {
    "paper": "as W's figure 4",
    "modality": "by modality",
    "class": "by class",
    "cluster": "by clustering",
}
PAPER_ORDER = {"pca": "modality", "translation": "class"}  # W figure 4, left and right


def order_of(space: str, chosen: str) -> str:
    """How a space's centroids are sorted; as the paper drew them, that differs by space."""
    return PAPER_ORDER[space] if chosen == "paper" else chosen


def read(
    rows: pd.DataFrame, space: str, scale: str
) -> tuple[list[tuple[str, str]], np.ndarray, float]:
    """Names as (modality, class), the mean distances over splits, and the space's scale."""
    mine = rows[rows["space"] == space]
    distances = mine[mine["metric"] == "centroid_distance"]
    unit = mine[mine["metric"] == "centroid_scale"].groupby("split")["value"].mean()
    if scale == "normalised":
        distances = distances.assign(value=distances["value"] / distances["split"].map(unit))
    mean = distances.groupby(["class", "other"], sort=False, as_index=False)["value"].mean()
    names, matrix = centroid_study.matrix(
        mean.assign(metric="centroid_distance").to_dict("records")
    )
    split = [(kind, name) for kind, _, name in (each.partition(":") for each in names)]
    return split, matrix, float(unit.mean()) if len(unit) else float("nan")


def arranged(
    rows: pd.DataFrame, space: str, scale: str, order: str, classes: Sequence[str]
) -> tuple[list[tuple[str, str]], np.ndarray, float]:
    """As `read`, sorted by modality or by class (in the fixed order of classes) or clustered."""
    names, matrix, unit = read(rows, space, scale)
    known = {name: row for row, name in enumerate(classes)}
    base = sorted(range(len(names)), key=lambda row: (names[row][0], known.get(names[row][1], -1)))
    kinds, labels = [names[row][0] for row in base], [names[row][1] for row in base]
    block = np.nan_to_num(matrix[np.ix_(base, base)])
    places = [base[place] for place in centroid_study.order(block, kinds, labels, order)]
    return [names[row] for row in places], matrix[np.ix_(places, places)], unit


def table(names: Sequence[tuple[str, str]], matrix: np.ndarray) -> pd.DataFrame:
    """The matrix with its names, for CSV."""
    labels = [f"{kind}:{name}" for kind, name in names]
    shown = pd.DataFrame(matrix, columns=labels)
    shown.insert(0, "centroid", labels)
    return shown
