"""The maps of two spaces side by side, under one selection."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import maps
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import controls, map_selection, widgets
from dashboard.shared.map_panel import filtered_map
from dashboard.views.compare.form import Side

CHART = "compare_map"


def show(page: Page, left: Side, right: Side) -> None:
    st.subheader("Maps", anchor=False)
    with controls.row():
        controls.method()
    widgets.class_chips(page.study.classes)
    chosen = replace(session.current(), dims=2, split=0, subsets=(), all_points=False)
    sides = (left, right)
    try:
        found = [filtered_map(one.handle, one.encoder_set, one.space, chosen) for one in sides]
    except UserError as error:
        widgets.notice(str(error))
        return
    panels = [
        replace(panel, title=f"{one.title}: {counted}")
        for one, (panel, counted) in zip(sides, found, strict=True)
    ]
    widgets.show(
        maps.figure(panels, dark=widgets.dark(), highlighted=chosen.items),
        left,
        "compare_maps",
        f"Maps of {left.title} and {right.title}",
        key=CHART,
        on_select=lambda: map_selection.select(CHART, left.handle),
        modes=("points", "box", "lasso"),
        table=lambda: pd.concat(
            data.points_table(one.handle, panel.points).assign(side=one.title)
            for one, panel in zip(sides, panels, strict=True)
        ),
        signature=" | ".join(data.short_provenance(one.handle, one.encoder_set) for one in sides),
    )
    if not data.same_items(left.handle, right.handle):
        widgets.small(
            "The two studies have different items. A click opens an item of the left study; a ring "
            "marks it on the right map only if that study has it too."
        )
    widgets.small(
        "Maps show neighbours, not distances. Two maps may also be rotated or mirrored against "
        "each other."
    )
    map_selection.show(page, "compare")
