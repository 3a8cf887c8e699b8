"""The neighbours of an item in a shared space, and the shared retriever of each encoder set."""

import contextlib
import functools
import importlib
import threading
from typing import NamedTuple

import numpy as np
import streamlit as st

from core.retrieval.retriever import Retriever
from dashboard import data


class Neighbour(NamedTuple):
    item_id: str
    score: float  # cosine
    percentile: float  # share of the gallery scoring lower, 0 to 100


@st.cache_data(show_spinner=False, max_entries=2048)
def neighbours(
    handle: data.Handle,
    encoder_set: str,
    space: str,
    item_id: str,
    modality: str,
    n: int,
    split: int = 0,
) -> list[Neighbour]:
    """The nearest items of one modality to an item in a shared space, by cosine."""
    opened = data.study(handle)
    own = str(data.items(handle).loc[item_id, "modality"])
    query = opened.shared(encoder_set, space, own, split).take([item_id])[0].astype(np.float32)
    gallery = opened.shared(encoder_set, space, modality, split)
    norms = _norms(handle, encoder_set, space, modality, split)
    scores = gallery.array @ query / (norms * max(float(np.linalg.norm(query)), 1e-12))
    if modality == own:
        scores[gallery.rows([item_id])] = -np.inf
    n = min(n, len(scores) - (modality == own))
    best = np.argpartition(-scores, n - 1)[:n] if n else np.array([], dtype=int)
    best = best[np.argsort(-scores[best], kind="stable")]
    return [
        Neighbour(
            str(gallery.item_ids[row]),
            float(scores[row]),
            100.0 * float((scores < scores[row]).mean()),
        )
        for row in best
    ]


@st.cache_resource(show_spinner=False, max_entries=32)
def _norms(
    handle: data.Handle, encoder_set: str, space: str, modality: str, split: int
) -> np.ndarray:
    array = data.study(handle).shared(encoder_set, space, modality, split).array
    return np.maximum(np.linalg.norm(np.asarray(array), axis=1), 1e-12)


@functools.cache
def import_ahead() -> None:
    """Begin to import what embeds words, once a server, in the background: 4 s that the first
    typed words would else wait."""

    def work() -> None:
        with contextlib.suppress(ImportError):  # said where words are asked for
            importlib.import_module("transformers.models.bert.modeling_bert")

    threading.Thread(target=work, daemon=True).start()


@st.cache_resource(show_spinner=False, max_entries=4)
def retriever(handle: data.Handle, encoder_set: str) -> Retriever:
    """Encoders, fits and indexes of one encoder set, shared by everybody who asks."""
    return Retriever(data.study(handle), encoder_set)
