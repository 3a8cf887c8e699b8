"""Map: both spaces side by side under one selection; every point can be heard or seen."""

import itertools

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import map_points, maps, theme
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import browser, cards, controls, map_panel, map_selection, widgets
from dashboard.views.map import trajectory

MAX_LINES = 4_000  # pairs joined; more of them are only a haze


def show(page: Page) -> None:
    widgets.heading(
        "Map",
        f"All {theme.listed(page.modalities)} as points. Click one, or draw a lasso around some, "
        "to meet them.",
    )
    choices(page)
    widgets.class_chips(page.study.classes)
    draw_maps(page)
    map_selection.show(page)
    trajectory.show(page)
    widgets.small(
        f"Colour is the class; {', '.join(map(theme.marked, page.modalities))}. A map keeps "
        "neighbourhoods, not distances: lengths and gaps on it mean nothing, so none is read off "
        "it. Distances are on the page Centroids, similarities on each card."
    )


def choices(page: Page) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        controls.method()
        controls.one("Dimensions", "dims", names=lambda n: f"{n}-D")
        controls.some("Spaces", "spaces", names=theme.SPACE_NAMES)
        controls.some("Modality", "modalities", page.modalities, theme.marked)
        subsets = data.subsets(page.handle, page.selection.split)
        controls.some("Subset", "subsets", subsets)
        can_join = page.study.dataset.get("paired_by") == "clip"
        st.toggle(
            "Join pairs",
            disabled=not can_join,
            help="A line between the items of each clip"
            if can_join
            else "This set pairs within classes: no item belongs to one other",
            **session.bound("lines"),
        )
        n_points = len(page.study.items())
        if n_points > map_points.MAX_DRAWN:
            st.toggle(
                "Draw all points",
                help=f"Up to {n_points:,} in each map: a browser takes its time over them",
                **session.bound("all_points"),
            )


def draw_maps(page: Page) -> None:
    chosen = page.selection
    spaces = [name for name in state.CHOICES["spaces"] if name in chosen.spaces]
    spaces = spaces or list(state.CHOICES["spaces"])
    rows = [page.study.classes.index(name) for name in chosen.classes]
    panels, tables, said = [], [], []
    for space in spaces:
        whole = data.map_points(
            page.handle, page.encoder_set, space, chosen.method, chosen.dims, chosen.split
        )
        matching = whole.filtered(rows, chosen.modalities, chosen.subsets)
        most = len(matching) if chosen.all_points else map_points.MAX_DRAWN
        points = matching.sample(most, keep=chosen.items)
        joined, text = lines(page, points) if chosen.lines else (maps.NO_PAIRS, "")
        panels.append(
            maps.Panel(theme.SPACE_NAMES[space], points, page.study.classes, whole.bounds, joined)
        )
        tables.append((space, points))
        said = [
            f"{map_panel.counted(points, matching, whole)} in each map",
            *([text] if text else []),
        ]
    title = f"{theme.METHOD_NAMES[chosen.method]} in {chosen.dims}-D of {' and '.join(spaces)}"
    flat = chosen.dims == 2
    key = f"map_{chosen.dims}"
    widgets.show(
        maps.figure(panels, dark=widgets.dark(), highlighted=chosen.items),
        page.handle,
        f"map_{chosen.method}_{chosen.dims}d",
        title,
        encoder_set=page.encoder_set,
        key=key,
        on_select=(lambda: map_selection.take(key, page.handle)) if flat else None,
        modes=("points", "box", "lasso") if flat else ("points",),
        table=lambda: pd.concat(
            [data.points_table(page.handle, points).assign(space=name) for name, points in tables]
        ),
    )
    if not flat:
        browser.clicks(key, cards.open_item)
    n_fitted, n_placed = data.fitted_and_placed(page.handle, page.encoder_set)
    if n_placed:
        said.append(
            f"{n_fitted:,} of all points fitted, the other {n_placed:,} placed by their nearest "
            "neighbours in the full space"
        )
    widgets.small(", ".join(said))


def lines(page: Page, points: map_points.MapPoints) -> tuple[np.ndarray, str]:
    """Rows of the points to join, and how many of how many they are."""
    row_of = {item_id: row for row, item_id in enumerate(points.item_ids)}
    both = []
    for one, other in itertools.combinations(page.modalities, 2):
        table = data.pairs(page.handle, one, other)
        both += [
            (row_of[a], row_of[b])
            for a, b in zip(table[one], table[other], strict=True)
            if a in row_of and b in row_of
        ]
    if not both:
        return maps.NO_PAIRS, "no pair has both halves shown"
    joined = np.array(both, dtype=np.int64)
    if len(joined) <= MAX_LINES:
        return joined, f"{len(joined):,} pairs joined"
    some = np.random.default_rng(0).choice(len(joined), MAX_LINES, replace=False)
    return joined[np.sort(some)], f"{MAX_LINES:,} of {len(joined):,} pairs joined, drawn at random"
