"""The measures that sum up the centroid distances, in a table."""

import pandas as pd
import streamlit as st

from core.figures import theme
from core.studies import headlines
from dashboard.page import Page
from dashboard.shared import summaries, widgets

METRICS = ("class_distance_ratio", "nearest_class_accuracy", "nearest_centroid_accuracy")


def show(page: Page, rows: pd.DataFrame) -> None:
    mine = rows[rows["metric"].isin(METRICS)]
    if mine.empty:
        return
    table = headlines.summary(mine, ["metric", "space", "class", "other"])
    table["what"] = [name_of(row) for _, row in table.iterrows()]
    table["text"] = [
        f"{summaries.number(row['mean'])} {summaries.std_or_interval(row)}"
        for _, row in table.iterrows()
    ]
    cells = table.pivot_table(
        index=["what", "chance", "n"], columns="space", values="text", aggfunc="first", sort=False
    ).reset_index()
    spaces = [name for name in ("pca", "translation") if name in cells]
    shown = cells[["what", *spaces, "chance", "n"]].rename(columns=theme.SPACE_NAMES)
    widgets.kicker("the distances in numbers")
    st.dataframe(
        shown,
        hide_index=True,
        column_config={"chance": st.column_config.NumberColumn(format="%.3f")},
    )
    widgets.csv_button(mine, page, "centroid_measures")
    over = summaries.runs_text(table.iloc[0])
    widgets.small(f"Mean and standard deviation over {over}; n counts classes or test items.")


def name_of(row: pd.Series) -> str:
    """A measure in words."""
    one, other = (theme.MODALITY_PLURALS.get(row[name], row[name]) for name in ("class", "other"))
    if row["metric"] == "class_distance_ratio":
        return f"Distance of equal classes over that of other classes, {one} to {other}"
    if row["metric"] == "nearest_class_accuracy":
        return f"Classes of {one} whose nearest class of {other} is the same"
    return f"{one.capitalize()} classified by the nearest centroid of {other}"
