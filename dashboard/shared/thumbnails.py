"""An item as HTML: its picture, spectrogram or text, its player, its labels."""

import base64
import contextlib

import streamlit as st

from core import media
from core.errors import UserError
from core.figures import spectrogram, theme
from dashboard import data
from dashboard.shared.widgets import dark, esc

MAX_WORDS = 280  # characters of a text on a card


def show(handle: data.Handle, item_id: str) -> None:
    """The item's picture, spectrogram or text, and the player of its sound.

    A sentence replaces media that cannot be read.
    """
    row = data.items(handle).loc[item_id]
    alt = ", ".join(row["labels"]) or item_id
    try:
        if row["modality"] == "image":
            st.html(jpeg_html(data.picture(handle, item_id), alt, contain=True))
        elif row["modality"] == "audio":
            st.html(jpeg_html(_spectrogram(handle, item_id, dark()), f"spectrogram: {alt}"))
            player(handle, item_id)
        else:
            st.html(words_html(str(row["text"])))
    except UserError as error:
        st.html(f'<div class="jee-none">{esc(error)}</div>')


def jpeg(handle: data.Handle, item_id: str, dark: bool) -> bytes:
    """The picture or the spectrogram of an item, as a small JPEG."""
    if data.items(handle).loc[item_id, "modality"] == "image":
        return data.picture(handle, item_id)
    return _spectrogram(handle, item_id, dark)


@st.cache_data(show_spinner=False, max_entries=1024)
def _spectrogram(handle: data.Handle, item_id: str, dark: bool) -> bytes:
    heard = data.sound(handle, item_id)
    return spectrogram.to_jpeg(heard.samples, heard.rate_hz, dark)


def player(handle: data.Handle, item_id: str) -> None:
    """A player of the item's sound; nothing where it cannot be read."""
    with contextlib.suppress(UserError):
        st.audio(media.wav_bytes(data.sound(handle, item_id)), format="audio/wav")


def labels_html(handle: data.Handle, item_id: str) -> str:
    """The item's classes, each with a dot: its colour is the class, its shape the modality."""
    row = data.items(handle).loc[item_id]
    colours = theme.class_colours(data.study(handle).classes)
    return " ".join(
        f'<span><span class="jee-dot {esc(row["modality"])}" '
        f'style="background:{colours.get(name, theme.UNLABELLED)}"></span>{esc(name)}</span>'
        for name in list(row["labels"]) or ["unlabelled"]
    )


def jpeg_html(content: bytes, alt: str, contain: bool = False) -> str:
    """A JPEG in the frame of a card, cut to fill it or (`contain`) shown whole."""
    encoded = base64.b64encode(content).decode()
    kind = " contain" if contain else ""
    return f'<img class="jee-thumb{kind}" alt="{esc(alt)}" src="data:image/jpeg;base64,{encoded}">'


def words_html(text: str, most: int = MAX_WORDS) -> str:
    """A text, escaped; a long one is cut and ends with an ellipsis."""
    plain = " ".join(text.split())
    if not plain:
        return '<div class="jee-none">This text is empty.</div>'
    shown = plain if len(plain) <= most else plain[:most].rstrip() + " …"
    size = "short" if len(shown) <= 60 else "middle" if len(shown) <= 150 else "long"
    title = esc(plain[:2000])
    return f'<div class="jee-words {size}" title="{title}"><p dir="auto">{esc(shown)}</p></div>'
