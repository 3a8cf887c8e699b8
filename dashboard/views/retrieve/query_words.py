"""Words that ask, drawn: the field, the one for what to keep away from, some to begin with."""

import streamlit as st

from core.retrieval import tags
from core.retrieval.query_inputs import WITHOUT
from dashboard import data
from dashboard.page import Page
from dashboard.shared import widgets
from dashboard.shared.widgets import md
from dashboard.views.retrieve import query_state


def fields(page: Page) -> None:
    """Words to ask with, and words to keep away from; both are emptied once they ask."""
    turn = st.session_state.get(query_state.ROUND, 0)
    key, away = f"ask_words_{turn}", f"ask_without_{turn}"
    left, right = st.columns([1.6, 1.0], gap="small")
    left.text_input(
        "Words",
        key=key,
        placeholder="slow bowed strings",
        on_change=lambda: query_state.ask_words(str(st.session_state[key] or "")),
        help="Enter asks. With Blend on, words join the sound, picture or item that asks already",
    )
    right.text_input(
        "But not",
        key=away,
        placeholder="with drums",
        on_change=lambda: query_state.ask_words(str(st.session_state[away] or ""), WITHOUT, True),
        help="Enter adds words that lead away: a weight below 0, which their card can change",
    )
    if page.encoders["text"] == "lsa":
        widgets.small(
            "lsa was fitted on this collection's captions: it cannot know words that stand in none."
        )
    if not query_state.n_parts():
        begin(page)


def begin(page: Page) -> None:
    """Some words, each a click."""
    key = f"ask_suggestion_{st.session_state.get(query_state.ROUND, 0)}"
    st.pills(
        "Or try",
        suggestions(page),
        format_func=md,
        key=key,
        on_change=lambda: query_state.ask_words(str(st.session_state[key] or "")),
    )


def suggestions(page: Page, n: int = 4) -> list[str]:
    """Words to begin with, out of the collection's own classes."""
    classes = page.study.paired_classes or page.study.classes
    wordings = ("the sound of {tag}", "{tag} music", "a recording of {tag}", "{tag}")
    some = classes[:: max(1, len(classes) // n)][:n]
    return [tags.texts([name], one)[0] for name, one in zip(some, wordings, strict=False)]


def described(page: Page, one: query_state.Asked) -> str:
    """What typed words are in the query, and which of them the encoder does not know."""
    said = "typed words" if one.weight >= 0 else "typed words, to keep away from"
    strange = data.unknown_words(page.handle, page.encoder_set, one.words)
    return f"{said}; not known: {', '.join(strange[:6])}" if strange else said
