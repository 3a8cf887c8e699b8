"""Two invisible components for events of the browser that Streamlit does not report.

`clicks` sends the `customdata` of a clicked point back: `st.plotly_chart` does so only for flat
figures without animation. `theme` draws the page again when the theme changes: figures are drawn
on the server in the colours of the theme.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

CLICKS = """
export default function ({ data, setTriggerValue }) {
  // In three dimensions Plotly reports a click only if the pointer stays on the point while it is
  // pressed. The point hovered when the pointer goes down and up in one place is more reliable.
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
    document.addEventListener("pointerup", release, true);  // by then a flat figure is covered
  };
  attach();
  const timer = setInterval(attach, 300);  // the figure may come later, or be redrawn
  return () => { clearInterval(timer); detach(); };
}
"""

THEME = """
export default function ({ data, setTriggerValue }) {
  let drawn = data.dark;
  const look = () => {
    const app = document.querySelector(".stApp");
    const rgb = app && getComputedStyle(app).backgroundColor.match(/[0-9.]+/g)?.map(Number);
    if (!rgb || rgb.length < 3) return;
    const dark = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 128;
    if (dark !== drawn) { drawn = dark; setTriggerValue("changed", dark ? "dark" : "light"); }
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
    """Draw the page again when the browser changes to the other theme."""
    mount = st.components.v2.component("theme_follower", js=THEME)
    mount(key="theme_follower", data={"dark": dark}, height=1, on_changed_change=lambda: None)
