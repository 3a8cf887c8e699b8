"""The atlas of a study: which tile each point of a map has, and the sheets of tiles."""

import numpy as np
import pandas as pd
import streamlit as st

from core.figures import map_files
from core.figures.map_files import MapFile
from core.stages import atlas
from dashboard.data.map_files import MapKey, row_ids
from dashboard.data.studies import Handle, study

TILE_PX, TILES, ACROSS = atlas.TILE_PX, atlas.TILES, atlas.ACROSS


def has_atlas(handle: Handle) -> bool:
    """Whether the study has an atlas; older ones have none, and read their media when seen."""
    return study(handle).has(atlas.NAME)


@st.cache_resource(show_spinner=False, max_entries=8)
def tile_file(key: MapKey) -> MapFile:
    """`(n,) uint16` in the rows of a map's files: 1 + the tile of the point, 0 for none."""
    table = study(key.handle).artefact(atlas.NAME).table("tiles.parquet")
    found = pd.Index(table["item_id"]).get_indexer(pd.Index(row_ids(key), dtype=object))
    tiles = np.append(table["tile"].to_numpy() + 1, 0)
    return map_files.pack(tiles[found].astype("<u2"))


@st.cache_resource(show_spinner=False, max_entries=64)
def sheet(handle: Handle, number: int) -> bytes:
    """A sheet of tiles as JPEG; empty where the atlas has none of this number."""
    stored = study(handle).artefact(atlas.NAME)
    name = atlas.sheet_name(number)
    return stored.read_bytes(name) if stored.has(name) else b""
