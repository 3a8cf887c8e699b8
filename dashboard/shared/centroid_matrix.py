"""The heatmap of distances between centroids (W figure 4)."""

from collections.abc import Mapping

from core.figures import matrices
from core.studies.centroid_matrix import CentroidMatrix
from dashboard.shared import widgets

ORDER_NAMES = {
    "paper": "as in W's figure 4",
    "modality": "by modality",
    "class": "by class",
    "cluster": "by clustering",
}


def show(
    found: CentroidMatrix,
    shown: widgets.Shown,
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
        shown,
        name,
        title,
        table=found.table(),
        more=more,
    )
