"""The first screen: the map of the collection, and three things to try with it."""

import streamlit as st

from core.errors import MissingArtefact
from core.figures import theme
from core.media import formats
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import map_panel, map_selection, widgets
from dashboard.shared.map_panel import Side
from dashboard.views.retrieve import query_form, query_state

SPACES = ("united", "translation")  # the first one that has a map is shown
HEIGHT_PX = 470


def show(page: Page) -> None:
    left, right = st.columns([2.3, 1.0], gap="large")
    with left:
        collection(page)
    with right:
        play(page)
        encoded = query_form.encoded_modalities(page)
        if "text" in encoded:
            words(page)
        if {"audio", "image"} & set(encoded):
            upload(encoded)
    map_selection.show(page, "start")


def collection(page: Page) -> None:
    """All items in the space that they share."""
    title = "All items in one space"
    mapped = data.mapped_spaces(page.handle, page.encoder_set)
    space = next((name for name in SPACES if name in mapped), SPACES[-1])
    side = Side(page.handle, page.encoder_set, space, title, page.selection.split)
    try:
        map_panel.show(page, [side], key="start", name="start", title=title, height_px=HEIGHT_PX)
    except MissingArtefact as error:
        widgets.notice(str(error))


def play(page: Page) -> None:
    st.markdown("**1 · Play a point**")
    heard = "hear" if page.modalities == ("audio",) else "hear, see or read"
    widgets.small(
        f"Click a point of the map to {heard} the item, and what is near it. Colour is the class; "
        f"{', '.join(map(theme.with_glyph, page.modalities))}."
    )


def words(page: Page) -> None:
    st.markdown("**2 · Type words**")

    def typed() -> None:
        search(str(st.session_state["start_words"] or ""))

    st.text_input(
        "Words",
        key="start_words",
        placeholder=query_form.suggestions(page)[0] if page.study.classes else "slow strings",
        label_visibility="collapsed",
        on_change=typed,
    )
    widgets.small("Press Enter: what sounds or looks like your words is listed, nearest first.")


def upload(encoded: list[str]) -> None:
    kinds = {"audio": "a sound", "image": "a picture"}
    named = " or ".join(kinds[kind] for kind in encoded if kind in kinds)
    st.markdown(f"**3 · Upload {named}**")

    def brought() -> None:
        file = st.session_state["start_upload"]
        if file is not None:
            query_state.bring([(file.name, file.getvalue())])
            session.go_to("retrieve")

    st.file_uploader("A file", key="start_upload", label_visibility="collapsed", on_change=brought)
    widgets.small(f"{formats.KNOWN}. It stays in this session.")


def search(text: str) -> None:
    """Search with typed words, on the page Retrieve. For callbacks."""
    if text.strip():
        query_state.search_words(text)
        session.go_to("retrieve")
