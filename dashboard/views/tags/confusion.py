"""Confusion of tags, with the items of each cell, and new classes made from words alone."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import theme
from core.retrieval import tags
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import confusion_matrix, controls, widgets
from dashboard.shared.confusion_matrix import ConfusionMatrix
from dashboard.views.tags import scored_tags
from dashboard.views.tags.scored_tags import ScoredTags

ZERO_SHOT = "zero-shot"
MAX_NEW = 8
N_NAMED = 4  # classes that a new class took items from


@dataclass(frozen=True)
class Predictions:
    """Held-out items with one class, as a system classifies them.

    Parameters
    ----------
    item_ids, truth, predicted : (n,), classes as numbers: `classes`, then `new`
    score : (n,), cosine with the predicted class, or the share of a forest's votes for it
    """

    classes: list[str]
    new: list[str]
    item_ids: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    score: np.ndarray

    @property
    def matrix(self) -> ConfusionMatrix:
        counts = np.zeros((len(self.classes), len(self.classes) + len(self.new)))
        np.add.at(counts, (self.truth, self.predicted), 1)
        return ConfusionMatrix(counts, self.classes, self.new, field="tag_cell")


def show(page: Page, rows: pd.DataFrame, scored: ScoredTags | None) -> None:
    st.subheader("Confusion of tags", anchor=False)
    choices(page)
    new = new_classes(scored)
    chosen = session.current()
    stored = rows[(rows["target"] == chosen.tagged) & (rows["space"] == chosen.tagged_in)]
    before = predictions(page, stored)
    if not len(before.item_ids):
        widgets.small("No held-out item has exactly one class, so there are no confusions.")
        return
    after = with_new_classes(page, before, new)
    left, right = st.columns([1.25, 1.0], gap="medium")
    with left:
        confusion_matrix.figure(
            page,
            after.matrix,
            f"tag_confusion_{chosen.matrix_of}_{chosen.tagged}",
            f"Confusion matrix of {chosen.matrix_of} on {theme.MODALITY_PLURALS[chosen.tagged]}",
            {"new classes": ", ".join(new) or "none", "wording": chosen.wording},
        )
        widgets.small(caption(before, after))
    with right:
        items(page, after)


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
        controls.one("Cells", "matrix", names=confusion_matrix.CELL_NAMES)


def new_classes(scored: ScoredTags | None) -> list[str]:
    """The typed tags that are chosen as new classes: known words, and no class already."""
    table = None if scored is None else scored.table
    possible = [] if table is None else list(table["tag"][(table["label"] == "") & table["known"]])
    if not possible:
        widgets.small(
            "Type a tag above that is no class of the collection to add it here as a new class, "
            "made of words alone."
        )
        return []
    kept = tuple(tag for tag in session.current().new_classes if tag in possible)
    if kept != session.current().new_classes:
        session.change(new_classes=kept)
    st.multiselect(
        "New classes, made of words alone",
        possible,
        max_selections=MAX_NEW,
        placeholder="Choose typed tags that become classes",
        **session.bound("new_classes", also=lambda _: {"tag_cell": ""}),
    )
    return list(kept)


def predictions(page: Page, stored: pd.DataFrame) -> Predictions:
    """The chosen system's predictions of the held-out items, before any new class."""
    chosen = session.current()
    if chosen.matrix_of != ZERO_SHOT:
        frame = data.predictions(page.handle, page.encoder_set, chosen.split)
        frame = frame[(frame["system"] == chosen.matrix_of) & (frame["target"] == chosen.tagged)]
        return of_rows(frame.rename(columns={"confidence": "score"}), page.study.paired_classes)
    classes = page.study.classes
    if (stored["system"] == chosen.wording).any():
        frame = data.tagged(page.handle, page.encoder_set, chosen.split)
        selected = (frame["target"] == chosen.tagged) & (frame["space"] == chosen.tagged_in)
        return of_rows(frame[selected & (frame["system"] == chosen.wording)], classes)
    scored = scored_tags.score(page, classes)
    held_out = scored.gallery.held_out
    frame = scored.gallery.items[held_out]
    scores = scored.gallery.vectors.array[held_out] @ scored.vectors.T
    best = np.asarray(classes, dtype=object)[scores.argmax(axis=1)]
    frame = frame.reset_index(names="item_id").rename(columns={"class": "truth"})
    return of_rows(frame.assign(predicted=best, score=scores.max(axis=1)), classes)


def of_rows(frame: pd.DataFrame, classes: list[str]) -> Predictions:
    """Rows of `item_id, truth, predicted, score`, those with one true class, as numbers."""
    frame = frame[frame["truth"].isin(classes) & frame["predicted"].isin(classes)]
    there = set(frame["truth"]) | set(frame["predicted"])
    index = pd.Index([name for name in classes if name in there])
    return Predictions(
        list(index),
        [],
        frame["item_id"].to_numpy(dtype=object),
        index.get_indexer(frame["truth"]),
        index.get_indexer(frame["predicted"]),
        frame["score"].to_numpy(dtype=np.float64),
    )


def with_new_classes(page: Page, before: Predictions, new: list[str]) -> Predictions:
    """The same items after new classes were added."""
    if not new:
        return before
    is_zero_shot = session.current().matrix_of == ZERO_SHOT
    classes = page.study.classes if is_zero_shot else page.study.paired_classes
    old, fresh = scored_tags.score(page, classes), scored_tags.score(page, new)
    vectors = old.gallery.vectors.take(before.item_ids)
    new_scores = vectors @ fresh.vectors.T
    predicted = tags.with_new_classes(before.predicted, vectors @ old.vectors.T, new_scores)
    # New classes are numbered after all trained ones, but only some of those are in the matrix.
    moved = predicted >= len(classes)
    return replace(
        before,
        new=new,
        predicted=np.where(moved, predicted - len(classes) + len(before.classes), before.predicted),
        score=np.where(moved, new_scores.max(axis=1), before.score),
    )


def caption(before: Predictions, after: Predictions) -> str:
    """What the matrix shows, and how many items the new classes took from which classes."""
    chosen = session.current()
    n, k = len(after.item_ids), len(after.classes)
    right = float((after.predicted == after.truth).mean())
    if chosen.matrix_of == ZERO_SHOT:
        text = f"Each item is assigned the class with the most similar words (“{chosen.wording}”)."
    else:
        text = f"{theme.SYSTEM_NAMES[chosen.matrix_of]}; the first seed's forest."
    text += (
        f" {n:,} held-out {theme.MODALITY_PLURALS[chosen.tagged]} with one class, split "
        f"{chosen.split + 1}: {right:.0%} right of {k} classes (chance {1 / max(k, 1):.0%})."
    )
    if not after.new:
        return f"{text} Click a cell to see its items."
    moves = []
    for column, name in enumerate(after.new, start=k):
        counts = np.bincount(after.truth[after.predicted == column], minlength=k)
        best = [row for row in np.argsort(-counts, kind="stable")[:N_NAMED] if counts[row]]
        sources = ", ".join(f"{counts[row]} {after.classes[row]}" for row in best)
        moves.append(f"“{name[:40]}” took {counts.sum():,}" + (f" ({sources})" if sources else ""))
    lost = int(((before.predicted == before.truth) & (after.predicted != before.predicted)).sum())
    return (
        f"{text} Columns with + are classes made of words: an item moves there if its cosine with "
        "the words of that class is higher than with the words of every other class; the other "
        f"items keep the system's prediction. {'; '.join(moves)}. {lost:,} items that were right "
        "moved."
    )


def items(page: Page, after: Predictions) -> None:
    """The items of the open cell; without one, the largest confusions."""
    matrix = after.matrix
    cell = matrix.open_cell()
    if cell is None:
        confusion_matrix.largest(matrix)
        return
    truth, predicted = (matrix.predicted.index(name) for name in cell)
    rows = np.flatnonzero((after.truth == truth) & (after.predicted == predicted))
    rows = rows[np.argsort(-after.score[rows], kind="stable")]
    votes = session.current().matrix_of != ZERO_SHOT and predicted < len(after.classes)
    notes = [
        f"{one:.0%} of the votes" if votes else f"cosine {one:.2f}" for one in after.score[rows]
    ]
    found = pd.DataFrame({"item_id": after.item_ids[rows], "note": notes})
    confusion_matrix.cell_items(page, matrix, found)
