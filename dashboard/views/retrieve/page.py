"""Retrieve: bring words, a sound, a picture or an item, and see what a space puts near it."""

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
    query_form,
    query_state,
    query_timeline,
    results,
)

SPACE_NAMES = {
    "translation_all": "Translation, all pairs",
    "translation": "Translation, study split",
    "pca": "PCA",
    "generation": "Generation",
}


def show(page: Page) -> None:
    widgets.heading(
        "Retrieve",
        f"Bring {brought(page)}, and meet what lies near it.",
    )
    try:
        with st.spinner("Listening and looking …", show_time=False):
            query_state.take_in(page.handle, page.encoder_set)
    except MemoryError:
        query_state.notices().append(
            "The file needs more memory than there is: bring a shorter one."
        )
    parts, missing = query_state.asked(page.handle, page.encoder_set)
    left, right = st.columns([1.0, 1.25], gap="large")
    with left:
        query_form.inputs(page)
        for sentence in [*query_state.notices(), *missing]:
            widgets.notice(sentence)
    with right:
        query_form.query(page, parts)
    if not parts:
        query_form.examples(page)
        return
    answered(page, parts)


def answered(page: Page, parts: list[query_state.Asked]) -> None:
    """Everything that follows from a query."""
    find = finding(page, parts)
    choices(page, find, usual(page, parts))
    retriever = data.retriever(page.handle, page.encoder_set)
    clock = Clock()
    for one in parts:
        for step, ms in one.timings_ms.items():
            clock.ms[step] = clock.ms.get(step, 0.0) + ms
    asked = [part for one in parts for part in one.parts()]
    chosen = session.current()
    try:
        answer = retriever.search(
            asked,
            find,
            chosen.top,
            chosen.within,
            Filters(chosen.classes, chosen.subsets, own_clips(page, parts, find)),
            clock,
        )
    except UserError as error:
        widgets.notice(str(error))
        return
    for one in parts:
        query_timeline.show_timeline(page, retriever, one, find, answer.median_score)
    results.show(page, retriever, parts, find, answer)
    results.others(page, retriever, parts, find)
    query_analysis.show(page, retriever, asked, parts, answer, clock)


def brought(page: Page) -> str:
    """What a person may come with, in words."""
    kinds = query_form.open_kinds(page)
    things = ["words"] if "text" in kinds else []
    things += ["a sound"] if "audio" in kinds else []
    things += ["a picture", "a video"] if "image" in kinds else []
    things += ["an item"]
    return f"{', '.join(things[:-1])} or {things[-1]}" if len(things) > 1 else things[0]


def finding(page: Page, parts: list[query_state.Asked]) -> str:
    """What is looked for: as chosen, else another modality than what asks."""
    chosen = session.current().find
    return chosen if chosen in page.modalities else usual(page, parts)


def usual(page: Page, parts: list[query_state.Asked]) -> str:
    """Pictures for a sound, sounds for a picture or words: the first that the first part is not.

    A encoder set without pictures finds what it has.
    """
    wanted = ("image", "audio", "text") if parts[0].modality == "audio" else page.modalities
    others = [kind for kind in wanted if kind != parts[0].modality and kind in page.modalities]
    return others[0] if others else parts[0].modality


def own_clips(page: Page, parts: list[query_state.Asked], find: str) -> list[str]:
    """The clips of asking items of the modality that is looked for: each would find itself."""
    frame = data.items(page.handle)
    mine = [one.item_id for one in parts if one.item_id and one.modality == find]
    return [str(frame.loc[item_id, "clip_id"]) for item_id in mine]


def choices(page: Page, find: str, default: str) -> None:
    def choose() -> None:
        wanted = st.session_state["ask_find"] or default
        session.change(find="auto" if wanted == default else wanted)

    there = page.study.spaces(page.encoder_set)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        st.session_state["ask_find"] = find
        st.segmented_control(
            "Find",
            page.modalities,
            format_func=theme.marked,
            required=True,
            key="ask_find",
            on_change=choose,
        )
        spaces = [name for name in state.CHOICES["within"] if name in there]
        if session.current().within not in spaces:
            session.change(within=spaces[0])
        st.selectbox(
            "In the space",
            spaces,
            format_func=lambda name: SPACE_NAMES[name],
            width=260,
            help="“All pairs” is the same recipe fitted on every pair of the collection; the "
            "study split’s spaces never saw their test items and are those of the scores",
            **session.bound("within"),
        )
        tops = sorted({10, 20, 50, session.current().top})
        st.segmented_control("Results", tops, required=True, **session.bound("top"))
        controls.some("Subset", "subsets", data.subsets(page.handle, 0))
    widgets.class_chips(page.study.classes)
