"""The generation space's validation pairs epoch by epoch, its losses beside: a moving map."""

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import MissingArtefact, UserError
from core.figures import curves, theme
from core.figures import trajectory as figures
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import browser, cards, widgets

CHART, PICKED = "epochs_map", "epochs_picked"


def show(page: Page) -> None:
    """The moving map, where the study has one; else nothing."""
    if not page.study.has(f"maps:{page.encoder_set}:epochs"):
        return
    st.subheader("The generation space, epoch by epoch", anchor=False)
    found = moving(page.handle, page.encoder_set)
    kinds = [kind for kind in theme.MODALITY_PLURALS if (found.modality == kind).any()]
    widgets.small(
        f"{len(found.item_ids):,} {theme.listed(kinds)} of validation pairs, which training did "
        "not see, on a t-SNE map of each epoch that begins where the one before ended: points keep "
        "their identity, so they move rather than jump. Press Play, or drag the slider; click a "
        "point to meet it."
    )
    chosen = session.current()
    left, right = st.columns([1.7, 1.0], gap="medium")
    with left:
        widgets.show(
            figures.figure(found, page.study.classes, widgets.dark(), lines=chosen.lines),
            page.handle,
            "epochs",
            "The validation pairs of the generation space, epoch by epoch",
            encoder_set=page.encoder_set,
            key=CHART,
            table=lambda: page.study.epochs(page.encoder_set),
        )
        # Plotly's own selection fails once it has played.
        browser.clicks(CHART, lambda item_id: st.session_state.update({PICKED: item_id}))
    with right:
        losses(page)
        met(page, found)
    tied = "" if chosen.lines else " Join pairs ties each sound and picture to its own text."
    widgets.small(
        "Epoch 0 is before training. A map keeps neighbourhoods, not distances; every map is "
        f"turned onto the one before, for t-SNE has no up or down.{tied}"
    )


def met(page: Page, found: figures.MovingPoints) -> None:
    """The clicked item and the other half of its pair, beside the map, which stays in place."""
    rows = np.flatnonzero(found.item_ids == st.session_state.get(PICKED, ""))
    if not len(rows):
        return
    mates = [
        int(other)
        for encoder_set in found.joined
        for one, other in (encoder_set, encoder_set[::-1])
        if one == rows[0]
    ]
    shown = list(dict.fromkeys(str(found.item_ids[row]) for row in [rows[0], *mates]))[:3]
    for place, item_id in zip(st.columns(3, gap="small"), shown, strict=False):
        with place:
            cards.card(page.handle, item_id, key=f"epochs_{item_id}", on_open=cards.open_item)


@st.cache_resource(show_spinner=False, max_entries=4)
def moving(handle: data.Handle, encoder_set: str) -> figures.MovingPoints:
    """The points of every epoch, in one order."""
    study = data.study(handle)
    frame = study.epochs(encoder_set)
    epochs = np.sort(frame["epoch"].unique())
    first = frame[frame["epoch"] == epochs[0]].reset_index(drop=True)
    ids = first["item_id"].to_numpy(dtype=object)
    places = []
    for epoch in epochs:
        mine = frame[frame["epoch"] == epoch]
        if list(mine["item_id"]) != list(ids):
            raise UserError(
                f"The moving map of {encoder_set} has other items in epoch {epoch}: run "
                f"`{study.command('maps')}`."
            )
        places.append(mine[["x", "y"]].to_numpy(dtype=np.float32))
    xy = np.stack(places)
    number = {name: row for row, name in enumerate(study.classes)}
    items = data.items(handle).loc[ids]
    return figures.MovingPoints(
        epochs.astype(np.int64),
        xy,
        ids,
        first["modality"].to_numpy(dtype=object),
        items["class"].map(lambda name: number.get(name, -1)).to_numpy(dtype=np.int64),
        joined(first),
    )


def joined(first: pd.DataFrame) -> np.ndarray:
    """`(k, 2) int64`: rows of each sound or picture and of the text that it belongs to."""
    if "partner" not in first:
        return np.empty((0, 2), dtype=np.int64)
    row_of = {item_id: row for row, item_id in enumerate(first["item_id"])}
    pairs = [
        (row, row_of[partner])
        for row, (item_id, partner) in enumerate(
            zip(first["item_id"], first["partner"], strict=True)
        )
        if partner in row_of and partner != item_id
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def losses(page: Page) -> None:
    try:
        history = page.study.generation_history(page.encoder_set)
        best = page.study.artefact(f"generate:{page.encoder_set}:0").manifest.get("best_epoch")
    except MissingArtefact as error:
        widgets.notice(str(error))
        return
    widgets.show(
        curves.training(
            history, int(best) if best else None, widgets.dark(), curves.GENERATOR_LOSSES
        ),
        page.handle,
        "generation_losses",
        "Losses of the generation space by epoch",
        encoder_set=page.encoder_set,
        table=history,
    )
    widgets.small(f"{len(history):,} epochs of the first split, on its translation subset.")
