"""The timeline of a long sound or video: pictures, classes and best matches, second by second."""

import base64
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme

HEIGHT_PX = 300
BARS, STRIP, PICTURE = (0.0, 0.46), (0.52, 0.65), (0.68, 1.0)  # shares of the height, from below


class Picture(NamedTuple):
    """A picture above a stretch of time.

    `spans`: whether it is stretched over that time (a spectrogram) or keeps its shape (a frame).
    """

    start_s: float
    length_s: float
    jpeg: bytes
    spans: bool


def figure(
    seconds: pd.DataFrame,
    classes: Sequence[str],
    step_s: float,
    median_score: float,
    dark: bool = False,
    *,
    selected_s: float | None = None,
    pictures: Sequence[Picture] = (),
) -> go.Figure:
    """Three lanes over one time axis: pictures, the class and the best match of each second.

    A click on a bar has the start of its second as `customdata`.

    Parameters
    ----------
    seconds : columns `start_s, class, class_score, item_id, score, percentile`
    classes : every class in its order, for the colours
    step_s : length of a window
    median_score : the score of a random pair
    selected_s : the second to show at full opacity, the others are paler
    """
    fig = common.figure(dark, HEIGHT_PX if len(pictures) else 220)
    colours = theme.class_colours(classes)
    starts = seconds["start_s"].to_numpy(dtype=float)
    end = float(starts[-1]) + step_s
    fill = [colours.get(name, theme.UNLABELLED) for name in seconds["class"]]
    opacity = np.ones(len(seconds))
    if selected_s is not None:
        opacity[np.arange(len(seconds)) != np.argmin(np.abs(starts - selected_s))] = 0.35
    hover = [
        f"<b>{clock(row.start_s)}</b> best match {row.score:.2f}, above {row.percentile:.1f} % of "
        f"random pairs<br>{common.safe(row.item_id)}"
        for row in seconds.itertuples()
    ]
    fig.add_bar(
        x=starts + step_s / 2,
        y=seconds["score"],
        width=step_s * 0.9,
        marker={"color": fill, "opacity": opacity},
        customdata=starts.tolist(),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 0.35}},
        showlegend=False,
    )
    _add_class_strip(fig, seconds, fill, step_s)
    fig.add_hline(
        y=median_score,
        line={"dash": "dot", "width": 1, "color": theme.ink(dark).muted},
        annotation={
            "text": f"random<br>pair {median_score:.2f}",
            "font": {"size": 10, "color": theme.ink(dark).muted},
            "xanchor": "left",
            "yshift": 9,
            "align": "left",
        },
        annotation_position="right",
    )
    for picture in pictures:
        fig.add_layout_image(
            source=f"data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode()}",
            xref="x",
            yref="paper",
            x=picture.start_s + picture.length_s / 2,
            y=PICTURE[1],
            sizex=picture.length_s,
            sizey=PICTURE[1] - PICTURE[0],
            xanchor="center",
            yanchor="top",
            sizing="stretch" if picture.spans else "contain",
            layer="below",
        )
    scores = [*seconds["score"], median_score, 0.0]
    scale = 1.0 if len(pictures) else 1.0 / STRIP[1]
    fig.update_layout(
        yaxis={
            "domain": [share * scale for share in BARS],
            "title": {"text": "best match"},
            "range": [min(scores) * 1.05, max(scores) * 1.12 + 1e-6],
            "nticks": 4,
        },
        yaxis2={
            "domain": [share * scale for share in STRIP],
            "range": [0, 1],
            "visible": False,
            "anchor": "x",
        },
        bargap=0,
        barmode="overlay",
        clickmode="event+select",
        dragmode=False,
        margin={"l": 8, "r": 64, "t": 8, "b": 46},
        hovermode="closest",
    )
    fig.update_xaxes(
        range=[float(starts[0]), end],
        showgrid=False,
        tickvals=_ticks(end),
        ticktext=[clock(value) for value in _ticks(end)],
    )
    return fig


def _add_class_strip(
    fig: go.Figure, seconds: pd.DataFrame, fill: Sequence[str], step_s: float
) -> None:
    """The class of each second; consecutive seconds of one class are one block."""
    frame = seconds.assign(colour=list(fill))
    blocks = frame.groupby((frame["class"] != frame["class"].shift()).cumsum()).agg(
        start_s=("start_s", "first"),
        last_s=("start_s", "last"),
        name=("class", "first"),
        score=("class_score", "mean"),
        colour=("colour", "first"),
    )
    widths = blocks["last_s"] + step_s - blocks["start_s"]
    texts = [common.safe(name) for name in blocks["name"]]
    fig.add_bar(
        x=blocks["start_s"] + widths / 2,
        y=[1.0] * len(blocks),
        width=widths * 0.995,
        marker={"color": list(blocks["colour"])},
        text=texts,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"size": theme.SMALL_PX},
        constraintext="inside",
        customdata=blocks["start_s"].tolist(),
        hovertext=[
            f"<b>{text or 'no class'}</b> {clock(start)} to {clock(start + width)}, "
            f"{score:.0%} of MMT's votes"
            for text, start, width, score in zip(
                texts, blocks["start_s"], widths, blocks["score"], strict=True
            )
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 1.0}},
        yaxis="y2",
        showlegend=False,
    )


def clock(seconds: float) -> str:
    """`m:ss`, or `m:ss.s` between whole seconds."""
    minutes, tenths = divmod(round(float(seconds) * 10), 600)
    whole, tenth = divmod(tenths, 10)
    return f"{minutes}:{whole:02d}.{tenth}" if tenth else f"{minutes}:{whole:02d}"


def _ticks(end_s: float) -> list[float]:
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300) if end_s / s <= 15), 600)
    return [float(value) for value in np.arange(0, end_s + 1e-6, step)]
