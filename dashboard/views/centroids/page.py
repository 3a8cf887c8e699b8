"""Centroids: how far apart classes and modalities lie in each space (W figure 4)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import matrices, theme
from core.references import counterparts
from core.studies import headlines
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import centroid_matrix, controls, paper, summaries, widgets

SCALE_NAMES = {"euclidean": "Euclidean", "normalised": "divided by the space's own scale"}


def show(page: Page) -> None:
    widgets.heading(
        "Centroids",
        "The mean of every class in each modality, and how far these lie from one another. Strong "
        "colour is near.",
    )
    rows = data.measurements(page.handle, page.encoder_set, study="centroids")
    if rows.empty:
        widgets.notice(
            "No centroid distance is stored for this encoder set: evaluate the study again."
        )
        return
    choices()
    chosen = session.current()
    orders = {
        space: centroid_matrix.order_of(space, chosen.order) for space in state.CHOICES["space"]
    }
    found = {
        space: centroid_matrix.arranged(rows, space, chosen.scale, order, page.study.classes)
        for space, order in orders.items()
    }
    found = {space: each for space, each in found.items() if len(each[0])}
    # One colour scale for both only where their units agree: the spaces' own scales differ.
    shared = chosen.scale == "normalised"
    top = max(float(np.nanmax(each[1])) for each in found.values()) if shared else None
    beside = counterparts.centroids(rows)
    spaces = [space for space in ("pca", "translation") if space in found]
    for place, space in zip(st.columns(len(spaces), gap="medium"), spaces, strict=True):
        with place:
            names, matrix, scale = found[space]
            heatmap(
                page, space, names, matrix, scale, top, paper.facts(paper.of_pair(page), beside)
            )
    paper.show(paper.of_pair(page), beside)
    explain(page, rows, shared)


def choices() -> None:
    with controls.row():
        controls.one("Sorted", "order", names=centroid_matrix.ORDER_NAMES)
        controls.one("Distance", "scale", names=SCALE_NAMES)


def heatmap(
    page: Page,
    space: str,
    names: list[tuple[str, str]],
    matrix: np.ndarray,
    scale: float,
    top: float | None,
    more: Mapping[str, str],
) -> None:
    chosen = session.current()
    unit = "Euclidean distance" if chosen.scale == "euclidean" else "distance / scale"
    order = centroid_matrix.order_of(space, chosen.order)
    title = f"{theme.SPACE_NAMES[space]}, {centroid_matrix.ORDER_NAMES[order]}"
    widgets.show(
        matrices.distances(matrix, names, widgets.dark(), top, unit, title),
        page.handle,
        f"centroids_{space}_{order}_{chosen.scale}",
        title,
        encoder_set=page.encoder_set,
        table=centroid_matrix.table(names, matrix),
        more=more,
    )
    widgets.small(f"Scale of this space, the mean distance of two items: {scale:.2f}.")


def explain(page: Page, rows: pd.DataFrame, shared: bool) -> None:
    widgets.small(
        "W's figure 4 shows PCA by modality and the translation by class: a translated space that "
        "joins the modalities has strong small squares down the diagonal by class, one that does "
        "not has a strong block a modality. W states no distance and no colour range in numbers. "
        "Means over splits, test subset."
    )
    widgets.small(
        "Both matrices share one colour scale: each distance is divided by its space's scale."
        if shared
        else "The two spaces have different scales, so each matrix has its own colours: do not "
        "compare numbers between them, or choose the normalised view."
    )
    mine = rows[
        rows["metric"].isin(
            ["class_distance_ratio", "nearest_class_accuracy", "nearest_centroid_accuracy"]
        )
    ]
    if mine.empty:
        return
    table = headlines.summary(mine, ["metric", "space", "class", "other"])
    table["what"] = [measure(row) for _, row in table.iterrows()]
    table["text"] = [
        f"{summaries.number(row['mean'])} {summaries.spread_text(row)}"
        for _, row in table.iterrows()
    ]
    cells = table.pivot_table(
        index=["what", "chance", "n"], columns="space", values="text", aggfunc="first", sort=False
    ).reset_index()
    spaces = [name for name in ("pca", "translation") if name in cells]
    shown = cells[["what", *spaces, "chance", "n"]].rename(columns=theme.SPACE_NAMES)
    widgets.kicker("what the matrices say, in numbers")
    st.dataframe(
        shown,
        hide_index=True,
        column_config={"chance": st.column_config.NumberColumn(format="%.3f")},
    )
    widgets.csv_button(mine, page.handle, "centroid_measures", encoder_set=page.encoder_set)
    over = summaries.runs_text(int(table["runs"].iloc[0]), int(table["splits"].iloc[0]))
    widgets.small(f"Mean and standard deviation over {over}; n counts classes or test items.")


def measure(row: pd.Series) -> str:
    """A summary measure in words."""
    sides = [theme.MODALITY_PLURALS.get(row[name], row[name]) for name in ("class", "other")]
    if row["metric"] == "class_distance_ratio":
        return "Same class over other classes, across modalities"
    if row["metric"] == "nearest_class_accuracy":
        return f"Class of {sides[0]} whose nearest of {sides[1]} is its own"
    return f"{sides[0].capitalize()} classified by the nearest centroid of {sides[1]}"
