"""What a selection of several items is: what distinguishes it, its central and remote items."""

from collections.abc import Sequence

import streamlit as st

from core.errors import UserError
from core.figures import theme
from dashboard import data
from dashboard.page import Page
from dashboard.shared import cards, widgets
from dashboard.shared.widgets import esc

N_CARDS = 4
SPACE = "translation"


def show(page: Page, item_ids: Sequence[str]) -> None:
    """The values that a selection has more often than the rest, and its most typical items."""
    left, right = st.columns([1.0, 1.25], gap="large")
    with left:
        distinguishing(page, item_ids)
    with right:
        centrality(page, item_ids)


def distinguishing(page: Page, item_ids: Sequence[str]) -> None:
    widgets.kicker("what distinguishes it")
    found = data.distinguishing(page.handle, page.selection.split, item_ids)
    if found.empty:
        widgets.small("No label, subset or fact is more common among these items than elsewhere.")
        return
    rows = "".join(
        f"<tr><td>{esc(_name(row.column))}</td><td>{esc(_value(row.column, row.value))}</td>"
        f"<td class='n'>{row.n_selected:,} ({row.share:.0%})</td>"
        f"<td class='n'>{row.n_rest:,} ({row.share_rest:.0%})</td></tr>"
        for row in found.itertuples()
    )
    st.html(
        '<table class="jee-table"><tr><th></th><th></th><th>selected</th><th>the rest</th></tr>'
        f"{rows}</table>"
    )
    widgets.small("Sorted by the log-likelihood ratio of the counts (Dunning 1993).")


def _name(column: str) -> str:
    return {"labels": "class"}.get(column, column.replace("_", " ").replace(".", ", "))


def _value(column: str, value: str) -> str:
    return theme.MODALITY_NAMES.get(value, value) if column == "modality" else value


def centrality(page: Page, item_ids: Sequence[str]) -> None:
    try:
        found = data.by_centrality(
            page.handle, page.encoder_set, SPACE, page.selection.split, item_ids
        )
    except (UserError, KeyError):
        widgets.small("The items have no vectors in the translated space.")
        return
    for modality, (ordered, cosines) in found.items():
        n = min(N_CARDS // 2, len(ordered) // 2)
        widgets.kicker(f"{theme.MODALITY_PLURALS[modality]}: most central, most remote")
        cards.grid(
            page.handle,
            [*ordered[:n], *ordered[-n:]],
            key=f"central_{modality}",
            notes=[f"{cosine:.2f}" for cosine in (*cosines[:n], *cosines[-n:])],
            columns=N_CARDS,
            on_open=cards.open_item,
        )
    if found:
        widgets.small(
            "Cosine with the mean of the selected items of the modality, in the translated space."
        )
