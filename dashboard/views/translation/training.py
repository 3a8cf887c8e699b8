"""The loss curves of a translation and the epoch that was kept."""

import streamlit as st

from core.errors import UserError
from core.figures import curves
from dashboard.page import Page
from dashboard.shared import widgets


def show(page: Page) -> None:
    st.subheader("Training", anchor=False)
    split = page.selection.split
    try:
        history = page.study.history(page.encoder_set, split)
        manifest = page.study.artefact(f"train:{page.encoder_set}:{split}").manifest
    except UserError as error:
        widgets.notice(str(error))
        return
    best = manifest.get("best_epoch")
    if best is None and len(history):
        best = int(history.loc[history["validation_loss"].idxmin(), "epoch"])
    made = curves.training(history, int(best) if best else None, widgets.dark())
    widgets.show(
        made,
        page.handle,
        f"training_{split}",
        f"Training of {page.encoder_set}, split {split + 1}",
        encoder_set=page.encoder_set,
        table=history,
    )
    seconds = float(history["seconds"].sum())
    widgets.small(
        f"{len(history):,} epochs in {seconds:,.1f} s on the translation subset of split "
        f"{split + 1}, seed {manifest.get('seed', '–')}; the epoch of the lowest validation loss "
        "was kept."
    )
