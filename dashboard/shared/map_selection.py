"""What a click or a lasso on a map caught, as media cards."""

from typing import Any

import numpy as np
import streamlit as st

from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, widgets

LASSO = "lasso_items"


def take(key: str, handle: data.Handle) -> None:
    """What a click or lasso on a map caught becomes the open items, of those the study has."""
    there = data.items(handle).index
    found = [item_id for item_id in caught(st.session_state.get(key)) if item_id in there]
    st.session_state[LASSO] = found
    session.change(items=tuple(spread(found, state.MAX_ITEMS)))


def caught(event: Any) -> list[str]:
    """The item ids of a selection event, in the order of the points, each once."""
    selection = (event or {}).get("selection") or {}
    ids: list[str] = []
    for point in selection.get("points") or []:
        value = point.get("customdata")
        if isinstance(value, (list, tuple)):
            value = value[0] if value else None
        if isinstance(value, str):
            ids.append(value)
    return list(dict.fromkeys(ids))


def spread(found: list[str], n: int) -> list[str]:
    """At most `n` of them, evenly from the whole, so that not only the first are seen."""
    if len(found) <= n:
        return found
    return [found[row] for row in np.linspace(0, len(found) - 1, n).round().astype(int)]


def show(page: Page) -> None:
    """The cards of the open items, and how many of how many they are."""
    shown = page.selection.items
    if not shown:
        return
    with st.sidebar:  # in view wherever the page is scrolled to
        widgets.kicker("picked")
        cards.card(page.handle, shown[0], key="aside")
    whole = [name for name in st.session_state.get(LASSO, []) if name in page.study.items().index]
    n = len(whole) if set(shown) <= set(whole) else len(shown)
    with st.container(horizontal=True, vertical_alignment="center"):
        text = "1 item" if n == 1 else f"{n:,} items"
        if n > len(shown):
            text = f"{len(shown)} of the {n:,} items caught, evenly drawn from them"
        widgets.kicker(text)
        st.button("Close", type="tertiary", icon=":material/close:", on_click=close)
    cards.picked(page.handle, page.encoder_set, shown, key="map")


def close() -> None:
    st.session_state.pop(LASSO, None)
    cards.close_items()
