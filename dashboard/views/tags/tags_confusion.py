"""Confusion of tags, with the items behind each cell, and new classes made from words alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import matrices, theme
from core.retrieval import tags
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, controls, widgets
from dashboard.views.classify import confusions
from dashboard.views.tags import tagging

CHART = "tag_confusion"
ZERO_SHOT = "zero-shot"
MAX_NEW = 8
NAMES = {**theme.SYSTEM_NAMES, ZERO_SHOT: "zero-shot, words alone"}


@dataclass(frozen=True)
class Predicted:
    """Held-out items with one class: `item_ids, truth, column (n,)` and `score`, what speaks
    for the column: cosine, or the share of a forest's votes. `column` counts through the classes
    and then the new ones.
    """

    classes: list[str]
    new: list[str]
    item_ids: np.ndarray
    truth: np.ndarray
    column: np.ndarray
    score: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        counts = np.zeros((len(self.classes), len(self.classes) + len(self.new)))
        np.add.at(counts, (self.truth, self.column), 1)
        return counts


def show(page: Page, rows: pd.DataFrame, found: tagging.Tagged | None) -> None:
    st.subheader("Confusion of tags", anchor=False)
    choices(page)
    chosen = session.current()
    fresh = candidates(page, found)
    with_words(page, fresh)
    new = [tag for tag in session.current().new_classes if tag in fresh]
    stored = rows[(rows["target"] == chosen.tagged) & (rows["space"] == chosen.tagged_in)]
    before = predicted(page, stored)
    if before is None or not len(before.item_ids):
        widgets.small("No held-out item has exactly one class, so nothing is confused.")
        return
    after = extended(page, before, new)
    left, right = st.columns([1.25, 1.0], gap="medium")
    with left:
        matrix(page, after)
        widgets.small(said(page, before, after))
    with right:
        open_cell(page, after)


def choices(page: Page) -> None:
    there = data.measurements(
        page.handle,
        page.encoder_set,
        study="classification",
        metric="confusion",
        target=session.current().tagged,
    )["system"]
    systems = [ZERO_SHOT, *(name for name in theme.SYSTEMS if (there == name).any())]
    with controls.row():
        controls.one("Matrix of", "matrix_of", systems, also=lambda _: {"tag_cell": ""})
        controls.one("Cells", "matrix", names=confusions.CELL_NAMES)


def candidates(page: Page, found: tagging.Tagged | None) -> list[str]:
    """The typed tags that could be classes: known words, and no class of the collection."""
    if found is None:
        return []
    table = found.table
    return [str(tag) for tag in table["tag"][(table["label"] == "") & table["known"]]]


def with_words(page: Page, fresh: list[str]) -> None:
    """Which of the typed tags become classes."""
    if not fresh:
        widgets.small(
            "Type a tag above that is no class of the collection, and it can stand here as a new "
            "class made of words alone."
        )
        return
    kept = tuple(tag for tag in session.current().new_classes if tag in fresh)
    if kept != session.current().new_classes:
        session.change(new_classes=kept)
    st.multiselect(
        "New classes, made of words alone",
        fresh,
        max_selections=MAX_NEW,
        placeholder="Choose typed tags that become classes",
        **session.bound("new_classes", also=lambda _: {"tag_cell": ""}),
    )


def predicted(page: Page, stored: pd.DataFrame) -> Predicted | None:
    """What the chosen system says of the held-out items, before any new class."""
    chosen = session.current()
    if chosen.matrix_of == ZERO_SHOT:
        return zero_shot(page, stored)
    frame = data.predictions(page.handle, page.encoder_set, chosen.split)
    mine = frame[(frame["system"] == chosen.matrix_of) & (frame["target"] == chosen.tagged)]
    return table_of(mine.rename(columns={"confidence": "score"}), page.study.paired_classes)


def zero_shot(page: Page, stored: pd.DataFrame) -> Predicted | None:
    """The best tag of each item: stored for a stored wording, else scored now."""
    chosen, classes = session.current(), page.study.classes
    if (stored["system"] == chosen.wording).any():
        frame = data.tagged(page.handle, page.encoder_set, chosen.split)
        mine = frame[
            (frame["target"] == chosen.tagged)
            & (frame["space"] == chosen.tagged_in)
            & (frame["system"] == chosen.wording)
        ]
        return table_of(mine, classes)
    found = of_classes(page, classes)
    held_out = tagging.tested(found.where)
    facts = tagging.facts(found.where)[held_out]
    scored = found.gallery.array[held_out] @ found.vectors.T
    frame = pd.DataFrame(
        {
            "item_id": facts.index,
            "truth": facts["class"].to_numpy(),
            "predicted": np.asarray(classes, dtype=object)[scored.argmax(axis=1)],
            "score": scored.max(axis=1),
        }
    )
    return table_of(frame, classes)


def table_of(frame: pd.DataFrame, classes: list[str]) -> Predicted:
    """Rows of `item_id, truth, predicted, score` whose truth is one class, as numbers."""
    number = {name: row for row, name in enumerate(classes)}
    mine = frame[frame["truth"].isin(number) & frame["predicted"].isin(number)]
    there = [name for name in classes if (mine["truth"] == name).any()
             or (mine["predicted"] == name).any()]  # fmt: skip
    number = {name: row for row, name in enumerate(there)}
    return Predicted(
        there,
        [],
        mine["item_id"].to_numpy(dtype=object),
        mine["truth"].map(number).to_numpy(dtype=np.int64),
        mine["predicted"].map(number).to_numpy(dtype=np.int64),
        mine["score"].to_numpy(dtype=np.float64),
    )


def of_classes(page: Page, names: list[str]) -> tagging.Tagged:
    """Class names scored as tags, in the chosen space and wording."""
    chosen = session.current()
    where = tagging.Where(
        page.handle, page.encoder_set, chosen.tagged_in, chosen.tagged, chosen.split
    )
    return tagging.tagged(where, names, chosen.wording)


def extended(page: Page, before: Predicted, new: list[str]) -> Predicted:
    """The same items once the new classes stand beside the others."""
    if not new:
        return before
    classes = (
        page.study.classes
        if session.current().matrix_of == ZERO_SHOT
        else page.study.paired_classes
    )
    old, fresh = of_classes(page, classes), of_classes(page, new)
    items = old.gallery.take(before.item_ids)
    new_scores = items @ fresh.vectors.T
    column = tags.with_new_classes(before.column, items @ old.vectors.T, new_scores)
    # `column` numbers new classes after all trained ones; here only those drawn stand before.
    moved = column >= len(classes)
    column = np.where(moved, column - len(classes) + len(before.classes), before.column)
    score = np.where(moved, new_scores.max(axis=1), before.score)
    return Predicted(before.classes, new, before.item_ids, before.truth, column, score)


def matrix(page: Page, after: Predicted) -> None:
    chosen = session.current()
    across = [*after.classes, *after.new]
    cells = np.array(
        [[state.cell(truth, name) for name in across] for truth in after.classes], dtype=object
    )
    table = pd.DataFrame(after.counts.astype(int), columns=across)
    table.insert(0, "true \\ predicted", after.classes)
    widgets.show(
        matrices.confusion(
            after.counts,
            after.classes,
            widgets.dark(),
            by_row=chosen.matrix == "rows",
            marked=picked(),
            cells=cells,
            new=after.new,
        ),
        page.handle,
        f"tag_confusion_{chosen.matrix_of}_{chosen.tagged}",
        f"Confusion matrix of {chosen.matrix_of} on {theme.MODALITY_PLURALS[chosen.tagged]}",
        encoder_set=page.encoder_set,
        key=CHART,
        on_select=take,
        table=table,
        more={"new classes": ", ".join(after.new) or "none", "wording": chosen.wording},
    )


def said(page: Page, before: Predicted, after: Predicted) -> str:
    """What the matrix is, and what the new classes took."""
    chosen = session.current()
    n, k = len(after.item_ids), len(after.classes)
    right = float((after.column == after.truth).mean())
    if chosen.matrix_of == ZERO_SHOT:
        text = f"Each item's class is the one whose words, as “{chosen.wording}”, lie nearest."
    else:
        text = f"{theme.SYSTEM_NAMES[chosen.matrix_of]}; the first seed's forest."
    text += (
        f" {n:,} held-out {theme.MODALITY_PLURALS[chosen.tagged]} with one class, split "
        f"{chosen.split + 1}: {right:.0%} right of {k} classes (chance {1 / max(k, 1):.0%})."
    )
    if not after.new:
        return f"{text} Click a cell to meet its items."
    number = {name: row for row, name in enumerate(after.classes)}
    names = {row: name for name, row in number.items()}
    parts = []
    for place, name in enumerate(after.new):
        mine = after.truth[after.column == k + place]
        taken, counts = np.unique(mine, return_counts=True)
        best = np.argsort(-counts, kind="stable")[:4]
        of = ", ".join(f"{counts[one]} {names[int(taken[one])]}" for one in best)
        parts.append(f"“{name[:40]}” took {len(mine):,}" + (f" ({of})" if of else ""))
    lost = int(((before.column == before.truth) & (after.column != before.column)).sum())
    return (
        f"{text} Columns with + are classes made of words: an item moves there when its cosine "
        "with that class's words is higher than with the words of every other class; else it "
        f"stays where the system put it. {'; '.join(parts)}. Of the items that were right, "
        f"{lost:,} moved."
    )


def picked() -> tuple[str, str] | None:
    truth, mark, name = session.current().tag_cell.partition(state.CELL)
    return (truth, name) if mark else None


def take() -> None:
    """A click on a cell opens it; on the open one, or beside all, closes it."""
    session.change(tag_cell=session.clicked(CHART), items=())


def open_cell(page: Page, after: Predicted) -> None:
    """The very items that the open cell counts."""
    cell = picked()
    across = [*after.classes, *after.new]
    if cell is None or cell[0] not in after.classes or cell[1] not in across:
        largest(after)
        return
    truth, name = cell
    mine = np.flatnonzero(
        (after.truth == after.classes.index(truth)) & (after.column == across.index(name))
    )
    mine = mine[np.argsort(-after.score[mine], kind="stable")]
    with st.container(horizontal=True, vertical_alignment="center"):
        what = "recognised" if truth == name else f"taken for {name}"
        widgets.kicker(f"{truth} {what}: {len(mine):,} items")
        st.button(
            "Close",
            key="close_tag_cell",
            type="tertiary",
            icon=":material/close:",
            on_click=lambda: session.change(tag_cell="", items=()),
        )
    if not len(mine):
        widgets.small("This cell counts no item.")
        return
    shown = mine[: confusions.CELL_CARDS]
    if len(mine) > len(shown):
        widgets.small(f"{len(shown)} of {len(mine):,} shown, the surest first.")
    votes = session.current().matrix_of != ZERO_SHOT and name in after.classes
    notes = [
        f"{after.score[row]:.0%} of the votes" if votes else f"cosine {after.score[row]:.2f}"
        for row in shown
    ]
    ids = [str(item_id) for item_id in after.item_ids[shown]]
    cards.grid(page.handle, ids, key="tag_cell", notes=notes, columns=3)


def largest(after: Predicted) -> None:
    """With no cell open: the largest confusions, as buttons."""
    widgets.kicker("largest confusions")
    counts = after.counts.copy()
    rows = np.arange(len(after.classes))
    counts[rows, rows] = 0
    order = np.argsort(-counts, axis=None, kind="stable")[:10]
    across = [*after.classes, *after.new]
    n_shown = 0
    for row, column in zip(*np.unravel_index(order, counts.shape), strict=True):
        count = int(counts[row, column])
        if not count:
            break
        truth, name = after.classes[row], across[column]
        n_shown += 1
        st.button(
            f"{widgets.md(truth)} taken for {widgets.md(name)}: {count:,}",
            key=f"tag_confused_{n_shown}",
            type="tertiary",
            on_click=session.change,
            kwargs={"tag_cell": state.cell(truth, name), "items": ()},
        )
    if not n_shown:
        widgets.small("None: every held-out item is recognised.")
