"""Confusion matrices (W figure 5), and the very items that a cell counts."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import matrices, theme
from core.references import counterparts
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, controls, paper, widgets

CHART = "confusion_matrix"
CELL_CARDS = state.MAX_ITEMS
CELL_NAMES = {"counts": "counts", "rows": "share of the row"}
TARGETS = ("image", "audio", "text")  # as W's figure 5 and 3: pictures first


def close_all(_: object) -> dict[str, Any]:
    """Another matrix has other cells: what was open is closed."""
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
            "Tested on", "target", targets, theme.MODALITY_PLURALS, also=close_all
        )
        there = stored[stored["target"] == target]["system"]
        systems = [name for name in theme.SYSTEMS if (there == name).any()]
        if session.current().system not in systems:
            session.change(system=systems[-1])
        controls.one("System", "system", systems, also=close_all)
        controls.one("Cells", "matrix", names=CELL_NAMES)
    chosen = session.current()
    classes = page.study.paired_classes
    mine = rows[
        (rows["metric"] == "confusion")
        & (rows["target"] == chosen.target)
        & (rows["system"] == chosen.system)
        & (rows["split"] == chosen.split)
    ]
    counts = matrix_of(mine, classes)
    cells = np.array([[state.cell(a, b) for b in classes] for a in classes], dtype=object)
    table = pd.DataFrame(counts.astype(int), columns=classes)
    table.insert(0, "true \\ predicted", classes)
    beside = counterparts.confusions(rows)
    left, right = st.columns([1.25, 1.0], gap="medium")
    with left:
        widgets.show(
            matrices.confusion(
                counts,
                classes,
                widgets.dark(),
                by_row=chosen.matrix == "rows",
                marked=chosen.truth_and_predicted,
                cells=cells,
            ),
            page.handle,
            f"confusion_{chosen.system}_{chosen.target}",
            f"Confusion matrix of {chosen.system} on {theme.MODALITY_PLURALS[chosen.target]}",
            encoder_set=page.encoder_set,
            key=CHART,
            on_select=take,
            table=table,
            more=paper.facts(paper.of_encoder_set(page), beside),
        )
        widgets.small(
            f"{theme.SYSTEM_NAMES[chosen.system]}; {int(counts.sum()):,} test items of split "
            f"{chosen.split + 1}, the first seed's forest. Click a cell to meet its items."
        )
    with right:
        open_cell(page, classes)
    paper.show(paper.of_encoder_set(page), beside)


def matrix_of(rows: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """`(C, C)` counts, true by row, in the fixed class order."""
    table = rows.pivot_table(index="class", columns="other", values="value", aggfunc="sum")
    return np.asarray(table.reindex(index=classes, columns=classes).fillna(0.0), dtype=float)


def take() -> None:
    """A click on a cell opens it; on the open one, or beside all, closes it."""
    session.change(cell=session.clicked(CHART), items=())


def open_cell(page: Page, classes: list[str]) -> None:
    """The very items that the open cell counts."""
    chosen = session.current()
    cell = chosen.truth_and_predicted
    if cell is None:
        confused(page, classes)
        return
    truth, predicted = cell
    found = data.cell_items(
        page.handle, page.encoder_set, chosen.split, chosen.system, chosen.target, truth, predicted
    )
    said = "recognised" if truth == predicted else f"taken for {predicted}"
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.kicker(f"{truth} {said}: {len(found):,} items")
        st.button(
            "Close",
            key="close_cell",
            type="tertiary",
            icon=":material/close:",
            on_click=lambda: session.change(cell="", items=()),
        )
    if found.empty:
        widgets.small("This cell counts no item.")
        return
    if chosen.items:
        cards.card(page.handle, chosen.items[0], key="cell_open")
    shown = found.head(CELL_CARDS)
    if len(found) > len(shown):
        widgets.small(f"{len(shown)} of {len(found):,} shown, the surest first.")
    notes = [f"{row.confidence:.0%} of the votes" for row in shown.itertuples()]
    cards.grid(page.handle, list(shown["item_id"]), key="cell", notes=notes, columns=3)
    widgets.csv_button(
        found, page.handle, f"cell_{chosen.system}_{chosen.target}", encoder_set=page.encoder_set
    )


def confused(page: Page, classes: list[str]) -> None:
    """With no cell open: the largest confusions, as buttons."""
    chosen = session.current()
    rows = data.measurements(
        page.handle,
        page.encoder_set,
        metric="confusion",
        system=chosen.system,
        target=chosen.target,
        split=chosen.split,
    )
    wrong = rows[(rows["class"] != rows["other"]) & (rows["value"] > 0)]
    widgets.kicker("largest confusions")
    if wrong.empty:
        widgets.small("None: every test item is recognised.")
        return
    for row in wrong.sort_values("value", ascending=False).head(10).itertuples(index=False):
        truth, predicted = row[wrong.columns.get_loc("class")], row[wrong.columns.get_loc("other")]
        st.button(
            f"{widgets.md(truth)} taken for {widgets.md(predicted)}: {int(row.value):,}",
            key=f"confused_{state.cell(truth, predicted)}",
            type="tertiary",
            on_click=session.change,
            kwargs={"cell": state.cell(truth, predicted), "items": ()},
        )
