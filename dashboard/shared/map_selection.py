"""The items that a click or a lasso on a map selects, as media cards."""

import streamlit as st

from core.retrieval.embedder import evenly_spaced
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, open_items, widgets

LASSO = "lasso_items"


def select(key: str, handle: data.Handle) -> None:
    """Open the items selected on the map with this key, of those that the study has."""
    known = data.items(handle).index
    found = [item_id for item_id in session.selected(key) if item_id in known]
    st.session_state[LASSO] = found
    session.change(items=evenly(found))


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
    lasso = st.session_state.get(LASSO, [])
    title = "1 item" if len(shown) == 1 else f"{len(shown)} items"
    if len(lasso) > len(shown) and set(shown) == set(evenly(lasso)):
        title = f"{len(shown)} of the {len(lasso):,} selected items, evenly spread over them"
    open_items.show(page, key=key, title=title)
