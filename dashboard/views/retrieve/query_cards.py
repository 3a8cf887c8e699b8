"""The cards of a query's entries: picture or player, description, weight."""

import streamlit as st

from core.errors import UserError
from core.figures import spectrogram, theme
from core.figures.timeline import clock
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import thumbnails, widgets
from dashboard.shared.widgets import esc, md
from dashboard.views.retrieve import query_state
from dashboard.views.retrieve.query_state import QueryEntry
from dashboard.views.retrieve.upload import Upload

THUMB_S = 10.0  # of a long sound, in its card


def show(page: Page, entries: list[QueryEntry]) -> None:
    """Every entry of the query and, if there are several, their weights."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        widgets.kicker("your query")
        st.toggle(
            "Blend",
            **session.tied("query_blending", query_state.blending(), query_state.set_blend),
            help="New files, words and items are added to the query instead of replacing it. A "
            "weight below 0 keeps results away from one of them",
        )
        if entries:
            widgets.quiet_button("Clear", "clear", query_state.clear, icon="close")
    if not entries:
        widgets.small("Nothing yet.")
        return
    places = st.columns(max(2, min(3, len(entries))), gap="small")
    for number, entry in enumerate(entries):
        with (
            places[number % len(places)],
            st.container(key=f"part_{entry.key}", gap="xsmall", border=True),
        ):
            card(page, entry)
            if len(entries) > 1:
                weight(entry)
                widgets.quiet_button(
                    "Remove", f"remove_{entry.key}", query_state.remove, entry.key, icon="close"
                )


def card(page: Page, entry: QueryEntry) -> None:
    if entry.words:
        st.html(thumbnails.words_html(entry.words))
        st.html(f'<div class="jee-small">{esc(describe_words(page, entry))}</div>')
        return
    if entry.upload is not None:
        media(entry.upload)
        text = describe_upload(entry, entry.upload)
    else:
        thumbnails.show(page.handle, entry.item_id)
        labels = thumbnails.labels_html(page.handle, entry.item_id)
        st.html(f'<div class="jee-label">{labels}</div>')
        text = f"{theme.MODALITY_NAMES[entry.modality]} of the collection"
    st.html(f'<div class="jee-small">{esc(entry.name)}<br>{esc(text)}</div>')


def describe_words(page: Page, entry: QueryEntry) -> str:
    """How typed words are used, and which of them the encoder does not know."""
    text = "typed words" if entry.weight >= 0 else "typed words to keep away from"
    unknown = data.unknown_words(page.handle, page.encoder_set, entry.words)
    return f"{text}; not known: {', '.join(unknown[:6])}" if unknown else text


def describe_upload(entry: QueryEntry, upload: Upload) -> str:
    """The kind of an upload, and which of its seconds are searched with."""
    kind = {"audio": "sound", "image": "picture", "video": "video"}[upload.kind]
    if upload.kind == "image":
        return kind
    longest = max(entry.query_inputs, key=lambda one: len(one.starts_s))
    n = len(longest.starts_s)
    if n == 1:
        return f"{kind}, 1 second"
    if upload.second is not None:
        return f"{kind}, only the second at {clock(upload.second)}"
    if longest.sampled:
        return f"{kind}, {n} evenly spaced seconds, searched together"
    return f"{kind}, {n} seconds, searched together"


def media(upload: Upload) -> None:
    """An upload's picture or spectrogram, and its player."""
    try:
        if upload.kind == "image":
            st.html(thumbnails.jpeg_html(upload.picture(), upload.name, contain=True))
        elif upload.kind == "audio":
            start_s, length_s = (0.0, THUMB_S) if upload.second is None else (upload.second, 1.0)
            heard = upload.sound(start_s, length_s)
            picture = spectrogram.to_jpeg(heard.samples, heard.rate_hz, widgets.dark(), 320)
            st.html(thumbnails.jpeg_html(picture, f"spectrogram: {upload.name}"))
            player(upload)
        else:
            if upload.second is None:
                is_webm = upload.content[:4] == b"\x1a\x45\xdf\xa3"
                st.video(upload.content, format="video/webm" if is_webm else "video/mp4")
            else:
                frame = upload.picture(upload.second + 0.5)
                st.html(thumbnails.jpeg_html(frame, upload.name, contain=True))
                if upload.has_sound:
                    player(upload)
            if upload.has_sound:
                use(upload)
    except UserError as error:
        st.html(f'<div class="jee-none">{esc(error)}</div>')


def player(upload: Upload) -> None:
    content, mime = upload.playable()
    st.audio(content, format=mime)


def use(upload: Upload) -> None:
    """Whether a video's sound, its frames or both are searched with."""

    def changed(use: str | None) -> None:
        upload.use = use or "both"

    st.segmented_control(
        "Search with its",
        query_state.USES,
        required=True,
        label_visibility="collapsed",
        **session.tied(f"use_{upload.key}", upload.use, changed),
    )


def weight(entry: QueryEntry) -> None:
    def changed(weight: float) -> None:
        query_state.set_weight(entry.key, round(weight, 1))

    st.slider(
        f"Weight of {md(entry.name)}",
        -1.0,
        1.0,
        step=0.1,
        label_visibility="collapsed",
        help="Below 0 keeps results away from it; 0 ignores it",
        **session.tied(f"weight_{entry.key}", entry.weight, changed),
    )
