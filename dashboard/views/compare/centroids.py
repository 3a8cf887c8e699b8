"""The centroid distances of two spaces side by side."""

from functools import partial

import streamlit as st

from core.figures import matrices
from core.studies.centroid_matrix import UNITS, read
from dashboard import data
from dashboard.shared import controls, widgets
from dashboard.views.compare.form import Side

FARTHEST = 1.6  # the end of both colour scales, in units of each space's own scale


def show(left: Side, right: Side) -> None:
    st.subheader("Centroids", anchor=False)
    with controls.row():
        order = controls.one("Sorted", "both_orders", names=controls.CENTROID_ORDERS)
    for place, one in zip(st.columns(2, gap="medium"), (left, right), strict=True):
        with place:
            rows = data.measurements(one.handle, one.encoder_set, study="centroids")
            classes = data.study(one.handle).classes
            found = read(rows, one.space, "normalised", order, classes)
            if not found.names:
                widgets.small("No centroid distance is stored for this space.")
                continue
            unit = UNITS["normalised"]
            widgets.show(
                partial(
                    matrices.distances,
                    found.distances,
                    found.names,
                    widgets.dark(),
                    FARTHEST,
                    unit,
                    one.title,
                ),
                one,
                f"compare_centroids_{one.name}_{order}",
                one.title,
                table=found.table(),
            )
            widgets.small(
                f"Distances are divided by the space's own scale, {found.scale:.2f}, so that the "
                "two spaces can be compared."
            )
