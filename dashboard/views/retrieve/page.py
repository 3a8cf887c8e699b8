"""Retrieve: search a shared space with words, sounds, pictures, videos or items."""

import streamlit as st

from core.clock import Clock
from core.errors import UserError
from core.figures import theme
from core.retrieval.retriever import Filters
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import controls, widgets
from dashboard.views.retrieve import (
    query_analysis,
    query_cards,
    query_form,
    query_state,
    query_timeline,
    results,
)
from dashboard.views.retrieve.query_state import Query, QueryEntry

SPACE_NAMES = {
    "translation_all": "Translation, all pairs",
    "translation": "Translation, study split",
    "united_all": "United, all pairs",
    "united": "United, study split",
    "cca": "CCA",
    "pca": "PCA",
    "generation": "Generation",
    "generation_tuned": "Generation, text fine-tuned",
}


def show(page: Page) -> None:
    widgets.heading("Retrieve", f"Search the collection with {sources(page)}.")
    try:
        with st.spinner("Embedding …", show_time=False):
            query_state.take_in(page.handle, page.encoder_set)
    except MemoryError:
        query_state.notices().append(
            "The file needs more memory than is available: use a shorter one."
        )
    entries, missing = query_state.entries(page.handle, page.encoder_set)
    left, right = st.columns([1.0, 1.25], gap="large")
    with left:
        query_form.show(page)
        for sentence in [*query_state.notices(), *missing]:
            widgets.notice(sentence)
    with right:
        query_cards.show(page, entries)
    if entries:
        answer(page, entries)
    else:
        query_form.examples(page)


def answer(page: Page, entries: list[QueryEntry]) -> None:
    """Search, and show everything that depends on the query."""
    retriever = data.retriever(page.handle, page.encoder_set)
    default = retriever.default_find(entries[0].modality)
    find = session.current().find
    find = find if find in page.modalities else default
    choices(page, find, default)
    clock = Clock()
    for entry in entries:
        for step, ms in entry.timings_ms.items():
            clock.ms[step] = clock.ms.get(step, 0.0) + ms
    query = Query(page, retriever, entries, find)
    chosen = session.current()
    filters = Filters(chosen.classes, chosen.subsets, own_clips(page, entries, find), page.only)
    try:
        found = retriever.search(query.weighted, find, chosen.top, chosen.within, filters, clock)
    except UserError as error:
        widgets.notice(str(error))
        return
    for entry in entries:
        query_timeline.show(query, entry, found.median_score)
    results.show(query, found)
    results.other_modalities(query)
    query_analysis.show(query, found, clock)


def sources(page: Page) -> str:
    """What a query can be made of, in words."""
    encoded = query_form.encoded_modalities(page)
    names = ["words"] if "text" in encoded else []
    names += ["a sound"] if "audio" in encoded else []
    names += ["a picture", "a video"] if "image" in encoded else []
    return f"{', '.join(names)} or an item" if names else "an item"


def own_clips(page: Page, entries: list[QueryEntry], find: str) -> list[str]:
    """The clips of the query's items in the searched modality, which would find themselves."""
    frame = data.items(page.handle)
    ids = [entry.item_id for entry in entries if entry.item_id and entry.modality == find]
    return [str(frame.loc[item_id, "clip_id"]) for item_id in ids]


def choices(page: Page, find: str, default: str) -> None:
    """What to find, in which space, how many results, and the filters."""

    def choose(wanted: str | None) -> None:
        session.change(find="auto" if wanted in (None, default) else wanted)

    there = page.study.spaces(page.encoder_set)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        st.segmented_control(
            "Find",
            page.modalities,
            format_func=theme.with_glyph,
            required=True,
            **session.tied("query_find", find, choose),
        )
        spaces = [name for name in state.CHOICES["within"] if name in there]
        if session.current().within not in spaces:
            session.change(within=spaces[0])
        st.selectbox(
            "In the space",
            spaces,
            format_func=lambda name: SPACE_NAMES[name],
            width=260,
            help="“All pairs” is fitted on every pair of the collection. The spaces of the study "
            "split were fitted without test items, and the stored scores are theirs",
            **session.bound("within"),
        )
        tops = sorted({10, 20, 50, session.current().top})
        st.segmented_control("Results", tops, required=True, **session.bound("top"))
        controls.some("Subset", "subsets", data.subsets(page.handle, 0))
    widgets.class_chips(page.study.classes)
