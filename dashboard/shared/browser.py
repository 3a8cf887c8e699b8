"""What the browser knows and Streamlit does not tell: two components without looks of their own.

`st.plotly_chart` reports the selections of flat figures that hold still: `clicks` finds any
figure by its key and sends the `customdata` of a clicked point back. And figures are drawn on the
server in the colours of the theme, but turning the theme over draws no page anew: `theme` does.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

CLICKS = """
export default function ({ data, setTriggerValue }) {
  // Plotly's own click of a three-dimensional figure needs the pointer to rest on the point
  // while pressed; what is hovered when the pointer goes down and up in one place is surer.
  let graph = null, hovered = null, down = null;
  const hover = (event) => { hovered = event.points?.[0]?.customdata ?? null; };
  const unhover = () => { hovered = null; };
  const press = (event) => { down = { x: event.clientX, y: event.clientY, item: hovered }; };
  const release = (event) => {
    if (!down) return;
    const moved = Math.hypot(event.clientX - down.x, event.clientY - down.y);
    const item = down.item ?? hovered;
    down = null;
    if (moved < 5 && item !== null) setTriggerValue("item", String(item));
  };
  const detach = () => {
    graph?.removeListener?.("plotly_hover", hover);
    graph?.removeListener?.("plotly_unhover", unhover);
    graph?.removeEventListener("pointerdown", press, true);
    document.removeEventListener("pointerup", release, true);
  };
  const attach = () => {
    const found = document.querySelector(`.st-key-${data.key} .js-plotly-plot`);
    if (!found || found === graph || !found.on) return;
    detach();
    graph = found;
    graph.on("plotly_hover", hover);
    graph.on("plotly_unhover", unhover);
    graph.addEventListener("pointerdown", press, true);
    document.addEventListener("pointerup", release, true);  // a flat figure is covered by then
  };
  attach();
  const timer = setInterval(attach, 300);  // the figure may come later, or be drawn anew
  return () => { clearInterval(timer); detach(); };
}
"""


THEME = """
export default function ({ data, setTriggerValue }) {
  let asked = data.dark;
  const look = () => {
    const app = document.querySelector(".stApp");
    const rgb = app && getComputedStyle(app).backgroundColor.match(/[0-9.]+/g)?.map(Number);
    if (!rgb || rgb.length < 3) return;
    const dark = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 128;
    if (dark !== asked) { asked = dark; setTriggerValue("changed", dark ? "dark" : "light"); }
  };
  const timer = setInterval(look, 500);
  return () => clearInterval(timer);
}
"""


def clicks(figure_key: str, on_click: Callable[[str], None]) -> None:
    """Call `on_click(customdata)` when a point of the figure with this key is clicked."""
    name = f"clicks_{figure_key}"

    def clicked() -> None:
        event: Any = st.session_state.get(name)
        value = event.get("item") if event else None
        if isinstance(value, str):
            on_click(value)

    mount = st.components.v2.component("figure_clicks", js=CLICKS)
    mount(key=name, data={"key": figure_key}, height=1, on_item_change=clicked)


def theme(dark: bool) -> None:
    """Draw the page again when the browser's theme is no longer the one it was drawn in."""
    mount = st.components.v2.component("theme_follower", js=THEME)
    mount(key="theme_follower", data={"dark": dark}, height=1, on_changed_change=lambda: None)
