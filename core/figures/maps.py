"""Maps of spaces side by side, in two or three dimensions: colour = class, marker = modality.

All panels are one figure: a browser then makes half as many WebGL contexts and compiles half as
many shaders, which on 50,000 points is what takes the time. Flat maps have one trace for each
class of each modality, with one colour each: every single colour of a trace that has many is
parsed (measured on 50,000 points in two maps, on a busy machine: 12 s of script with one trace a
modality, 6 s this way). Coordinates travel as binary; `customdata` carries each point's
`item_id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme

HEIGHT_PX = 570
NO_CLASS = "no single class"
GAP = 0.02  # between panels, as a share of the width
NO_PAIRS = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Panel:
    """One map: its points, all of one length, and how they are told apart.

    `xyz (n, 2 or 3) float32`; `item_ids, modality (n,) str`; `class_row (n,)` is the place
    of the class in `classes`, -1 without one. `joined (k, 2) int64` are rows of `xyz` to
    join by a line: the two halves of a pair. `bounds (2, 2 or 3)` is what the axes span, so
    that filters do not move the map.
    """

    title: str
    xyz: np.ndarray
    item_ids: np.ndarray
    modality: np.ndarray
    class_row: np.ndarray
    classes: Sequence[str]
    bounds: np.ndarray | None = None
    joined: np.ndarray = field(default_factory=lambda: NO_PAIRS)

    @property
    def n_dims(self) -> int:
        return int(self.xyz.shape[1])


def map_figure(panels: Sequence[Panel], *, dark: bool, picked: Sequence[str] = ()) -> go.Figure:
    """Maps side by side; the items `picked` are ringed in each."""
    made = common.figure(dark, HEIGHT_PX)
    n_dims = panels[0].n_dims
    for number, panel in enumerate(panels):
        made.add_traces(_traces(panel, _place(number, n_dims), dark, picked))
    kinds = [kind for kind in theme.MARKERS if any((one.modality == kind).any() for one in panels)]
    made.add_traces(_legend(kinds, n_dims, dark))
    width = (1 - GAP * (len(panels) - 1)) / len(panels)
    for number, panel in enumerate(panels):
        left = number * (width + GAP)
        made.update_layout(_axes(panel, number, [left, left + width]))
        made.add_annotation(
            text=common.safe(panel.title),
            xref="paper",
            yref="paper",
            x=left,
            y=1.0,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"size": theme.TITLE_PX},
        )
    made.update_layout(
        uirevision=f"map{n_dims}",
        dragmode="pan" if n_dims == 2 else "orbit",
        clickmode="event+select",
        hovermode="closest",
        margin={"l": 0, "r": 0, "t": 62, "b": 26},
        legend={
            "itemclick": False,
            "itemdoubleclick": False,
            "yref": "container",
            "y": 0.995,
            "yanchor": "top",
        },
    )
    return made


def _place(number: int, n_dims: int) -> dict[str, str]:
    """Which axes a trace of the panel belongs to."""
    suffix = "" if number == 0 else str(number + 1)
    if n_dims == 3:
        return {"scene": f"scene{suffix}"}
    return {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}


def _axes(panel: Panel, number: int, domain: list[float]) -> dict[str, object]:
    """The layout of a panel's axes: quiet, and as wide as the whole map."""
    suffix = "" if number == 0 else str(number + 1)
    bounds = panel.bounds
    if panel.n_dims == 3:
        scene: dict[str, object] = {"domain": {"x": domain, "y": [0, 1]}, "aspectmode": "data"}
        if bounds is not None:
            scene["aspectmode"] = "cube"
            for row, axis in enumerate("xyz"):
                scene[f"{axis}axis"] = {"range": _padded(bounds[:, row])}
        return {f"scene{suffix}": scene}
    quiet = {"showgrid": False, "zeroline": False, "showticklabels": False, "title": {"text": ""}}
    across: dict[str, object] = {**quiet, "domain": domain, "anchor": f"y{suffix}"}
    up: dict[str, object] = {**quiet, "anchor": f"x{suffix}", "scaleanchor": f"x{suffix}"}
    if bounds is not None:
        across["range"], up["range"] = _padded(bounds[:, 0]), _padded(bounds[:, 1])
    return {f"xaxis{suffix}": across, f"yaxis{suffix}": up}


def _traces(
    panel: Panel, place: dict[str, str], dark: bool, picked: Sequence[str]
) -> list[go.Scattergl | go.Scatter3d]:
    names = [common.safe(name) for name in panel.classes]
    size = _marker_px(len(panel.xyz), panel.n_dims)
    traces = []
    if len(panel.joined):
        traces.append(_lines(panel.xyz, panel.joined, dark))
    if panel.n_dims == 3:
        traces += [
            _cloud(panel, rows, names, kind, size)
            for kind in theme.MARKERS
            if len(rows := np.flatnonzero(panel.modality == kind))
        ]
    else:
        for number in range(-1, len(names)):  # classes outside: no modality covers the other
            for kind in theme.MARKERS:
                rows = np.flatnonzero((panel.modality == kind) & (panel.class_row == number))
                if len(rows):
                    name = names[number] if number >= 0 else NO_CLASS
                    traces.append(_points(panel, rows, number, name, kind, size))
    rings = np.flatnonzero(np.isin(panel.item_ids, np.asarray(picked, dtype=object)))
    if len(rings):
        traces.append(_rings(panel.xyz[rings], size, dark))
    for trace in traces:
        trace.update(place)
    return traces


def _padded(ends: np.ndarray) -> list[float]:
    low, high = float(ends[0]), float(ends[1])
    pad = 0.04 * max(high - low, 1e-6)
    return [low - pad, high + pad]


def _marker_px(n: int, n_dims: int) -> float:
    """Smaller the more points there are."""
    size = float(np.clip(11.5 - 1.9 * np.log10(max(n, 1)), 2.8, 8.0))
    return size if n_dims == 2 else max(2.0, size * 0.6)


def _points(
    panel: Panel, rows: np.ndarray, number: int, name: str, kind: str, size: float
) -> go.Scattergl:
    """The points of one class and modality, flat."""
    item_ids = panel.item_ids[rows]
    opacity = _opacity(panel)
    fade = {"marker": {"opacity": opacity}}
    return go.Scattergl(
        x=panel.xyz[rows, 0],
        y=panel.xyz[rows, 1],
        mode="markers",
        name=f"{name}, {theme.MODALITY_PLURALS[kind]}",
        showlegend=False,
        customdata=item_ids,
        hovertemplate=_hover(name, kind, item_ids),
        marker={
            "symbol": theme.MARKERS[kind],
            "size": size * (1.15 if kind == "image" else 1.0),  # a diamond looks smaller
            "color": theme.class_colour(number),
            "opacity": opacity,
            "line": {"width": 0},
        },
        selected=fade,
        unselected=fade,
    )


def _cloud(
    panel: Panel, rows: np.ndarray, names: Sequence[str], kind: str, size: float
) -> go.Scatter3d:
    """The points of one modality in three dimensions, where every trace is drawn on its own."""
    item_ids, numbers = panel.item_ids[rows], panel.class_row[rows]
    palette = np.array([theme.class_colour(row) for row in range(-1, len(names))], dtype=object)
    labels = np.array([NO_CLASS, *names], dtype=object)
    return go.Scatter3d(
        x=panel.xyz[rows, 0],
        y=panel.xyz[rows, 1],
        z=panel.xyz[rows, 2],
        mode="markers",
        name=theme.MODALITY_PLURALS[kind],
        showlegend=False,
        customdata=item_ids,
        text=labels[numbers + 1],
        hovertemplate=_hover("%{text}", kind, item_ids),
        marker={
            "symbol": theme.MARKERS[kind],
            "size": size * (0.7 if kind == "image" else 1.0),  # here a diamond looks larger
            "color": palette[numbers + 1],
            "opacity": _opacity(panel),
            "line": {"width": 0},
        },
    )


def _opacity(panel: Panel) -> float:
    return 0.78 if len(panel.xyz) < 20_000 else 0.6


def _hover(name: str, kind: str, item_ids: np.ndarray) -> str:
    """What is shown over a point. Plotly reads a little HTML there: ids that might hold some are
    left out.
    """
    plain = not any("<" in item_id or "&" in item_id for item_id in item_ids)
    shown = "<br>%{customdata}" if plain else ""
    return f"<b>{name}</b> · {theme.MODALITY_NAMES[kind]}{shown}<extra></extra>"


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
    alpha = float(np.clip(4.0 / np.sqrt(len(joined)), 0.05, 0.45))
    shared = {
        "x": flat[:, 0],
        "y": flat[:, 1],
        "mode": "lines",
        "name": "pairs",
        "showlegend": False,
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
        "showlegend": False,
        "hoverinfo": "skip",
        "marker": {
            "symbol": "circle-open",
            "size": size * 2 + 6,
            "color": theme.ink(dark).text,
            "line": {"width": 2, "color": theme.ink(dark).text},
        },
    }
    return go.Scatter3d(z=xyz[:, 2], **shared) if xyz.shape[1] == 3 else go.Scattergl(**shared)
