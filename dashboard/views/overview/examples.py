"""Example pairs to hear and see, each of another class."""

import numpy as np
import streamlit as st

from core.figures import theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import cards, thumbnails, widgets

N_EXAMPLES = 6
MAX_WORDS = 120  # characters of a text below another card
TURN = "examples_turn"
TITLES = {("audio", "image"): "Hear and see", ("audio", "image", "text"): "Hear, see and read"}


def show(page: Page) -> None:
    """A row of examples; a button shows others."""
    st.subheader(TITLES.get(page.modalities, "Hear and read"), anchor=False)
    turn = int(st.session_state.get(TURN, 0))
    found = examples(page, turn)
    if not found:
        widgets.small(f"This dataset has no pairs of {theme.in_words(page.modalities)}.")
        return
    for place, items in zip(st.columns(N_EXAMPLES, gap="small"), found, strict=False):
        with place:
            example(page, items)
    if page.study.dataset.get("paired_by") == "class":
        widgets.small("These items were paired by class: the pairs were made from their labels.")
    st.button(
        "Show others",
        type="tertiary",
        icon=":material/refresh:",
        on_click=lambda: st.session_state.update({TURN: turn + 1}),
    )


def example(page: Page, items: dict[str, str]) -> None:
    """The picture of an example, or else its sound, as a card; the rest below it."""
    shown = "image" if "image" in items else next(iter(items))
    cards.card(page.handle, items[shown], key=f"example_{shown}_{items[shown]}")
    if shown != "audio" and "audio" in items:
        thumbnails.player(page.handle, items["audio"])
    if shown != "text" and "text" in items:
        words = str(data.items(page.handle).loc[items["text"], "text"])
        st.html(thumbnails.words_html(words, MAX_WORDS))


def examples(page: Page, seed: int) -> list[dict[str, str]]:
    """`{modality: item}` of one clip each (of one class where the dataset pairs by class)."""
    frame = data.items(page.handle)
    frame = frame[frame["modality"].isin(page.modalities)]
    rng = np.random.default_rng(seed)
    classes = rng.permutation(page.study.paired_classes)[:N_EXAMPLES]
    groups = [frame[frame["class"] == name] for name in classes]
    groups = groups or [frame] * N_EXAMPLES  # captions without classes: any clips
    found = []
    for group in groups:
        if page.study.dataset.get("paired_by") == "clip":
            n_modalities = group.groupby("clip_id", sort=False)["modality"].nunique()
            clips = n_modalities.index[n_modalities == len(page.modalities)]
            if not len(clips):
                continue
            group = group[group["clip_id"] == clips[int(rng.integers(len(clips)))]]
        drawn = {
            modality: str(ids.iloc[int(rng.integers(len(ids)))])
            for modality in page.modalities
            if len(ids := group.loc[group["modality"] == modality, "item_id"])
        }
        if len(drawn) == len(page.modalities):
            found.append(drawn)
    return found
