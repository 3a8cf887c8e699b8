"""What all figures share: the template, safe text, the signature in the corner, the export.

Arrays in, Plotly figures out; no Streamlit in this folder. Every label is data: `safe` it
before it goes into a title, a tick or a hover text, for Plotly reads a little HTML there.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures import theme


def safe(text: object) -> str:
    """A text as Plotly shall show it, letter by letter."""
    return html.escape(str(text), quote=True).replace("\n", " ").replace("%{", "%&#123;")


def file_name(*parts: object) -> str:
    """A file name of letters, digits, `-` and `_`."""
    words = [re.sub(r"[^A-Za-z0-9]+", "-", str(part)).strip("-").lower() for part in parts]
    return "_".join(word for word in words if word)[:120] or "figure"


def figure(
    dark: bool,
    height_px: int,
    title: str = "",
    *,
    data: Sequence[Mapping[str, Any]] = (),
    layout: Mapping[str, Any] | None = None,
) -> go.Figure:
    """A figure in the house's template; `title` is taken as data.

    Traces and layout may be given as plain values: Plotly then checks all of them once, which
    takes a third of the time of adding them one by one.
    """
    whole: dict[str, Any] = {
        "template": theme.template(dark),
        "height": height_px,
        "margin": {"t": 44 if title else 16},
        **(layout or {}),
    }
    if title:
        whole["title"] = {"text": safe(title)}
    return go.Figure(data=list(data), layout=whole)


def sign(made: go.Figure, text: str, dark: bool) -> go.Figure:
    """Write where the figure comes from into its lower right corner, so that exports carry it."""
    made.add_annotation(
        text=safe(text),
        xref="paper",
        yref="paper",
        x=1.0,
        y=0.0,
        yanchor="top",
        xanchor="right",
        yshift=-(int(made.layout.margin.b or 40) - 14),
        showarrow=False,
        font={"size": 9, "color": theme.with_alpha(theme.ink(dark).muted, 0.75)},
    )
    return made


def config(name: str, picture: str = "png", lasso: bool = False) -> dict[str, Any]:
    """Plotly's own settings: which tools, and what the camera writes."""
    removed = ["autoScale2d", "zoomIn2d", "zoomOut2d", "resetCameraLastSave3d"]
    if not lasso:
        removed += ["select2d", "lasso2d"]
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": removed,
        "scrollZoom": lasso,
        "toImageButtonOptions": {"format": picture, "filename": name, "scale": 2},
    }


def to_html(made: go.Figure, title: str, provenance: dict[str, str], dark: bool) -> bytes:
    """A page of its own that opens without a network: the figure and where it comes from."""
    body = made.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    ink = theme.ink(dark)
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in provenance.items()
    )
    head = html.escape(f"{title} ({provenance.get('study', '')})")
    style = (
        "body{font:14px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;"
        f"background:{ink.paper};color:{ink.text}}}"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;font-size:12px}"
        "dt{opacity:.6}dd{margin:0;overflow-wrap:anywhere}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{head}</title>'
        f"<style>{style}</style></head><body><h1>{html.escape(title)}</h1>{body}"
        f"<dl>{rows}</dl></body></html>"
    ).encode()
