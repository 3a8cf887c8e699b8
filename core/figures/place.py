"""A query's place on a map, and what the systems say of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme

HEIGHT_PX = 380
N_CLASSES = 5
OPACITY = 0.5


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
    """A flat map with the query as a star and what it found in rings.

    `xyz (n, 2)`, `item_ids, modality, class_row (n,)` as in `maps.map_figure`, but one trace
    a modality: it is drawn anew for every query and must be made in milliseconds. `star (2,)`.
    """
    colours = theme.ink(dark)
    kinds = [kind for kind in theme.MARKERS if (modality == kind).any()]
    clouds = []
    for kind in kinds:
        rows = np.flatnonzero(modality == kind)
        clouds.append(_points(xyz[rows], item_ids[rows], class_row[rows], classes, kind))
    marks = [  # in no class's colour, for the legend
        {
            "x": [None],
            "y": [None],
            "name": theme.MODALITY_PLURALS[kind],
            "hoverinfo": "skip",
            "marker": {"symbol": theme.MARKERS[kind], "size": 8, "color": colours.muted},
        }
        for kind in kinds
    ]
    ringed = np.flatnonzero(np.isin(item_ids, np.asarray(found, dtype=object)))
    line = {"width": 2, "color": colours.text}
    rings = {
        "x": xyz[ringed, 0],
        "y": xyz[ringed, 1],
        "name": "found",
        "hoverinfo": "skip",
        "marker": {"symbol": "circle-open", "size": 15, "color": colours.text, "line": line},
    }
    line = {"width": 2, "color": colours.paper}
    query = {
        "x": [float(star[0])],
        "y": [float(star[1])],
        "name": "your query",
        "hovertemplate": "your query<extra></extra>",
        "marker": {"symbol": "star", "size": 20, "color": colours.text, "line": line},
    }
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False}
    return common.figure(
        dark,
        HEIGHT_PX,
        data=[
            {"type": "scattergl", "mode": "markers", **trace}
            for trace in (*clouds, *marks, rings, query)
        ],
        layout={
            "xaxis": hidden,
            "yaxis": {**hidden, "scaleanchor": "x", "scaleratio": 1},
            "dragmode": "pan",
            "clickmode": "event+select",
            "hovermode": "closest",
            "margin": {"l": 0, "r": 0, "t": 34, "b": 26},
            "legend": {"itemclick": False, "itemdoubleclick": False, "itemsizing": "trace"},
        },
    )


def _points(
    xyz: np.ndarray, item_ids: np.ndarray, class_row: np.ndarray, classes: Sequence[str], kind: str
) -> dict[str, Any]:
    """The points of one modality."""
    n_colours = len(classes) + 1  # the first is "no single class"
    palette = [theme.class_colour(row) for row in range(-1, len(classes))]
    scale = [
        [place / n_colours, colour]
        for row, colour in enumerate(palette)
        for place in (row, row + 1)
    ]
    names = np.array(["no single class", *(common.safe(name) for name in classes)], dtype=object)
    fade = {"marker": {"opacity": OPACITY}}
    return {
        "x": xyz[:, 0],
        "y": xyz[:, 1],
        "showlegend": False,
        "text": names[class_row + 1],
        "customdata": item_ids,
        "hovertemplate": f"<b>%{{text}}</b> · {theme.MODALITY_NAMES[kind]}<extra></extra>",
        "marker": {
            "symbol": theme.MARKERS[kind],
            "size": 6,
            "color": (class_row + 1).astype(np.int16),
            "colorscale": scale,
            "cmin": -0.5,
            "cmax": n_colours - 0.5,
            "opacity": OPACITY,
            "line": {"width": 0},
        },
        "selected": fade,
        "unselected": fade,
    }


def class_scores(scores: pd.DataFrame, chance: float, dark: bool) -> go.Figure:
    """The five classes that some system votes for most, a bar a system, and an even vote.

    `scores`: `system, class, score`; `chance` is one class's share of an even vote.
    """
    wide = scores.set_index(["class", "system"])["score"].unstack("system")
    order = wide.max(axis=1).sort_values(ascending=False, kind="stable").index[:N_CLASSES]
    systems = [name for name in reversed(theme.SYSTEMS) if name in wide.columns]
    top = min(1.02, max(0.2, 1.15 * float(np.nanmax(wide.loc[order].to_numpy()))))
    bars = [
        {
            "type": "bar",
            "y": [common.safe(name) for name in order],
            "x": wide.loc[order, system].to_numpy(),
            "orientation": "h",
            "name": system,
            "marker": {"color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            "hovertemplate": f"%{{y}}, {system}: %{{x:.0%}} of the votes<extra></extra>",
        }
        for system in systems
    ]
    even_vote = {
        "type": "line",
        "x0": chance,
        "x1": chance,
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": {"dash": "dot", "width": 1, "color": theme.ink(dark).muted},
    }
    return common.figure(
        dark,
        HEIGHT_PX,
        data=bars,
        layout={
            "barmode": "group",
            "bargap": 0.3,
            "margin": {"l": 8, "r": 8, "t": 34, "b": 62},
            "legend": {"traceorder": "normal"},
            "shapes": [even_vote],
            "yaxis": {"autorange": "reversed", "showgrid": False},
            "xaxis": {
                "title": {"text": "share of the forest's votes"},
                "range": [0, top],
                "tickformat": ".0%",
            },
        },
    )
