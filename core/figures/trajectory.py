"""The moving map: the validation pairs of the generation space epoch by epoch (S figures 2, 5).

One trace a class and modality; every frame carries the same points in the same order, so that the
browser moves them. Plain SVG marks: Plotly moves those smoothly, and WebGL ones it does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme

HEIGHT_PX = 560
FRAME_MS, MOVE_MS = 550, 450
OPACITY = 0.85


@dataclass(frozen=True)
class Moving:
    """Points that move: `epochs (e,) int`, `xy (e, n, 2) float32`; `item_ids, modality (n,)`,
    `class_row (n,)` with -1 for none; `joined (k, 2) int64`: rows of the halves of pairs.
    """

    epochs: np.ndarray
    xy: np.ndarray
    item_ids: np.ndarray
    modality: np.ndarray
    class_row: np.ndarray
    joined: np.ndarray


def moving(found: Moving, classes: Sequence[str], dark: bool, lines: bool = False) -> go.Figure:
    """The map with a play button and a slider over the epochs; it opens at the first."""
    made = common.figure(dark, HEIGHT_PX)
    groups = _groups(found)
    if lines and len(found.joined):
        made.add_trace(_joined(found, 0, dark))
    for kind, number, rows in groups:
        name = common.safe(classes[number]) if number >= 0 else "no single class"
        made.add_scatter(
            x=found.xy[0, rows, 0],
            y=found.xy[0, rows, 1],
            mode="markers",
            name=f"{name}, {theme.MODALITY_PLURALS[kind]}",
            showlegend=False,
            ids=[str(found.item_ids[row]) for row in rows],
            customdata=[str(found.item_ids[row]) for row in rows],
            hovertemplate=f"<b>{name}</b> · {theme.MODALITY_NAMES[kind]}<extra></extra>",
            marker={
                "symbol": theme.MARKERS[kind],
                "size": 8.5 if kind == "image" else 7.5,
                "color": theme.class_colour(number),
                "opacity": OPACITY,
                "line": {"width": 0},
            },
        )
    made.frames = [
        go.Frame(name=str(int(epoch)), data=_frame(found, groups, row, dark, lines))
        for row, epoch in enumerate(found.epochs)
    ]
    for kind in dict.fromkeys(found.modality):
        made.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=theme.MODALITY_PLURALS[kind],
            hoverinfo="skip",
            marker={"symbol": theme.MARKERS[kind], "size": 8, "color": theme.ink(dark).muted},
        )
    low, high = found.xy.min(axis=(0, 1)), found.xy.max(axis=(0, 1))
    pad = 0.05 * np.maximum(high - low, 1e-6)
    quiet = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": {"text": ""}}
    made.update_xaxes(range=[float(low[0] - pad[0]), float(high[0] + pad[0])], **quiet)
    made.update_yaxes(
        range=[float(low[1] - pad[1]), float(high[1] + pad[1])], scaleanchor="x", **quiet
    )
    made.update_layout(
        margin={"l": 0, "r": 0, "t": 40, "b": 118},
        hovermode="closest",
        dragmode=False,
        uirevision="epochs",
        legend={"itemclick": False, "itemdoubleclick": False},
        updatemenus=[_buttons(dark)],
        sliders=[_slider(found.epochs, dark)],
    )
    return made


def _groups(found: Moving) -> list[tuple[str, int, np.ndarray]]:
    """`modality, class row, rows`: what one trace each draws."""
    groups = []
    for number in sorted(set(found.class_row.tolist())):
        for kind in theme.MARKERS:
            rows = np.flatnonzero((found.modality == kind) & (found.class_row == number))
            if len(rows):
                groups.append((kind, int(number), rows))
    return groups


def _frame(
    found: Moving,
    groups: list[tuple[str, int, np.ndarray]],
    epoch: int,
    dark: bool,
    lines: bool,
) -> list[go.Scatter]:
    """Where every trace's points lie in an epoch, in the order of the figure's traces."""
    parts = [_joined(found, epoch, dark)] if lines and len(found.joined) else []
    return parts + [
        go.Scatter(x=found.xy[epoch, rows, 0], y=found.xy[epoch, rows, 1]) for _, _, rows in groups
    ]


def _joined(found: Moving, epoch: int, dark: bool) -> go.Scatter:
    ends = np.full((len(found.joined), 3, 2), np.nan, dtype=np.float32)
    ends[:, 0] = found.xy[epoch, found.joined[:, 0]]
    ends[:, 1] = found.xy[epoch, found.joined[:, 1]]
    flat = ends.reshape(-1, 2)
    alpha = float(np.clip(4.0 / np.sqrt(len(found.joined)), 0.12, 0.5))
    return go.Scatter(
        x=flat[:, 0],
        y=flat[:, 1],
        mode="lines",
        name="pairs",
        showlegend=False,
        hoverinfo="skip",
        line={"width": 1, "color": theme.with_alpha(theme.ink(dark).muted, alpha)},
    )


def _play(frames: Sequence[str] | None, move_ms: int, frame_ms: int) -> list[object]:
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
        "pad": {"t": 30, "r": 10},
        "bgcolor": ink.raised,
        "bordercolor": ink.zero,
        "font": {"size": theme.BODY_PX, "color": ink.text},
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": _play(None, MOVE_MS, FRAME_MS)},
            {"label": "❚❚", "method": "animate", "args": _play([None], 0, 0)},  # type: ignore[list-item]
        ],
    }


def _slider(epochs: np.ndarray, dark: bool) -> dict[str, object]:
    ink = theme.ink(dark)
    return {
        "active": 0,
        "x": 0.27,
        "len": 0.73,
        "y": 0.0,
        "yanchor": "top",
        "pad": {"t": 24, "b": 0},
        "currentvalue": {"prefix": "epoch ", "font": {"size": theme.BODY_PX, "color": ink.text}},
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
