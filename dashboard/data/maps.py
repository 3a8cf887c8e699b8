"""Stored maps: the points of a space, and the generation space epoch by epoch."""

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures.map_points import MapPoints
from core.figures.trajectory import MovingPoints
from dashboard.data.item_tables import items
from dashboard.data.studies import Handle, study


@st.cache_resource(show_spinner=False, max_entries=16)
def map_points(
    handle: Handle, encoder_set: str, space: str, method: str, n_dims: int, split: int
) -> MapPoints:
    """A map of a space, with each point's modality, class and subset."""
    opened = study(handle)
    stored = opened.map(encoder_set, space, method, n_dims)
    return MapPoints.from_tables(stored, items(handle, split), opened.classes, n_dims)


def points_table(handle: Handle, points: MapPoints) -> pd.DataFrame:
    """The points of a map: `item_id, modality, class, subset, x, y`, and `z` in 3-D."""
    names = np.array(["", *study(handle).classes], dtype=object)
    table = pd.DataFrame(
        {
            "item_id": points.item_ids,
            "modality": points.modality,
            "class": names[points.class_row + 1],
            "subset": points.subset,
        }
    )
    for axis, name in enumerate("xyz"[: points.xyz.shape[1]]):
        table[name] = points.xyz[:, axis]
    return table


def fitted_and_placed(handle: Handle, encoder_set: str) -> tuple[int, int]:
    """How many points of the maps were fitted, and how many placed by their neighbours."""
    manifest = study(handle).artefact(f"maps:{encoder_set}").manifest
    return int(manifest.get("n_fitted", 0)), int(manifest.get("n_placed", 0))


@st.cache_data(show_spinner=False, max_entries=8)
def map_quality(handle: Handle, encoder_set: str) -> pd.DataFrame:
    """How well each map keeps the neighbours of its space (`core.spaces.map_quality`); empty for
    maps that were made before it was measured."""
    stored = study(handle).artefact(f"maps:{encoder_set}")
    return stored.table("quality.parquet") if stored.has("quality.parquet") else pd.DataFrame()


def mapped_spaces(handle: Handle, encoder_set: str) -> list[str]:
    """The spaces that have maps; none before they are drawn."""
    return study(handle).mapped(encoder_set)


def has_map(handle: Handle, encoder_set: str) -> bool:
    """Whether the maps of an encoder set are stored."""
    return study(handle).has(f"maps:{encoder_set}")


def has_trajectory(handle: Handle, encoder_set: str) -> bool:
    """Whether the study has a map of the generation space for each epoch."""
    return study(handle).has(f"maps:{encoder_set}:epochs")


def trajectory_table(handle: Handle, encoder_set: str) -> pd.DataFrame:
    """`epoch, item_id, modality, partner, x, y`: see `core.study.Study.epochs`."""
    return study(handle).epochs(encoder_set)


@st.cache_resource(show_spinner=False, max_entries=4)
def trajectory(handle: Handle, encoder_set: str) -> MovingPoints:
    """The points of every epoch, in one order."""
    epochs = dict(list(trajectory_table(handle, encoder_set).groupby("epoch")))  # in their order
    first = next(iter(epochs.values()))
    ids = first["item_id"].to_numpy(dtype=object)
    for epoch, rows in epochs.items():
        if list(rows["item_id"]) != list(ids):
            raise UserError(
                f"The map of {encoder_set} has other items in epoch {epoch} than before training: "
                f"run `{study(handle).command('maps')}`."
            )
    return MovingPoints(
        np.array(list(epochs), dtype=np.int64),
        np.stack([rows[["x", "y"]].to_numpy(dtype=np.float32) for rows in epochs.values()]),
        ids,
        first["modality"].to_numpy(dtype=object),
        pd.Index(study(handle).classes).get_indexer(items(handle).loc[ids, "class"]),
        _rows_of_pairs(first),
    )


def _rows_of_pairs(epoch: pd.DataFrame) -> np.ndarray:
    """`(k, 2) int64`: the rows of each sound or picture and of its text."""
    if "partner" not in epoch:
        return np.empty((0, 2), dtype=np.int64)
    partner_rows = pd.Index(epoch["item_id"]).get_indexer(epoch["partner"])
    rows = np.arange(len(epoch))
    paired = (partner_rows >= 0) & (partner_rows != rows)
    return np.stack([rows[paired], partner_rows[paired]], axis=1).astype(np.int64)
