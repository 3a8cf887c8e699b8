"""The generation space's validation pairs, epoch by epoch, beside the training losses."""

from functools import partial

import numpy as np
import streamlit as st

from core.errors import MissingArtefact
from core.figures import curves, theme
from core.figures import trajectory as figures
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import browser, cards, map_panel, widgets

CHART, CLICKED = "epochs_map", "epochs_clicked"


def show(page: Page) -> None:
    """The moving map, where the study has one; else nothing."""
    if not data.has_trajectory(page.handle, page.encoder_set):
        return
    st.subheader("The generation space, epoch by epoch", anchor=False)
    found = data.trajectory(page.handle, page.encoder_set)
    kinds = [kind for kind in theme.MODALITY_PLURALS if (found.modality == kind).any()]
    widgets.small(
        f"{len(found.item_ids):,} {theme.in_words(kinds)} of validation pairs, which were not used "
        "for training. Each epoch has a t-SNE map that starts from the map before it, so you can "
        "follow each point. Press Play or drag the slider; click a point to see its item."
    )
    if map_panel.has_webgl():  # else the maps above have the same switch
        st.toggle(
            "Join pairs", help="A line between the items of each clip", **session.bound("lines")
        )
    joined = session.current().lines
    left, right = st.columns([1.7, 1.0], gap="medium")
    with left:
        widgets.show(
            partial(figures.figure, found, page.study.classes, widgets.dark(), lines=joined),
            page,
            "epochs",
            "The validation pairs of the generation space, epoch by epoch",
            key=CHART,
            table=lambda: data.trajectory_table(page.handle, page.encoder_set),
        )
        # Plotly's own selection fails once the animation has played.
        browser.clicks(CHART, lambda item_id: st.session_state.update({CLICKED: item_id}))
    with right:
        losses(page)
        clicked_pair(page, found)
    hint = "" if joined else " Join pairs draws a line from each sound and picture to its text."
    widgets.small(
        "Epoch 0 is before training. A map shows which items are neighbours, but not how far apart "
        f"they are. Each map is rotated to match the one before: t-SNE has no up or down.{hint}"
    )


def clicked_pair(page: Page, found: figures.MovingPoints) -> None:
    """The clicked item and those paired with it, beside the map, so that the map stays in place."""
    rows = np.flatnonzero(found.item_ids == st.session_state.get(CLICKED, ""))
    if not len(rows):
        return
    pairs = found.joined[(found.joined == rows[0]).any(axis=1)]
    shown = dict.fromkeys(found.item_ids[row] for row in [rows[0], *pairs.ravel()])
    for place, item_id in zip(st.columns(3, gap="small"), shown, strict=False):
        with place:
            cards.card(page.handle, item_id, key=f"epochs_{item_id}", on_open=cards.open_item)


def losses(page: Page) -> None:
    try:
        history, best_epoch, _ = data.generation_training(page.handle, page.encoder_set)
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    widgets.show(
        partial(curves.training, history, best_epoch, widgets.dark()),
        page,
        "generation_losses",
        "Losses of the generation space by epoch",
        table=history,
    )
    widgets.small(f"{len(history):,} epochs of the first split, on its translation subset.")
