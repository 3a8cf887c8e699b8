"""Selections of items: what they are, and those saved in the workspace."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core import saved_selections, selected
from core.saved_selections import Selection
from dashboard.data.item_tables import items
from dashboard.data.map_files import MOST_COLUMNS, flat_facts
from dashboard.data.studies import Handle, study

MOST_ITEMS = 100_000  # of a study, up to which the facts of all items are read too


@st.cache_resource(show_spinner=False, max_entries=4)
def item_columns(handle: Handle, split: int) -> pd.DataFrame:
    """What can distinguish a selection: labels, modality, subset and plain facts, by `item_id`."""
    frame = items(handle, split)
    columns = frame[["labels", "modality", "subset"]]
    if len(frame) > MOST_ITEMS:
        return columns.assign(labels=frame["class"].replace("", np.nan))
    facts = pd.DataFrame([flat_facts(text) for text in frame["facts"]], index=frame.index)
    few = [name for name in facts.columns if 1 < facts[name].astype(str).nunique() <= 100]
    shown = facts[few[:MOST_COLUMNS]]
    return columns.join(
        shown.rename(columns=lambda name: f"{name} (fact)" if name in columns else name)
    )


def distinguishing(handle: Handle, split: int, item_ids: Sequence[str]) -> pd.DataFrame:
    """What is over-represented among some items: see `core.selected.distinguishing`."""
    columns = item_columns(handle, split)
    mask = np.zeros(len(columns), dtype=bool)
    mask[columns.index.get_indexer(pd.Index(item_ids, dtype=object))] = True
    return selected.distinguishing(columns, mask)


def by_centrality(
    handle: Handle, encoder_set: str, space: str, split: int, item_ids: Sequence[str]
) -> dict[str, tuple[list[str], np.ndarray]]:
    """Of each modality the items from the most central to the most remote, with their cosines."""
    kinds = items(handle)["modality"].reindex(item_ids)
    found = {}
    for modality in study(handle).modalities(encoder_set):
        own = kinds.index[kinds == modality]
        if len(own) < 2:
            continue
        rows, cosines = selected.by_centrality(
            study(handle).shared(encoder_set, space, modality, split).take(own)
        )
        found[modality] = (list(own[rows]), cosines)
    return found


def saved(handle: Handle) -> list[Selection]:
    """The saved selections of a study, the newest first, without their items."""
    if not saved_selections.has_database(handle.root):
        return []  # a visit writes nothing
    with saved_selections.connect(handle.root) as database:
        return saved_selections.listed(database, handle.digest)


def save_selection(
    handle: Handle, name: str, item_ids: Sequence[str], note: str, tags: Sequence[str]
) -> int:
    """Save a selection; returns its number."""
    with saved_selections.connect(handle.root) as database:
        return saved_selections.save(database, handle.digest, name, item_ids, note=note, tags=tags)


def saved_selection(handle: Handle, number: int) -> Selection:
    """One saved selection with its items."""
    with saved_selections.connect(handle.root) as database:
        return saved_selections.read(database, number)


@st.cache_data(show_spinner=False, max_entries=16)
def kept_items(handle: Handle, number: int) -> frozenset[str]:
    """The items of a saved selection that the study has; a number is never used again.

    Raises
    ------
    UserError
        The selection has been deleted.
    """
    chosen = saved_selection(handle, number)
    return frozenset(chosen.item_ids) & frozenset(items(handle).index)


def delete_selection(handle: Handle, number: int) -> None:
    """Delete a saved selection."""
    with saved_selections.connect(handle.root) as database:
        saved_selections.delete(database, number)
