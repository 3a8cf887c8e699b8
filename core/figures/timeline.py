"""A long sound or video, second by second: what it sounds like, its class, its best match."""

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
    """What stands above a stretch of time: a spectrogram `spans` it, a frame keeps its shape."""

    start_s: float
    length_s: float
    jpeg: bytes
    spans: bool


def timeline(
    seconds: pd.DataFrame,
    classes: Sequence[str],
    step_s: float,
    median_score: float,
    dark: bool,
    *,
    picked_s: float | None = None,
    pictures: Sequence[Picture] = (),
) -> go.Figure:
    """Three lanes over one time axis: pictures, the class of each second, its best match's score.

    `seconds`: `start_s, loudness, class, class_score, item_id, score, percentile`.
    A click on a bar carries its second as `customdata`.
    """
    made = common.figure(dark, HEIGHT_PX if len(pictures) else 220)
    colours = theme.class_colours(classes)
    starts = seconds["start_s"].to_numpy(dtype=float)
    end = float(starts[-1]) + step_s
    fill = [colours.get(name, theme.UNLABELLED) for name in seconds["class"]]
    here = np.ones(len(seconds), dtype=bool)
    if picked_s is not None:
        here = np.arange(len(seconds)) == np.argmin(np.abs(starts - picked_s))
    hover = [
        f"<b>{clock(row.start_s)}</b> best match {row.score:.2f}, above {row.percentile:.1f} % of "
        f"random pairs<br>{common.safe(row.item_id)}"
        for row in seconds.itertuples()
    ]
    made.add_bar(
        x=starts + step_s / 2,
        y=seconds["score"],
        width=step_s * 0.9,
        marker={"color": fill, "opacity": np.where(here, 1.0, 0.35), "line": {"width": 0}},
        customdata=[float(start) for start in starts],
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 0.35}},
        showlegend=False,
    )
    _strip(made, seconds, fill, step_s)
    made.add_hline(
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
        made.add_layout_image(
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
    made.update_layout(
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
    made.update_xaxes(
        range=[float(starts[0]), end],
        showgrid=False,
        tickvals=_ticks(end),
        ticktext=[clock(value) for value in _ticks(end)],
    )
    return made


def _strip(made: go.Figure, seconds: pd.DataFrame, fill: Sequence[str], step_s: float) -> None:
    """The class of each second, neighbours of one class as one block with its name."""
    names = seconds["class"].tolist()
    starts = seconds["start_s"].to_numpy(dtype=float)
    first = 0
    lefts, widths, texts, colours, hover = [], [], [], [], []
    for row in range(1, len(names) + 1):
        if row < len(names) and names[row] == names[first]:
            continue
        run = seconds.iloc[first:row]
        lefts.append(float(starts[first]))
        widths.append(float(starts[row - 1]) + step_s - float(starts[first]))
        texts.append(common.safe(names[first]) if names[first] else "")
        colours.append(fill[first])
        hover.append(
            f"<b>{texts[-1] or 'no class'}</b> {clock(lefts[-1])} to "
            f"{clock(lefts[-1] + widths[-1])}, {run['class_score'].mean():.0%} of MMT's votes"
        )
        first = row
    made.add_bar(
        x=np.array(lefts) + np.array(widths) / 2,
        y=[1.0] * len(lefts),
        width=np.array(widths) * 0.995,
        marker={"color": colours, "line": {"width": 0}},
        text=texts,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"size": theme.SMALL_PX},
        constraintext="inside",
        customdata=lefts,
        hovertext=hover,
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
