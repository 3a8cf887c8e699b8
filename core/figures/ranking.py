"""Retrieval scores of every encoder set (W figure 2), one panel per direction.

As in W's figure, scores go across and encoder sets down, grouped by audio encoder, and baselines
are dotted lines. PCA is drawn too, hollow and red, so the baselines are grey and green here rather
than red and blue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.encoder_sets import CROSS, encoder_set_name
from core.figures import common, theme

ROW_PX, GAP_PX, TOP_PX, BOTTOM_PX = 27, 78, 84, 62
N_COLUMNS = 2
REACH = 0.8  # a reported range is drawn up to this distance, in spans of the scores


@dataclass(frozen=True)
class Baseline:
    """A dotted line: `values` are its scores by direction; it is grey without a `colour`."""

    name: str
    values: Mapping[str, float]
    colour: str | None = None


@dataclass(frozen=True)
class Band:
    """A range that a paper reports."""

    name: str
    low: float
    high: float
    directions: tuple[str, ...]


@dataclass(frozen=True)
class RowLayout:
    """The row and the title of each encoder set, the labels of all rows, the ends of the axis."""

    row_of: dict[str, int]
    titles: dict[str, str]
    labels: list[str]
    top: float

    @property
    def bottom(self) -> float:
        return len(self.labels) - 0.4


def row_layout(encoder_sets: Sequence[Sequence[str]]) -> RowLayout:
    """One row per encoder set, grouped by its first encoder where that has several sets."""
    groups: dict[str, list[Sequence[str]]] = {}
    for encoder_set in encoder_sets:
        groups.setdefault(encoder_set[0], []).append(encoder_set)
    row_of: dict[str, int] = {}
    titles = {encoder_set_name(*names): CROSS.join(names) for names in encoder_sets}
    labels: list[str] = []
    grouped = len(encoder_sets) > len(groups)
    for first, members in groups.items():
        if grouped:
            labels.append(f"<b>{common.safe(first)}</b>")
        for encoder_set in members:
            row_of[encoder_set_name(*encoder_set)] = len(labels)
            labels.append(common.safe(CROSS.join(encoder_set[1:] if grouped else encoder_set)))
    # The name of a reported range is beside the first heading, or above the first row.
    return RowLayout(row_of, titles, labels, top=-0.6 if grouped else -1.3)


def figure(
    table: pd.DataFrame,
    encoder_sets: Sequence[Sequence[str]],
    metric_name: str,
    directions: Sequence[str],
    dark: bool = False,
    *,
    baselines: Sequence[Baseline] = (),
    band: Band | None = None,
    chosen: str = "",
) -> go.Figure:
    """A metric of every encoder set and space, with intervals.

    A click on a marker has its encoder set as `customdata`.

    Parameters
    ----------
    table : columns `encoder_set, space, direction, mean, low, high`, the last two the ends of the
        interval
    encoder_sets : the encoders of each, in the order of the rows
    directions : `audio_to_image`, ...; one panel each
    chosen : the encoder set whose row is shaded
    """
    rows = row_layout(encoder_sets)
    n_rows = -(-len(directions) // N_COLUMNS)
    panel_px = (rows.bottom - rows.top) * ROW_PX + 24
    area_px = n_rows * panel_px + (n_rows - 1) * GAP_PX
    fig = common.subplots(
        dark,
        round(area_px) + TOP_PX + BOTTOM_PX,
        rows=n_rows,
        cols=min(N_COLUMNS, len(directions)),
        shared_yaxes=True,
        horizontal_spacing=0.035,
        vertical_spacing=GAP_PX / area_px if n_rows > 1 else 0.0,
        subplot_titles=[theme.DIRECTION_NAMES.get(name, name) for name in directions],
    )
    fig.update_layout(
        margin={"l": 8, "r": 16, "t": TOP_PX, "b": BOTTOM_PX},
        legend=common.LEGEND_ON_TOP,
        clickmode="event+select",
        dragmode=False,
    )
    fig.update_annotations(yshift=4)
    ends = _ends(table, baselines)
    inside = band is not None and _near(band, ends)
    if band is not None and inside:
        ends = min(ends[0], band.low), max(ends[1], band.high)
    pad = 0.06 * max(ends[1] - ends[0], 1e-6)
    across = [ends[0] - pad, ends[1] + pad]
    for number, direction in enumerate(directions):
        at = {"row": number // N_COLUMNS + 1, "col": number % N_COLUMNS + 1}
        if chosen in rows.row_of and len(rows.row_of) > 1:
            middle = rows.row_of[chosen]
            fig.add_hrect(
                y0=middle - 0.5,
                y1=middle + 0.5,
                line_width=0,
                fillcolor=theme.with_alpha(theme.ink(dark).accent, 0.14),
                layer="below",
                exclude_empty_subplots=False,
                **at,
            )
        if band is not None and direction in band.directions:
            _draw_band(fig, band, across, inside, rows.top, dark, at)
        traces = [
            _baseline(line, line.values[direction], rows, dark)
            for line in baselines
            if np.isfinite(line.values.get(direction, np.nan))
        ]
        for space, offset in (("translation", -0.15), ("pca", 0.15)):
            scores = table[(table["direction"] == direction) & (table["space"] == space)]
            if len(scores):
                traces.append(_scores(scores, rows, space, offset, dark))
        for trace in traces:
            fig.add_scatter(**trace, showlegend=number == 0, **at)
    fig.update_yaxes(
        tickvals=list(range(len(rows.labels))),
        ticktext=rows.labels,
        range=[rows.bottom, rows.top],
        ticklabelstandoff=6,
        showgrid=False,
        zeroline=False,
    )
    fig.update_xaxes(range=across)
    for column in range(1, min(N_COLUMNS, len(directions)) + 1):
        fig.update_xaxes(title_text=metric_name, row=n_rows, col=column)
    return fig


def _ends(table: pd.DataFrame, baselines: Sequence[Baseline]) -> tuple[float, float]:
    """The lowest and the highest of everything drawn."""
    values = [*table["mean"], *table["low"], *table["high"]]
    values += [value for line in baselines for value in line.values.values()]
    finite = np.array([value for value in values if np.isfinite(value)])
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _near(band: Band, ends: tuple[float, float]) -> bool:
    """Whether a range can be drawn without squeezing the scores into a corner."""
    reach = REACH * max(ends[1] - ends[0], 0.01)
    return band.high >= ends[0] - reach and band.low <= ends[1] + reach


def _scores(
    scores: pd.DataFrame, rows: RowLayout, space: str, offset: float, dark: bool
) -> dict[str, Any]:
    """The markers of one space in one direction."""
    colour = theme.SPACE_COLOURS[space]
    opaque = {"marker": {"opacity": 1.0}}
    return {
        "x": scores["mean"],
        "y": [rows.row_of[name] + offset for name in scores["encoder_set"]],
        "mode": "markers",
        "name": theme.SPACE_NAMES[space],
        "legendgroup": space,
        "marker": {
            "size": 10,
            "symbol": "circle",
            "opacity": 1.0,
            "color": colour if space == "translation" else theme.ink(dark).paper,
            "line": {"width": 2, "color": colour},
        },
        "selected": opaque,
        "unselected": opaque,
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": (scores["high"] - scores["mean"]).fillna(0.0),
            "arrayminus": (scores["mean"] - scores["low"]).fillna(0.0),
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        "customdata": list(scores["encoder_set"]),
        "hovertext": [
            f"<b>{common.safe(rows.titles[row.encoder_set])}</b>, "
            f"{theme.SPACE_NAMES[space]}<br>"
            f"{row.mean:.4f}{_interval(row.low, row.high)}"
            for row in scores.itertuples()
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _interval(low: float, high: float) -> str:
    return f" ({low:.4f} to {high:.4f})" if np.isfinite(low) and np.isfinite(high) else ""


def _baseline(line: Baseline, value: float, rows: RowLayout, dark: bool) -> dict[str, Any]:
    name = common.safe(line.name)
    return {
        "x": [value, value],
        "y": [rows.top, rows.bottom],
        "mode": "lines",
        "name": name,
        "legendgroup": line.name,
        "line": {"dash": "dot", "width": 1.8, "color": line.colour or theme.ink(dark).muted},
        "hovertemplate": f"{name}: {value:.4f}<extra></extra>",
    }


def _draw_band(
    fig: go.Figure,
    band: Band,
    across: Sequence[float],
    inside: bool,
    top: float,
    dark: bool,
    at: dict[str, int],
) -> None:
    """The reported range as a grey band, or its name at the nearer edge when it is too far off."""
    ink = theme.ink(dark)
    below = band.high < across[0]
    text, x, anchor = band.name, (band.low + band.high) / 2, "center"
    if inside:
        fig.add_vrect(
            x0=band.low,
            x1=band.high,
            line_width=0,
            fillcolor=theme.with_alpha(ink.muted, 0.16),
            layer="below",
            exclude_empty_subplots=False,
            **at,
        )
    else:
        text = f"← {band.name}" if below else f"{band.name} →"
        x, anchor = (across[0], "left") if below else (across[1], "right")
    fig.add_annotation(
        text=common.safe(text),
        x=x,
        y=top,
        xanchor=anchor,
        yanchor="top",
        showarrow=False,
        bgcolor=None if inside else ink.paper,
        font={"size": theme.SMALL_PX - 1, "color": ink.muted},
        **at,
    )
