"""A query on the map: typed words, or the query of Retrieve, colour the points."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures import theme
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.shared.map_panel import Score
from dashboard.views.retrieve import query_state
from dashboard.views.retrieve.query_state import QueryEntry

N_LIT = 10  # of each modality


class Asked(NamedTuple):
    """What a query says about the points.

    score : the percentile of each item among those of its modality
    nearest : the ids of the nearest items of each modality
    entries : the parts of the query
    """

    score: Score
    nearest: list[str]
    entries: list[QueryEntry]


def words(page: Page) -> None:
    """The field for words, and what the query is now."""
    if "text" not in page.encoders and not query_state.n_entries():
        return
    turn = st.session_state.get(query_state.ROUND, 0)
    key = f"map_words_{turn}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if "text" in page.encoders:
            st.text_input(
                "Light up",
                key=key,
                placeholder="slow bowed strings",
                width=320,
                on_change=lambda: query_state.search_words(str(st.session_state[key] or "")),
                help="Press Enter: points are coloured by their nearness to the words, and the "
                "nearest get rings",
            )
        if query_state.n_entries():
            widgets.quiet_button("Without the query", "map_no_query", clear, icon="close")


def clear() -> None:
    """Colour by class again."""
    query_state.clear()


def asked(page: Page) -> Asked | None:
    """The query of this session over all points; None without one."""
    if not query_state.n_entries():
        return None
    entries, missing = query_state.entries(page.handle, page.encoder_set)
    for sentence in missing:
        widgets.notice(sentence)
    if not entries:
        return None
    retriever, space = data.retriever(page.handle, page.encoder_set), lit_space(page)
    try:
        vector = retriever.blend([one for entry in entries for one in entry.weighted], space)
    except UserError as error:
        widgets.notice(str(error))
        return None
    parts, nearest = [], []
    for modality in page.modalities:
        split = session.current().split
        of_modality = data.shared_vectors(page.handle, page.encoder_set, space, modality, split)
        cosines = np.asarray(of_modality.array @ vector)
        order = np.argsort(-cosines, kind="stable")
        places = np.empty(len(order))
        places[order] = 100.0 * (1.0 - np.arange(len(order)) / max(len(order) - 1, 1))
        parts.append(pd.Series(places, index=of_modality.item_ids))
        nearest += [str(one) for one in of_modality.item_ids[order[:N_LIT]]]
    names = ", ".join(entry.words or entry.name for entry in entries)
    label = f"nearness to “{names[:60]}”"
    return Asked(Score(label, pd.concat(parts)), nearest, entries)


def lit_space(page: Page) -> str:
    """The space in which a query is compared: united where it has a map."""
    mapped = data.mapped_spaces(page.handle, page.encoder_set)
    return "united" if "united" in mapped else "translation"


def explain(page: Page) -> None:
    """What the colours and rings mean."""
    widgets.small(
        "Colour is the percentile of an item's cosine with the query, in the space "
        f"{theme.SPACE_NAMES[lit_space(page)]}, among all items of its modality: 100 is the "
        f"nearest. Rings mark the {N_LIT} nearest of each modality; a star is the query, placed by "
        "its nearest neighbours."
    )


def star(page: Page, found: Asked, space: str) -> np.ndarray | None:
    """The place of the query on a map of the space; None where it cannot be projected."""
    retriever = data.retriever(page.handle, page.encoder_set)
    chosen = session.current()
    weighted = [one for entry in found.entries for one in entry.weighted]
    try:
        return retriever.place(weighted, space, chosen.method, chosen.dims)
    except (UserError, KeyError):
        return None
