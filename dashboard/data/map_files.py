"""What a WebGL map sends to the browser, made once for all visitors.

The format of the files is in `core.figures.map_files`.
"""

import contextlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import MissingArtefact
from core.figures import map_files
from core.figures.map_files import Column, MapFile
from dashboard.data.item_tables import SUBSETS, items, modalities, pairs
from dashboard.data.maps import map_points
from dashboard.data.results import predictions
from dashboard.data.studies import Handle

N_PROBED = 1_000  # rows whose facts are read to know which columns there are
MOST_COLUMNS = 24
LONGEST = 60  # letters of a value of a column


class MapKey(NamedTuple):
    """The arguments of `map_points`: strings and numbers, so that it is a cache key."""

    handle: Handle
    encoder_set: str
    space: str
    method: str
    n_dims: int
    split: int


class ItemsFile(NamedTuple):
    """The items of a map, for a browser; codes of modalities and subsets follow these names."""

    file: MapFile
    n: int
    wide: bool
    modalities: tuple[str, ...]
    subsets: tuple[str, ...]


@st.cache_resource(show_spinner=False, max_entries=16)
def places(key: MapKey) -> tuple[MapFile, list[float]]:
    """The coordinates of a map, and its extent: see `map_files.places`."""
    return map_files.places(map_points(*key))


@st.cache_resource(show_spinner=False, max_entries=8)
def map_items(key: MapKey) -> ItemsFile:
    """The classes, modalities and subsets of a map's items."""
    points = map_points(*key)
    there = set(points.subset)
    subsets = tuple(name for name in SUBSETS if name in there)
    kinds = modalities(key.handle)
    file = map_files.items(points, kinds, subsets)
    wide = map_files.is_wide(int(points.class_row.max(initial=0)) + 1)
    return ItemsFile(file, len(points), wide, kinds, subsets)


@st.cache_resource(show_spinner=False, max_entries=8)
def row_ids(key: MapKey) -> np.ndarray:
    """`(n,) str`: the item of each row of a map's files."""
    points = map_points(*key)
    return points.item_ids[map_files.shuffled(len(points))]


def rows_of(key: MapKey, wanted: Sequence[str]) -> list[int]:
    """The rows of some items in a map's files, of those that are there."""
    if not len(wanted):
        return []  # a large map then needs no index
    found = _index(key).get_indexer(pd.Index(list(wanted), dtype=object))
    return [int(row) for row in found if row >= 0]


@st.cache_resource(show_spinner=False, max_entries=8)
def _index(key: MapKey) -> pd.Index:
    return pd.Index(row_ids(key))


@st.cache_resource(show_spinner=False, max_entries=8)
def pair_file(key: MapKey) -> tuple[MapFile, int]:
    """The rows of both items of all pairs of a map, and how many pairs there are."""
    ids = map_points(*key).item_ids
    kinds = modalities(key.handle)
    found = [np.empty((0, 2), dtype="<u4")]
    for place, one in enumerate(kinds):
        for other in kinds[place + 1 :]:
            table = pairs(key.handle, one, other)
            found.append(map_files.row_pairs(ids, table[one], table[other]))
    rows = np.concatenate(found)
    return map_files.pack(rows), len(rows)


# -- columns that colour the points --------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=32)
def column_names(handle: Handle, encoder_set: str, split: int) -> dict[str, str]:
    """The columns that can colour a map, and what they are called: `{name: label}`."""
    frame = items(handle, split)
    names = {}
    if frame["duration_s"].nunique() > 1:
        names["duration_s"] = "length in seconds"
    with contextlib.suppress(MissingArtefact):
        found = predictions(handle, encoder_set, split)
        for system, target in found[["system", "target"]].drop_duplicates().to_numpy():
            names[f"right:{system}:{target}"] = f"{system} right or wrong"
    probe = frame.iloc[:: max(1, len(frame) // N_PROBED)]["facts"]
    seen: dict[str, set[str]] = {}
    for text in probe:
        for name, value in flat_facts(text).items():
            seen.setdefault(name, set()).add(str(value))
    for name, values in seen.items():
        if len(values) > 1 and max(map(len, values)) <= LONGEST:
            names[f"facts:{name}"] = name.replace("_", " ").replace(".", ", ")
    return dict(list(names.items())[:MOST_COLUMNS])


@st.cache_resource(show_spinner=False, max_entries=24)
def column(key: MapKey, name: str) -> Column:
    """A column of `column_names`, in the rows of a map's files."""
    return map_files.column(values(key, name).reset_index(drop=True))


def values(key: MapKey, name: str) -> pd.Series:
    """A column of `column_names` for the points of a map, by `item_id`, in the stored order."""
    frame = items(key.handle, key.split).loc[map_points(*key).item_ids]
    if name == "duration_s":
        return frame["duration_s"].where(frame["modality"] == "audio")
    kind, _, rest = name.partition(":")
    if kind == "facts":
        return frame["facts"].map(lambda text: flat_facts(text).get(rest))
    system, _, target = rest.partition(":")
    found = predictions(key.handle, key.encoder_set, key.split, system=system, target=target)
    right = np.where(found["truth"] == found["predicted"], "right", "wrong")
    by_item = pd.Series(right, index=found["item_id"]).groupby(level=0).first()
    return by_item.reindex(frame.index).fillna("not tested")


def flat_facts(text: str) -> dict[str, Any]:
    """The plain values of an item's facts; of a list of objects those of the first."""
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return dict(_flat(found)) if isinstance(found, dict) else {}


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        return [
            pair
            for inner, one in value.items()
            for pair in _flat(one, f"{name}.{inner}" if name else str(inner))
        ]
    return [] if value is None or not name else [(name, value)]
