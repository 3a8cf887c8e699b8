"""Pictures, spectrograms and texts as HTML, and the player of a sound."""

import base64

import streamlit as st

from core.errors import UserError
from core.figures import spectrogram
from dashboard import data
from dashboard.shared.widgets import dark, esc

MAX_WORDS = 280  # characters of a text on a card


@st.cache_data(show_spinner=False, max_entries=1024)
def _spectrogram(handle: data.Handle, item_id: str, dark: bool) -> bytes:
    heard = data.sound(handle, item_id)
    return spectrogram.to_jpeg(heard.samples, heard.rate_hz, dark)


def jpeg_html(content: bytes, alt: str, contain: bool = False) -> str:
    """A JPEG in the frame of a card, cut to fill it or (`contain`) shown whole."""
    encoded = base64.b64encode(content).decode()
    kind = " contain" if contain else ""
    return f'<img class="jee-thumb{kind}" alt="{esc(alt)}" src="data:image/jpeg;base64,{encoded}">'


def thumbnail_html(handle: data.Handle, item_id: str, modality: str, alt: str) -> str:
    """An item's picture, spectrogram or text; a sentence where it cannot be read."""
    try:
        if modality == "image":
            return jpeg_html(data.picture(handle, item_id), alt, contain=True)
        if modality == "audio":
            return jpeg_html(_spectrogram(handle, item_id, dark()), f"spectrogram: {alt}")
        return words_html(str(data.items(handle).loc[item_id, "text"]))
    except UserError as error:
        return f'<div class="jee-none">{esc(error)}</div>'


def words_html(text: str, most: int = MAX_WORDS) -> str:
    """A text, escaped; a long one is cut and ends with an ellipsis."""
    plain = " ".join(text.split())
    if not plain:
        return '<div class="jee-none">This text is empty.</div>'
    shown = plain if len(plain) <= most else plain[:most].rstrip() + " …"
    size = "short" if len(shown) <= 60 else "middle" if len(shown) <= 150 else "long"
    title = esc(plain[:2000])
    return f'<div class="jee-words {size}" title="{title}"><p dir="auto">{esc(shown)}</p></div>'


def player(handle: data.Handle, item_id: str) -> None:
    """A player of the item's sound; nothing where it cannot be read."""
    try:
        st.audio(data.sound(handle, item_id).wav, format="audio/wav")
    except UserError:
        return  # the thumbnail beside it says why
