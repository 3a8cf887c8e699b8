"""The items of a study: tables, counts, subsets, and which belong to one clip."""

import pandas as pd
import streamlit as st

from core import items as item_table
from dashboard.data.studies import Handle, study

SUBSETS = (*item_table.SUBSETS, item_table.UNPAIRED)


def items(handle: Handle, split: int = 0) -> pd.DataFrame:
    """The item table of one split, by `item_id`; shared, so never change it in place."""
    return study(handle).items(split)


@st.cache_data(show_spinner=False, max_entries=32)
def counts(handle: Handle, split: int) -> pd.DataFrame:
    """`subset, modality, class, n_items, n_clips`; class "" is "none or several"."""
    grouped = items(handle, split).groupby(["subset", "modality", "class"], sort=False)
    table = grouped.agg(n_items=("item_id", "size"), n_clips=("clip_id", "nunique")).reset_index()
    return table.sort_values(["subset", "modality", "class"], ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=8)
def rejected(handle: Handle) -> pd.DataFrame:
    """`path, modality, reason` of every file that was left out."""
    artefact = study(handle).artefact("ingest")
    if not artefact.has("rejected.parquet"):
        return pd.DataFrame(columns=["path", "modality", "reason"])
    return artefact.table("rejected.parquet")


@st.cache_data(show_spinner=False, max_entries=8)
def modalities(handle: Handle) -> tuple[str, ...]:
    """The modalities of the items, in the fixed order."""
    found = set(items(handle)["modality"].unique())
    return tuple(name for name in item_table.MODALITIES if name in found)


@st.cache_data(show_spinner=False, max_entries=32)
def subsets(handle: Handle, split: int) -> tuple[str, ...]:
    """The subsets of a split, in the fixed order."""
    found = set(items(handle, split)["subset"].unique())
    return tuple(name for name in SUBSETS if name in found)


@st.cache_resource(show_spinner=False, max_entries=16)
def pairs(handle: Handle, one: str = "audio", other: str = "image") -> pd.DataFrame:
    """`ONE, OTHER, clip_id`: the pairs of two modalities, in columns of their names.

    Empty where the dataset pairs by class.
    """
    if study(handle).dataset.get("paired_by") != "clip":
        return pd.DataFrame(columns=[one, other, "clip_id"])
    joined = item_table.pairs(items(handle).reset_index(drop=True), one, other, "clip")
    return joined.rename(columns={"a_item": one, "b_item": other})


def same_clip(handle: Handle, item_id: str) -> set[str]:
    """The items of the same clip in the other modalities."""
    frame = items(handle)
    row = frame.loc[item_id]
    same = frame[(frame["clip_id"] == row["clip_id"]) & (frame["modality"] != row["modality"])]
    return set(same["item_id"])


def same_items(one: Handle, other: Handle) -> bool:
    """Whether two studies were made of the same ingested items."""
    first, second = (study(handle).artefacts.get("ingest") for handle in (one, other))
    return first is not None and first == second
