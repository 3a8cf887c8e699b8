"""The items that a click or a lasso on a map selects, as media cards."""

import base64
from typing import NamedTuple

import streamlit as st

from core.figures.map_files import rows_of_bits
from core.retrieval.embedder import evenly_spaced
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, open_items, widgets

LASSO, REOPENED = "lasso_items", "selection_reopened"
MOST_BITS = 8_000_000  # letters of a packed mask that are read


class Chosen(NamedTuple):
    """A selection made elsewhere, to be marked on the maps."""

    name: str
    item_ids: list[str]


def select(key: str, handle: data.Handle) -> None:
    """Open the items selected on the Plotly map with this key, of those that the study has."""
    known = data.items(handle).index
    open_some([item_id for item_id in session.selected(key) if item_id in known])


def select_bits(key: data.MapKey, bits: str) -> None:
    """Open the items selected on a WebGL map: `bits` is the packed mask of its rows in base64."""
    ids = data.row_ids(key)
    st.session_state.pop(REOPENED, None)
    if not bits:
        open_some([])
        return
    try:
        rows = rows_of_bits(base64.b64decode(bits[:MOST_BITS], validate=True), len(ids))
    except ValueError:  # not from this map: it has been computed anew
        return
    open_some(list(ids[rows]))


def open_some(found: list[str]) -> None:
    """Make these the selected items, and open some of them."""
    st.session_state[LASSO] = found
    session.change(items=evenly(found), saved=0)


def text_of(bits: bytes) -> str:
    """A packed mask as the text that the browser reads."""
    return base64.b64encode(bits).decode()


def reopened(handle: data.Handle) -> Chosen | None:
    """The selection to mark on the maps of a study."""
    found = st.session_state.get(REOPENED)
    return found if isinstance(found, Chosen) else None


def evenly(found: list[str], n: int = state.MAX_ITEMS) -> tuple[str, ...]:
    """At most `n` of them, evenly spaced over the whole."""
    return tuple(found[row] for row in evenly_spaced(len(found), n))


def show(page: Page, key: str) -> None:
    """The cards of the open items, and how many items were selected."""
    shown = session.current().items
    if not shown:
        return
    with st.sidebar:  # in view wherever the page is scrolled to
        widgets.kicker("selected")
        cards.card(page.handle, shown[0], key="aside")
    lasso = selected_items()
    title = "1 item" if len(shown) == 1 else f"{len(shown)} items"
    if len(lasso) > len(shown):
        title = f"{len(shown)} of the {len(lasso):,} selected items, evenly spread over them"
    open_items.show(page, key=key, title=title)


def selected_items() -> list[str]:
    """All items of the selection whose open items are on the page; empty without one."""
    lasso: list[str] = st.session_state.get(LASSO, [])
    return lasso if lasso and set(session.current().items) == set(evenly(lasso)) else []
