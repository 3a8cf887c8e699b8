"""Curves: the mix-in boxes of W's figure 3, and how training went."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme
from core.studies.mix_in import SINGLE_MODAL

Losses = Mapping[str, tuple[str, str, str]]  # column -> name, colour, dash
TRANSLATION: Losses = {
    "train_loss": ("training", theme.UNLABELLED, "solid"),
    "validation_loss": ("validation", theme.SYSTEM_COLOURS["MMT"], "solid"),
}
GENERATORS: Losses = {
    "train_loss": ("generator, training", theme.UNLABELLED, "solid"),
    "validation_loss": ("generator, validation", theme.SYSTEM_COLOURS["MMT"], "solid"),
    "train_discriminator_loss": ("discriminator, training", theme.UNLABELLED, "dot"),
    "validation_discriminator_loss": ("discriminator, validation", "#D6455D", "dot"),
}


def training(
    history: pd.DataFrame, best_epoch: int | None, dark: bool, losses: Losses = TRANSLATION
) -> go.Figure:
    """The losses of a training by epoch, those that it had, with the epoch that was kept."""
    made = common.figure(dark, 320)
    for column, (name, colour, dash) in losses.items():
        if column not in history or history[column].isna().all():
            continue
        made.add_scatter(
            x=history["epoch"],
            y=history[column],
            mode="lines+markers" if len(history) < 60 else "lines",
            name=name,
            marker={"size": 4},
            line={"width": 2, "color": colour, "dash": dash},
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
    made.update_layout(
        margin={"l": 8, "r": 16, "t": 44 if len(losses) < 3 else 60, "b": 58},
        hovermode="x unified",
    )
    return made


def mix_in(
    rows: pd.DataFrame,
    target: str,
    single: float | None,
    chance: float | None,
    dark: bool,
    reported: tuple[str, float] | None = None,
) -> go.Figure:
    """Macro F1 against the number of target items mixed in, boxes over draws (W figure 3).

    `rows`: `system` (MMT, MMP), `n_target`, `value`, one row a draw. `single`: mean of
    SMA or SMI, the dashed line. `reported`: what a paper's zero-shot share would come to here,
    with its name: a short line over 0.
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
    name = SINGLE_MODAL.get(target, "single modality")
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
    if reported is not None:
        name, value = reported
        made.add_scatter(
            x=[-0.5, 0.5],
            y=[value, value],
            mode="lines",
            name=common.safe(name),
            line={"width": 2.5, "color": theme.ink(dark).muted},
            hovertemplate=f"{common.safe(name)}: %{{y:.3f}}<extra></extra>",
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
