"""A query's place on a map, with its results in rings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme
from core.figures.map_points import (
    NO_CLASS,
    MapPoints,
    coordinates,
    markers,
    modality_legend,
    rings,
)

HEIGHT_PX = 380
OPACITY = 0.5


def figure(
    points: MapPoints,
    classes: Sequence[str],
    star: np.ndarray,
    *,
    dark: bool = False,
    found: Sequence[str] = (),
) -> go.Figure:
    """A flat map with the query as a star and its results in rings.

    It has one trace per modality, because it is drawn anew for every query and must be made in
    milliseconds.

    Parameters
    ----------
    classes : every class, in the order that `points.class_row` counts
    star : (2,), the query
    found : item ids of the results
    """
    ink = theme.ink(dark)
    modalities = [name for name in theme.MARKERS if (points.modality == name).any()]
    traces = [_points(points.where(points.modality == name), classes, name) for name in modalities]
    traces += modality_legend(modalities, dark)
    ringed = np.isin(points.item_ids, np.asarray(found, dtype=object))
    query = {
        **coordinates(np.asarray(star, dtype=float)[None]),
        "name": "your query",
        "hovertemplate": "your query<extra></extra>",
        "marker": {
            "symbol": "star",
            "size": 20,
            "color": ink.text,
            "line": {"width": 2, "color": ink.paper},
        },
    }
    return common.figure(
        dark,
        HEIGHT_PX,
        data=[
            {"type": "scattergl", "mode": "markers", **trace}
            for trace in (*traces, rings(points.xyz[ringed], 15, "found", dark), query)
        ],
        layout={
            "xaxis": common.HIDDEN_AXIS,
            "yaxis": {**common.HIDDEN_AXIS, "scaleanchor": "x", "scaleratio": 1},
            "dragmode": "pan",
            "clickmode": "event+select",
            "hovermode": "closest",
            "margin": {"l": 0, "r": 0, "t": 34, "b": 26},
            "legend": {"itemclick": False, "itemdoubleclick": False, "itemsizing": "trace"},
        },
    )


def _points(points: MapPoints, classes: Sequence[str], modality: str) -> dict[str, Any]:
    """The points of one modality."""
    n_colours = len(classes) + 1  # the first is that of `NO_CLASS`
    palette = [theme.class_colour(row) for row in range(-1, len(classes))]
    scale = [
        [place / n_colours, colour]
        for row, colour in enumerate(palette)
        for place in (row, row + 1)
    ]
    trace = markers(
        points.xyz,
        points.item_ids,
        modality,
        theme.MODALITY_PLURALS[modality],
        size_px=6,
        colour=(points.class_row + 1).astype(np.int16),
        opacity=OPACITY,
    )
    trace["marker"] |= {"colorscale": scale, "cmin": -0.5, "cmax": n_colours - 0.5}
    names = np.array([NO_CLASS, *(common.safe(name) for name in classes)], dtype=object)
    fade = {"marker": {"opacity": OPACITY}}
    return {**trace, "text": names[points.class_row + 1], "selected": fade, "unselected": fade}
