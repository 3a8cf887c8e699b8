"""A confusion matrix whose cells open: the figure, the items of a cell, the largest confusions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import matrices
from dashboard import session, state
from dashboard.page import Page
from dashboard.shared import cards, widgets

MAX_CARDS = state.MAX_ITEMS
N_LARGEST = 10
CELL_NAMES = {"counts": "counts", "rows": "share of the row"}


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts by true class (row) and predicted class (column).

    Parameters
    ----------
    counts : (C, C + len(new)) int or float
    classes : the C classes
    new : further columns, of classes that no item has
    field : the field of the selection that holds the open cell
    """

    counts: np.ndarray
    classes: Sequence[str]
    new: Sequence[str] = ()
    field: str = "cell"

    @property
    def predicted(self) -> list[str]:
        return [*self.classes, *self.new]

    @property
    def key(self) -> str:
        """The key of the figure among the widgets."""
        return f"confusion_{self.field}"

    @property
    def closed(self) -> dict[str, Any]:
        """Changes of the selection that close the open cell and its items."""
        return {self.field: "", "items": ()}

    def open_cell(self) -> tuple[str, str] | None:
        """The true and the predicted class of the open cell."""
        truth, _, predicted = getattr(session.current(), self.field).partition(state.CELL)
        return (truth, predicted) if truth in self.classes and predicted in self.predicted else None


def figure(
    page: Page, matrix: ConfusionMatrix, name: str, title: str, more: Mapping[str, str]
) -> None:
    """The matrix; a click on a cell opens it, a click on the open cell closes it."""
    across = matrix.predicted
    cells = [[state.cell(truth, column) for column in across] for truth in matrix.classes]
    table = pd.DataFrame(matrix.counts.astype(int), columns=across)
    table.insert(0, "true \\ predicted", matrix.classes)
    widgets.show(
        partial(
            matrices.confusion,
            matrix.counts,
            matrix.classes,
            widgets.dark(),
            by_row=session.current().matrix == "rows",
            marked=matrix.open_cell(),
            cells=np.array(cells, dtype=object),
            new=matrix.new,
        ),
        page,
        name,
        title,
        key=matrix.key,
        on_select=lambda: session.change(
            **{**matrix.closed, matrix.field: session.clicked(matrix.key)}
        ),
        table=table,
        more=more,
    )


def cell_items(page: Page, matrix: ConfusionMatrix, predictions: pd.DataFrame) -> pd.DataFrame:
    """The items of the open cell, the most certain prediction first; none: the largest confusions.

    `predictions` are `item_id, truth, predicted, score, note`. Returns those of the open cell.
    """
    cell = matrix.open_cell()
    if cell is None:
        largest(matrix)
        return predictions.head(0)
    truth, predicted = cell
    items = predictions[
        (predictions["truth"] == truth) & (predictions["predicted"] == predicted)
    ].sort_values("score", ascending=False, kind="stable")
    verdict = "recognised" if truth == predicted else f"taken for {predicted}"
    with st.container(horizontal=True, vertical_alignment="center"):
        count = "1 item" if len(items) == 1 else f"{len(items):,} items"
        widgets.kicker(f"{truth} {verdict}: {count}")
        widgets.quiet_button(
            "Close", f"close_{matrix.field}", session.change, icon="close", **matrix.closed
        )
    if items.empty:
        widgets.small("This cell has no items.")
        return items
    shown = items.head(MAX_CARDS)
    if len(items) > len(shown):
        widgets.small(f"{len(shown)} of {len(items):,} are shown, the most certain first.")
    ids = [str(item_id) for item_id in shown["item_id"]]
    cards.grid(page.handle, ids, key=matrix.field, notes=list(shown["note"]), columns=3)
    return items


def largest(matrix: ConfusionMatrix) -> None:
    """The largest confusions, as buttons that open their cells."""
    widgets.kicker("largest confusions")
    wrong = matrix.counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        widgets.small("None: every test item is recognised.")
        return
    order = np.argsort(-wrong, axis=None, kind="stable")[:N_LARGEST]
    for row, column in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if not wrong[row, column]:
            break
        truth, predicted = matrix.classes[row], matrix.predicted[column]
        cell = state.cell(truth, predicted)
        widgets.quiet_button(
            f"{widgets.md(truth)} taken for {widgets.md(predicted)}: {int(wrong[row, column]):,}",
            f"confused_{matrix.field}_{cell}",
            session.change,
            **{**matrix.closed, matrix.field: cell},
        )
