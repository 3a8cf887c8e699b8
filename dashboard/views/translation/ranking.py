"""Retrieval scores of every encoder set (W figure 2), and every measure in one table."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core.encoder_sets import spaced
from core.figures import ranking as figures
from core.figures import theme
from core.references import counterparts, wu2021
from core.references.reference import find
from core.studies import headlines
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import controls, paper, summaries, widgets

METRICS = (
    "ndcg@30",
    "ndcg_lift",
    "precision@10",
    "precision@5",
    "recall@1",
    "recall@5",
    "recall@10",
    "hit@10",
    "map",
    "median_rank",
    "modality_gap",
    "hubness",
)
COLUMN_NAMES = {"metric": "measure", "n": "queries", "gallery_size": "gallery"}


def figure(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Retrieval by encoder set", anchor=False)
    there = [name for name in METRICS if (rows["metric"] == name).any()]
    metric = controls.one("Metric", "metric", there, summaries.metric_name)
    rows = rows[rows["metric"] == metric]
    rows = rows.assign(encoder_set=data.encoder_set_of(rows))
    projected = rows[(rows["system"] == "") & (rows["space"] != "native")]
    systems = headlines.summary(projected, ["encoder_set", "space", "direction"])
    known = set(projected["direction"])
    reported = counterparts.ranking(rows) if metric == "ndcg@30" else []
    gallery_size = int(systems["gallery_size"].max()) if len(systems) else None
    # Each encoder set has its own key, so that no old click stays on the figure.
    key = f"ranking_{metric}_{page.encoder_set}"
    widgets.show(
        partial(
            figures.figure,
            interval(systems),
            page.study.encoder_sets,
            summaries.metric_name(metric),
            [name for name in state.CHOICES["direction"] if name in known],
            widgets.dark(),
            baselines=baselines(rows),
            band=band() if metric == "ndcg@30" else None,
            chosen=page.encoder_set,
        ),
        page.whole_study,
        f"ranking_{metric}",
        f"{summaries.metric_name(metric)} of every encoder set, every direction",
        key=key,
        on_select=lambda: select_encoder_set(key, data.encoder_set_names(page.handle)),
        table=rows,
        more=paper.facts(page.whole_study, reported, gallery_size),
    )
    widgets.small(scale_of(systems))
    if len(page.study.encoder_sets) > 1:
        widgets.small(
            f"The encoder set of all pages, {spaced(page.encoder_set)}, is shaded. Click a mark to "
            "show its encoder set on all pages."
        )
    if metric == "ndcg@30":
        widgets.small(
            "Relevance is 21 minus the distance of two labels in the ontology, so even a random "
            "order scores high and the scale is narrow. Compare NDCG with the random line, or use "
            "the lift, (NDCG − random) / (1 − random): 0 for a random order, 1 for a perfect one. "
            "For clips with several labels, the best-matching pair of labels counts."
        )
    paper.show(page.whole_study, reported, gallery_size)


def select_encoder_set(key: str, names: Sequence[str]) -> None:
    """A click on a mark shows its encoder set on all pages."""
    name = session.clicked(key)
    if name in names:
        session.change(encoder_set=name, items=(), cell="")


def baselines(rows: pd.DataFrame) -> list[figures.Baseline]:
    """A random order, and encoder sets that share a native space, ranked without a translation."""
    random = headlines.summary(rows[rows["system"] == "random"], ["direction"])
    found = [figures.Baseline("random order", _by_direction(random))] if len(random) else []
    native = rows[(rows["space"] == "native") & (rows["system"] == "")]
    for name, of_set in native.groupby("encoder_set", sort=False):
        means = _by_direction(headlines.summary(of_set, ["direction"]))
        label = f"{spaced(str(name))}, untranslated"
        found.append(figures.Baseline(label, means, theme.SPACE_COLOURS["native"]))
    return found


def _by_direction(table: pd.DataFrame) -> dict[str, float]:
    return {str(row["direction"]): float(row["mean"]) for _, row in table.iterrows()}


def band() -> figures.Band:
    """The range that W's figure 2 shows."""
    one = find(wu2021.REPORTED, "ndcg_range")
    return figures.Band(
        f"W: {one.reported}", float(one.low or 0.0), float(one.high or 0.0), counterparts.DIRECTIONS
    )


def interval(table: pd.DataFrame) -> pd.DataFrame:
    """`low` and `high`: the bootstrap bounds of one fit, the mean ± sd of several."""
    several = ((table["splits"] > 1) | (table["trainings"] > 1)).to_numpy()
    low = table["low"].where(~several, table["mean"] - table["sd"])
    high = table["high"].where(~several, table["mean"] + table["sd"])
    return table.assign(low=low, high=high)


def scale_of(table: pd.DataFrame) -> str:
    """Queries, gallery and the meaning of the bars, in one line."""
    if table.empty:
        return ""
    first = table.iloc[0]
    over = headlines.spread_over(first["splits"], first["trainings"], 1)
    bars = "bars are 95% bootstrap intervals over queries, of one training"
    if over:
        bars = f"bars are ± one standard deviation over {over}"
    sizes: dict[str, list[str]] = {}
    for _, row in table.drop_duplicates("direction").iterrows():
        size = f"{row['n']:,} queries in a gallery of {row['gallery_size']:,}"
        name = theme.DIRECTION_NAMES.get(row["direction"], row["direction"])
        sizes.setdefault(size, []).append(name)
    if len(sizes) == 1:
        return f"{next(iter(sizes))}, in every direction; {bars}."
    listed = "; ".join(f"{', '.join(names)}: {size}" for size, names in sizes.items())
    return f"{listed}; {bars}."


def table(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Every measure", anchor=False)
    rows = rows[(data.encoder_set_of(rows) == page.encoder_set) & (rows["system"] == "")]
    shown = headlines.summary(rows, ["metric", "direction", "space"])
    if shown.empty:
        widgets.small("Nothing is stored for this encoder set.")
        return
    shown["metric"] = shown["metric"].map(summaries.metric_name)
    shown["direction"] = shown["direction"].replace(theme.DIRECTION_NAMES)
    shown["space"] = shown["space"].replace(theme.SPACE_NAMES)
    wide = shown.drop(columns="runs").rename(columns=COLUMN_NAMES)
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        wide,
        hide_index=True,
        height=320,
        placeholder="–",
        column_config=dict.fromkeys(("mean", "sd", "low", "high", "chance"), number),
    )
    widgets.csv_button(wide, page, "ranking_all")
    widgets.small(
        "low and high are 95% bootstrap bounds, averaged over splits. Lower is better for median "
        "rank, modality gap and hubness."
    )
