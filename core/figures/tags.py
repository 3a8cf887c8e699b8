"""Figures of tags: classes against tags, distribution of scores, ROC and precision-recall, areas.

Tags are typed by people: every one is escaped here.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import common, theme
from core.studies.zero_shot import Curves

MAX_LETTERS = 34  # of a tag beside an axis
N_BINS = 48
OTHER = "the other items"


def by_class(
    means: np.ndarray, classes: Sequence[str], tags: Sequence[str], dark: bool = False
) -> go.Figure:
    """Mean cosine of each class's items (row) with each tag (column).

    Parameters
    ----------
    means : (C, t); NaN for a class without items
    """
    n_rows, n_columns = means.shape
    longest = max((len(tag) for tag in tags), default=4)
    room = 24 + round(min(longest, MAX_LETTERS) * 6.2)
    fig = common.figure(dark, int(np.clip(110 + 20 * n_rows + room, 300, 1200)))
    finite = means[np.isfinite(means)]
    top = max(1e-6, float(np.abs(finite).max())) if len(finite) else 1.0
    names, words = [common.safe(name) for name in classes], [common.safe(tag) for tag in tags]
    fig.add_heatmap(
        z=means,
        zmin=-top,
        zmax=top,
        colorscale=theme.diverging(dark),
        xgap=1,
        ygap=1,
        hovertext=[
            [
                f"<b>{name}</b> and <b>{word}</b><br>mean cosine {value:.3f}"
                for word, value in zip(words, row, strict=True)
            ]
            for name, row in zip(names, means, strict=True)
        ],
        colorbar={"title": {"text": "mean cosine"}},
    )
    quiet = {"showgrid": False, "zeroline": False, "tickfont": {"size": theme.SMALL_PX}}
    slanted = n_columns > 4
    fig.update_xaxes(
        tickangle=-45 if slanted else 0,
        automargin=False,
        **quiet,
        **common.named_axis([_tick(tag) for tag in tags]),
    )
    fig.update_yaxes(**quiet, **common.named_axis([_tick(name) for name in classes], down=True))
    bottom = int((room * 0.75 if slanted else 24) + 34)
    return fig.update_layout(margin={"l": 8, "r": 8, "t": 12, "b": bottom}, dragmode=False)


def _tick(tag: str) -> str:
    return common.safe(common.cut(tag, MAX_LETTERS))


def distribution(
    scores: np.ndarray,
    threshold: float,
    dark: bool = False,
    positive: np.ndarray | None = None,
    name: str = "",
) -> go.Figure:
    """Histogram of the items' cosines with one tag, and the threshold.

    Items with the label and the other items are shares of their own group, because the former are
    few.

    Parameters
    ----------
    scores : (n,)
    positive : (n,) bool, the items with the label `name`
    """
    fig = common.figure(dark, 300)
    low, high = float(scores.min(initial=0)), float(scores.max(initial=0))
    step = max((high - low) / N_BINS, 1e-6)
    edges = low + step * np.arange(N_BINS + 1)
    ink = theme.ink(dark)
    if positive is None or not positive.any() or positive.all():
        groups = [("items", np.ones(len(scores), dtype=bool), ink.muted, 0.65)]
    else:
        groups = [
            (OTHER, ~positive, ink.muted, 0.5),
            (f"labelled {name}", positive, ink.accent, 0.75),
        ]
    for group, mask, colour, opacity in groups:
        counts, _ = np.histogram(scores[mask], bins=edges)
        label = common.safe(group)
        fig.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts / max(1, counts.sum()),
            width=step,
            name=label,
            marker={"color": colour, "opacity": opacity},
            customdata=counts,
            hovertemplate=f"{label}: %{{customdata:,}} (%{{y:.1%}}) at %{{x:.3f}}<extra></extra>",
        )
    text = f"threshold {threshold:.3f}"
    common.vertical_line(fig, threshold, text, dark, width=1.5, color=ink.text)
    fig.update_xaxes(title_text="cosine with the tag")
    fig.update_yaxes(title_text="share of the items", tickformat=".0%")
    return fig.update_layout(barmode="overlay", bargap=0, margin=common.MARGIN_PX)


def curves(
    by_tag: Mapping[str, Curves],
    selected: str,
    prevalence: float,
    dark: bool = False,
    at: tuple[float, float, float] | None = None,
    colours: Mapping[str, str] | None = None,
) -> go.Figure:
    """ROC and precision-recall curves: one tag in colour, the others grey behind it.

    Parameters
    ----------
    selected : the tag in colour
    prevalence : share of its positive items, the chance level of its precision
    at : its false positive rate, recall and precision at the threshold
    """
    fig = common.subplots(dark, 340, cols=2, horizontal_spacing=0.1)
    ink = theme.ink(dark)
    for tag, curve in sorted(by_tag.items(), key=lambda entry: entry[0] == selected):
        strong = tag == selected
        line = {"width": 1, "color": theme.with_alpha(ink.muted, 0.4)}
        if strong:
            line = {"width": 2.6, "color": (colours or {}).get(tag, ink.accent)}
        word = common.safe(tag)
        for column, x, y, hover in (
            (1, curve.fpr, curve.tpr, "recall %{y:.2f} at %{x:.2f}"),
            (2, curve.recall, curve.precision, "precision %{y:.2f} at recall %{x:.2f}"),
        ):
            fig.add_scatter(
                x=x,
                y=y,
                mode="lines",
                name=word,
                showlegend=strong and column == 1,
                line=line if column == 1 else {**line, "shape": "vh"},
                hovertemplate=f"{word}: {hover}<extra></extra>",
                row=1,
                col=column,
            )
    for column, ends in ((1, [0.0, 1.0]), (2, [prevalence, prevalence])):
        fig.add_scatter(
            x=[0.0, 1.0],
            y=ends,
            mode="lines",
            name="chance",
            line={"dash": "dot", "width": 1.2, "color": ink.muted},
            hoverinfo="skip",
            showlegend=column == 1,
            row=1,
            col=column,
        )
    if at is not None:
        fpr, recall, precision = at
        for column, across, up in ((1, fpr, recall), (2, recall, precision)):
            fig.add_scatter(
                x=[across],
                y=[up],
                mode="markers",
                name="at the threshold",
                marker={
                    "size": 10,
                    "symbol": "circle-open",
                    "line": {"width": 2},
                    "color": ink.text,
                },
                hovertemplate=f"at the threshold: {across:.2f}, {up:.2f}<extra></extra>",
                showlegend=column == 1,
                row=1,
                col=column,
            )
    fig.update_xaxes(range=[-0.02, 1.02])
    fig.update_yaxes(range=[-0.02, 1.04])
    titles = ((1, "false positive rate", "recall"), (2, "recall", "precision"))
    for column, x_title, y_title in titles:
        fig.update_xaxes(title_text=x_title, row=1, col=column)
        fig.update_yaxes(title_text=y_title, row=1, col=column)
    return fig


def areas(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    dark: bool = False,
    unseen: Collection[str] = (),
) -> go.Figure:
    """Areas under both curves of each tag beside their chance level, the best tag first.

    Parameters
    ----------
    table : columns `tag, roc_auc, pr_auc, prevalence`
    colours : tag -> colour
    unseen : tags that no text of the training names; their bars are hatched and their names marked
    """
    ordered = table.sort_values("roc_auc", ascending=False, kind="stable")
    tags = ordered["tag"]
    rows = list(range(len(ordered)))
    fig = common.subplots(
        dark,
        int(np.clip(120 + 20 * len(rows), 220, 1400)),
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    for column, metric, title in ((1, "roc_auc", "ROC-AUC"), (2, "pr_auc", "PR-AUC")):
        fig.add_bar(
            y=rows,
            x=ordered[metric],
            orientation="h",
            marker={
                "color": [colours.get(tag, theme.UNLABELLED) for tag in tags],
                "line": {"width": 0},
                "pattern": {"shape": ["/" if tag in unseen else "" for tag in tags]},
            },
            customdata=[common.safe(_marked(tag, unseen)) for tag in tags],
            hovertemplate=f"%{{customdata}}: {title} %{{x:.3f}}<extra></extra>",
            showlegend=False,
            row=1,
            col=column,
        )
        fig.add_scatter(
            y=rows,
            x=[0.5] * len(rows) if metric == "roc_auc" else ordered["prevalence"],
            mode="markers",
            name="chance",
            marker={
                "symbol": "line-ns",
                "size": 13,
                "line": {"width": 2, "color": theme.ink(dark).text},
            },
            hovertemplate="chance %{x:.3f}<extra></extra>",
            showlegend=column == 1,
            row=1,
            col=column,
        )
        fig.update_xaxes(title_text=title, range=[0, 1.02], row=1, col=column)
    axis = common.named_axis([_tick(_marked(tag, unseen)) for tag in tags], down=True)
    fig.update_yaxes(showgrid=False, automargin=True, **axis)
    return fig.update_layout(bargap=0.3)


def _marked(tag: str, unseen: Collection[str]) -> str:
    return f"{tag} (unseen)" if tag in unseen else tag
