"""Confusion of tags, with the items of each cell, and new classes made from words alone.

Predictions are tables `item_id, truth, predicted, score` of the held-out items with one class;
`score` is the cosine with the predicted class, or the share of a forest's votes for it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import theme
from core.retrieval import tags
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import confusion_matrix, controls, summaries, widgets
from dashboard.shared.confusion_matrix import ConfusionMatrix
from dashboard.views.tags import scored_tags
from dashboard.views.tags.scored_tags import ScoredTags

ZERO_SHOT = "zero-shot"
MAX_NEW = 8
N_NAMED = 4  # classes that a new class took items from


def show(page: Page, rows: pd.DataFrame, scored: ScoredTags | None) -> None:
    st.subheader("Confusion of tags", anchor=False)
    choices(page)
    new = new_classes(scored)
    chosen = session.current()
    stored = rows[(rows["target"] == chosen.tagged) & (rows["space"] == chosen.tagged_in)]
    is_zero_shot = chosen.matrix_of == ZERO_SHOT
    classes = page.study.classes if is_zero_shot else page.study.paired_classes
    before = predictions(page, stored)
    before = before[before["truth"].isin(classes) & before["predicted"].isin(classes)]
    if before.empty:
        widgets.small("No held-out item has exactly one class, so there are no confusions.")
        return
    after = with_new_classes(page, before, classes, new) if new else before
    matrix = matrix_of(after, classes, new)
    left, right = st.columns([1.25, 1.0], gap="medium")
    with left:
        confusion_matrix.figure(
            page,
            matrix,
            f"tag_confusion_{chosen.matrix_of}_{chosen.tagged}",
            f"Confusion matrix of {chosen.matrix_of} on {theme.MODALITY_PLURALS[chosen.tagged]}",
            {"new classes": ", ".join(new) or "none", "wording": chosen.wording},
        )
        widgets.small(caption(before, after, matrix))
    with right:
        votes = [chosen.matrix_of != ZERO_SHOT and one in classes for one in after["predicted"]]
        notes = [
            summaries.confidence_text(chosen.matrix_of, score) if voted else f"cosine {score:.2f}"
            for score, voted in zip(after["score"], votes, strict=True)
        ]
        confusion_matrix.cell_items(page, matrix, after.assign(note=notes))


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


def predictions(page: Page, stored: pd.DataFrame) -> pd.DataFrame:
    """The chosen system's predictions, before any new class."""
    chosen, classes = session.current(), page.study.classes
    of_split = (page.handle, page.encoder_set, chosen.split)
    if chosen.matrix_of != ZERO_SHOT:
        frame = data.predictions(*of_split, system=chosen.matrix_of, target=chosen.tagged)
        return frame.rename(columns={"confidence": "score"})
    if (stored["system"] == chosen.wording).any():
        return data.tagged(
            *of_split, target=chosen.tagged, space=chosen.tagged_in, system=chosen.wording
        )
    scored = scored_tags.score(page, classes)
    held_out = scored.gallery.held_out
    scores = scored.gallery.vectors.array[held_out] @ scored.vectors.T
    best = np.asarray(classes, dtype=object)[scores.argmax(axis=1)]
    frame = scored.gallery.items[held_out].reset_index(names="item_id")
    frame = frame.rename(columns={"class": "truth"})
    return frame.assign(predicted=best, score=scores.max(axis=1))


def with_new_classes(
    page: Page, before: pd.DataFrame, classes: Sequence[str], new: Sequence[str]
) -> pd.DataFrame:
    """The predictions after new classes were added."""
    old, fresh = scored_tags.score(page, classes), scored_tags.score(page, new)
    vectors = old.gallery.vectors.take(before["item_id"])
    new_scores = vectors @ fresh.vectors.T
    numbers = pd.Index(classes).get_indexer(before["predicted"])
    numbers = tags.with_new_classes(numbers, vectors @ old.vectors.T, new_scores)
    return before.assign(
        predicted=np.array([*classes, *new], dtype=object)[numbers],
        score=np.where(numbers >= len(classes), new_scores.max(axis=1), before["score"]),
    )


def matrix_of(
    predicted: pd.DataFrame, classes: Sequence[str], new: Sequence[str]
) -> ConfusionMatrix:
    """The counts of the classes that some item has or is assigned, and of the new classes."""
    used = set(predicted["truth"]) | set(predicted["predicted"])
    there = [name for name in classes if name in used]
    counts = pd.crosstab(predicted["truth"], predicted["predicted"])
    counts = counts.reindex(index=there, columns=[*there, *new], fill_value=0)
    return ConfusionMatrix(counts.to_numpy(), there, new, field="tag_cell")


def caption(before: pd.DataFrame, after: pd.DataFrame, matrix: ConfusionMatrix) -> str:
    """What the matrix shows, and which items the new classes took."""
    chosen, k = session.current(), len(matrix.classes)
    right = after["predicted"] == after["truth"]
    if chosen.matrix_of == ZERO_SHOT:
        text = f"Each item is assigned the class with the most similar words (“{chosen.wording}”)."
    else:
        text = f"{theme.SYSTEM_NAMES[chosen.matrix_of]}; the first seed's forest."
    text += (
        f" {len(after):,} held-out {theme.MODALITY_PLURALS[chosen.tagged]} with one class, split "
        f"{chosen.split + 1}: {right.mean():.0%} right of {k} classes (chance {1 / k:.0%})."
    )
    if not matrix.new:
        return f"{text} Click a cell to see its items."
    moves = []
    for name in matrix.new:
        taken = after["truth"][after["predicted"] == name].value_counts()
        sources = ", ".join(f"{n} {truth}" for truth, n in taken.head(N_NAMED).items())
        moves.append(f"“{name[:40]}” took {taken.sum():,}" + (f" ({sources})" if sources else ""))
    n_lost = int(((before["predicted"] == before["truth"]) & ~right).sum())
    return (
        f"{text} Columns with + are classes made of words: an item moves there if its cosine with "
        "the words of that class is higher than with the words of every other class; the other "
        f"items keep the system's prediction. {'; '.join(moves)}. Moved although right before: "
        f"{n_lost:,}."
    )
