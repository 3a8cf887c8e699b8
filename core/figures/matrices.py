"""Matrices: confusion (W figure 5) and centroid distances (W figure 4), in SVG."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme


def confusion(
    counts: np.ndarray,
    classes: Sequence[str],
    dark: bool,
    by_row: bool = False,
    picked: tuple[str, str] | None = None,
    cells: np.ndarray | None = None,
    new: Sequence[str] = (),
) -> go.Figure:
    """Counts by true class (row) and predicted class (column), in the fixed class order.

    `counts (C, C)`; `by_row` shows shares of each row. `cells (C, C)` of text is what a
    click on a cell carries as its `customdata`. `new` names further columns, of classes that
    no row has: all three are then (C, C + len(new)).
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    values = shares if by_row else counts.astype(float)
    n = len(classes)
    names = [common.safe(name) for name in classes]
    across = [*names, *(f"+ {common.safe(_cut(name))}" for name in new)]
    made = common.figure(dark, int(np.clip(210 + 21 * n, 430, 900)))
    made.add_heatmap(
        z=values,
        x=list(range(len(across))),
        y=list(range(n)),
        colorscale=theme.sequential(dark),
        zmin=0,
        zmax=1 if by_row else max(1.0, float(values.max(initial=0))),
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        colorbar=_bar("share of the row" if by_row else "items"),
    )
    rows, columns = (grid.ravel() for grid in np.indices(counts.shape))
    flat = counts.ravel()
    texts = [
        "" if not count else (f"{share:.2f}" if by_row else f"{int(count):,}")
        for count, share in zip(flat, shares.ravel(), strict=True)
    ]
    full = values.ravel() > 0.55 * max(float(values.max(initial=0)), 1e-9)
    hover = [
        f"<b>{names[row]}</b> taken for <b>{across[column]}</b><br>{int(count):,} items, "
        f"{share:.1%} of the row"
        for row, column, count, share in zip(rows, columns, flat, shares.ravel(), strict=True)
    ]
    made.add_scatter(  # heatmaps report no clicks: an unseen mark lies on each cell instead
        x=columns,
        y=rows,
        mode="markers+text",
        marker={"symbol": "square", "size": 22, "opacity": 0},
        text=texts,
        textfont={"size": 11, "color": [_on(dark, strong) for strong in full]},
        customdata=None if cells is None else cells.ravel(),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}, "textfont": {}},
        showlegend=False,
    )
    predicted = [*classes, *new]
    if picked and picked[0] in classes and picked[1] in predicted:
        row, column = list(classes).index(picked[0]), predicted.index(picked[1])
        made.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": theme.CLASS_COLOURS[0], "width": 2.5},
        )
    if new:
        made.add_vline(x=n - 0.5, line={"width": 1.5, "color": theme.ink(dark).muted})
    _square_axes(made, across, names, theme.SMALL_PX, titles=22)
    made.update_xaxes(title_text="predicted")
    made.update_yaxes(title_text="true")
    made.update_layout(margin_t=30, dragmode=False, clickmode="event+select")
    return made


def _cut(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def _on(dark: bool, strong: bool) -> str:
    """Ink for text on a weak or strong cell."""
    return theme.ink(not dark if strong else dark).text


def _bar(title: str) -> dict[str, object]:
    return {
        "title": {"text": title, "side": "right", "font": {"size": theme.SMALL_PX}},
        "thickness": 10,
        "outlinewidth": 0,
        "tickfont": {"size": theme.SMALL_PX},
        "len": 0.9,
    }


def _square_axes(
    made: go.Figure, across: Sequence[str], down: Sequence[str], font_px: int, titles: int = 0
) -> None:
    """Square cells, the first at the upper left, with room for the longest label on each side.

    The margins are reckoned here, not left to Plotly, so that the signature below the figure
    keeps clear of the labels. `titles` is the room for the axes' own titles.
    """
    longest = max((len(html.unescape(name)) for name in (*across, *down)), default=4)
    room = min(170, 14 + round(longest * font_px * 0.56))
    shared = {
        "showgrid": False,
        "zeroline": False,
        "constrain": "domain",
        "automargin": False,
        "tickfont": {"size": font_px},
    }
    made.update_xaxes(
        tickvals=list(range(len(across))),
        ticktext=list(across),
        tickangle=-90,
        range=[-0.5, len(across) - 0.5],
        constraintoward="left",
        title_standoff=6,
        **shared,
    )
    made.update_yaxes(
        tickvals=list(range(len(down))),
        ticktext=list(down),
        range=[len(down) - 0.5, -0.5],
        scaleanchor="x",
        constraintoward="top",
        title_standoff=6,
        **shared,
    )
    made.update_layout(margin={"l": room + titles, "b": room + 2 * titles + 22, "r": 8})


def distances(
    matrix: np.ndarray,
    names: Sequence[tuple[str, str]],
    dark: bool,
    top: float | None = None,
    unit: str = "Euclidean distance",
    title: str = "",
) -> go.Figure:
    """Distances between centroids, `names` being `(modality, class)` of each row (W figure 4).

    `top` is the end of the colour scale, so that two matrices can share one.
    """
    n = len(names)
    ticks = [f"{theme.GLYPHS[kind]} {common.safe(name)}" for kind, name in names]
    made = common.figure(dark, 530, title)
    hover = [
        [f"{left} to {right}<br>{matrix[row, column]:.3f}" for column, right in enumerate(ticks)]
        for row, left in enumerate(ticks)
    ]
    scale = [[1 - place, colour] for place, colour in reversed(theme.sequential(dark))]
    made.add_heatmap(
        z=matrix,
        x=list(range(n)),
        y=list(range(n)),
        colorscale=scale,
        zmin=0,
        zmax=top if top is not None else float(np.nanmax(matrix, initial=1e-9)),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar=_bar(unit),
    )
    _square_axes(made, ticks, ticks, 9 if n > 24 else 11)
    made.update_layout(margin_t=48 if title else 16, dragmode=False)
    return made
