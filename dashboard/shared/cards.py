"""Media cards: what an item looks and sounds like, its labels, and a button that opens it."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from dashboard import data, session, state
from dashboard.shared import thumbnails
from dashboard.shared.widgets import esc, quiet_button

PERCENTILE = (
    "“Above 99%” means that the cosine is higher than that of 99% of random pairs of the two "
    "modalities."
)


def score_text(score: float, percentile: float) -> str:
    """A cosine and its percentile: `0.83, above 99.1%` (see `PERCENTILE`)."""
    return f"{score:.2f}, above {percentile:.1f}%"


def match_notes(
    handle: data.Handle, found: pd.DataFrame, same_clip: set[str], labels: set[str]
) -> list[str]:
    """The score of each found item, and whether it has the query's clip or one of its labels."""
    frame, notes = data.items(handle), []
    for row in found.itertuples():
        note = score_text(row.score, row.percentile)
        if row.item_id in same_clip:
            note += ", same clip"
        elif labels & set(frame.loc[row.item_id, "labels"]):
            note += ", same class"
        notes.append(note)
    return notes


def card(
    handle: data.Handle,
    item_id: str,
    *,
    key: str,
    note: str = "",
    on_open: Callable[[str], None] | None = None,
    opens: str = "Open",
) -> None:
    """A small card: thumbnail, player, labels, one line of text, and a button that opens it."""
    with st.container(key=f"card_{key}", gap="xsmall"):
        thumbnails.show(handle, item_id)
        line = f'<div class="jee-small">{esc(note)}</div>' if note else ""
        labels = thumbnails.labels_html(handle, item_id)
        st.html(f'<div class="jee-label" title="{esc(item_id)}">{labels}</div>{line}')
        if on_open is not None:
            icon = "open_in_full" if opens == "Open" else "search"
            quiet_button(opens, f"open_{key}", on_open, item_id, icon=icon)


def grid(
    handle: data.Handle,
    item_ids: Sequence[str],
    *,
    key: str,
    notes: Sequence[str] = (),
    columns: int = 6,
    on_open: Callable[[str], None] | None = None,
    opens: str = "Open",
) -> None:
    """Small cards in rows of `columns`."""
    for number, item_id in enumerate(item_ids):
        if number % columns == 0:
            places = st.columns(columns, gap="small")
        with places[number % columns]:
            card(
                handle,
                item_id,
                key=f"{key}_{number}",
                note=notes[number] if number < len(notes) else "",
                on_open=on_open,
                opens=opens,
            )


def open_item(item_id: str) -> None:
    """Make an item the first of the open ones."""
    others = [name for name in session.current().items if name != item_id]
    session.change(items=(item_id, *others)[: state.MAX_ITEMS])
