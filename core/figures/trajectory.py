"""The moving map: validation pairs of the generation space, epoch by epoch (S figures 2, 5).

It has one trace per class and modality. Every frame has the same points in the same order, so that
the browser moves them. The markers are SVG, because Plotly does not move WebGL ones smoothly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme
from core.figures.map_points import (
    NO_CLASS,
    coordinates,
    markers,
    modality_legend,
    pair_lines,
)

HEIGHT_PX = 560
FRAME_MS, MOVE_MS = 550, 450
OPACITY = 0.85


@dataclass(frozen=True)
class MovingPoints:
    """The same n points in e epochs.

    Attributes
    ----------
    epochs : (e,) int
    xy : (e, n, 2) float32
    item_ids, modality : (n,) str
    class_row : (n,) int, position in the list of classes; -1 for no class or several
    joined : (k, 2) int64, rows of the two items of each pair
    """

    epochs: np.ndarray
    xy: np.ndarray
    item_ids: np.ndarray
    modality: np.ndarray
    class_row: np.ndarray
    joined: np.ndarray


def figure(
    points: MovingPoints, classes: Sequence[str], dark: bool = False, lines: bool = False
) -> go.Figure:
    """The map of the first epoch, with a play button and a slider; `lines` joins the pairs."""
    groups = [
        (modality, number, rows)
        for number in np.unique(points.class_row).tolist()
        for modality in theme.MARKERS
        if len(rows := np.flatnonzero((points.modality == modality) & (points.class_row == number)))
    ]
    lines = lines and len(points.joined) > 0

    def pairs(epoch: int) -> list[dict[str, Any]]:
        return [pair_lines(points.xy[epoch], points.joined, dark, (0.12, 0.5))] if lines else []

    traces = pairs(0)
    traces += [_points(points, rows, classes, number, name) for name, number, rows in groups]
    traces += modality_legend(list(dict.fromkeys(points.modality)), dark)
    low, high = points.xy.min(axis=(0, 1)), points.xy.max(axis=(0, 1))
    pad = 0.05 * np.maximum(high - low, 1e-6)
    across, up = np.stack([low - pad, high + pad], axis=1).astype(float).tolist()
    fig = common.figure(
        dark,
        HEIGHT_PX,
        data=[{"type": "scatter", **trace} for trace in traces],
        layout={
            "xaxis": {"range": across, **common.HIDDEN_AXIS},
            "yaxis": {"range": up, "scaleanchor": "x", **common.HIDDEN_AXIS},
            "margin": {"l": 0, "r": 0, "t": 40, "b": 118},
            "hovermode": "closest",
            "dragmode": False,
            "uirevision": "epochs",
            "legend": {"itemclick": False, "itemdoubleclick": False},
            "updatemenus": [_buttons(dark)],
            "sliders": [_slider(points.epochs, dark)],
        },
    )
    fig.frames = [
        {
            "name": str(int(epoch)),
            "data": [
                {"type": "scatter", **trace}
                for trace in (
                    *pairs(row),
                    *(coordinates(points.xy[row, members]) for _, _, members in groups),
                )
            ],
        }
        for row, epoch in enumerate(points.epochs)
    ]
    return fig


def _points(
    points: MovingPoints, rows: np.ndarray, classes: Sequence[str], number: int, modality: str
) -> dict[str, Any]:
    """The points of one class and modality in the first epoch."""
    name = common.safe(classes[number]) if number >= 0 else NO_CLASS
    trace = markers(
        points.xy[0, rows],
        points.item_ids[rows],
        modality,
        f"{name}, {theme.MODALITY_PLURALS[modality]}",
        size_px=8.5 if modality == "image" else 7.5,
        colour=theme.class_colour(number),
        opacity=OPACITY,
        hover_name=name,
    )
    return {**trace, "ids": trace["customdata"]}


def _play(frames: list[Any] | None, move_ms: int, frame_ms: int) -> list[object]:
    return [
        frames,
        {
            "mode": "immediate",
            "fromcurrent": True,
            "transition": {"duration": move_ms, "easing": "cubic-in-out"},
            "frame": {"duration": frame_ms, "redraw": False},
        },
    ]


def _buttons(dark: bool) -> dict[str, object]:
    ink = theme.ink(dark)
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0.0,
        "y": 0.0,
        "xanchor": "left",
        "yanchor": "top",
        "pad": {"t": 4, "r": 10},
        "bgcolor": ink.raised,
        "bordercolor": ink.zero,
        "font": {"size": theme.BODY_PX, "color": ink.text},
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": _play(None, MOVE_MS, FRAME_MS)},
            {"label": "❚❚", "method": "animate", "args": _play([None], 0, 0)},
        ],
    }


def _slider(epochs: np.ndarray, dark: bool) -> dict[str, object]:
    ink = theme.ink(dark)
    return {
        "active": 0,
        "y": 0.0,
        "yanchor": "top",
        "pad": {"t": 10, "b": 0},
        "currentvalue": {
            "prefix": "epoch ",
            "offset": 16,
            "xanchor": "right",  # beside the buttons, also on a narrow screen
            "font": {"size": theme.BODY_PX, "color": ink.text},
        },
        "font": {"size": theme.SMALL_PX, "color": ink.muted},
        "bgcolor": ink.grid,
        "activebgcolor": ink.accent,
        "bordercolor": ink.zero,
        "tickcolor": ink.zero,
        "transition": {"duration": MOVE_MS, "easing": "cubic-in-out"},
        "steps": [
            {
                "label": str(int(epoch)),
                "method": "animate",
                "args": _play([str(int(epoch))], MOVE_MS, FRAME_MS),
            }
            for epoch in epochs
        ],
    }
