"""The two things that are compared, and how a person chooses them."""

from dataclasses import dataclass

import streamlit as st

from core.figures import theme
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import controls, widgets


@dataclass(frozen=True)
class Side:
    """One of the two things compared."""

    handle: data.Handle
    encoder_set: str
    space: str
    name: str


def choose(page: Page) -> tuple[Side, Side]:
    chosen = page.selection
    records = data.records(page.handle.root)
    titles = data.study_titles(records)
    left_place, right_place = st.columns(2, gap="medium", border=True)
    with left_place:
        widgets.kicker("left: the study and encoders of the sidebar")
        st.html(f'<div class="jee-label">{widgets.esc(titles[page.handle.digest])}</div>')
        controls.space()
    with right_place:
        widgets.kicker("right")
        handle, encoder_set = other_study(page, titles)
        controls.space("other_space")
    chosen = session.current()
    return (
        side(page.handle, page.encoder_set, chosen.space, "left"),
        side(handle, encoder_set, chosen.other_space, "right"),
    )


def other_study(page: Page, titles: dict[str, str]) -> tuple[data.Handle, str]:
    chosen = session.current()
    other = next((name for name in titles if chosen.other and name.startswith(chosen.other)), "")
    st.session_state["choose_other"] = other or page.handle.digest
    st.selectbox(
        "Study",
        list(titles),
        format_func=lambda name: titles[name],
        key="choose_other",
        on_change=lambda: session.change(
            other=st.session_state["choose_other"], other_encoder_set=""
        ),
    )
    handle = data.open_study(page.handle.root, other or page.handle.digest)
    pairs = data.encoder_set_names(handle)
    encoder_set = chosen.other_encoder_set if chosen.other_encoder_set in pairs else ""
    if not encoder_set:
        encoder_set = page.encoder_set if page.encoder_set in pairs else pairs[0]
    st.session_state["choose_other_encoder_set"] = encoder_set
    if len(pairs) > 1:
        st.selectbox(
            "Encoders",
            pairs,
            format_func=lambda name: name.replace("+", " + "),
            key="choose_other_encoder_set",
            on_change=lambda: session.change(
                other_encoder_set=st.session_state["choose_other_encoder_set"]
            ),
        )
    return handle, encoder_set


def side(handle: data.Handle, encoder_set: str, space: str, place: str) -> Side:
    name = f"{place}: {theme.SPACE_NAMES[space]}, {encoder_set.replace('+', ' + ')}"
    return Side(handle, encoder_set, space, name)
