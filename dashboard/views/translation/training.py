"""The loss curves of a translation and the epoch that was kept."""

from functools import partial

import streamlit as st

from core.errors import UserError
from core.figures import curves
from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets


def show(page: Page) -> None:
    st.subheader("Training", anchor=False)
    split = page.selection.split
    try:
        history, best, seed = data.translation_training(page.handle, page.encoder_set, split)
    except UserError as error:
        widgets.notice(str(error))
        return
    widgets.show(
        partial(curves.training, history, best, widgets.dark()),
        page,
        f"training_{split}",
        f"Training of {page.encoder_set}, split {split + 1}",
        table=history,
    )
    seconds = float(history["seconds"].sum())
    widgets.small(
        f"{len(history):,} epochs in {seconds:,.1f} s on the translation subset of split "
        f"{split + 1}, seed {seed}. The epoch with the lowest validation loss was kept."
    )
