"""Bar charts: items per class, F1 per class, labels beside F1, a query's class scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme

SUBSET_COLOURS = {
    "translation": "#2F6FDE",
    "crossmodal": "#3AA089",
    "train": "#E0A030",
    "test": "#D6455D",
    "unpaired": "#8F7F97",
}
N_CLASSES = 5  # drawn of a query's class scores
TALL_TOP = {**common.MARGIN_PX, "t": 78}  # room for a legend and the panels' titles


def class_counts(counted: pd.DataFrame, classes: Sequence[str], dark: bool = False) -> go.Figure:
    """Items per class, stacked by subset, one panel per modality.

    Parameters
    ----------
    counted : columns `subset, modality, class, n_items`; class "" means "none or several"
    classes : from top to bottom
    """
    modalities = [name for name in theme.MARKERS if (counted["modality"] == name).any()]
    names = [*classes, *([""] if (counted["class"] == "").any() else [])]
    fig = common.subplots(
        dark,
        130 + 20 * len(names),
        cols=max(1, len(modalities)),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[theme.MODALITY_PLURALS[name] for name in modalities],
    )
    ticks = [common.safe(name) or "none or several" for name in names]
    for column, modality in enumerate(modalities, start=1):
        for subset, colour in SUBSET_COLOURS.items():
            rows = counted[(counted["modality"] == modality) & (counted["subset"] == subset)]
            if rows.empty:
                continue
            fig.add_bar(
                y=ticks,
                x=rows.set_index("class")["n_items"].reindex(names, fill_value=0).to_numpy(),
                orientation="h",
                name=subset,
                legendgroup=subset,
                showlegend=column == 1,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=f"%{{y}}, {subset}: %{{x:,}}<extra></extra>",
                row=1,
                col=column,
            )
    fig.update_layout(
        barmode="stack",
        bargap=0.25,
        margin=TALL_TOP,
        legend={**common.LEGEND_ON_TOP, "traceorder": "normal"},
    )
    fig.update_yaxes(autorange="reversed", showgrid=False)
    return fig.update_xaxes(title_text="items", rangemode="tozero")


def f1_by_class(
    table: pd.DataFrame, classes: Sequence[str], systems: Sequence[str], dark: bool = False
) -> go.Figure:
    """F1 of each class and system, with its standard deviation over runs (W figure 5, left).

    Parameters
    ----------
    table : columns `class, system, mean, sd`
    classes : from top to bottom
    systems : SMA, SMI, MMP, MMT, ...; one bar each
    """
    fig = common.figure(dark, 110 + 20 * len(classes) + 8 * len(systems))
    ticks = [common.safe(name) for name in classes]
    for system in systems:
        rows = table[table["system"] == system].set_index("class").reindex(list(classes))
        fig.add_bar(
            y=ticks,
            x=rows["mean"],
            orientation="h",
            name=system,
            marker={"color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            error_x={
                "type": "data",
                "array": rows["sd"].fillna(0.0),
                "thickness": 1,
                "width": 2,
                "color": theme.ink(dark).muted,
            },
            hovertemplate=f"%{{y}}, {system}: F1 %{{x:.3f}}<extra></extra>",
        )
    fig.update_layout(
        barmode="group",
        bargap=0.3,
        bargroupgap=0.0,
        legend={"y": 1.0},
        margin={**common.MARGIN_PX, "b": 48},
    )
    fig.update_yaxes(autorange="reversed", showgrid=False)
    return fig.update_xaxes(title_text="F1", range=[0, 1.02])


def labels_beside_f1(
    label_counts: pd.Series,
    f1: Mapping[str, pd.Series],
    classes: Sequence[str],
    colours: Mapping[str, str],
    dark: bool = False,
) -> go.Figure:
    """Labels per class that the space was trained on (W figure 6), beside the F1 of each class.

    The class with the most labels comes first.

    Parameters
    ----------
    label_counts : class -> count
    f1 : system -> (class -> F1)
    colours : class -> colour
    """
    order = label_counts.reindex(list(classes)).fillna(0).sort_values(ascending=False)
    ticks = [common.safe(name) for name in order.index]
    fig = common.subplots(
        dark,
        130 + 20 * len(ticks),
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=["labels in the translation subset", "F1 on the test items"],
    )
    fig.add_bar(
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
        fig.add_scatter(
            y=ticks,
            x=values.reindex(order.index),
            mode="markers",
            name=system,
            marker={"size": 9, "color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            hovertemplate=f"%{{y}}, {system}: F1 %{{x:.3f}}<extra></extra>",
            row=1,
            col=2,
        )
    fig.update_layout(margin=TALL_TOP, legend=common.LEGEND_ON_TOP)
    fig.update_yaxes(autorange="reversed", showgrid=False)
    return fig.update_xaxes(range=[0, 1.02], row=1, col=2)


def class_scores(scores: pd.DataFrame, chance: float, dark: bool = False) -> go.Figure:
    """The five classes with the highest score of any system, and a line at chance level.

    Parameters
    ----------
    scores : columns `system, class, score`
    chance : a class's share when all classes get the same number of votes
    """
    wide = scores.set_index(["class", "system"])["score"].unstack("system")
    order = wide.max(axis=1).sort_values(ascending=False, kind="stable").index[:N_CLASSES]
    systems = [name for name in reversed(theme.SYSTEMS) if name in wide.columns]
    top = min(1.02, max(0.2, 1.15 * float(np.nanmax(wide.loc[order].to_numpy()))))
    bars = [
        {
            "type": "bar",
            "y": [common.safe(name) for name in order],
            "x": wide.loc[order, system].to_numpy(),
            "orientation": "h",
            "name": system,
            "marker": {"color": theme.SYSTEM_COLOURS.get(system, theme.UNLABELLED)},
            "hovertemplate": f"%{{y}}, {system}: %{{x:.0%}} of the votes<extra></extra>",
        }
        for system in systems
    ]
    chance_line = {
        "type": "line",
        "x0": chance,
        "x1": chance,
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": {"dash": "dot", "width": 1, "color": theme.ink(dark).muted},
    }
    return common.figure(
        dark,
        380,
        data=bars,
        layout={
            "barmode": "group",
            "bargap": 0.3,
            "margin": {"l": 8, "r": 8, "t": 34, "b": 62},
            "legend": {"traceorder": "normal"},
            "shapes": [chance_line],
            "yaxis": {"autorange": "reversed", "showgrid": False},
            "xaxis": {
                "title": {"text": "share of the forest's votes"},
                "range": [0, top],
                "tickformat": ".0%",
            },
        },
    )
