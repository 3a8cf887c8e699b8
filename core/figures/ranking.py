"""Retrieval scores of every encoder set: W's figure 2, a panel a direction.

As W drew it: scores across, the combinations of encoders down, grouped by audio encoder, with the
baselines as dotted lines. Unlike there, PCA stands beside the translation (hollow and red), so the
baselines are grey and green instead of red and blue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import common, theme

SPACES = ("translation", "pca")
ROW_PX, GAP_PX, TOP_PX, BOTTOM_PX = 27, 78, 84, 62
N_COLUMNS = 2
REACH = 0.8  # how far beyond the scores, in their own span, a reported range is still drawn


@dataclass(frozen=True)
class Baseline:
    """A dotted line: its name, its score in each direction, and its colour (None: the ink's)."""

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
class Rows:
    """Where each pair stands: its height, and the labels down the axis."""

    place: dict[str, float]
    ticks: list[float]
    labels: list[str]
    n: int
    top: float


def rows(pairs: Sequence[Sequence[str]]) -> Rows:
    """One row per encoder set, grouped by its first encoder where that has several sets."""
    groups: dict[str, list[Sequence[str]]] = {}
    for encoder_set in pairs:
        groups.setdefault(encoder_set[0], []).append(encoder_set)
    place: dict[str, float] = {}
    ticks: list[float] = []
    labels: list[str] = []
    grouped = len(pairs) > len(groups)
    height = 0
    for first, members in groups.items():
        if grouped:
            ticks.append(height)
            labels.append(f"<b>{common.safe(first)}</b>")
            height += 1
        for encoder_set in members:
            ticks.append(height)
            labels.append(common.safe(" + ".join(encoder_set[1:] if grouped else encoder_set)))
            place["+".join(encoder_set)] = height
            height += 1
    # The word at a reported range stands beside the first heading, or above the first row.
    return Rows(place, ticks, labels, height, top=-0.6 if grouped else -1.3)


def figure(
    table: pd.DataFrame,
    pairs: Sequence[Sequence[str]],
    metric_name: str,
    directions: Sequence[str],
    dark: bool,
    *,
    baselines: Sequence[Baseline] = (),
    band: Band | None = None,
    chosen: str = "",
) -> go.Figure:
    """A metric of every pair and space, with intervals.

    `table`: `pair, space, direction, mean, low, high`, low and high bounding the interval;
    `pairs` their encoders, in order; `chosen` is the pair whose row is marked. A click on a
    marker carries its pair as `customdata`.
    """
    laid = rows(pairs)
    n_rows = -(-len(directions) // N_COLUMNS)
    panel_px = (laid.n - 0.4 - laid.top) * ROW_PX + 24
    area_px = n_rows * panel_px + (n_rows - 1) * GAP_PX
    made = make_subplots(
        rows=n_rows,
        cols=min(N_COLUMNS, len(directions)),
        shared_yaxes=True,
        horizontal_spacing=0.035,
        vertical_spacing=GAP_PX / area_px if n_rows > 1 else 0.0,
        subplot_titles=[theme.DIRECTION_NAMES.get(name, name) for name in directions],
    )
    made.update_layout(
        template=theme.template(dark),
        height=round(area_px) + TOP_PX + BOTTOM_PX,
        margin={"l": 8, "r": 16, "t": TOP_PX, "b": BOTTOM_PX},
        legend={"yref": "container", "y": 0.995, "yanchor": "top"},
        clickmode="event+select",
        dragmode=False,
    )
    ink = theme.ink(dark)
    made.update_annotations(font={"size": theme.BODY_PX, "color": ink.muted}, yshift=4)
    ends = _ends(table, baselines)
    inside = band is not None and _near(band, ends)
    if band is not None and inside:
        ends = min(ends[0], band.low), max(ends[1], band.high)
    pad = 0.06 * max(ends[1] - ends[0], 1e-6)
    across = [ends[0] - pad, ends[1] + pad]
    for number, direction in enumerate(directions):
        at = {"row": number // N_COLUMNS + 1, "col": number % N_COLUMNS + 1}
        if chosen in laid.place and len(laid.place) > 1:
            middle = laid.place[chosen]
            made.add_hrect(
                y0=middle - 0.5,
                y1=middle + 0.5,
                line_width=0,
                fillcolor=theme.with_alpha(ink.accent, 0.14),
                layer="below",
                exclude_empty_subplots=False,
                **at,
            )
        if band is not None and direction in band.directions:
            _draw_band(made, band, across, inside, laid.top, dark, at)
        for one in baselines:
            _draw_baseline(made, one, direction, laid, dark, number == 0, at)
        for rank, space in enumerate(SPACES):
            mine = table[(table["direction"] == direction) & (table["space"] == space)]
            if len(mine):
                _draw_space(made, mine, laid, space, rank, dark, number == 0, at)
    made.update_yaxes(
        tickvals=laid.ticks,
        ticktext=laid.labels,
        range=[laid.n - 0.4, laid.top],
        ticklabelstandoff=6,
        showgrid=False,
        zeroline=False,
    )
    made.update_xaxes(range=across)
    for column in range(1, min(N_COLUMNS, len(directions)) + 1):
        made.update_xaxes(title_text=metric_name, row=n_rows, col=column)
    return made


def _ends(table: pd.DataFrame, baselines: Sequence[Baseline]) -> tuple[float, float]:
    """The lowest and the highest of everything drawn."""
    values = [*table["mean"], *table["low"], *table["high"]]
    values += [value for one in baselines for value in one.values.values()]
    finite = np.array([value for value in values if np.isfinite(value)])
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _near(band: Band, ends: tuple[float, float]) -> bool:
    """Whether a range can be drawn without squeezing the scores into a corner."""
    reach = REACH * max(ends[1] - ends[0], 0.01)
    return band.high >= ends[0] - reach and band.low <= ends[1] + reach


def _draw_space(
    made: go.Figure,
    mine: pd.DataFrame,
    laid: Rows,
    space: str,
    rank: int,
    dark: bool,
    first: bool,
    at: dict[str, int],
) -> None:
    colour = theme.SPACE_COLOURS[space]
    marker = {
        "size": 10,
        "symbol": "circle",
        "opacity": 1.0,
        "color": colour if space == "translation" else theme.ink(dark).paper,
        "line": {"width": 2, "color": colour},
    }
    made.add_scatter(
        x=mine["mean"],
        y=[laid.place[encoder_set] + (rank - 0.5) * 0.3 for encoder_set in mine["encoder_set"]],
        mode="markers",
        name=theme.SPACE_NAMES[space],
        legendgroup=space,
        showlegend=first,
        marker=marker,
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 1.0}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (mine["high"] - mine["mean"]).fillna(0.0),
            "arrayminus": (mine["mean"] - mine["low"]).fillna(0.0),
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=list(mine["encoder_set"]),
        hovertext=[
            f"<b>{common.safe(row.encoder_set.replace('+', ' + '))}</b>, "
            f"{theme.SPACE_NAMES[space]}<br>"
            f"{row.mean:.4f}{_interval(row.low, row.high)}"
            for row in mine.itertuples()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        **at,
    )


def _interval(low: float, high: float) -> str:
    return f" ({low:.4f} to {high:.4f})" if np.isfinite(low) and np.isfinite(high) else ""


def _draw_baseline(
    made: go.Figure,
    one: Baseline,
    direction: str,
    laid: Rows,
    dark: bool,
    first: bool,
    at: dict[str, int],
) -> None:
    value = one.values.get(direction, float("nan"))
    if not np.isfinite(value):
        return
    made.add_scatter(
        x=[value, value],
        y=[laid.top, laid.n - 0.4],
        mode="lines",
        name=common.safe(one.name),
        legendgroup=one.name,
        showlegend=first,
        line={"dash": "dot", "width": 1.8, "color": one.colour or theme.ink(dark).muted},
        hovertemplate=f"{common.safe(one.name)}: {value:.4f}<extra></extra>",
        **at,
    )


def _draw_band(
    made: go.Figure,
    band: Band,
    across: Sequence[float],
    inside: bool,
    top: float,
    dark: bool,
    at: dict[str, int],
) -> None:
    """The reported range as a quiet band; outside the panel, a word at the edge it lies beyond."""
    ink = theme.ink(dark)
    below = band.high < across[0]
    text, x, anchor = band.name, (band.low + band.high) / 2, "center"
    if inside:
        made.add_vrect(
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
    made.add_annotation(
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
