"""Maps and centroid matrices of two spaces side by side."""

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import map_points, maps, matrices
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import cards, centroid_matrix, controls, map_panel, map_selection, widgets
from dashboard.views.compare.compare_form import Side


def draw_maps(page: Page, left: Side, right: Side) -> None:
    st.subheader("Maps", anchor=False)
    with controls.row():
        controls.method()
    widgets.class_chips(page.study.classes)
    chosen = session.current()
    panels, tables = [], []
    try:
        for one in (left, right):
            classes = data.study(one.handle).classes
            whole = data.map_points(one.handle, one.encoder_set, one.space, chosen.method, 2, 0)
            rows = [classes.index(each) for each in chosen.classes if each in classes]
            matching = whole.filtered(rows, chosen.modalities)
            points = matching.sample(map_points.MAX_DRAWN, keep=chosen.items)
            title = f"{one.name}: {map_panel.counted(points, matching, whole)}"
            panels.append(maps.Panel(title, points, classes, whole.bounds))
            tables.append(data.points_table(one.handle, points).assign(side=one.name))
    except UserError as error:
        widgets.notice(str(error))
        return
    key = "compare_map"
    widgets.show(
        maps.figure(panels, dark=widgets.dark(), highlighted=chosen.items),
        left.handle,
        "compare_maps",
        f"Maps of {left.name} and {right.name}",
        encoder_set=left.encoder_set,
        key=key,
        on_select=lambda: map_selection.take(key, left.handle),
        modes=("points", "box", "lasso"),
        table=lambda: pd.concat(tables),
        signature=" | ".join(
            data.short_provenance(one.handle, one.encoder_set) for one in (left, right)
        ),
    )
    if not data.same_items(left.handle, right.handle):
        widgets.small(
            "The two studies hold different items: a click opens an item of the left one, and it "
            "is ringed on the right only where it is found there."
        )
    widgets.small("Distances are never read off a map; two maps differ in turn and mirror too.")
    if chosen.items:
        cards.picked(page.handle, page.encoder_set, chosen.items, key="compare")
        st.button("Close", type="tertiary", icon=":material/close:", on_click=cards.close_items)


def draw_centroids(left: Side, right: Side) -> None:
    st.subheader("Centroids", anchor=False)
    with controls.row():
        order = controls.one("Sorted", "both_orders", names=centroid_matrix.ORDER_NAMES)
    for place, one, name in zip(
        st.columns(2, gap="medium"), (left, right), ("left", "right"), strict=True
    ):
        with place:
            rows = data.measurements(one.handle, one.encoder_set, study="centroids")
            names, matrix, scale = centroid_matrix.arranged(
                rows,
                one.space,
                "normalised",
                order,
                data.study(one.handle).classes,
            )
            if not names:
                widgets.small("No centroid distance is stored here.")
                continue
            widgets.show(
                matrices.distances(
                    matrix, names, widgets.dark(), 1.6, "distance / scale", one.name
                ),
                one.handle,
                f"compare_centroids_{name}_{order}",
                one.name,
                encoder_set=one.encoder_set,
                table=centroid_matrix.table(names, matrix),
            )
            widgets.small(
                f"Divided by the space's own scale, {scale:.2f}, so that the two may be compared."
            )
