"""Curves: mix-in (W figure 3), losses by epoch."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme
from core.studies.mix_in import SINGLE_MODAL, target_only

LOSSES = {  # column -> name, colour, dash
    "train_loss": ("training", theme.UNLABELLED, "solid"),
    "validation_loss": ("validation", theme.SYSTEM_COLOURS["MMT"], "solid"),
    "train_discriminator_loss": ("discriminator, training", theme.UNLABELLED, "dot"),
    "validation_discriminator_loss": ("discriminator, validation", "#D6455D", "dot"),
}


def training(history: pd.DataFrame, best_epoch: int | None = None, dark: bool = False) -> go.Figure:
    """Losses by epoch, with a line at the epoch whose weights were kept.

    Parameters
    ----------
    history : `epoch, train_loss, validation_loss` of a translation, or these and
        `train_discriminator_loss, validation_discriminator_loss` of the generators; losses
        without values are left out
    """
    generators = "train_discriminator_loss" in history
    fig = common.figure(dark, 320)
    for column, (title, colour, dash) in LOSSES.items():
        if column not in history or history[column].isna().all():
            continue
        name = f"generator, {title}" if generators and dash == "solid" else title
        fig.add_scatter(
            x=history["epoch"],
            y=history[column],
            mode="lines+markers" if len(history) < 60 else "lines",
            name=name,
            marker={"size": 4},
            line={"width": 2, "color": colour, "dash": dash},
            hovertemplate=f"epoch %{{x}}, {name}: %{{y:.4f}}<extra></extra>",
        )
    if best_epoch is not None:
        common.vertical_line(fig, best_epoch, f"kept: epoch {best_epoch}", dark, width=1)
    fig.update_xaxes(title_text="epoch", rangemode="tozero")
    fig.update_yaxes(title_text="loss")
    top = 60 if generators else 44
    return fig.update_layout(margin={"l": 8, "r": 16, "t": top, "b": 58}, hovermode="x unified")


def mix_in(
    rows: pd.DataFrame,
    target: str,
    single: float | None = None,
    chance: float | None = None,
    dark: bool = False,
    reported: tuple[str, float] | None = None,
) -> go.Figure:
    """Macro F1 against the number of target items in training, boxes over draws (W figure 3).

    Beside W's curves there are those of SMT and of the target alone, where `rows` has them.

    Parameters
    ----------
    rows : columns `system` (MMT, MMP, SMT, SMA, SMI), `n_target`, `value`; one row per draw
    target : the modality of the test items: audio, image or text
    single : mean macro F1 of the target modality alone (SMA, SMI): the dashed line
    reported : name and macro F1 of a published zero-shot result: a short line above 0 items
    """
    fig = common.figure(dark, 400)
    ticks = sorted(int(n) for n in rows["n_target"].unique())
    position = {n: number for number, n in enumerate(ticks)}
    for system, title, offset in (
        ("MMT", "translated", -0.26),
        ("MMP", "PCA", 0.0),
        ("SMT", "combined", 0.26),
    ):
        draws = rows[rows["system"] == system]
        if draws.empty:
            continue
        colour = theme.SYSTEM_COLOURS[system]
        fig.add_box(
            x=[position[int(n)] + offset for n in draws["n_target"]],
            y=draws["value"],
            name=f"{system} ({title})",
            width=0.22,
            boxpoints="all",
            jitter=0.4,
            pointpos=0,
            marker={"color": colour, "size": 3, "opacity": 0.6},
            line={"color": colour, "width": 1.5},
            fillcolor=theme.with_alpha(colour, 0.25),
            hoverinfo="y",
        )
        means = draws.groupby("n_target")["value"].mean().sort_index()
        fig.add_scatter(
            x=[position[int(n)] + offset for n in means.index],
            y=means,
            mode="lines",
            line={"color": theme.with_alpha(colour, 0.5), "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
        )
    ends = [-0.5, len(ticks) - 0.5]
    alone = SINGLE_MODAL[target]
    means = target_only(rows).groupby("n_target")["value"].mean().sort_index()
    if len(means) > 1:
        fig.add_scatter(
            x=[position[int(n)] for n in means.index],
            y=means,
            mode="lines+markers",
            name=f"{alone} with n",
            line={"color": theme.SYSTEM_COLOURS[alone], "width": 1.5},
            marker={"size": 6, "symbol": "diamond"},
            hovertemplate=f"{alone} with n: %{{y:.3f}}<extra></extra>",
        )
    dashed = {"dash": "dash", "width": 2, "color": theme.SYSTEM_COLOURS[alone]}
    lines: list[tuple[float | None, str, list[float], dict[str, Any]]] = [
        (single, f"{alone} with all", ends, dashed),
        (chance, "chance", ends, {"dash": "dot", "width": 1.2, "color": theme.UNLABELLED}),
    ]
    if reported is not None:
        line = {"width": 2.5, "color": theme.ink(dark).muted}
        lines.append((reported[1], common.safe(reported[0]), [-0.5, 0.5], line))
    for value, name, across, line in lines:
        if value is not None and np.isfinite(value):
            fig.add_scatter(
                x=across,
                y=[value, value],
                mode="lines",
                name=name,
                line=line,
                hovertemplate=f"{name}: %{{y:.3f}}<extra></extra>",
            )
    fig.update_xaxes(
        tickvals=list(range(len(ticks))),
        ticktext=[f"{n:,}" for n in ticks],
        range=ends,
        showgrid=False,
        title_text=f"{theme.MODALITY_PLURALS[target]} mixed into training",
    )
    fig.update_yaxes(title_text="macro F1", rangemode="tozero", range=[0, 1.02])
    return fig.update_layout(margin={"l": 8, "r": 8, "t": 40, "b": 62}, boxmode="overlay")
