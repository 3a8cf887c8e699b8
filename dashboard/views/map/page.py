"""Map: both spaces side by side under one selection; every point can be heard or seen."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import map_points, maps, theme
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import browser, cards, controls, map_selection, widgets
from dashboard.shared.map_panel import filtered_map
from dashboard.views.map import trajectory

MAX_LINES = 4_000  # pairs joined; more of them are only a haze


def show(page: Page) -> None:
    widgets.heading(
        "Map",
        f"All {theme.in_words(page.modalities)} as points. Click a point, or draw a lasso around "
        "several, to see their items.",
    )
    choices(page)
    widgets.class_chips(page.study.classes)
    draw_maps(page)
    map_selection.show(page, "map")
    trajectory.show(page)
    widgets.small(
        f"Colour is the class; {', '.join(map(theme.with_glyph, page.modalities))}. A map shows "
        "which items are neighbours, but not how far apart they are: lengths and gaps mean "
        "nothing. Distances are on the page Centroids, similarities on each card."
    )


def choices(page: Page) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        controls.method()
        controls.one("Dimensions", "dims", names=lambda n: f"{n}-D")
        controls.some("Spaces", "spaces", names=theme.SPACE_NAMES)
        controls.some("Modality", "modalities", page.modalities, theme.with_glyph)
        controls.some("Subset", "subsets", data.subsets(page.handle, page.selection.split))
        can_join = page.study.dataset.get("paired_by") == "clip"
        st.toggle(
            "Join pairs",
            disabled=not can_join,
            help="A line between the items of each clip"
            if can_join
            else "This dataset pairs by class: there are no pairs of single items to join",
            **session.bound("lines"),
        )
        n_points = len(data.items(page.handle))
        if n_points > map_points.MAX_DRAWN:
            st.toggle(
                "Draw all points",
                help=f"Up to {n_points:,} points on each map, which takes the browser some time",
                **session.bound("all_points"),
            )


def draw_maps(page: Page) -> None:
    chosen = page.selection
    spaces = [name for name in state.CHOICES["spaces"] if name in chosen.spaces]
    spaces = spaces or list(state.CHOICES["spaces"])
    panels = []
    for space in spaces:
        panel, counted = filtered_map(page.handle, page.encoder_set, space, chosen)
        joined, n_joined = pair_lines(page, panel.points) if chosen.lines else (maps.NO_PAIRS, "")
        panels.append(replace(panel, title=theme.SPACE_NAMES[space], joined=joined))
    flat = chosen.dims == 2
    key = f"map_{chosen.dims}"
    widgets.show(
        maps.figure(panels, dark=widgets.dark(), highlighted=chosen.items),
        page,
        f"map_{chosen.method}_{chosen.dims}d",
        f"{theme.METHOD_NAMES[chosen.method]} in {chosen.dims}-D of {' and '.join(spaces)}",
        key=key,
        on_select=(lambda: map_selection.select(key, page.handle)) if flat else None,
        modes=("points", "box", "lasso") if flat else ("points",),
        table=lambda: pd.concat(
            data.points_table(page.handle, panel.points).assign(space=space)
            for space, panel in zip(spaces, panels, strict=True)
        ),
    )
    if not flat:
        browser.clicks(key, cards.open_item)
    facts = [f"{counted} on each map"]
    if n_joined:
        facts.append(n_joined)
    n_fitted, n_placed = data.fitted_and_placed(page.handle, page.encoder_set)
    if n_placed:
        facts.append(
            f"{n_fitted:,} of all points fitted, the other {n_placed:,} placed by their nearest "
            "neighbours in the full space"
        )
    widgets.small(", ".join(facts))


def pair_lines(page: Page, points: map_points.MapPoints) -> tuple[np.ndarray, str]:
    """`(k, 2) int64`: the rows of the points to join; and how many of how many they are."""
    index = pd.Index(points.item_ids)
    rows = []
    for one, other in itertools.combinations(page.modalities, 2):
        table = data.pairs(page.handle, one, other)
        rows.append(np.stack([index.get_indexer(table[one]), index.get_indexer(table[other])], 1))
    joined = np.concatenate([maps.NO_PAIRS, *rows])
    joined = joined[(joined >= 0).all(axis=1)]
    if not len(joined):
        return joined, "no pair has both its items on the map"
    if len(joined) <= MAX_LINES:
        return joined, f"{len(joined):,} pairs joined"
    some = np.random.default_rng(0).choice(len(joined), MAX_LINES, replace=False)
    return joined[np.sort(some)], f"{MAX_LINES:,} of {len(joined):,} pairs joined, drawn at random"
