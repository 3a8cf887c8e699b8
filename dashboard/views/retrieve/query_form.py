"""The inputs of a query: upload, microphone, camera, an item; and the cards of its parts.

Words are in `query_words`. Nothing here searches: the inputs hand files to
`query_state.take_in`. The camera and the microphone are drawn only on request, so that no browser
asks for permission when the page loads.
"""

from typing import Any

import numpy as np
import streamlit as st

from core.encoder_sets import READY
from core.errors import UserError
from core.figures import spectrogram, theme
from core.figures.timeline import clock
from core.media import formats
from dashboard import data, session, state
from dashboard.page import Page
from dashboard.shared import cards, thumbnails, widgets
from dashboard.shared.widgets import esc, md
from dashboard.views.retrieve import query_state, query_words

SOURCES = {
    "upload": ":material/upload: Upload",
    "microphone": ":material/mic: Microphone",
    "camera": ":material/photo_camera: Camera",
    "item": ":material/library_music: An item",
}
NEEDS = {  # source -> the modalities of which it needs an encoder, one at least
    "upload": {"audio", "image"},
    "microphone": {"audio"},
    "camera": {"image"},
    "item": set(),
}
SOURCE = "ask_source"
THUMB_S = 10.0  # of a long sound, in its card


def open_kinds(page: Page) -> list[str]:
    """The modalities that an encoder of this study can embed anew."""
    return [kind for kind, name in page.encoders.items() if not name.startswith(READY)]


def inputs(page: Page) -> None:
    """Words; then a source to choose, and the widget of that source."""
    kinds = open_kinds(page)
    if "text" in kinds:
        query_words.fields(page)
    there = [name for name, needed in NEEDS.items() if not needed or needed & set(kinds)]
    closed = [kind for kind in page.modalities if kind not in kinds]
    if closed:
        left = "the rest" if kinds else "items of the collection"
        widgets.small(
            f"The {theme.listed(closed)} of this study came as ready vectors, without an encoder "
            f"that could embed new ones: {left} can ask."
        )
    if st.session_state.get(SOURCE) not in there:
        st.session_state[SOURCE] = there[0]
    source = st.segmented_control(
        "Ask with",
        there,
        format_func=lambda name: SOURCES[name],
        required=True,
        key=SOURCE,
    )
    if source == "item":
        collection(page)
    else:
        brought(str(source))


def brought(source: str) -> None:
    """An input widget that is emptied once its file has been taken in."""
    key = f"ask_{source}_{st.session_state.get(query_state.ROUND, 0)}"

    def came() -> None:
        value = st.session_state[key]
        files = value if isinstance(value, list) else [value] if value is not None else []
        default = {"microphone": "recording.wav", "camera": "photograph.jpg"}.get(source)
        query_state.bring([(default or file.name, file.getvalue()) for file in files])

    given: dict[str, Any] = {"key": key, "on_change": came, "label_visibility": "collapsed"}
    if source == "upload":
        st.file_uploader("A sound, picture or video", accept_multiple_files=True, **given)
        widgets.small(f"{formats.KNOWN}. Files stay in this session and are gone with it.")
    elif source == "microphone":
        st.audio_input("Record a sound", **given)
    else:
        st.camera_input("Take a picture", **given)


def collection(page: Page) -> None:
    """Choose an item: modality, class, item."""
    frame = data.items(page.handle)
    kind = st.segmented_control(
        "Modality",
        page.modalities,
        default=page.modalities[0],
        format_func=theme.marked,
        required=True,
        key="ask_kind",
        label_visibility="collapsed",
    )
    mine = frame[frame["modality"] == kind]
    classes = [name for name in page.study.classes if (mine["class"] == name).any()]
    if (mine["class"] == "").any():
        classes.append("")
    left, right = st.columns([1.0, 1.3])
    name = left.selectbox(
        "Class", classes, format_func=lambda name: name or "none or several", key="ask_class"
    )
    ids = [str(item_id) for item_id in mine.index[mine["class"] == name]]
    item_id = right.selectbox(f"One of {len(ids):,} items", ids, key="ask_item")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Ask with it",
            type="primary",
            disabled=item_id is None,
            on_click=query_state.ask_item,
            args=(item_id,),
            key="ask_with_item",
        )
        st.button(
            "Any of the class",
            icon=":material/shuffle:",
            disabled=not ids,
            on_click=_any_of,
            args=(ids,),
            key="ask_any",
        )


def _any_of(ids: list[str]) -> None:
    """Another one than those that ask already, where there is one."""
    asking = {state.split_weight(text)[0] for text in session.current().query}
    fresh = [item_id for item_id in ids if item_id not in asking] or ids
    query_state.ask_item(fresh[int(np.random.default_rng().integers(len(fresh)))])


# -- the query -----------------------------------------------------------------------------------


def query(page: Page, parts: list[query_state.Asked]) -> None:
    """The things that ask, each with its player or picture and, in a blend, its weight."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        widgets.kicker("your query")
        st.session_state["ask_blend"] = query_state.blending()
        st.toggle(
            "Blend",
            key="ask_blend",
            on_change=lambda: query_state.set_blend(bool(st.session_state["ask_blend"])),
            help="What comes next joins the query instead of replacing it; a weight below 0 "
            "leads away from a thing",
        )
        if parts:
            st.button(
                "Clear",
                type="tertiary",
                icon=":material/close:",
                on_click=query_state.clear,
                key="clear",
            )
    if not parts:
        widgets.small("Nothing yet.")
        return
    places = st.columns(max(2, min(3, len(parts))), gap="small")
    for number, one in enumerate(parts):
        with places[number % len(places)]:
            part(page, one, len(parts))


def part(page: Page, one: query_state.Asked, n_parts: int) -> None:
    """One thing of the query."""
    with st.container(key=f"part_{one.key}", gap="xsmall", border=True):
        if one.upload is not None:
            upload_media(one.upload)
        elif one.words:
            st.html(thumbnails.words_html(one.words))
        else:
            row = data.items(page.handle).loc[one.item_id]
            labels = list(row["labels"])
            modality = str(row["modality"])
            st.html(thumbnails.thumbnail_html(page.handle, one.item_id, modality, one.name))
            if modality == "audio":
                thumbnails.player(page.handle, one.item_id)
            names = widgets.label_html(labels, page.study.classes, modality)
            st.html(f'<div class="jee-label">{names}</div>')
        said = query_words.described(page, one) if one.words else described(one)
        name = "" if one.words else f"{esc(one.name)}<br>"
        st.html(f'<div class="jee-small">{name}{esc(said)}</div>')
        if n_parts > 1:
            weight(one)
            st.button(
                "Remove",
                key=f"remove_{one.key}",
                type="tertiary",
                icon=":material/close:",
                on_click=query_state.remove,
                args=(one.key,),
            )


def described(one: query_state.Asked) -> str:
    """What kind of thing it is, and how long."""
    if one.upload is None:
        return f"{theme.MODALITY_NAMES[one.modality]} of the collection"
    kind = {"audio": "sound", "image": "picture", "video": "video"}[one.upload.kind]
    longest = max(one.things, key=lambda thing: len(thing.starts_s))
    n = len(longest.starts_s)
    if one.upload.kind == "image":
        return kind
    text = f"{kind}, 1 second asks" if n == 1 else f"{kind}, {n} seconds ask together"
    if one.upload.second is not None and n > 1:
        text = f"{kind}, its second {clock(one.upload.second)} asks"
    return f"{text} (every so often one: it is long)" if longest.sampled else text


def upload_media(upload: query_state.Upload) -> None:
    """An upload's picture or spectrogram, and its player."""
    try:
        if upload.kind == "image":
            st.html(thumbnails.jpeg_html(query_state.picture(upload), upload.name, contain=True))
        elif upload.kind == "video":
            if upload.second is None:
                st.video(upload.content, format=_video_mime(upload))
            else:
                frame = query_state.picture(upload, upload.second + 0.5)
                st.html(thumbnails.jpeg_html(frame, upload.name, contain=True))
            if upload.second is not None and has_sound(upload):
                content, mime = query_state.playable(upload)
                st.audio(content, format=mime)
            if has_sound(upload):
                use(upload)
        else:
            start, length = (upload.second or 0.0), (THUMB_S if upload.second is None else 1.0)
            heard = query_state.sound(upload, start, length)
            shown = spectrogram.to_jpeg(heard.samples, heard.rate_hz, widgets.dark(), 320)
            st.html(thumbnails.jpeg_html(shown, f"spectrogram: {upload.name}"))
            content, mime = query_state.playable(upload)
            st.audio(content, format=mime)
    except UserError as error:
        st.html(f'<div class="jee-none">{esc(error)}</div>')


def has_sound(upload: query_state.Upload) -> bool:
    """Whether a video has a sound that was embedded."""
    return any(
        thing.modality == "audio" for things, _ in upload.embedded.values() for thing in things
    )


def use(upload: query_state.Upload) -> None:
    """Whether a video asks with its sound, its frames, or both."""
    key = f"use_{upload.key}"
    st.session_state[key] = upload.use

    def changed() -> None:
        upload.use = st.session_state[key] or "both"

    st.segmented_control(
        "Asks with its",
        query_state.USES,
        key=key,
        on_change=changed,
        required=True,
        label_visibility="collapsed",
    )


def weight(one: query_state.Asked) -> None:
    key = f"weight_{one.key}"
    st.session_state[key] = one.weight
    st.slider(
        f"Weight of {md(one.name)}",
        -1.0,
        1.0,
        step=0.1,
        key=key,
        label_visibility="collapsed",
        on_change=lambda: query_state.set_weight(one.key, round(float(st.session_state[key]), 1)),
        help="Below 0 leads away from it; at 0 it does not ask",
    )


def _video_mime(upload: query_state.Upload) -> str:
    return "video/webm" if upload.content[:4] == b"\x1a\x45\xdf\xa3" else "video/mp4"


def examples(page: Page, n: int = 6) -> None:
    """Before anything was asked: some items of the collection to begin with, one a class."""
    frame = data.items(page.handle)
    kind = page.modalities[0]
    mine = frame[(frame["modality"] == kind) & (frame["class"] != "")]
    first = mine.groupby("class", sort=False)["item_id"].first()
    ids = [str(first[name]) for name in page.study.paired_classes if name in first.index]
    if not ids:
        return
    step = max(1, len(ids) // n)
    widgets.kicker(f"or begin with a {theme.MODALITY_NAMES[kind]} of the collection")
    cards.grid(
        page.handle,
        ids[::step][:n],
        key="begin",
        columns=n,
        on_open=query_state.ask_item,
        opens="Ask",
    )
