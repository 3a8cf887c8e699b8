"""Translation: how well one modality finds the other (W figure 2), and how training went."""

import pandas as pd
import streamlit as st

from core.errors import UserError
from dashboard import cards, data, session, state, summaries, theme, widgets
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
N_QUERIES = 6


def show(page: Page) -> None:
    widgets.heading(
        "Translation",
        "Every held-out sound looks for its kind among the pictures, and every picture among the "
        "sounds: how far up do the right ones come?",
    )
    rows = data.measurements(page.handle, study="ranking")
    rows = rows[rows["class"] == ""]
    if rows.empty:
        widgets.notice("No ranking is stored for this study: evaluate it again.")
        return
    figure(page, rows)
    table(page, rows)
    training(page)
    queries(page)


# -- figure 2 ------------------------------------------------------------------------------------


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
        else "bars are 95 % bootstrap intervals over queries"
    )
    sizes = ", ".join(
        f"{theme.DIRECTION_NAMES.get(row['direction'], row['direction'])}: {row['n']:,} queries "
        f"in a gallery of {row['gallery_size']:,}"
        for _, row in table.drop_duplicates("direction").iterrows()
    )
    return f"{sizes}; {bars}."


# -- all metrics ---------------------------------------------------------------------------------


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
        "low and high are 95 % bootstrap bounds, averaged over splits. Lower is better for median "
        "rank, modality gap and hubness."
    )


# -- training ------------------------------------------------------------------------------------


def training(page: Page) -> None:
    st.subheader("Training", anchor=False)
    split = page.selection.split
    try:
        history = page.study.history(page.pair, split)
        manifest = page.study.artefact(f"train:{page.pair}:{split}").manifest
    except UserError as error:
        widgets.notice(str(error))
        return
    best = manifest.get("best_epoch")
    if best is None and len(history):
        best = int(history.loc[history["validation_loss"].idxmin(), "epoch"])
    made = curves.training(history, int(best) if best else None, widgets.dark())
    widgets.show(
        made,
        page.handle,
        f"training_{split}",
        f"Training of {page.pair}, split {split + 1}",
        pair=page.pair,
        table=history,
    )
    seconds = float(history["seconds"].sum())
    widgets.small(
        f"{len(history):,} epochs in {seconds:,.1f} s on the translation subset of split "
        f"{split + 1}, seed {manifest.get('seed', '–')}; the epoch of the lowest validation loss "
        "was kept."
    )


# -- single queries ------------------------------------------------------------------------------


def queries(page: Page) -> None:
    st.subheader("Best and worst queries", anchor=False)
    try:
        found = page.study.queries(page.pair, page.selection.split)
    except UserError as error:
        widgets.notice(str(error))
        return
    with st.container(horizontal=True, gap="medium"):
        st.segmented_control(
            "Direction",
            state.CHOICES["direction"],
            format_func=lambda name: theme.DIRECTION_NAMES[name],
            required=True,
            **session.bound("direction"),
        )
        st.segmented_control(
            "Space",
            state.CHOICES["space"],
            format_func=lambda name: theme.SPACE_NAMES[name],
            required=True,
            **session.bound("space"),
        )
    chosen = session.current()
    mine = found[(found["direction"] == chosen.direction) & (found["space"] == chosen.space)]
    mine = mine.dropna(subset=["average_precision"])
    if mine.empty:
        widgets.small("No query is stored for this direction and space.")
        return
    ranked = mine.sort_values(["average_precision", "item_id"], ascending=[False, True])
    for title, part in (
        ("best by average precision", ranked.head(N_QUERIES)),
        ("worst by average precision", ranked.tail(N_QUERIES).iloc[::-1]),
    ):
        widgets.kicker(title)
        notes = [
            f"AP {row.average_precision:.2f}, precision@10 {row.precision_at_10:.2f}, "
            f"NDCG {row.ndcg:.2f}"
            for row in part.itertuples()
        ]
        cards.grid(
            page.handle,
            list(part["item_id"]),
            key=f"query_{title[:4]}",
            notes=notes,
            columns=N_QUERIES,
            on_open=cards.open_item,
        )
    widgets.small(
        f"{len(mine):,} queries of split {chosen.split + 1}; open one to see what it found."
    )
    if chosen.items:
        cards.picked(page.handle, page.pair, chosen.items, key="queries")
        st.button("Close", type="tertiary", icon=":material/close:", on_click=cards.close_items)
    widgets.csv_button(ranked, page.handle, "queries", pair=page.pair)
