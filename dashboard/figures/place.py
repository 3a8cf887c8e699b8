"""A query's place on a map, and what the systems say of it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.figures import common, maps

HEIGHT_PX = 380
N_CLASSES = 5


def place(
    xyz: np.ndarray,
    item_ids: np.ndarray,
    modality: np.ndarray,
    class_row: np.ndarray,
    classes: Sequence[str],
    star: np.ndarray,
    *,
    dark: bool,
    found: Sequence[str] = (),
) -> go.Figure:
    """A flat map with the query as a star and what it found in rings; see ``maps.map_figure``.

    ``star (2,)``.
    """
    made = maps.map_figure(xyz, item_ids, modality, class_row, classes, dark=dark, picked=found)
    made.update_traces(opacity=0.55, selector={"name": "sounds"})
    made.update_traces(opacity=0.55, selector={"name": "pictures"})
    made.update_traces(name="found", selector={"name": "picked"})
    colours = theme.ink(dark)
    made.add_scattergl(
        x=[float(star[0])],
        y=[float(star[1])],
        mode="markers",
        name="your query",
        hovertemplate="your query<extra></extra>",
        marker={
            "symbol": "star",
            "size": 20,
            "color": colours.text,
            "line": {"width": 2, "color": colours.paper},
        },
    )
    made.update_layout(height=HEIGHT_PX, uirevision="place")
    return made


def class_scores(scores: pd.DataFrame, chance: float, dark: bool) -> go.Figure:
    """The five classes that some system votes for most, a bar a system, and an even vote.

    ``scores``: ``system, class, score``; ``chance`` is one class's share of an even vote.
    """
    wide = scores.pivot_table(index="class", columns="system", values="score", aggfunc="first")
    order = wide.max(axis=1).sort_values(ascending=False, kind="stable").index[:N_CLASSES]
    systems = [name for name in ("MMT", "MMP", "SMA", "SMI") if name in wide.columns]
    made = common.figure(dark, HEIGHT_PX)
    for system in systems:
        made.add_bar(
            y=[common.safe(name) for name in order],
            x=wide.loc[order, system],
            orientation="h",
            name=system,
            marker={"color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            hovertemplate=f"%{{y}}, {system}: %{{x:.0%}} of the votes<extra></extra>",
        )
    made.update_layout(
        barmode="group",
        bargap=0.3,
        margin={"l": 8, "r": 8, "t": 34, "b": 62},
        legend={"traceorder": "normal"},
    )
    made.add_vline(x=chance, line={"dash": "dot", "width": 1, "color": theme.ink(dark).muted})
    made.update_yaxes(autorange="reversed", showgrid=False)
    top = min(1.02, max(0.2, 1.15 * float(np.nanmax(wide.loc[order].to_numpy()))))
    made.update_xaxes(title_text="share of the forest's votes", range=[0, top], tickformat=".0%")
    return made
