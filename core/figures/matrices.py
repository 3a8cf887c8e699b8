"""Matrices: confusion (W figure 5) and centroid distances (W figure 4)."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures import common, theme


def confusion(
    counts: np.ndarray,
    classes: Sequence[str],
    dark: bool = False,
    by_row: bool = False,
    marked: tuple[str, str] | None = None,
    cells: np.ndarray | None = None,
    new: Sequence[str] = (),
) -> go.Figure:
    """Counts by true class (row) and predicted class (column), in the given class order.

    Parameters
    ----------
    counts : (C, C) int, or (C, C + len(new))
    by_row : show shares of each row instead of counts
    marked : true and predicted class of the cell to frame
    cells : text of the same shape as `counts`: the `customdata` of a click on a cell
    new : names of further columns, for classes that no item has as its true class
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    values = shares if by_row else counts.astype(float)
    n = len(classes)
    names = [common.safe(name) for name in classes]
    across = [*names, *(f"+ {common.safe(common.cut(name, 24))}" for name in new)]
    fig = common.figure(dark, int(np.clip(210 + 21 * n, 430, 900)))
    fig.add_heatmap(
        z=values,
        colorscale=theme.sequential(dark),
        zmin=0,
        zmax=1 if by_row else max(1.0, float(values.max(initial=0))),
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        colorbar={"title": {"text": "share of the row" if by_row else "items"}, "len": 0.9},
    )
    rows, columns = (grid.ravel() for grid in np.indices(counts.shape))
    flat = counts.ravel()
    texts = [
        "" if not count else (f"{share:.2f}" if by_row else f"{int(count):,}")
        for count, share in zip(flat, shares.ravel(), strict=True)
    ]
    strong = values.ravel() > 0.55 * max(float(values.max(initial=0)), 1e-9)
    light, heavy = theme.ink(dark).text, theme.ink(not dark).text
    hover = [
        f"<b>{names[row]}</b> taken for <b>{across[column]}</b><br>{int(count):,} items, "
        f"{share:.1%} of the row"
        for row, column, count, share in zip(rows, columns, flat, shares.ravel(), strict=True)
    ]
    fig.add_scatter(  # heatmaps report no clicks, invisible markers on the cells do
        x=columns,
        y=rows,
        mode="markers+text",
        marker={"symbol": "square", "size": 22, "opacity": 0},
        text=texts,
        textfont={"size": 11, "color": np.where(strong, heavy, light)},
        customdata=None if cells is None else cells.ravel(),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}, "textfont": {}},
        showlegend=False,
    )
    predicted = [*classes, *new]
    if marked and marked[0] in classes and marked[1] in predicted:
        row, column = list(classes).index(marked[0]), predicted.index(marked[1])
        fig.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": theme.CLASS_COLOURS[0], "width": 2.5},
        )
    if new:
        fig.add_vline(x=n - 0.5, line={"width": 1.5, "color": theme.ink(dark).muted})
    _square_axes(fig, across, names, theme.SMALL_PX, titles=22)
    fig.update_xaxes(title_text="predicted")
    fig.update_yaxes(title_text="true")
    return fig.update_layout(margin_t=30, dragmode=False, clickmode="event+select")


def _square_axes(
    fig: go.Figure, across: Sequence[str], down: Sequence[str], font_px: int, titles: int = 0
) -> None:
    """Square cells from the upper left, with margins that fit the longest label.

    Plotly's automatic margins would let the labels cover the provenance line below the figure.
    `titles` is the room for the titles of the axes, in pixels.
    """
    longest = max((len(html.unescape(name)) for name in (*across, *down)), default=4)
    room = min(170, 14 + round(longest * font_px * 0.56))
    shared = {
        "showgrid": False,
        "zeroline": False,
        "constrain": "domain",
        "automargin": False,
        "tickfont": {"size": font_px},
        "title": {"standoff": 6},
    }
    fig.update_xaxes(tickangle=-90, constraintoward="left", **shared, **common.named_axis(across))
    fig.update_yaxes(
        scaleanchor="x", constraintoward="top", **shared, **common.named_axis(down, down=True)
    )
    fig.update_layout(margin={"l": room + titles, "b": room + 2 * titles + 22, "r": 8})


def distances(
    matrix: np.ndarray,
    names: Sequence[tuple[str, str]],
    dark: bool = False,
    top: float | None = None,
    unit: str = "Euclidean distance",
    title: str = "",
) -> go.Figure:
    """Distances between centroids (W figure 4).

    Parameters
    ----------
    matrix : (n, n)
    names : `(modality, class)` of each row
    top : the end of the colour scale, when two matrices share one
    """
    n = len(names)
    ticks = [f"{theme.GLYPHS[kind]} {common.safe(name)}" for kind, name in names]
    fig = common.figure(dark, 530, title)
    hover = [
        [f"{left} to {right}<br>{matrix[row, column]:.3f}" for column, right in enumerate(ticks)]
        for row, left in enumerate(ticks)
    ]
    scale = [[1 - place, colour] for place, colour in reversed(theme.sequential(dark))]
    fig.add_heatmap(
        z=matrix,
        colorscale=scale,
        zmin=0,
        zmax=top if top is not None else float(np.nanmax(matrix, initial=1e-9)),
        hovertext=hover,
        colorbar={"title": {"text": unit}, "len": 0.9},
    )
    _square_axes(fig, ticks, ticks, 9 if n > 24 else 11)
    return fig.update_layout(margin_t=48 if title else 16, dragmode=False)
