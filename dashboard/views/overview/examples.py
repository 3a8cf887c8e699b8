"""A strip of pairs to hear and see, of as many classes as there is room for."""

import numpy as np
import streamlit as st

from core.figures import theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import cards, thumbnails, widgets

N_EXAMPLES = 6
MAX_WORDS = 120  # letters of a text below another card
TITLES = {("audio", "image"): "Hear and see", ("audio", "image", "text"): "Hear, see and read"}


def show(page: Page) -> None:
    """A strip of pairs, of as many classes as there is room for; another strip on demand."""
    st.subheader(TITLES.get(page.modalities, "Hear and read"), anchor=False)
    turn = int(st.session_state.get("examples_turn", 0))
    found = example_pairs(page, turn)
    if not found:
        widgets.small(f"There is no pair of {theme.listed(page.modalities)} in this set.")
        return
    for place, items in zip(st.columns(N_EXAMPLES, gap="small"), found, strict=False):
        with place:
            example(page, items)
    by = page.study.dataset.get("paired_by")
    if by == "class":
        widgets.small("These are paired within a class: their labels made the pairs.")
    st.button(
        "Show others",
        type="tertiary",
        icon=":material/refresh:",
        on_click=lambda: st.session_state.update(examples_turn=turn + 1),
    )


def example(page: Page, items: dict[str, str]) -> None:
    """One pair in one place: the picture, or else the sound, as a card; the rest below it."""
    shown = "image" if "image" in items else next(iter(items))
    cards.card(page.handle, items[shown], key=f"example_{shown}_{items[shown]}")
    if shown != "audio" and "audio" in items:
        thumbnails.player(page.handle, items["audio"])
    if shown != "text" and "text" in items:
        words = str(data.items(page.handle).loc[items["text"], "text"])
        st.html(thumbnails.words_html(words, MAX_WORDS))


def example_pairs(page: Page, turn: int) -> list[dict[str, str]]:
    """`{modality: item}` of one clip, or of one class where classes make the pairs; of different
    classes, drawn by the turn's number.
    """
    frame = data.items(page.handle)
    rng = np.random.default_rng(turn)
    classes = list(rng.permutation(page.study.paired_classes))[:N_EXAMPLES]
    by_clip = page.study.dataset.get("paired_by") == "clip"
    mine = frame[frame["modality"].isin(page.modalities)]
    groups = [mine[mine["class"] == name] for name in classes]
    groups = groups or [mine] * N_EXAMPLES  # captions without classes: any clips
    found = []
    for group in groups:
        whole = group
        if by_clip:
            kinds = group.groupby("clip_id", sort=False)["modality"].nunique()
            clips = kinds.index[kinds == len(page.modalities)]
            if not len(clips):
                continue
            whole = group[group["clip_id"] == clips[int(rng.integers(len(clips)))]]
        drawn = {
            kind: str(ids.iloc[int(rng.integers(len(ids)))])
            for kind in page.modalities
            if len(ids := whole.loc[whole["modality"] == kind, "item_id"])
        }
        if len(drawn) == len(page.modalities):
            found.append(drawn)
    return found
