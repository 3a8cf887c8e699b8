"""Bars: what a set holds by class, F1 by class, label counts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import common, theme

SUBSET_COLOURS = {
    "translation": "#2F6FDE",
    "crossmodal": "#3AA089",
    "train": "#E0A030",
    "test": "#D6455D",
    "unpaired": "#8F7F97",
}


def class_counts(counted: pd.DataFrame, classes: Sequence[str], dark: bool) -> go.Figure:
    """Items per class, stacked by subset, one panel a modality.

    `counted`: `subset, modality, class, n_items`; class "" is shown as "none or several".
    """
    kinds = [kind for kind in theme.MARKERS if (counted["modality"] == kind).any()]
    made = make_subplots(
        rows=1,
        cols=max(1, len(kinds)),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[theme.MODALITY_PLURALS[kind] for kind in kinds],
    )
    extra = [""] if (counted["class"] == "").any() else []
    names = [*classes, *extra]
    ticks = [common.safe(name) or "none or several" for name in names]
    for column, kind in enumerate(kinds, start=1):
        for subset, colour in SUBSET_COLOURS.items():
            mine = counted[(counted["modality"] == kind) & (counted["subset"] == subset)]
            if mine.empty:
                continue
            by_class = mine.set_index("class")["n_items"]
            values = np.array([int(by_class.get(name, 0)) for name in names])
            made.add_bar(
                y=ticks,
                x=values,
                orientation="h",
                name=subset,
                legendgroup=subset,
                showlegend=column == 1,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=f"%{{y}}, {subset}: %{{x:,}}<extra></extra>",
                row=1,
                col=column,
            )
    made.update_layout(
        template=theme.template(dark),
        barmode="stack",
        bargap=0.25,
        height=130 + 20 * len(names),
        margin={"l": 8, "r": 8, "t": 78, "b": 58},
        legend={"yref": "container", "y": 0.995, "yanchor": "top", "traceorder": "normal"},
    )
    made.update_yaxes(autorange="reversed", showgrid=False)
    made.update_xaxes(title_text="items", rangemode="tozero")
    _quiet_titles(made, dark)
    return made


def _quiet_titles(made: go.Figure, dark: bool) -> None:
    """Subplot titles in the quiet size."""
    made.update_annotations(font={"size": theme.BODY_PX, "color": theme.ink(dark).muted}, yshift=2)


def f1_by_class(
    table: pd.DataFrame, classes: Sequence[str], systems: Sequence[str], dark: bool
) -> go.Figure:
    """F1 of each class and system, with the spread over runs (W figure 5, left).

    `table`: `class, system, mean, sd`.
    """
    made = common.figure(dark, 110 + 20 * len(classes) + 8 * len(systems))
    ticks = [common.safe(name) for name in classes]
    for system in systems:
        mine = table[table["system"] == system].set_index("class").reindex(list(classes))
        made.add_bar(
            y=ticks,
            x=mine["mean"],
            orientation="h",
            name=system,
            marker={"color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            error_x={
                "type": "data",
                "array": mine["sd"].fillna(0.0),
                "thickness": 1,
                "width": 2,
                "color": theme.ink(dark).muted,
            },
            hovertemplate=f"%{{y}}, {system}: F1 %{{x:.3f}}<extra></extra>",
        )
    made.update_layout(barmode="group", bargap=0.3, bargroupgap=0.0, legend={"y": 1.0})
    made.update_yaxes(autorange="reversed", showgrid=False)
    made.update_xaxes(title_text="F1", range=[0, 1.02])
    made.update_layout(margin={"l": 8, "r": 8, "t": 40, "b": 48})
    return made


def labels_beside_f1(
    label_counts: pd.Series,
    f1: dict[str, pd.Series],
    classes: Sequence[str],
    colours: dict[str, str],
    dark: bool,
) -> go.Figure:
    """W figure 6 beside F1: how many labels of each class trained the space, and what came of it.

    `label_counts`: class -> count. `f1`: system -> (class -> F1). `colours`: class -> colour.
    Classes stand by falling count.
    """
    order = label_counts.reindex(list(classes)).fillna(0).sort_values(ascending=False)
    ticks = [common.safe(name) for name in order.index]
    made = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=["labels in the translation subset", "F1 on the test items"],
    )
    made.add_bar(
        y=ticks,
        x=order.to_numpy(),
        orientation="h",
        marker={"color": [colours[name] for name in order.index]},
        hovertemplate="%{y}: %{x:,} labels<extra></extra>",
        showlegend=False,
        row=1,
        col=1,
    )
    for system, values in f1.items():
        made.add_scatter(
            y=ticks,
            x=values.reindex(order.index),
            mode="markers",
            name=system,
            marker={"size": 9, "color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            hovertemplate=f"%{{y}}, {system}: F1 %{{x:.3f}}<extra></extra>",
            row=1,
            col=2,
        )
    made.update_layout(
        template=theme.template(dark),
        height=130 + 20 * len(ticks),
        margin={"l": 8, "r": 8, "t": 78, "b": 58},
        legend={"yref": "container", "y": 0.995, "yanchor": "top"},
    )
    made.update_yaxes(autorange="reversed", showgrid=False)
    made.update_xaxes(range=[0, 1.02], row=1, col=2)
    _quiet_titles(made, dark)
    return made
