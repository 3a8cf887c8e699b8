"""Maps on a page: in WebGL, or drawn by Plotly where the browser has no WebGL.

    map_panel.show(page, [Side(page.handle, page.encoder_set, "translation", "Translation")],
                   key="map", name="map", title="Map of the translated space")

This is the one door to maps for all pages. Filters, colours and lassos work in the browser; a
click opens the item, as everywhere. Filters that a person sets on the map are in the address.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.map_files import bits_of_rows, on_map
from dashboard import data, session, state
from dashboard.map_component import description, mount
from dashboard.page import Page
from dashboard.shared import cards, item_preview, map_selection, plotly_maps, widgets

MISSING = "webgl_missing"
NO_WEBGL = (
    "This browser has no WebGL 2, so Plotly draws the maps: filters need the server, and only a "
    "part of a large map is drawn."
)


class Side(NamedTuple):
    """One map of a page: of a study, in a space."""

    handle: data.Handle
    encoder_set: str
    space: str
    title: str
    split: int = 0
    star: np.ndarray | None = None  # a query's place on this map, in the units of the stored map


class Score(NamedTuple):
    """A number of each item, by its id, that colours the points, and what it is called."""

    label: str
    values: pd.Series


def has_webgl() -> bool:
    """Whether the browser of this session can draw with WebGL, as far as is known."""
    return not st.session_state.get(MISSING, False)


def show(
    page: Page,
    sides: Sequence[Side],
    *,
    key: str,
    name: str,
    title: str,
    height_px: int = 560,
    method: str = "",
    n_dims: int = 2,
    found: Sequence[str] = (),
    star: np.ndarray | None = None,
    signature: str = "",
    look: dict[str, object] | None = None,
    compact: bool = False,
    score: Score | None = None,
) -> None:
    """Maps side by side under one selection.

    Parameters
    ----------
    name : of exported files
    title : for screen readers
    method : UMAP or t-SNE; by default that of the selection
    found : item ids to put rings around, besides the open items
    star : (n_dims,) a query's place on the first map, in the units of the stored map
    look : what is switched on at first: `colour`, `names`, `density`, `lines`, `tied`
    compact : a small map without legend, exports and filters
    score : colours the points until another colour is chosen

    Raises
    ------
    MissingArtefact
        A map has not been computed; the message names the command.
    """
    chosen = session.current()
    keys = [
        data.MapKey(
            one.handle, one.encoder_set, one.space, method or chosen.method, n_dims, one.split
        )
        for one in sides
    ]
    if not has_webgl():
        widgets.small(NO_WEBGL)
        plotly_maps.show(page, sides, keys, key, name, title, found, star, signature)
        return
    described = description.describe(
        keys, [one.title for one in sides], widgets.dark(), asked_columns(key)
    )
    first = keys[0]
    for one, drawn in zip(keys, described["maps"], strict=True):
        drawn["opened"] = data.rows_of(one, chosen.items)
        drawn["lit"] = data.rows_of(one, found)
        drawn["stars"] = []
    if star is not None:
        sides = [sides[0]._replace(star=star), *sides[1:]]
    for side, one, drawn in zip(sides, keys, described["maps"], strict=True):
        if side.star is not None:
            drawn["stars"] = [{"place": on_map(data.map_points(*one), side.star)}]
    described["suggested"] = None
    if score is not None:
        description.add_score(described, keys, score.label, score.values, widgets.dark())
    described |= {
        "title": title,
        "height": height_px,
        "filters": {
            "classes": () if compact else chosen.classes,
            "modalities": () if compact else chosen.modalities,
            "subsets": () if compact else chosen.subsets,
        },
        "parameters": {
            field: state.parameter(field) for field in ("classes", "modalities", "subsets")
        },
        "look": look or {},
        "compact": compact,
        "file": widgets.file_of(page, name),
        "provenance": signature or data.short_provenance(page.handle, page.encoder_set),
        "preview": key,
        "marked": marked(key, first),
        "only": only(page, first),
    }
    mount.mount(f"{key}_webgl", described, events(key, keys))
    item_preview.answer(key, keys, described["set_of_map"])


def asked_columns(key: str) -> set[str]:
    """The columns that the browser has asked for, to colour this map."""
    asked: set[str] = st.session_state.setdefault(f"{key}_columns", set())
    return asked


def only(page: Page, first: data.MapKey) -> dict[str, str] | None:
    """The saved selection whose items alone are drawn."""
    if not page.only:
        return None
    rows = np.array(data.rows_of(first, list(page.only)), dtype=np.int64)
    bits = bits_of_rows(rows, len(data.row_ids(first)))
    return {"key": str(page.selection.only), "bits": map_selection.text_of(bits)}


def marked(key: str, first: data.MapKey) -> dict[str, str] | None:
    """The selection to mark on the maps, if it was made elsewhere (a saved selection)."""
    chosen = map_selection.reopened(first.handle)
    if chosen is None:
        return None
    rows = np.array(data.rows_of(first, chosen.item_ids), dtype=np.int64)
    bits = bits_of_rows(rows, len(data.row_ids(first)))
    return {"key": chosen.name, "bits": map_selection.text_of(bits)}


def events(key: str, keys: Sequence[data.MapKey]) -> dict[str, Callable[[dict], None]]:
    """What happens with the events of the browser, by their names."""

    def map_of(sent: dict) -> data.MapKey:
        return next(one for one in keys if description.set_number(keys, one) == int(sent["set"]))

    def opened(sent: dict) -> None:
        ids = data.row_ids(map_of(sent))
        row = int(sent["row"])
        if 0 <= row < len(ids) and ids[row] in data.items(keys[0].handle).index:
            cards.open_item(str(ids[row]))

    def selected(sent: dict) -> None:
        map_selection.select_bits(map_of(sent), str(sent["bits"]))

    def column(sent: dict) -> None:
        asked_columns(key).add(str(sent["name"]))

    def missing(sent: dict) -> None:
        st.session_state[MISSING] = True

    return {"opened": opened, "selected": selected, "column": column, "missing": missing}


# -- controls that Plotly's maps need --------------------------------------------------------------


def filters(page: Page) -> None:
    """Where Plotly draws the maps: the filters, which the WebGL map has in itself."""
    if not has_webgl():
        plotly_maps.filters(page)
