"""Helpers of all figures: the template, escaped text, subplots, the provenance line, the export.

Every label is data. Plotly reads a little HTML in titles, ticks and hover texts, so each label
goes through `safe` first.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import theme

HIDDEN_AXIS = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": {"text": ""}}
LEGEND_ON_TOP = {"yref": "container", "y": 0.995, "yanchor": "top"}
MARGIN_PX = {"l": 8, "r": 8, "t": 40, "b": 58}


def safe(text: object) -> str:
    """A text that Plotly shows letter by letter, without reading markup or `%{...}` in it."""
    return html.escape(str(text), quote=True).replace("\n", " ").replace("%{", "%&#123;")


def cut(text: str, n_letters: int) -> str:
    """A text of at most `n_letters`; a longer one ends in an ellipsis."""
    return text if len(text) <= n_letters else text[: n_letters - 1].rstrip() + "…"


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
    """A figure with the project's template.

    Traces and layout can be given as plain values: Plotly then checks all of them once, which
    takes a third of the time of adding them one by one.
    """
    values: dict[str, Any] = {
        "template": theme.template(dark),
        "height": height_px,
        "margin": {"t": 44 if title else 16},
        **(layout or {}),
    }
    if title:
        values["title"] = {"text": safe(title)}
    return go.Figure(data=list(data), layout=values)


def subplots(dark: bool, height_px: int, **grid: Any) -> go.Figure:
    """A figure of several panels; `grid` are the arguments of `plotly.subplots.make_subplots`."""
    fig = make_subplots(**grid)
    fig.update_annotations(font={"size": theme.BODY_PX, "color": theme.ink(dark).muted}, yshift=2)
    return fig.update_layout(template=theme.template(dark), height=height_px, margin=MARGIN_PX)


def named_axis(names: Sequence[str], down: bool = False) -> dict[str, Any]:
    """An axis with a name at each of the places 0, 1, …, from the top when it goes `down`."""
    ends = [-0.5, len(names) - 0.5]
    return {
        "tickvals": list(range(len(names))),
        "ticktext": list(names),
        "range": ends[::-1] if down else ends,
    }


def vertical_line(fig: go.Figure, x: float, text: str, dark: bool, **line: Any) -> None:
    """A dashed vertical line with a small text at its upper end."""
    fig.add_vline(
        x=x,
        line={"dash": "dash", "color": theme.ink(dark).muted, **line},
        annotation={
            "text": text,
            "font": {"size": theme.SMALL_PX, "color": theme.ink(dark).muted},
        },
    )


def add_provenance(fig: go.Figure, text: str, dark: bool) -> go.Figure:
    """Write the provenance into the lower right corner, so that exports carry it."""
    return fig.add_annotation(
        text=safe(text),
        xref="paper",
        yref="paper",
        x=1.0,
        y=0.0,
        yanchor="top",
        xanchor="right",
        yshift=-(int(fig.layout.margin.b or 40) - 14),
        showarrow=False,
        font={"size": 9, "color": theme.with_alpha(theme.ink(dark).muted, 0.75)},
    )


def config(name: str, picture: str = "png", lasso: bool = False) -> dict[str, Any]:
    """Plotly's settings: the tools of the mode bar, name and format of a saved picture."""
    removed = ["autoScale2d", "zoomIn2d", "zoomOut2d", "resetCameraLastSave3d"]
    if not lasso:
        removed += ["select2d", "lasso2d"]
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": removed,
        "scrollZoom": lasso,
        "toImageButtonOptions": {"format": picture, "filename": name, "scale": 2},
    }


def to_html(fig: go.Figure, title: str, provenance: dict[str, str], dark: bool) -> bytes:
    """A page that opens without a network: the figure and its provenance."""
    body = fig.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
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
