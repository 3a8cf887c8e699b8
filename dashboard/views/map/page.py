"""Map: spaces side by side under one selection; every point can be heard or seen."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.figures import theme
from dashboard import data, state
from dashboard.page import Page
from dashboard.shared import (
    controls,
    map_panel,
    map_selection,
    saved_selections,
    selection_summary,
    widgets,
)
from dashboard.shared.map_panel import Side
from dashboard.views.map import query, trajectory

W_SPACES = ("pca", "translation")


def show(page: Page) -> None:
    widgets.heading(
        "Map",
        f"All {theme.in_words(page.modalities)} as points. Click a point, or draw a lasso around "
        "several, to see their items.",
    )
    mapped = data.mapped_spaces(page.handle, page.encoder_set)
    spaces = [name for name in state.CHOICES["spaces"] if name in mapped] or list(W_SPACES)
    choices(page, spaces)
    draw_maps(page, spaces)
    chosen = map_selection.selected_items()
    if len(chosen) > 1:
        saved_selections.save_form(page, chosen)
        selection_summary.show(page, chosen)
    saved_selections.show(page)
    map_selection.show(page, "map")
    trajectory.show(page)
    widgets.small(
        f"Colour is the class; {', '.join(map(theme.with_glyph, page.modalities))}. A map shows "
        "which items are neighbours, but not how far apart they are: lengths and gaps mean "
        "nothing. Distances are on the page Centroids, similarities on each card."
    )


def choices(page: Page, spaces: Sequence[str]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        controls.method()
        controls.one("Dimensions", "dims", names=lambda n: f"{n}-D")
        controls.some("Spaces", "spaces", spaces, theme.SPACE_NAMES)
    map_panel.filters(page)
    query.words(page)


def draw_maps(page: Page, spaces: Sequence[str]) -> None:
    chosen = page.selection
    spaces = [name for name in spaces if name in chosen.spaces] or spaces
    found = query.asked(page)
    sides = [
        Side(
            page.handle,
            page.encoder_set,
            space,
            theme.SPACE_NAMES[space],
            chosen.split,
            query.star(page, found, space) if found else None,
        )
        for space in spaces
    ]
    map_panel.show(
        page,
        sides,
        key="map",
        name=f"map_{chosen.method}_{chosen.dims}d",
        title=f"{theme.METHOD_NAMES[chosen.method]} in {chosen.dims}-D of {' and '.join(spaces)}",
        n_dims=chosen.dims,
        look={"lines": chosen.lines},
        found=found.nearest if found else (),
        score=found.score if found else None,
    )
    if found:
        query.explain(page)
    if map_panel.has_webgl():
        widgets.csv_button(lambda: all_points(sides, chosen), page, "map")
    quality(page, spaces)


def quality(page: Page, spaces: Sequence[str]) -> None:
    """How many points were fitted, and how well the maps keep the neighbours of their spaces."""
    n_fitted, n_placed = data.fitted_and_placed(page.handle, page.encoder_set)
    if n_placed:
        widgets.small(
            f"{n_fitted:,} of {n_fitted + n_placed:,} points "
            f"({n_fitted / (n_fitted + n_placed):.0%}) were fitted; the other {n_placed:,} were "
            "placed by their nearest neighbours in the full space."
        )
    table = data.map_quality(page.handle, page.encoder_set)
    if table.empty:
        return
    chosen = page.selection
    shown = table[(table["method"] == chosen.method) & (table["n_dims"] == chosen.dims)]
    for space in spaces:
        of_space = shown[shown["space"] == space]
        if of_space.empty:
            continue
        found = "; ".join(
            f"{one.kind} points {one.neighbour_recall:.0%}, trustworthiness "
            f"{one.trustworthiness:.2f}"
            for one in of_space.itertuples()
        )
        first = of_space.iloc[0]
        widgets.small(
            f"{theme.SPACE_NAMES[space]}: how many of the {first['k']} nearest items in the space "
            f"are among the {first['k']} nearest points on the map: {found} (a random map: "
            f"{first['chance_recall']:.1%}, 0.50). Measured on {of_space['n_measured'].sum():,} "
            "points."
        )


def all_points(sides: list[Side], chosen: state.Selection) -> pd.DataFrame:
    """All points of the maps below each other."""
    return pd.concat(
        data.points_table(
            one.handle,
            data.map_points(
                one.handle, one.encoder_set, one.space, chosen.method, chosen.dims, one.split
            ),
        ).assign(space=one.space)
        for one in sides
    )
