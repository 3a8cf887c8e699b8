"""Plotly figures on a page: drawn and turned into JSON once for all visitors, then only sent.

    charts.plot(partial(bars.class_counts, counted, classes, dark), signature, dark, key="counts")

A figure takes Plotly up to half a second of processor. It depends on its arguments alone, so
equal arguments find the figure that was drawn for somebody else.
"""

import functools
import json
from typing import Any

import plotly.graph_objects as go
import plotly.io
import streamlit as st
from plotly.basedatatypes import BaseFigure

from core.figures import common
from core.kept import content_key, last_used

Undrawn = functools.partial[go.Figure]
MOST_KEPT = 128
DRAWN = last_used(MOST_KEPT)


class Drawn(BaseFigure):
    """A finished figure as plain values, which Plotly neither checks nor converts again."""

    def __init__(self, values: dict[str, Any]) -> None:
        object.__setattr__(self, "values", values)

    def to_dict(self) -> dict[str, Any]:
        return dict(self.values)


def whole(made: go.Figure | Undrawn, signature: str, dark: bool) -> go.Figure:
    """The figure itself, with its signature in the corner."""
    figure = go.Figure(made) if isinstance(made, go.Figure) else made()
    return common.add_provenance(figure, signature, dark)


def drawn(made: go.Figure | Undrawn, signature: str, dark: bool) -> BaseFigure:
    """The figure as it is sent. One that is not drawn yet is drawn once and kept."""

    def draw() -> Drawn:
        figure = whole(made, signature, dark)
        return Drawn(json.loads(plotly.io.to_json(figure, validate=False)))

    if isinstance(made, go.Figure):
        return whole(made, signature, dark)
    return DRAWN.get(content_key(made, signature, dark), draw)


def plot(made: go.Figure | Undrawn, signature: str, dark: bool, **settings: Any) -> None:
    """Show a figure; `settings` are those of `st.plotly_chart`."""
    st.plotly_chart(drawn(made, signature, dark), theme=None, width="stretch", **settings)
