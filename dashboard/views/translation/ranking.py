"""Retrieval scores of every encoder set (W figure 2), and every measure in one table."""

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
RANDOM = "random order"


def figure(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Retrieval by encoder set", anchor=False)
    there = [name for name in METRICS if (rows["metric"] == name).any()]
    metric = controls.one("Metric", "metric", there, summaries.metric_name)
    mine = rows[rows["metric"] == metric]
    mine = mine.assign(encoder_set=data.encoder_set_of(mine))
    own = mine[(mine["system"] == "") & (mine["space"] != "native")]
    systems = headlines.summary(own, ["encoder_set", "space", "direction"])
    directions = [name for name in state.CHOICES["direction"] if (own["direction"] == name).any()]
    found = counterparts.ranking(rows) if metric == "ndcg@30" else []
    own_grid = paper.of_grid(page, int(systems["gallery_size"].max()) if len(systems) else None)
    # A key of its own for each encoder set, so that no old click stays on the figure.
    key = f"ranking_{metric}_{page.encoder_set}"
    widgets.show(
        figures.figure(
            interval(systems),
            page.study.encoder_sets,
            summaries.metric_name(metric),
            directions,
            widgets.dark(),
            baselines=baselines(mine),
            band=band() if metric == "ndcg@30" else None,
            chosen=page.encoder_set,
        ),
        page.handle,
        f"ranking_{metric}",
        f"{summaries.metric_name(metric)} of every encoder set, every direction",
        key=key,
        on_select=lambda: take(key, page.study.encoder_sets),
        table=mine,
        more=paper.facts(own_grid, found),
    )
    widgets.small(scale_of(systems))
    if len(page.study.encoder_sets) > 1:
        widgets.small(
            f"Shaded is {spaced(page.encoder_set)}, which all pages show. "
            "Click a mark to show its encoder set on every page."
        )
    if metric == "ndcg@30":
        widgets.small(
            "Relevance is 21 minus the distance of two labels in the ontology, so even a random "
            "order scores high and the scale is narrow: read NDCG beside its random line, or take "
            "the lift, (NDCG − random) / (1 − random), which is 0 for a random order and 1 for a "
            "perfect one. Where clips carry several labels, the best-matching pair counts."
        )
    paper.show(own_grid, found)


def take(key: str, pairs: list[tuple[str, ...]]) -> None:
    """A click on a mark makes its pair the one that every page shows."""
    name = session.clicked(key)
    if name in ["+".join(encoder_set) for encoder_set in pairs]:
        session.change(encoder_set=name, items=(), cell="")


def baselines(mine: pd.DataFrame) -> list[figures.Baseline]:
    """A random order, and encoders with a space of their own ranked as they are."""
    random = headlines.summary(mine[mine["system"] == "random"], ["direction"])
    found = [figures.Baseline(RANDOM, _by_direction(random))] if len(random) else []
    native = mine[(mine["space"] == "native") & (mine["system"] == "")]
    for name, part in native.groupby("encoder_set", sort=False):
        table = headlines.summary(part, ["direction"])
        label = f"{spaced(str(name))}, untranslated"
        found.append(figures.Baseline(label, _by_direction(table), theme.SPACE_COLOURS["native"]))
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
    """`low` and `high`: the bootstrap bounds of one split, the mean ± sd of several."""
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
    sizes: dict[str, list[str]] = {}
    for _, row in table.drop_duplicates("direction").iterrows():
        size = f"{row['n']:,} queries in a gallery of {row['gallery_size']:,}"
        name = theme.DIRECTION_NAMES.get(row["direction"], row["direction"])
        sizes.setdefault(size, []).append(name)
    if len(sizes) == 1:
        return f"{next(iter(sizes))}, in every direction; {bars}."
    said = "; ".join(f"{', '.join(names)}: {size}" for size, names in sizes.items())
    return f"{said}; {bars}."


def table(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Every measure", anchor=False)
    mine = rows[(data.encoder_set_of(rows) == page.encoder_set) & (rows["system"] == "")]
    shown = headlines.summary(mine, ["metric", "direction", "space"])
    if shown.empty:
        widgets.small("Nothing is stored for this encoder set.")
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
    widgets.csv_button(wide, page.handle, "ranking_all", encoder_set=page.encoder_set)
    widgets.small(
        "low and high are 95% bootstrap bounds, averaged over splits. Lower is better for median "
        "rank, modality gap and hubness."
    )
