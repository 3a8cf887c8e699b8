"""Retrieve: bring a sound, a picture, a video or an item, and see what a space puts near it."""

import streamlit as st

from core.errors import UserError
from core.things import Clock
from dashboard import data, session, state, theme, widgets
from dashboard.page import Page
from dashboard.retrieval import asking, beside, results, seconds, tray

SPACE_NAMES = {
    "translation_all": "Translation, all pairs",
    "translation": "Translation, study split",
    "pca": "PCA",
}


def show(page: Page) -> None:
    widgets.heading(
        "Retrieve",
        "Bring a sound, picture or video, and meet what the space puts near it.",
    )
    try:
        with st.spinner("Listening and looking …", show_time=False):
            tray.take_in(page.handle, page.pair)
    except MemoryError:
        tray.notices().append("The file needs more memory than there is: bring a shorter one.")
    parts, missing = tray.asked(page.handle, page.pair)
    left, right = st.columns([1.0, 1.25], gap="large")
    with left:
        asking.inputs(page)
        for sentence in [*tray.notices(), *missing]:
            widgets.notice(sentence)
    with right:
        asking.query(page, parts)
    if not parts:
        asking.examples(page)
        return
    answered(page, parts)


def answered(page: Page, parts: list[tray.Asked]) -> None:
    """Everything that follows from a query."""
    find = finding(parts)
    controls(page, find, usual(parts))
    searcher = data.searcher(page.handle, page.pair)
    clock = Clock()
    for one in parts:
        for step, ms in one.timings_ms.items():
            clock.ms[step] = clock.ms.get(step, 0.0) + ms
    asked = [part for one in parts for part in one.parts()]
    chosen = session.current()
    try:
        answer = searcher.search(
            asked,
            find,
            chosen.top,
            chosen.within,
            classes=chosen.classes,
            subsets=chosen.subsets,
            leave_out=own_clips(page, parts, find),
            clock=clock,
        )
    except UserError as error:
        widgets.notice(str(error))
        return
    for one in parts:
        seconds.show_timeline(page, searcher, one, find, answer.median_score)
    results.show(page, searcher, parts, find, answer)
    beside.show(page, searcher, asked, parts, answer, clock)


def finding(parts: list[tray.Asked]) -> str:
    """What is looked for: as chosen, else pictures for a sound and sounds for a picture."""
    chosen = session.current().find
    return usual(parts) if chosen == "auto" else chosen


def usual(parts: list[tray.Asked]) -> str:
    """The modality that the first part does not have."""
    return "audio" if parts[0].modality == "image" else "image"


def own_clips(page: Page, parts: list[tray.Asked], find: str) -> list[str]:
    """The clips of asking items of the modality that is looked for: each would find itself."""
    frame = data.items(page.handle)
    mine = [one.item_id for one in parts if one.item_id and one.modality == find]
    return [str(frame.loc[item_id, "clip_id"]) for item_id in mine]


def controls(page: Page, find: str, default: str) -> None:
    def choose() -> None:
        wanted = st.session_state["ask_find"] or default
        session.change(find="auto" if wanted == default else wanted)

    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        kinds = [kind for kind in data.modalities(page.handle) if kind != "text"]
        st.session_state["ask_find"] = find
        st.segmented_control(
            "Find",
            kinds,
            format_func=lambda name: f"{theme.GLYPHS[name]} {theme.MODALITY_PLURALS[name]}",
            required=True,
            key="ask_find",
            on_change=choose,
        )
        st.selectbox(
            "In the space",
            state.CHOICES["within"],
            format_func=lambda name: SPACE_NAMES[name],
            width=260,
            help="“All pairs” is the same recipe fitted on every pair of the collection; the "
            "study split’s spaces never saw their test items and are those of the scores",
            **session.bound("within"),
        )
        tops = sorted({10, 20, 50, session.current().top})
        st.segmented_control("Results", tops, required=True, **session.bound("top"))
        st.segmented_control(
            "Subset",
            data.subsets(page.handle, 0),
            selection_mode="multi",
            **session.bound("subsets"),
        )
    widgets.class_chips(page.study.classes)
