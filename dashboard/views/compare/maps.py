"""The maps of two spaces side by side, under one selection."""

import streamlit as st

from core.errors import UserError
from dashboard import data
from dashboard.page import Page
from dashboard.shared import controls, map_panel, map_selection, widgets
from dashboard.views.compare.form import Side


def show(page: Page, left: Side, right: Side) -> None:
    st.subheader("Maps", anchor=False)
    with controls.row():
        controls.method()
    map_panel.filters(page)
    sides = (left, right)
    try:
        map_panel.show(
            page,
            [map_panel.Side(one.handle, one.encoder_set, one.space, one.title) for one in sides],
            key="compare_map",
            name="compare_maps",
            title=f"Maps of {left.title} and {right.title}",
            signature=" | ".join(
                data.short_provenance(one.handle, one.encoder_set) for one in sides
            ),
        )
    except UserError as error:
        widgets.notice(str(error))
        return
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
