"""Maps of spaces side by side, in two or three dimensions: colour = class, marker = modality.

All panels are one figure: a browser then makes half as many WebGL contexts and compiles half as
many shaders, which takes most of the time at 50,000 points. Flat maps have one trace per class and
modality, each of one colour, because Plotly parses every colour of a many-coloured trace (measured
on 50,000 points in two maps, on a busy machine: 12 s of script with one trace per modality, 6 s
this way). Coordinates travel as binary; `customdata` carries each point's `item_id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme
from core.figures.map_points import (
    NO_CLASS,
    MapPoints,
    markers,
    modality_legend,
    pair_lines,
    rings,
)

HEIGHT_PX = 570
GAP = 0.02  # between panels, as a share of the width
NO_PAIRS = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Panel:
    """One map.

    Attributes
    ----------
    classes : every class, in the order that `points.class_row` counts
    bounds : (2, n_dims), the ends of the axes; give those of all points, so that filters do not
        move the map
    joined : (k, 2) int64, rows of `points` to join by a line: the two items of a pair
    """

    title: str
    points: MapPoints
    classes: Sequence[str]
    bounds: np.ndarray | None = None
    joined: np.ndarray = field(default_factory=lambda: NO_PAIRS)


def figure(
    panels: Sequence[Panel], *, dark: bool = False, highlighted: Sequence[str] = ()
) -> go.Figure:
    """Maps side by side; items with an id in `highlighted` get a ring in each of them."""
    n_dims = panels[0].points.n_dims
    modalities = [
        name
        for name in theme.MARKERS
        if any((panel.points.modality == name).any() for panel in panels)
    ]
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "uirevision": f"map{n_dims}",
        "dragmode": "pan" if n_dims == 2 else "orbit",
        "clickmode": "event+select",
        "hovermode": "closest",
        "margin": {"l": 0, "r": 0, "t": 62, "b": 26},
        "legend": {"itemclick": False, "itemdoubleclick": False, **common.LEGEND_ON_TOP},
        "annotations": [],
    }
    width = (1 - GAP * (len(panels) - 1)) / len(panels)
    for number, panel in enumerate(panels):
        left = number * (width + GAP)
        suffix = "" if number == 0 else str(number + 1)
        axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        place = {"scene": f"scene{suffix}"} if n_dims == 3 else axes
        traces += [trace | place for trace in _traces(panel, dark, highlighted)]
        layout |= _axes(panel, suffix, [left, left + width])
        title = {
            "text": common.safe(panel.title),
            "xref": "paper",
            "yref": "paper",
            "x": left,
            "y": 1.0,
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": theme.TITLE_PX},
        }
        layout["annotations"].append(title)
    kind = {"type": "scatter" if n_dims == 2 else "scatter3d"}
    traces += [kind | trace for trace in modality_legend(modalities, dark, n_dims)]
    return common.figure(dark, HEIGHT_PX, data=traces, layout=layout)


def _axes(panel: Panel, suffix: str, domain: list[float]) -> dict[str, Any]:
    """The layout of a panel's axes: hidden, with the range of the panel's bounds."""
    ranges: list[dict[str, Any]] = [{}] * panel.points.n_dims
    if panel.bounds is not None:
        ranges = [{"range": _padded(low, high)} for low, high in panel.bounds.T.tolist()]
    if panel.points.n_dims == 3:
        scene: dict[str, Any] = {"domain": {"x": domain, "y": [0, 1]}, "aspectmode": "data"}
        if panel.bounds is not None:
            scene["aspectmode"] = "cube"
            scene |= {f"{axis}axis": ends for axis, ends in zip("xyz", ranges, strict=True)}
        return {f"scene{suffix}": scene}
    across = common.HIDDEN_AXIS | {"domain": domain, "anchor": f"y{suffix}"} | ranges[0]
    up = common.HIDDEN_AXIS | {"anchor": f"x{suffix}", "scaleanchor": f"x{suffix}"} | ranges[1]
    return {f"xaxis{suffix}": across, f"yaxis{suffix}": up}


def _padded(low: float, high: float) -> list[float]:
    pad = 0.04 * max(high - low, 1e-6)
    return [low - pad, high + pad]


def _traces(panel: Panel, dark: bool, highlighted: Sequence[str]) -> list[dict[str, Any]]:
    points = panel.points
    names = [common.safe(name) for name in panel.classes]
    size = _marker_px(len(points), points.n_dims)
    kind = {"type": "scattergl" if points.n_dims == 2 else "scatter3d"}
    traces = []
    if len(panel.joined):
        traces.append(kind | pair_lines(points.xyz, panel.joined, dark, (0.05, 0.45)))
    if points.n_dims == 3:
        traces += [
            _cloud(points, rows, names, modality, size)
            for modality in theme.MARKERS
            if len(rows := np.flatnonzero(points.modality == modality))
        ]
    else:
        for number in range(-1, len(names)):  # classes outside: no modality covers the other
            for modality in theme.MARKERS:
                rows = np.flatnonzero((points.modality == modality) & (points.class_row == number))
                if len(rows):
                    name = names[number] if number >= 0 else NO_CLASS
                    traces.append(_flat(points, rows, number, name, modality, size))
    ringed = np.flatnonzero(np.isin(points.item_ids, np.asarray(highlighted, dtype=object)))
    if len(ringed):
        ring = rings(points.xyz[ringed], size * 2 + 6, "highlighted", dark)
        traces.append({**kind, **ring, "showlegend": False})
    return traces


def _marker_px(n: int, n_dims: int) -> float:
    """Smaller the more points there are."""
    size = float(np.clip(11.5 - 1.9 * np.log10(max(n, 1)), 2.8, 8.0))
    return size if n_dims == 2 else max(2.0, size * 0.6)


def _flat(
    points: MapPoints, rows: np.ndarray, number: int, name: str, modality: str, size_px: float
) -> dict[str, Any]:
    """The points of one class and modality in two dimensions."""
    opacity = _opacity(points)
    fade = {"marker": {"opacity": opacity}}
    trace = markers(
        points.xyz[rows],
        points.item_ids[rows],
        modality,
        f"{name}, {theme.MODALITY_PLURALS[modality]}",
        size_px=size_px * (1.15 if modality == "image" else 1.0),  # a diamond looks smaller
        colour=theme.class_colour(number),
        opacity=opacity,
        hover_name=name,
        hover_ids=True,
    )
    return {"type": "scattergl", **trace, "selected": fade, "unselected": fade}


def _cloud(
    points: MapPoints, rows: np.ndarray, names: Sequence[str], modality: str, size_px: float
) -> dict[str, Any]:
    """The points of one modality in three dimensions, where a trace may have many colours."""
    numbers = points.class_row[rows]
    palette = np.array([theme.class_colour(row) for row in range(-1, len(names))], dtype=object)
    trace = markers(
        points.xyz[rows],
        points.item_ids[rows],
        modality,
        theme.MODALITY_PLURALS[modality],
        size_px=size_px * (0.7 if modality == "image" else 1.0),  # here a diamond looks larger
        colour=palette[numbers + 1],
        opacity=_opacity(points),
        hover_ids=True,
    )
    labels = np.array([NO_CLASS, *names], dtype=object)
    return {"type": "scatter3d", **trace, "text": labels[numbers + 1]}


def _opacity(points: MapPoints) -> float:
    return 0.78 if len(points) < 20_000 else 0.6
