"""Clicks on points of a three-dimensional figure, which Streamlit itself does not report.

``st.plotly_chart`` knows the selections of flat figures alone. This component has no looks of
its own: it finds the figure of the given key on the page and sends the ``customdata`` of a
clicked point back.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

SCRIPT = """
export default function ({ data, setTriggerValue }) {
  const find = () => document.querySelector(`.st-key-${data.key} .js-plotly-plot`);
  let graph = null;
  const clicked = (event) => {
    const value = event.points?.[0]?.customdata;
    if (value !== undefined) setTriggerValue("item", String(value));
  };
  const attach = () => {
    const found = find();
    if (found && found !== graph && found.on) {
      graph?.removeListener?.("plotly_click", clicked);
      graph = found;
      graph.on("plotly_click", clicked);
    }
  };
  attach();
  const timer = setInterval(attach, 300);  // the figure may come later, or be drawn anew
  return () => {
    clearInterval(timer);
    graph?.removeListener?.("plotly_click", clicked);
  };
}
"""


def listen(figure_key: str, on_click: Callable[[str], None]) -> None:
    """Call ``on_click(customdata)`` when a point of the figure with this key is clicked."""
    name = f"clicks_{figure_key}"

    def clicked() -> None:
        event: Any = st.session_state.get(name)
        value = event.get("item") if event else None
        if isinstance(value, str):
            on_click(value)

    mount = st.components.v2.component("figure_clicks", js=SCRIPT)
    mount(key=name, data={"key": figure_key}, height=1, on_item_change=clicked)
