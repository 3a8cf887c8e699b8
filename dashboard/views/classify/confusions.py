"""Confusion matrices (W figure 5), with the items of every cell."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import theme
from core.references import counterparts
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import cards, confusion_matrix, controls, paper, summaries, widgets
from dashboard.shared.confusion_matrix import ConfusionMatrix

TARGETS = ("image", "audio", "text")  # pictures first, as in W's figures 5 and 3


def close_cell(_: object) -> dict[str, Any]:
    """Another matrix has other cells, so the open cell is closed."""
    return {"cell": "", "items": ()}


def show(page: Page, rows: pd.DataFrame) -> None:
    st.subheader("Confusions", anchor=False)
    stored = rows[rows["metric"] == "confusion"]
    targets = [name for name in TARGETS if (stored["target"] == name).any()]
    if not targets:
        widgets.small("No confusion matrix is stored.")
        return
    with controls.row():
        target = controls.one(
            "Tested on", "target", targets, theme.MODALITY_PLURALS, also=close_cell
        )
        there = stored[stored["target"] == target]["system"]
        systems = [name for name in theme.SYSTEMS if (there == name).any()]
        if session.current().system not in systems:
            session.change(system=systems[-1])
        controls.one("System", "system", systems, also=close_cell)
        controls.one("Cells", "matrix", names=confusion_matrix.CELL_NAMES)
    chosen = session.current()
    selected = stored[
        (stored["target"] == chosen.target)
        & (stored["system"] == chosen.system)
        & (stored["split"] == chosen.split)
    ]
    classes = page.study.paired_classes
    counts = kept_counts(page, classes) if page.only else counts_of(selected, classes)
    matrix = ConfusionMatrix(counts, classes)
    reported = counterparts.confusions(rows)
    left, right = st.columns([1.25, 1.0], gap="medium")
    with left:
        confusion_matrix.figure(
            page,
            matrix,
            f"confusion_{chosen.system}_{chosen.target}",
            f"Confusion matrix of {chosen.system} on {theme.MODALITY_PLURALS[chosen.target]}",
            paper.facts(page, reported),
        )
        widgets.small(
            f"{theme.SYSTEM_NAMES[chosen.system]}; {int(matrix.counts.sum()):,} test items of "
            f"split {chosen.split + 1}, the first seed{', of the selection' if page.only else ''}. "
            "Click a cell to see its items."
        )
    with right:
        items(page, matrix)
    paper.show(page, reported)


def counts_of(rows: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """`(C, C)` counts, true class by row, in the fixed class order."""
    table = rows.pivot_table(index="class", columns="other", values="value", aggfunc="sum")
    return np.asarray(table.reindex(index=classes, columns=classes).fillna(0.0), dtype=float)


def kept_counts(page: Page, classes: list[str]) -> np.ndarray:
    """`(C, C)` counts of the selection's test items."""
    stored = predictions(page)
    table = pd.crosstab(stored["truth"], stored["predicted"])
    return np.asarray(table.reindex(index=classes, columns=classes).fillna(0.0), dtype=float)


def predictions(page: Page) -> pd.DataFrame:
    """The stored predictions of the chosen system, of the selection's items if there is one."""
    chosen = session.current()
    stored = data.predictions(
        page.handle, page.encoder_set, chosen.split, system=chosen.system, target=chosen.target
    )
    return stored[stored["item_id"].isin(page.only)] if page.only else stored


def items(page: Page, matrix: ConfusionMatrix) -> None:
    """The items of the open cell, and their table; without one, the largest confusions."""
    chosen = session.current()
    stored = predictions(page)
    notes = [summaries.confidence_text(chosen.system, one) for one in stored["confidence"]]
    noted = stored.assign(score=stored["confidence"], note=notes)
    found = confusion_matrix.cell_items(page, matrix, noted)
    if found.empty:
        return
    if chosen.items:
        cards.card(page.handle, chosen.items[0], key="cell_open")
    widgets.csv_button(found[stored.columns], page, f"cell_{chosen.system}_{chosen.target}")
