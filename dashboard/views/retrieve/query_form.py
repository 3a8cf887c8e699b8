"""The inputs of a query: words, upload, microphone, camera, an item of the collection.

The form hands files and words to `query_state` and searches nothing itself. The camera and the
microphone appear on request only, so that no browser asks for permission when the page loads.
"""

from typing import Any

import numpy as np
import streamlit as st

from core.encoder_sets import READY
from core.figures import theme
from core.media import formats
from core.retrieval import tags
from core.retrieval.query_inputs import WITHOUT
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, widgets
from dashboard.shared.widgets import md
from dashboard.views.retrieve import query_state

SOURCES = {
    "upload": ":material/upload: Upload",
    "microphone": ":material/mic: Microphone",
    "camera": ":material/photo_camera: Camera",
    "item": ":material/library_music: An item",
}
NEEDS = {  # source -> the modalities that it can bring; an encoder of one of them is needed
    "upload": {"audio", "image"},
    "microphone": {"audio"},
    "camera": {"image"},
    "item": set(),
}
SOURCE = "query_source"
N_SUGGESTIONS, N_EXAMPLES = 4, 6


def encoded_modalities(page: Page) -> list[str]:
    """The modalities with an encoder for new media; the others came as ready vectors."""
    return [kind for kind, name in page.encoders.items() if not name.startswith(READY)]


def show(page: Page) -> None:
    """Words, the choice of a source, and the widget of that source."""
    encoded = encoded_modalities(page)
    if "text" in encoded:
        words(page)
    ready = [kind for kind in page.modalities if kind not in encoded]
    if ready:
        instead = "another modality or an item" if encoded else "items of the collection"
        widgets.small(
            f"The {theme.in_words(ready)} of this study came as ready vectors, so new ones cannot "
            f"be embedded: search with {instead}."
        )
    there = [name for name, needed in NEEDS.items() if not needed or needed & set(encoded)]
    if st.session_state.get(SOURCE) not in there:
        st.session_state[SOURCE] = there[0]
    source = str(
        st.segmented_control(
            "Search with",
            there,
            format_func=lambda name: SOURCES[name],
            required=True,
            key=SOURCE,
        )
    )
    if source == "item":
        collection(page)
    else:
        files(source)


def words(page: Page) -> None:
    """The fields for words and for words to keep away from; both are emptied once searched."""
    turn = st.session_state.get(query_state.ROUND, 0)
    key, without = f"query_words_{turn}", f"query_without_{turn}"
    left, right = st.columns([1.6, 1.0], gap="small")
    left.text_input(
        "Words",
        key=key,
        placeholder="slow bowed strings",
        on_change=lambda: query_state.search_words(str(st.session_state[key] or "")),
        help="Press Enter to search. With Blend on, the words are added to the query",
    )
    right.text_input(
        "Without",
        key=without,
        placeholder="drums",
        on_change=lambda: query_state.search_words(
            str(st.session_state[without] or ""), WITHOUT, True
        ),
        help="Press Enter to keep results away from these words. They get a weight below 0, which "
        "their card can change",
    )
    if page.encoders["text"] == "lsa":
        widgets.small(
            "The text encoder lsa was fitted on the captions of this collection and knows no "
            "other words."
        )
    if not query_state.n_entries():
        suggestion = f"query_suggestion_{turn}"
        st.pills(
            "Or try",
            suggestions(page),
            format_func=md,
            key=suggestion,
            on_change=lambda: query_state.search_words(str(st.session_state[suggestion] or "")),
        )


def suggestions(page: Page) -> list[str]:
    """Words to start with, made of the collection's classes."""
    classes = page.study.paired_classes or page.study.classes
    wordings = ("the sound of {tag}", "{tag} music", "a recording of {tag}", "{tag}")
    some = classes[:: max(1, len(classes) // N_SUGGESTIONS)][:N_SUGGESTIONS]
    return [tags.texts([name], one)[0] for name, one in zip(some, wordings, strict=False)]


def files(source: str) -> None:
    """An input widget for files, emptied once they are embedded."""
    key = f"query_{source}_{st.session_state.get(query_state.ROUND, 0)}"

    def changed() -> None:
        value = st.session_state[key]
        given = value if isinstance(value, list) else [value] if value is not None else []
        name = {"microphone": "recording.wav", "camera": "photograph.jpg"}.get(source)
        query_state.bring([(name or file.name, file.getvalue()) for file in given])

    shared: dict[str, Any] = {"key": key, "on_change": changed, "label_visibility": "collapsed"}
    if source == "upload":
        st.file_uploader("A sound, picture or video", accept_multiple_files=True, **shared)
        widgets.small(
            f"{formats.KNOWN}. Files stay in this session and are deleted within three minutes "
            "after you close the page."
        )
    elif source == "microphone":
        st.audio_input("Record a sound", **shared)
    else:
        st.camera_input("Take a picture", **shared)


def collection(page: Page) -> None:
    """Choose an item: modality, class, item."""
    frame = data.items(page.handle)
    kind = st.segmented_control(
        "Modality",
        page.modalities,
        default=page.modalities[0],
        format_func=theme.with_glyph,
        required=True,
        key="query_modality",
        label_visibility="collapsed",
    )
    of_kind = frame[frame["modality"] == kind]
    classes = [name for name in page.study.classes if (of_kind["class"] == name).any()]
    if (of_kind["class"] == "").any():
        classes.append("")
    left, right = st.columns([1.0, 1.3])
    name = left.selectbox(
        "Class", classes, format_func=lambda name: name or "none or several", key="query_class"
    )
    ids = [str(item_id) for item_id in of_kind.index[of_kind["class"] == name]]
    item_id = right.selectbox(f"One of {len(ids):,} items", ids, key="query_item")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Search with it",
            type="primary",
            disabled=item_id is None,
            on_click=query_state.search_item,
            args=(item_id,),
            key="query_this_item",
        )
        st.button(
            "Any of the class",
            icon=":material/shuffle:",
            disabled=not ids,
            on_click=_search_any,
            args=(ids,),
            key="query_any",
        )


def _search_any(ids: list[str]) -> None:
    """Search with a random item, one that is not in the query yet if there is one."""
    used = {state.split_weight(text)[0] for text in session.current().query}
    fresh = [item_id for item_id in ids if item_id not in used] or ids
    query_state.search_item(fresh[int(np.random.default_rng().integers(len(fresh)))])


def examples(page: Page) -> None:
    """Without a query: some items of the collection to start with, one per class."""
    frame = data.items(page.handle)
    kind = page.modalities[0]
    labelled = frame[(frame["modality"] == kind) & (frame["class"] != "")]
    first = labelled.groupby("class", sort=False)["item_id"].first()
    ids = [str(first[name]) for name in page.study.paired_classes if name in first.index]
    if not ids:
        return
    widgets.kicker(f"or start with a {theme.MODALITY_NAMES[kind]} of the collection")
    cards.grid(
        page.handle,
        ids[:: max(1, len(ids) // N_EXAMPLES)][:N_EXAMPLES],
        key="begin",
        columns=N_EXAMPLES,
        on_open=query_state.search_item,
        opens="Search",
    )
