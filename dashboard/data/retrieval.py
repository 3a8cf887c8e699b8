"""Searching: one shared retriever for each encoder set, neighbours of items, galleries of tags."""

import contextlib
import functools
import threading

import pandas as pd
import streamlit as st

from core.encoders.lsa import Lsa
from core.once import library
from core.retrieval import tags
from core.retrieval.retriever import Retriever
from core.vectors import Vectors
from dashboard.data.studies import Handle, study


@st.cache_resource(show_spinner=False, max_entries=4)
def retriever(handle: Handle, encoder_set: str) -> Retriever:
    """Encoders, fits and indexes of one encoder set, shared by all visitors."""
    return Retriever(study(handle), encoder_set)


@st.cache_data(show_spinner=False, max_entries=2048)
def neighbours(
    handle: Handle, encoder_set: str, item_id: str, modality: str, n: int, split: int = 0
) -> pd.DataFrame:
    """`item_id, score, percentile` of the nearest items of a modality in the translated space.

    Raises
    ------
    KeyError
        The item has no vector.
    """
    found = retriever(handle, encoder_set)
    return found.neighbours(item_id, modality, n, "translation", split)


def unknown_words(handle: Handle, encoder_set: str, text: str) -> list[str]:
    """The words that a text encoder fitted on the collection does not know; others know all."""
    encoder = retriever(handle, encoder_set).encoder("text")
    return encoder.unknown_words(text) if isinstance(encoder, Lsa) else []


@st.cache_resource(show_spinner=False, max_entries=8)
def tag_gallery(handle: Handle, encoder_set: str, space: str, modality: str, split: int) -> Vectors:
    """All items of a modality in a space, rows of unit length."""
    return tags.gallery(study(handle), encoder_set, space, modality, split)


@functools.cache
def import_ahead() -> None:
    """Start to import the text encoders' library in the background, once a server.

    The import takes 4 s, which the first typed words would otherwise wait for.
    """

    def work() -> None:
        with contextlib.suppress(ImportError):  # reported where text is embedded
            library("transformers.models.bert.modeling_bert")

    threading.Thread(target=work, daemon=True).start()
