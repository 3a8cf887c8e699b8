"""The geometry of the spaces, and what is left where there is nothing to find: controls."""

import pandas as pd
import streamlit as st

from core.figures import theme
from core.studies import headlines
from dashboard import data
from dashboard.page import Page
from dashboard.shared import summaries, widgets

SPACE_NAMES = {**theme.SPACE_NAMES, "native": "encoders' own vectors"}


def show(page: Page) -> None:
    rows = data.measurements(page.handle, page.encoder_set)
    controls(page, rows)
    spaces(page, rows)
    encoders(page, rows)


def controls(page: Page, rows: pd.DataFrame) -> None:
    """Precision@10 beside permuted labels, shuffled pairs, and an interval over classes."""
    ranked = rows[(rows["study"] == "ranking") & (rows["space"] == "translation")]
    own, shuffled = ranked[ranked["system"] == ""], ranked[ranked["system"] == "shuffled"]
    own = own[own["class"] == ""]
    columns = {
        "precision@10": (own, "precision@10", summaries.std_or_interval),
        "over classes": (own, "precision@10_over_classes", _bounds),
        "labels permuted": (own, "precision@10_permuted", _bounds),
        "p": (own, "precision@10_p", _nothing),
        "trained on shuffled pairs": (shuffled, "precision@10", summaries.std_or_interval),
        "its p": (shuffled, "precision@10_p", _nothing),
    }
    parts = {}
    for name, (part, metric, spread) in columns.items():
        found = headlines.summary(part[part["metric"] == metric], ["direction"])
        parts[name] = {
            row["direction"]: f"{summaries.number(row['mean'])} {spread(row)}".strip()
            for _, row in found.iterrows()
        }
    if not parts["p"]:
        return
    table = pd.DataFrame({name: part for name, part in parts.items() if part})
    table = table.rename(index=theme.DIRECTION_NAMES).rename_axis("direction").reset_index()
    st.subheader("Controls", anchor=False)
    st.dataframe(table, hide_index=True, placeholder="–")
    widgets.csv_button(table, page, "ranking_controls")
    widgets.small(
        "“Over classes” is the mean of the classes' means; its interval draws classes, so it holds "
        "for other classes too, and is wider than the one over queries. “Labels permuted”: the "
        "gallery's labels are dealt out anew 200 times; p is the share of these with at least this "
        "score. “Trained on shuffled pairs”: the same recipe, with pairs that do not belong "
        "together."
    )


def _bounds(row: pd.Series) -> str:
    return f"({summaries.number(row['low'])} to {summaries.number(row['high'])})"


def _nothing(row: pd.Series) -> str:
    return ""


def spaces(page: Page, rows: pd.DataFrame) -> None:
    """Alignment of pairs and uniformity of modalities in every space."""
    mine = rows[rows["study"] == "geometry"]
    if mine.empty:
        return
    found = headlines.summary(mine, ["space", "metric", "direction", "target"])
    names = (
        found["direction"]
        .map(theme.DIRECTION_NAMES)
        .where(found["direction"] != "", found["target"].map(theme.MODALITY_PLURALS))
    )
    gaps = rows[(rows["study"] == "ranking") & (rows["metric"] == "modality_gap")]
    gaps = gaps[(gaps["system"] == "") & gaps["direction"].isin(found["direction"])]  # symmetric
    gap = headlines.summary(gaps, ["space", "direction"]).assign(metric="modality_gap")
    gap_names = gap["direction"].map(theme.DIRECTION_NAMES)
    both = pd.concat([found.assign(of=names), gap.assign(of=gap_names)])
    table = pd.DataFrame(
        {
            "space": both["space"].replace(SPACE_NAMES),
            "measure": both["metric"].map(summaries.metric_name),
            "of": both["of"],
            "value": both["mean"],
            "sd": both["sd"],
            "chance": both["chance"],
        }
    ).sort_values(["space", "measure", "of"])
    st.subheader("Geometry of the spaces", anchor=False)
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        table,
        hide_index=True,
        height=320,
        placeholder="–",
        column_config=dict.fromkeys(("value", "sd", "chance"), number),
    )
    widgets.csv_button(table, page, "geometry")
    widgets.small(
        "Lower is better for all three. Alignment: the mean squared distance of the two items of a "
        "pair, 0 to 4; chance pairs any two items. Uniformity: 0 where all items are one point, "
        "about −4 where they fill the sphere; chance is of random vectors (Wang and Isola 2020). "
        "Modality gap: the distance of the modalities' means; chance deals modalities out at "
        "random."
    )


def encoders(page: Page, rows: pd.DataFrame) -> None:
    """CKA and mutual neighbours of the encoders, raw and above their null."""
    mine = rows[rows["study"] == "similarity"]
    if mine.empty:
        return
    found = headlines.summary(mine, ["space", "direction", "metric"])
    wide = found.pivot_table(index=["space", "direction"], columns="metric", values="mean")
    table = pd.DataFrame(
        {
            "CKA": wide["cka"],
            "CKA above its null": wide["cka_above_null"],
            "p of CKA": wide["cka_p"],
            "mutual neighbours": wide["mutual_neighbours"],
            "neighbours above their null": wide["mutual_neighbours_above_null"],
            "p of neighbours": wide["mutual_neighbours_p"],
        }
    ).reset_index()
    table["space"] = table["space"].replace(SPACE_NAMES)
    table["direction"] = [_both(name) for name in table["direction"]]
    table = table.rename(columns={"direction": "modalities"})
    st.subheader("How alike the encoders see the same clips", anchor=False)
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(table, hide_index=True, column_config=dict.fromkeys(table.columns[2:], number))
    widgets.csv_button(table, page, "similarity")
    n = int(mine["n"].max())
    widgets.small(
        f"Of {n:,} held-out clips with both modalities. Both scores are above 0 for unrelated "
        "vectors too, so the clips of one side are permuted 200 times: “above its null” is 0 where "
        "the score is no higher than 95 % of these, and 1 for the same representation. CKA "
        "compares all distances (Kornblith et al. 2019), mutual neighbours the ten nearest (Huh et "
        "al. 2024)."
    )


def _both(direction: str) -> str:
    one, _, other = direction.partition("_to_")
    return f"{theme.MODALITY_PLURALS[one]} and {theme.MODALITY_PLURALS[other]}"
