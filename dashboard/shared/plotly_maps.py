"""Maps drawn by Plotly, for browsers without WebGL: filters and lassos go through the server."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import map_points, maps, query_map, theme
from core.figures.maps import Panel
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import browser, cards, controls, map_selection, widgets

MAX_LINES = 4_000  # pairs joined; more of them are only a haze


def filters(page: Page) -> None:
    """Which points to draw."""
    with controls.row():
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
    widgets.class_chips(page.study.classes)


def show(
    page: Page,
    sides: Sequence[Any],
    keys: Sequence[data.MapKey],
    key: str,
    name: str,
    title: str,
    found: Sequence[str] = (),
    star: np.ndarray | None = None,
    signature: str = "",
) -> None:
    """The maps under the filters of the selection, and how many points they show."""
    chosen = session.current()
    flat = keys[0].n_dims == 2
    chart = f"{key}_{keys[0].n_dims}"
    panels, facts = [], []
    for side, one in zip(sides, keys, strict=True):
        panel, counted = filtered(one, (*chosen.items, *found))
        if star is None and chosen.lines:
            joined, n_joined = pair_lines(page, panel.points)
            panel = replace(panel, joined=joined)
            counted = f"{counted}, {n_joined}"
        panels.append(replace(panel, title=side.title))
        facts.append(counted)
    if star is not None:
        made = query_map.figure(
            panels[0].points, panels[0].classes, star, dark=widgets.dark(), found=found
        )
    else:
        made = maps.figure(panels, dark=widgets.dark(), highlighted=chosen.items)
    widgets.show(
        made,
        page,
        name,
        title,
        key=chart,
        on_select=(lambda: map_selection.select(chart, keys[0].handle)) if flat else None,
        modes=("points", "box", "lasso") if flat else ("points",),
        table=lambda: table(keys, [panel.points for panel in panels]),
        signature=signature,
    )
    if not flat:
        browser.clicks(chart, cards.open_item)
    same = len(set(facts)) == 1
    titled = [f"{side.title}: {fact}" for side, fact in zip(sides, facts, strict=True)]
    widgets.small(f"{facts[0]} on each map" if same else "; ".join(titled))


def filtered(key: data.MapKey, keep: Sequence[str] = ()) -> tuple[Panel, str]:
    """A map under the filters of the selection, and how many points it shows of how many."""
    chosen = session.current()
    classes = data.study(key.handle).classes
    whole = data.map_points(*key)
    rows = [classes.index(name) for name in chosen.classes if name in classes]
    matching = whole.filtered(rows, chosen.modalities, chosen.subsets)
    most = len(matching) if chosen.all_points else map_points.MAX_DRAWN
    points = matching.sample(most, keep=keep)
    counted = f"{len(matching):,} of {len(whole):,} points"
    if len(points) < len(matching):
        counted += f", {len(points):,} of them drawn"
    return Panel("", points, classes, whole.bounds), counted


def table(keys: Sequence[data.MapKey], shown: Sequence[map_points.MapPoints]) -> pd.DataFrame:
    """The points of the maps below each other."""
    return pd.concat(
        data.points_table(key.handle, points).assign(space=key.space)
        for key, points in zip(keys, shown, strict=True)
    )


def pair_lines(page: Page, points: map_points.MapPoints) -> tuple[np.ndarray, str]:
    """`(k, 2) int64`: the rows of the points to join; and how many of how many they are."""
    index = pd.Index(points.item_ids)
    rows = []
    for one, other in itertools.combinations(page.modalities, 2):
        pairs = data.pairs(page.handle, one, other)
        rows.append(np.stack([index.get_indexer(pairs[one]), index.get_indexer(pairs[other])], 1))
    joined = np.concatenate([maps.NO_PAIRS, *rows])
    joined = joined[(joined >= 0).all(axis=1)]
    if not len(joined):
        return joined, "no pair has both its items on the map"
    if len(joined) <= MAX_LINES:
        return joined, f"{len(joined):,} pairs joined"
    some = np.random.default_rng(0).choice(len(joined), MAX_LINES, replace=False)
    return joined[np.sort(some)], f"{MAX_LINES:,} of {len(joined):,} pairs joined, drawn at random"
