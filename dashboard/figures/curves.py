"""Curves and ranges: W's figure 2 (NDCG), the mix-in boxes of figure 3, training curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard import theme
from dashboard.figures import common

BASELINES = {"random": ("random order", "dot", "#D6455D")}


def ranking(
    table: pd.DataFrame,
    metric_name: str,
    directions: Sequence[str],
    dark: bool,
    baseline: pd.DataFrame | None = None,
) -> go.Figure:
    """A metric of every encoder pair and space, one panel a direction (W figure 2).

    ``table``: ``pair, space, direction, mean, low, high`` where low and high bound the interval.
    ``baseline``: ``direction, mean`` of a random order.
    """
    pairs = list(dict.fromkeys(table["pair"]))
    made = make_subplots(
        rows=1,
        cols=len(directions),
        shared_yaxes=True,
        horizontal_spacing=0.05,
        subplot_titles=[theme.DIRECTION_NAMES.get(name, name) for name in directions],
    )
    spaces = [name for name in ("translation", "pca", "native") if (table["space"] == name).any()]
    for column, direction in enumerate(directions, start=1):
        for rank, space in enumerate(spaces):
            mine = table[(table["direction"] == direction) & (table["space"] == space)]
            mine = mine.set_index("pair").reindex(pairs)
            offset = (rank - (len(spaces) - 1) / 2) * 0.22
            made.add_scatter(
                x=mine["mean"],
                y=np.arange(len(pairs)) + offset,
                mode="markers",
                name=theme.SPACE_NAMES[space],
                legendgroup=space,
                showlegend=column == 1,
                marker={"size": 10, "color": theme.SPACE_COLOURS[space]},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (mine["high"] - mine["mean"]).fillna(0.0),
                    "arrayminus": (mine["mean"] - mine["low"]).fillna(0.0),
                    "thickness": 1.5,
                    "width": 5,
                },
                customdata=[common.safe(pair) for pair in pairs],
                hovertemplate=f"%{{customdata}}, {theme.SPACE_NAMES[space]}: %{{x:.4f}}"
                "<extra></extra>",
                row=1,
                col=column,
            )
        if baseline is not None:
            for value in baseline.loc[baseline["direction"] == direction, "mean"]:
                made.add_vline(
                    x=float(value),
                    line={"dash": "dot", "color": BASELINES["random"][2], "width": 1.5},
                    row=1,
                    col=column,
                )
    if baseline is not None and len(baseline):
        made.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            name="random order",
            line={"dash": "dot", "color": BASELINES["random"][2], "width": 1.5},
            row=1,
            col=1,
        )
    made.update_yaxes(
        tickvals=list(range(len(pairs))),
        ticktext=[common.safe(pair.replace("+", " + ")) for pair in pairs],
        range=[len(pairs) - 0.45, -0.55],
        showgrid=False,
    )
    made.update_xaxes(title_text=metric_name)
    made.update_layout(
        template=theme.template(dark),
        height=210 + 44 * len(pairs),
        margin={"l": 8, "r": 16, "t": 78, "b": 66},
        legend={"yref": "container", "y": 0.995, "yanchor": "top"},
    )
    made.update_annotations(font={"size": theme.BODY_PX, "color": theme.ink(dark).muted}, yshift=2)
    return made


def training(history: pd.DataFrame, best_epoch: int | None, dark: bool) -> go.Figure:
    """Training and validation loss by epoch, with the epoch that was kept."""
    made = common.figure(dark, 320)
    styles = {
        "train_loss": ("training", theme.UNLABELLED),
        "validation_loss": ("validation", theme.SYSTEM_COLOURS["MMT"]),
    }
    for column, (name, colour) in styles.items():
        made.add_scatter(
            x=history["epoch"],
            y=history[column],
            mode="lines+markers" if len(history) < 60 else "lines",
            name=name,
            marker={"size": 4},
            line={"width": 2, "color": colour},
            hovertemplate=f"epoch %{{x}}, {name}: %{{y:.4f}}<extra></extra>",
        )
    if best_epoch is not None:
        made.add_vline(
            x=best_epoch,
            line={"dash": "dash", "width": 1, "color": theme.ink(dark).muted},
            annotation={
                "text": f"kept: epoch {best_epoch}",
                "font": {"size": theme.SMALL_PX, "color": theme.ink(dark).muted},
            },
        )
    made.update_xaxes(title_text="epoch", rangemode="tozero")
    made.update_yaxes(title_text="loss")
    made.update_layout(margin={"l": 8, "r": 16, "t": 44, "b": 58}, hovermode="x unified")
    return made


def mixin(
    rows: pd.DataFrame, target: str, single: float | None, chance: float | None, dark: bool
) -> go.Figure:
    """Macro F1 against the number of target items mixed in, boxes over draws (W figure 3).

    ``rows``: ``system`` (MMT, MMP), ``n_target``, ``value``, one row a draw. ``single``: mean of
    SMA or SMI, the dashed line.
    """
    made = common.figure(dark, 400)
    ticks = sorted(int(n) for n in rows["n_target"].unique())
    place = {n: number for number, n in enumerate(ticks)}
    for side, system in enumerate(("MMT", "MMP")):
        mine = rows[rows["system"] == system]
        if mine.empty:
            continue
        colour = theme.SYSTEM_COLOURS[system]
        offset = -0.17 if side == 0 else 0.17
        made.add_box(
            x=[place[int(n)] + offset for n in mine["n_target"]],
            y=mine["value"],
            name=f"{system} ({'translated' if system == 'MMT' else 'PCA'})",
            width=0.28,
            boxpoints="all",
            jitter=0.4,
            pointpos=0,
            marker={"color": colour, "size": 3, "opacity": 0.6},
            line={"color": colour, "width": 1.5},
            fillcolor=theme.with_alpha(colour, 0.25),
            hoverinfo="y",
        )
        means = mine.groupby("n_target")["value"].mean().sort_index()
        made.add_scatter(
            x=[place[int(n)] + offset for n in means.index],
            y=means,
            mode="lines",
            line={"color": theme.with_alpha(colour, 0.5), "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
        )
    ends = [-0.5, len(ticks) - 0.5]
    name = "SMA" if target == "audio" else "SMI"
    for value, label, dash, colour in (
        (single, f"{name} alone", "dash", theme.SYSTEM_COLOURS[name]),
        (chance, "chance", "dot", theme.UNLABELLED),
    ):
        if value is not None and np.isfinite(value):
            made.add_scatter(
                x=ends,
                y=[value, value],
                mode="lines",
                name=label,
                line={"dash": dash, "width": 2 if dash == "dash" else 1.2, "color": colour},
                hovertemplate=f"{label}: %{{y:.3f}}<extra></extra>",
            )
    made.update_xaxes(
        tickvals=list(range(len(ticks))),
        ticktext=[f"{n:,}" for n in ticks],
        range=ends,
        showgrid=False,
        title_text=f"{theme.MODALITY_PLURALS[target]} mixed into training",
    )
    made.update_yaxes(title_text="macro F1", rangemode="tozero", range=[0, 1.02])
    made.update_layout(margin={"l": 8, "r": 8, "t": 40, "b": 62}, boxmode="overlay")
    return made
