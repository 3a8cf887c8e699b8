"""Two invisible components for events of the browser that Streamlit does not report.

`clicks` sends the `customdata` of a clicked point back: `st.plotly_chart` does so only for flat
figures without animation. `theme` draws the page again when the theme changes: figures are drawn
on the server in the colours of the theme.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st


def clicks(figure_key: str, on_click: Callable[[str], None]) -> None:
    """Call `on_click(customdata)` when a point of the figure with this key is clicked."""
    name = f"clicks_{figure_key}"

    def clicked() -> None:
        event: Any = st.session_state.get(name)
        value = event.get("item") if event else None
        if isinstance(value, str):
            on_click(value)

    mount = st.components.v2.component("figure_clicks", js=_script("figure_clicks"))
    mount(key=name, data={"key": figure_key}, height=1, on_item_change=clicked)


def theme(dark: bool) -> None:
    """Draw the page again when the browser changes to the other theme."""
    mount = st.components.v2.component("theme_follower", js=_script("theme_follower"))
    mount(key="theme_follower", data={"dark": dark}, height=1, on_changed_change=lambda: None)


def _script(name: str) -> str:
    return Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8")
