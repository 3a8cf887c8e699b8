"""A strip of pairs to hear and see, of as many classes as there is room for."""

import numpy as np
import streamlit as st

from dashboard import cards, data, widgets
from dashboard.page import Page

N_EXAMPLES = 6


def show(page: Page) -> None:
    """A strip of pairs, of as many classes as there is room for; another strip on demand."""
    st.subheader("Hear and see", anchor=False)
    turn = int(st.session_state.get("examples_turn", 0))
    found = example_pairs(page, turn)
    if not found:
        widgets.small("There is no pair of a sound and a picture in this set.")
        return
    for place, (audio, image) in zip(st.columns(N_EXAMPLES, gap="small"), found, strict=False):
        with place:
            cards.card(page.handle, image, key=f"example_image_{image}")
            cards.player(page.handle, audio)
    by = page.study.dataset.get("paired_by")
    if by == "class":
        widgets.small("These are paired within a class: their labels made the pairs.")
    st.button(
        "Show others",
        type="tertiary",
        icon=":material/refresh:",
        on_click=lambda: st.session_state.update(examples_turn=turn + 1),
    )


def example_pairs(page: Page, turn: int) -> list[tuple[str, str]]:
    """``(audio item, image item)`` of different classes, drawn by the turn's number."""
    frame = data.items(page.handle)
    rng = np.random.default_rng(turn)
    classes = list(rng.permutation(page.study.paired_classes))
    joined = data.pairs(page.handle)
    found = []
    for name in classes[:N_EXAMPLES]:
        mine = frame[frame["class"] == name]
        if len(joined):
            rows = joined[joined["image"].isin(mine["item_id"])]
            if len(rows):
                row = rows.iloc[int(rng.integers(len(rows)))]
                found.append((str(row["audio"]), str(row["image"])))
            continue
        kinds = [mine[mine["modality"] == kind]["item_id"] for kind in ("audio", "image")]
        if all(len(ids) for ids in kinds):
            audio, image = (str(ids.iloc[int(rng.integers(len(ids)))]) for ids in kinds)
            found.append((audio, image))
    return found
