"""Tags: classes against words, score distributions, ROC and precision-recall curves, areas by tag.

Arrays in, figures out. Every tag is what a person typed, so each is made safe here.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import common, theme
from core.studies.zero_shot import Curves

MAX_LETTERS = 34  # of a tag beside an axis
N_BINS = 48
OTHER = "the other items"


def short(text: str, most: int = MAX_LETTERS) -> str:
    """A tag as it stands beside an axis: safe, and cut where it is long."""
    return common.safe(text if len(text) <= most else text[: most - 1].rstrip() + "…")


def by_class(
    means: np.ndarray, classes: Sequence[str], tags: Sequence[str], dark: bool
) -> go.Figure:
    """Mean cosine of each class's items (row) with each tag (column); `means (C, t)`."""
    n_rows, n_columns = means.shape
    longest = max((len(tag) for tag in tags), default=4)
    room = 24 + round(min(longest, MAX_LETTERS) * 6.2)
    made = common.figure(dark, int(np.clip(110 + 20 * n_rows + room, 300, 1200)))
    finite = means[np.isfinite(means)]
    top = max(1e-6, float(np.abs(finite).max())) if len(finite) else 1.0
    names, words = [common.safe(name) for name in classes], [common.safe(tag) for tag in tags]
    made.add_heatmap(
        z=means,
        x=list(range(n_columns)),
        y=list(range(n_rows)),
        zmin=-top,
        zmax=top,
        colorscale=_diverging(dark),
        xgap=1,
        ygap=1,
        hovertext=[
            [f"<b>{name}</b> and <b>{word}</b><br>mean cosine {value:.3f}"
             for word, value in zip(words, row, strict=True)]
            for name, row in zip(names, means, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar={
            "title": {"text": "mean cosine", "side": "right", "font": {"size": theme.SMALL_PX}},
            "thickness": 10,
            "outlinewidth": 0,
            "tickfont": {"size": theme.SMALL_PX},
        },
    )  # fmt: skip
    quiet = {"showgrid": False, "zeroline": False, "tickfont": {"size": theme.SMALL_PX}}
    made.update_xaxes(
        tickvals=list(range(n_columns)),
        ticktext=[short(tag) for tag in tags],
        tickangle=-45 if n_columns > 4 else 0,
        automargin=False,
        range=[-0.5, n_columns - 0.5],
        **quiet,
    )
    made.update_yaxes(
        tickvals=list(range(n_rows)),
        ticktext=[short(name) for name in classes],
        range=[n_rows - 0.5, -0.5],
        **quiet,
    )
    slanted = room * 0.75 if n_columns > 4 else 24
    made.update_layout(margin={"l": 8, "r": 8, "t": 12, "b": int(slanted + 34)}, dragmode=False)
    return made


def _diverging(dark: bool) -> list[list[object]]:
    """Away from the tag, neither, towards it."""
    ground = theme.ink(dark).low
    low, high = ("#E7A977", "#7FD0DF") if dark else ("#B4662B", "#0E4A58")
    return [[0.0, low], [0.5, ground], [1.0, high]]


def distribution(
    scores: np.ndarray,
    threshold: float,
    dark: bool,
    positive: np.ndarray | None = None,
    name: str = "",
) -> go.Figure:
    """How the items' cosines with one tag are spread, and where the threshold lies.

    `scores (n,)`; `positive (n,) bool` are the items that bear the label `name`: drawn as
    shares of their own kind, since they are few.
    """
    made = common.figure(dark, 300)
    low, high = float(scores.min(initial=0)), float(scores.max(initial=0))
    step = max((high - low) / N_BINS, 1e-6)
    edges = low + step * np.arange(N_BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    if positive is None or not positive.any() or positive.all():
        groups = [("items", np.ones(len(scores), dtype=bool), theme.ink(dark).muted, 0.65)]
    else:
        groups = [
            (OTHER, ~positive, theme.ink(dark).muted, 0.5),
            (f"labelled {name}", positive, theme.ink(dark).accent, 0.75),
        ]
    for label, mask, colour, opacity in groups:
        counts, _ = np.histogram(scores[mask], bins=edges)
        share = counts / max(1, counts.sum())
        made.add_bar(
            x=centres,
            y=share,
            width=step,
            name=common.safe(label),
            marker={"color": colour, "opacity": opacity, "line": {"width": 0}},
            customdata=counts,
            hovertemplate=f"{common.safe(label)}: %{{customdata:,}} (%{{y:.1%}}) at "
            "%{x:.3f}<extra></extra>",
        )
    made.add_vline(
        x=threshold,
        line={"dash": "dash", "width": 1.5, "color": theme.ink(dark).text},
        annotation={
            "text": f"threshold {threshold:.3f}",
            "font": {"size": theme.SMALL_PX, "color": theme.ink(dark).muted},
        },
    )
    made.update_xaxes(title_text="cosine with the tag")
    made.update_yaxes(title_text="share of the items", tickformat=".0%")
    made.update_layout(barmode="overlay", bargap=0, margin={"l": 8, "r": 8, "t": 40, "b": 58})
    return made


def curves(
    found: Mapping[str, Curves],
    opened: str,
    prevalence: float,
    dark: bool,
    at: tuple[float, float, float] | None = None,
    colours: Mapping[str, str] | None = None,
) -> go.Figure:
    """ROC and precision-recall curves: the open tag's strong, the other tags' quiet behind it.

    `prevalence` is the open tag's, the chance level of its precision. `at`: its false positive
    rate, recall and precision at the threshold.
    """
    made = make_subplots(rows=1, cols=2, horizontal_spacing=0.1)
    quiet = theme.ink(dark).muted
    for tag, curve in sorted(found.items(), key=lambda pair: pair[0] == opened):
        strong = tag == opened
        colour = (colours or {}).get(tag, theme.ink(dark).accent)
        line = {
            "width": 2.6 if strong else 1,
            "color": colour if strong else theme.with_alpha(quiet, 0.4),
        }
        shared = {"mode": "lines", "name": common.safe(tag), "showlegend": strong, "line": line}
        word = common.safe(tag)
        made.add_scatter(
            x=curve.fpr,
            y=curve.tpr,
            hovertemplate=f"{word}: recall %{{y:.2f}} at %{{x:.2f}}<extra></extra>",
            row=1,
            col=1,
            **shared,
        )
        made.add_scatter(
            x=curve.recall,
            y=curve.precision,
            hovertemplate=f"{word}: precision %{{y:.2f}} at recall %{{x:.2f}}<extra></extra>",
            row=1,
            col=2,
            **{**shared, "showlegend": False, "line": {**line, "shape": "vh"}},
        )
    dotted = {"dash": "dot", "width": 1.2, "color": quiet}
    for column, ends in ((1, [0.0, 1.0]), (2, [prevalence, prevalence])):
        made.add_scatter(
            x=[0.0, 1.0], y=ends, mode="lines", name="chance", line=dotted, hoverinfo="skip",
            showlegend=column == 1, row=1, col=column,
        )  # fmt: skip
    if at is not None:
        fpr, recall, precision = at
        mark = {"size": 10, "symbol": "circle-open", "line": {"width": 2}}
        for column, x, y in ((1, fpr, recall), (2, recall, precision)):
            made.add_scatter(
                x=[x], y=[y], mode="markers", name="at the threshold",
                marker={**mark, "color": theme.ink(dark).text},
                hovertemplate=f"at the threshold: {x:.2f}, {y:.2f}<extra></extra>",
                showlegend=column == 1, row=1, col=column,
            )  # fmt: skip
    made.update_layout(
        template=theme.template(dark), height=340, margin={"l": 8, "r": 8, "t": 40, "b": 58}
    )
    made.update_xaxes(range=[-0.02, 1.02])
    made.update_yaxes(range=[-0.02, 1.04])
    made.update_xaxes(title_text="false positive rate", row=1, col=1)
    made.update_yaxes(title_text="recall", row=1, col=1)
    made.update_xaxes(title_text="recall", row=1, col=2)
    made.update_yaxes(title_text="precision", row=1, col=2)
    return made


def areas(table: pd.DataFrame, colours: Mapping[str, str], dark: bool) -> go.Figure:
    """Areas under both curves of each tag, the best tag first, each beside its chance level.

    `table`: `tag, roc_auc, pr_auc, prevalence`.
    """
    ordered = table.sort_values("roc_auc", ascending=False, kind="stable")
    ticks = [short(tag) for tag in ordered["tag"]]
    made = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.04)
    rows = list(range(len(ordered)))
    fill = [colours.get(tag, theme.UNLABELLED) for tag in ordered["tag"]]
    for column, metric, title in ((1, "roc_auc", "ROC-AUC"), (2, "pr_auc", "PR-AUC")):
        made.add_bar(
            y=rows,
            x=ordered[metric],
            orientation="h",
            marker={"color": fill, "line": {"width": 0}},
            customdata=[common.safe(tag) for tag in ordered["tag"]],
            hovertemplate=f"%{{customdata}}: {title} %{{x:.3f}}<extra></extra>",
            showlegend=False,
            row=1,
            col=column,
        )
        chance = [0.5] * len(rows) if metric == "roc_auc" else ordered["prevalence"]
        made.add_scatter(
            y=rows,
            x=chance,
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
        made.update_xaxes(title_text=title, range=[0, 1.02], row=1, col=column)
    made.update_yaxes(
        tickvals=rows, ticktext=ticks, range=[len(rows) - 0.5, -0.5], showgrid=False,
        automargin=True,
    )  # fmt: skip
    made.update_layout(
        template=theme.template(dark),
        height=int(np.clip(120 + 20 * len(rows), 220, 1400)),
        bargap=0.3,
        margin={"l": 8, "r": 8, "t": 40, "b": 58},
    )
    return made
