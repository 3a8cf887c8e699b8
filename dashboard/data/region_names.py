"""Names of a map's regions where its items have no classes: words of the study's texts."""

import numpy as np
import streamlit as st

from core.errors import UserError
from core.retrieval import region_names
from core.vectors import unit_rows
from dashboard.data.item_tables import items
from dashboard.data.map_files import MapKey
from dashboard.data.maps import map_points
from dashboard.data.retrieval import retriever
from dashboard.data.studies import Handle, study

SPACE = "translation"
FEW = 0.05  # of the points have a class: the map is without classes


def has_classes(key: MapKey) -> bool:
    """Whether classes can name the regions of a map."""
    rows = map_points(*key).class_row
    return bool(len(rows) and (rows >= 0).mean() > FEW)


@st.cache_resource(show_spinner=False, max_entries=8)
def regions(key: MapKey) -> list[region_names.Region]:
    """The regions of a flat map of a study with texts, by their words; else none."""
    points = map_points(*key)
    if key.n_dims != 2 or not len(points):
        return []
    try:
        words, word_vectors = _words(key.handle, key.encoder_set)
        vectors = np.empty((len(points), word_vectors.shape[1]), np.float32)
        for modality in np.unique(points.modality):
            own = points.modality == modality
            shared = study(key.handle).shared(key.encoder_set, SPACE, modality, key.split)
            vectors[own] = shared.take(points.item_ids[own])
    except (UserError, KeyError):  # no text encoder, or items that are not in the space
        return []
    return region_names.name_regions(points.xyz, vectors, points.modality, words, word_vectors)


@st.cache_resource(show_spinner=False, max_entries=4)
def _words(handle: Handle, encoder_set: str) -> tuple[list[str], np.ndarray]:
    """The words that can name regions, and their vectors; raises `UserError` without texts."""
    frame = items(handle)
    words = region_names.common_words(list(frame.loc[frame["modality"] == "text", "text"]))
    if not words:
        raise UserError("The study has no texts whose words could name the regions of its maps.")
    found = retriever(handle, encoder_set)
    vectors = [found.project(found.embed_text(word), SPACE).mean(axis=0) for word in words]
    return words, unit_rows(np.stack(vectors))
