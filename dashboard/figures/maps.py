"""Maps of a space, in two or three dimensions: colour = class, marker = modality.

One trace for each class of each modality, with one colour each: a browser parses every single
colour of a trace that has many (measured on 50,000 points in two maps: 12 s of script with one
trace a modality, 6 s this way, on a machine busy with other things). Coordinates travel as
binary; ``customdata`` carries each point's ``item_id``.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.figures import common

HEIGHT_PX = 560


def map_figure(
    xyz: np.ndarray,
    item_ids: np.ndarray,
    modality: np.ndarray,
    class_row: np.ndarray,
    classes: Sequence[str],
    *,
    dark: bool,
    title: str = "",
    picked: Sequence[str] = (),
    joined: np.ndarray | None = None,
    bounds: np.ndarray | None = None,
) -> go.Figure:
    """One map.

    Parameters
    ----------
    xyz : (n, 2 or 3) float32
    item_ids, modality, class_row : (n,)
    picked : ids to ring
    joined : (k, 2) int64 or None, rows of ``xyz`` to join by a line: the two halves of a pair
    bounds : (2, 2 or 3) or None, what the axes span, so that filters do not move the map
    """
    n_dims = xyz.shape[1]
    made = common.figure(dark, HEIGHT_PX, title)
    if joined is not None and len(joined):
        made.add_trace(_lines(xyz, joined, dark))
    names = [common.safe(name) for name in classes]
    size = _marker_px(len(xyz), n_dims)
    for kind in theme.MARKERS:
        mine = modality == kind
        for number in range(-1, len(names)):
            rows = np.flatnonzero(mine & (class_row == number))
            if len(rows):
                made.add_trace(
                    _points(xyz[rows], item_ids[rows], number, names, kind, size, len(xyz))
                )
    made.add_traces(
        _legend([kind for kind in theme.MARKERS if (modality == kind).any()], n_dims, dark)
    )
    rings = np.flatnonzero(np.isin(item_ids, np.asarray(picked, dtype=object)))
    if len(rings):
        made.add_trace(_rings(xyz[rings], size, dark))
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": {"text": ""}}
    if n_dims == 2:
        made.update_xaxes(**hidden)
        made.update_yaxes(**hidden, scaleanchor="x", scaleratio=1)
        if bounds is not None:
            made.update_xaxes(range=_padded(bounds[:, 0]))
            made.update_yaxes(range=_padded(bounds[:, 1]))
        made.update_layout(dragmode="pan")
    else:
        made.update_layout(scene_aspectmode="data", scene_dragmode="orbit")
        if bounds is not None:
            ranges = {
                f"{axis}axis": {"range": _padded(bounds[:, row])} for row, axis in enumerate("xyz")
            }
            made.update_layout(scene=ranges, scene_aspectmode="cube")
    made.update_layout(
        uirevision=f"map{n_dims}",
        clickmode="event+select",
        hovermode="closest",
        margin={"l": 0, "r": 0, "t": 62 if title else 34, "b": 26},
        legend={"itemclick": False, "itemdoubleclick": False},
    )
    return made


def _padded(ends: np.ndarray) -> list[float]:
    low, high = float(ends[0]), float(ends[1])
    pad = 0.04 * max(high - low, 1e-6)
    return [low - pad, high + pad]


def _marker_px(n: int, n_dims: int) -> float:
    """Smaller the more points there are."""
    size = float(np.clip(13.0 - 2.0 * np.log10(max(n, 1)), 3.0, 8.0))
    return size if n_dims == 2 else max(2.0, size * 0.6)


def _points(
    xyz: np.ndarray,
    item_ids: np.ndarray,
    number: int,
    names: Sequence[str],
    kind: str,
    size: float,
    n_all: int,
) -> go.Scattergl | go.Scatter3d:
    """The points of one class and modality."""
    # Plotly reads a little HTML in what it shows: ids that might hold some are not shown at all.
    plain = not any("<" in item_id or "&" in item_id for item_id in item_ids)
    shown = "<br>%{customdata}" if plain else ""
    name = names[number] if number >= 0 else "no single class"
    marker = {
        "symbol": theme.MARKERS[kind],
        # a flat diamond looks smaller than a circle, one in 3-D larger
        "size": size * {"image": 1.15 if xyz.shape[1] == 2 else 0.7}.get(kind, 1.0),
        "color": theme.class_colour(number),
        "opacity": 0.78 if n_all < 20_000 else 0.6,
        "line": {"width": 0},
    }
    shared = {
        "x": xyz[:, 0],
        "y": xyz[:, 1],
        "mode": "markers",
        "name": f"{name}, {theme.MODALITY_PLURALS[kind]}",
        "showlegend": False,
        "customdata": item_ids,
        "hovertemplate": f"<b>{name}</b> · {theme.MODALITY_NAMES[kind]}{shown}<extra></extra>",
        "marker": marker,
    }
    if xyz.shape[1] == 3:
        return go.Scatter3d(z=xyz[:, 2], **shared)
    fade = {"marker": {"opacity": marker["opacity"]}}
    return go.Scattergl(selected=fade, unselected=fade, **shared)


def _legend(kinds: Sequence[str], n_dims: int, dark: bool) -> list[go.Scatter | go.Scatter3d]:
    """Marks in no class's colour: the legend tells modalities apart, not classes."""
    trace = go.Scatter if n_dims == 2 else go.Scatter3d
    nowhere = {axis: [None] for axis in "xyz"[:n_dims]}
    return [
        trace(
            **nowhere,
            mode="markers",
            name=theme.MODALITY_PLURALS[kind],
            hoverinfo="skip",
            marker={"symbol": theme.MARKERS[kind], "size": 8, "color": theme.ink(dark).muted},
        )
        for kind in kinds
    ]


def _lines(xyz: np.ndarray, joined: np.ndarray, dark: bool) -> go.Scattergl | go.Scatter3d:
    ends = np.full((len(joined), 3, xyz.shape[1]), np.nan, dtype=np.float32)
    ends[:, 0], ends[:, 1] = xyz[joined[:, 0]], xyz[joined[:, 1]]
    flat = ends.reshape(-1, xyz.shape[1])
    alpha = float(np.clip(60.0 / np.sqrt(len(joined)) / 10, 0.06, 0.45))
    shared = {
        "x": flat[:, 0],
        "y": flat[:, 1],
        "mode": "lines",
        "name": "pairs",
        "hoverinfo": "skip",
        "line": {"width": 1, "color": theme.with_alpha(theme.ink(dark).muted, alpha)},
    }
    return go.Scatter3d(z=flat[:, 2], **shared) if xyz.shape[1] == 3 else go.Scattergl(**shared)


def _rings(xyz: np.ndarray, size: float, dark: bool) -> go.Scattergl | go.Scatter3d:
    shared = {
        "x": xyz[:, 0],
        "y": xyz[:, 1],
        "mode": "markers",
        "name": "picked",
        "hoverinfo": "skip",
        "marker": {
            "symbol": "circle-open",
            "size": size * 2 + 6,
            "color": theme.ink(dark).text,
            "line": {"width": 2, "color": theme.ink(dark).text},
        },
    }
    return go.Scatter3d(z=xyz[:, 2], **shared) if xyz.shape[1] == 3 else go.Scattergl(**shared)
