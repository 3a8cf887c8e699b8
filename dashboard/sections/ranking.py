"""Retrieval scores of every encoder pair (W figure 2), and every measure in one table."""

import pandas as pd
import streamlit as st

from dashboard import session, state, summaries, theme, widgets
from dashboard.figures import curves
from dashboard.page import Page

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


def figure(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Retrieval by encoder pair", anchor=False)
    there = [name for name in METRICS if (rows["metric"] == name).any()]
    if page.selection.metric not in there:
        session.change(metric=there[0])
    st.segmented_control(
        "Metric",
        there,
        format_func=summaries.metric_name,
        required=True,
        **session.bound("metric"),
    )
    metric = session.current().metric
    mine = rows[rows["metric"] == metric].assign(
        pair=lambda frame: frame["audio"] + "+" + frame["image"]
    )
    systems = summaries.spread(mine[mine["system"] == ""], ["pair", "space", "direction"])
    random = summaries.spread(mine[mine["system"] == "random"], ["direction"])
    directions = [name for name in state.CHOICES["direction"] if (mine["direction"] == name).any()]
    made = curves.ranking(
        interval(systems),
        summaries.metric_name(metric),
        directions,
        widgets.dark(),
        random[["direction", "mean"]] if len(random) else None,
    )
    widgets.show(
        made,
        page.handle,
        f"ranking_{metric}",
        f"{summaries.metric_name(metric)} of every encoder pair, both directions",
        table=mine,
    )
    widgets.small(scale_of(systems))
    if metric == "ndcg@30":
        widgets.small(
            "Relevance is 21 minus the distance of two labels in the ontology, so even a random "
            "order scores high and the scale is narrow: read NDCG beside its random line, or take "
            "the lift, (NDCG − random) / (1 − random), which is 0 for a random order and 1 for a "
            "perfect one. Where clips carry several labels, the best-matching pair counts."
        )


def interval(table: pd.DataFrame) -> pd.DataFrame:
    """``low`` and ``high``: the bootstrap bounds of one split, the mean ± sd of several."""
    several = (table["splits"] > 1).to_numpy()
    low = table["low"].where(~several, table["mean"] - table["sd"])
    high = table["high"].where(~several, table["mean"] + table["sd"])
    return table.assign(low=low, high=high)


def scale_of(table: pd.DataFrame) -> str:
    """Sizes, runs and what the bars mean, in one line."""
    if table.empty:
        return ""
    first = table.iloc[0]
    bars = (
        f"bars are ± one standard deviation over {first['splits']} splits"
        if first["splits"] > 1
        else "bars are 95% bootstrap intervals over queries"
    )
    sizes = ", ".join(
        f"{theme.DIRECTION_NAMES.get(row['direction'], row['direction'])}: {row['n']:,} queries "
        f"in a gallery of {row['gallery_size']:,}"
        for _, row in table.drop_duplicates("direction").iterrows()
    )
    return f"{sizes}; {bars}."


def table(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Every measure", anchor=False)
    audio, image = page.pair.split("+", 1)
    mine = rows[(rows["audio"] == audio) & (rows["image"] == image) & (rows["system"] == "")]
    shown = summaries.spread(mine, ["metric", "direction", "space"])
    if shown.empty:
        widgets.small("Nothing is stored for this pair of encoders.")
        return
    wide = pd.DataFrame(
        {
            "measure": shown["metric"].map(summaries.metric_name),
            "direction": shown["direction"].map(lambda name: theme.DIRECTION_NAMES.get(name, name)),
            "space": shown["space"].map(lambda name: theme.SPACE_NAMES.get(name, name)),
            "mean": shown["mean"],
            "sd": shown["sd"],
            "low": shown["low"],
            "high": shown["high"],
            "chance": shown["chance"],
            "queries": shown["n"],
            "gallery": shown["gallery_size"],
            "splits": shown["splits"],
        }
    )
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        wide,
        hide_index=True,
        height=320,
        placeholder="–",
        column_config=dict.fromkeys(("mean", "sd", "low", "high", "chance"), number),
    )
    widgets.csv_button(wide, page.handle, "ranking_all", pair=page.pair)
    widgets.small(
        "low and high are 95% bootstrap bounds, averaged over splits. Lower is better for median "
        "rank, modality gap and hubness."
    )
