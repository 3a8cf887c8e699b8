"""The sound or picture of an item, decoded small and kept for all visitors."""

import functools
import threading

import streamlit as st

from core import item_media, media
from core.media import apart
from dashboard.data.item_tables import items
from dashboard.data.studies import Handle, study

LONG_S, LONG_RATE_HZ = 5.0, 22_050  # longer sounds travel to the browser at this rate


@st.cache_data(show_spinner=False, max_entries=128)
def sound(handle: Handle, item_id: str) -> media.Audio:
    """The stretch of sound that is the item: one second in most collections."""
    length_s = float(items(handle).loc[item_id, "duration_s"])
    return item_media.sound(study(handle), item_id, LONG_RATE_HZ if length_s > LONG_S else None)


@st.cache_data(show_spinner=False, max_entries=1024)
def picture(handle: Handle, item_id: str, side_px: int = 320) -> bytes:
    """An item's picture as a small JPEG."""
    return media.picture_bytes(item_media.picture(study(handle), item_id), side_px)


@functools.cache
def start_decoder() -> None:
    """Start the process that decodes uploads, in the background, once a server."""
    threading.Thread(target=apart.warm, daemon=True).start()
