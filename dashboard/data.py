"""What the pages read of a study: items, maps, predictions, numbers, provenance.

With `media` (what an item sounds and looks like) and `neighbours` (what lies near a thing) the
only files of the dashboard that touch the store and the encoders. A page holds a `Handle` (three
short strings) and passes it to the functions here. Tables and arrays of a study are shared by
everybody who looks at it, read-only; nothing that a person uploads or selects is ever kept in a
cache of these files.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core import encoder_sets as encoder_sets
from core import items as item_table
from core import study as studies_
from core.errors import UserError
from core.figures.map_points import MapPoints
from core.store import CODE_VERSION, Store, digest
from core.studies import headlines

DEFAULT_WORKSPACE = "workspace/demo"
RECORDS_TTL_S = 3.0  # how soon a page sees that a stage has been computed meanwhile
SUBSETS = (*item_table.SUBSETS, item_table.UNPAIRED)


class Handle(NamedTuple):
    """A study in a workspace, in the state its record had: short strings, so a cache key."""

    root: str
    digest: str
    stamp: str


def workspace() -> str:
    """The workspace being shown: `-- --workspace DIR`, else `JEE_WORKSPACE`, else the demo."""
    arguments = sys.argv[1:]
    for place, argument in enumerate(arguments):
        if argument == "--workspace" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--workspace="):
            return argument.split("=", 1)[1]
    return os.environ.get("JEE_WORKSPACE") or DEFAULT_WORKSPACE


@st.cache_resource(show_spinner=False, max_entries=8)
def store(root: str) -> Store:
    return Store(root)


@st.cache_data(show_spinner=False, ttl=RECORDS_TTL_S, max_entries=8)
def records(root: str) -> list[dict[str, Any]]:
    """The records of every study of a workspace, newest first."""
    return studies_.studies(store(root))


def open_study(root: str, digest_: str = "") -> Handle:
    """The newest study, or the one of this digest.

    Raises
    ------
    MissingArtefact
        There is none; the message names the command.
    """
    found = records(root)
    for record in found:
        if record["digest"].startswith(digest_):
            stamp = digest([record["artefacts"], record["finished"]])
            return Handle(root, record["digest"], stamp)
    studies_.open_study(store(root), digest_ or None)  # raises, in its own words
    raise UserError("The study has just been computed: reload the page.")


@st.cache_resource(show_spinner=False, max_entries=8)
def _study(handle: Handle) -> studies_.Study:
    return studies_.open_study(store(handle.root), handle.digest)


def study(handle: Handle) -> studies_.Study:
    """The study, read-only and shared: never change what it returns."""
    return _study(handle)


def encoder_set_names(handle: Handle) -> list[str]:
    """The names of a study's encoder sets, in its order."""
    return [
        encoder_sets.encoder_set_name(*encoder_set) for encoder_set in study(handle).encoder_sets
    ]


def study_title(record: dict[str, Any]) -> str:
    """A study in one line: its data, its encoders, its date."""
    config = record["config"]
    name = str(config["dataset"])
    if ":" in name:
        kind, path = name.split(":", 1)
        name = f"{Path(path).name or path} ({kind})"
    if config.get("size"):
        name += f" {config['size']}"
    named = (config.get(kind) for kind in item_table.MODALITIES)
    encoders = " + ".join(", ".join(names) for names in named if names)
    state = "" if record.get("finished") else ", unfinished"
    return f"{name} · {encoders} · {str(record['started'])[:10]}{state}"


def study_titles(found: list[dict[str, Any]]) -> dict[str, str]:
    """digest -> title, no two alike: those that would be carry the digest's start."""
    titles = {record["digest"]: study_title(record) for record in found}
    often = Counter(titles.values())
    return {
        name: f"{title} · {name[:6]}" if often[title] > 1 else title
        for name, title in titles.items()
    }


# -- items ---------------------------------------------------------------------------------------


def items(handle: Handle, split: int = 0) -> pd.DataFrame:
    """The item table of one split, indexed by item_id; shared, so never changed in place."""
    return study(handle).items(split)


@st.cache_data(show_spinner=False, max_entries=32)
def counts(handle: Handle, split: int) -> pd.DataFrame:
    """`subset, modality, class, n_items, n_clips`; class "" is "none or several"."""
    grouped = items(handle, split).groupby(["subset", "modality", "class"], sort=False)
    table = grouped.agg(n_items=("item_id", "size"), n_clips=("clip_id", "nunique")).reset_index()
    return table.sort_values(["subset", "modality", "class"], ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=8)
def rejected(handle: Handle) -> pd.DataFrame:
    """`path, modality, reason` of every file that could not be taken in."""
    artefact = study(handle).artefact("ingest")
    if not artefact.has("rejected.parquet"):
        return pd.DataFrame(columns=["path", "modality", "reason"])
    return artefact.table("rejected.parquet")


@st.cache_data(show_spinner=False, max_entries=8)
def modalities(handle: Handle) -> tuple[str, ...]:
    """The modalities that the items have, in the fixed order."""
    there = set(items(handle)["modality"].unique())
    return tuple(name for name in item_table.MODALITIES if name in there)


@st.cache_data(show_spinner=False, max_entries=32)
def subsets(handle: Handle, split: int) -> tuple[str, ...]:
    """The subsets that a split has, in the fixed order."""
    there = set(items(handle, split)["subset"].unique())
    return tuple(name for name in SUBSETS if name in there)


@st.cache_resource(show_spinner=False, max_entries=16)
def pairs(handle: Handle, one: str = "audio", other: str = "image") -> pd.DataFrame:
    """`ONE, OTHER, clip_id`: two modalities' items of every clip, in columns of their names.

    Empty when items are paired by class.
    """
    if study(handle).dataset.get("paired_by") != "clip":
        return pd.DataFrame(columns=[one, other, "clip_id"])
    joined = item_table.pairs(items(handle).reset_index(drop=True), one, other, "clip")
    return joined.rename(columns={"a_item": one, "b_item": other})


def other_half(handle: Handle, item_id: str) -> list[str]:
    """The items of the same clip in the other modalities."""
    frame = items(handle)
    mine = frame.loc[item_id]
    same = frame[(frame["clip_id"] == mine["clip_id"]) & (frame["modality"] != mine["modality"])]
    return [str(name) for name in same["item_id"]]


def same_items(one: Handle, other: Handle) -> bool:
    """Whether two studies rest on the same ingested items."""
    mine, theirs = (study(handle).artefacts.get("ingest") for handle in (one, other))
    return mine is not None and mine == theirs


# -- maps ----------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=16)
def map_points(
    handle: Handle, encoder_set: str, space: str, method: str, n_dims: int, split: int
) -> MapPoints:
    """A map of a space, with each point's modality, class and subset.

    Raises
    ------
    MissingArtefact
        The maps have not been computed; the message names the command.
    """
    opened = study(handle)
    stored = opened.map(encoder_set, space, method, n_dims)
    return MapPoints.from_tables(stored, items(handle, split), opened.classes, n_dims)


def fitted_and_placed(handle: Handle, encoder_set: str) -> tuple[int, int]:
    """How many points of a pair's maps were fitted, and how many placed by their neighbours."""
    manifest = study(handle).artefact(f"maps:{encoder_set}").manifest
    return int(manifest.get("n_fitted", 0)), int(manifest.get("n_placed", 0))


def points_table(handle: Handle, points: MapPoints) -> pd.DataFrame:
    """A map's points as a table: `item_id, modality, class, subset, x, y` and `z` in 3-D."""
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


# -- predictions ----------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=16)
def _predictions_by_item(handle: Handle, encoder_set: str, split: int) -> dict[str, pd.DataFrame]:
    frame = study(handle).predictions(encoder_set, split)
    return {str(item_id): rows for item_id, rows in frame.groupby("item_id", sort=False)}


def predictions_of(handle: Handle, encoder_set: str, item_id: str, split: int = 0) -> pd.DataFrame:
    """`system, truth, predicted, confidence` of one test item; empty for any other item."""
    if not study(handle).has(f"evaluate:{encoder_set}:{split}"):
        return pd.DataFrame(columns=["system", "truth", "predicted", "confidence"])
    found = _predictions_by_item(handle, encoder_set, split).get(item_id)
    if found is None:
        return pd.DataFrame(columns=["system", "truth", "predicted", "confidence"])
    return found


def cell_items(
    handle: Handle,
    encoder_set: str,
    split: int,
    system: str,
    target: str,
    truth: str,
    predicted: str,
) -> pd.DataFrame:
    """The very items that a confusion cell counts, the surest prediction first."""
    frame = study(handle).predictions(encoder_set, split)
    mine = frame[
        (frame["system"] == system)
        & (frame["target"] == target)
        & (frame["truth"] == truth)
        & (frame["predicted"] == predicted)
    ]
    return mine.sort_values("confidence", ascending=False, ignore_index=True)


@st.cache_resource(show_spinner=False, max_entries=8)
def tagged(handle: Handle, encoder_set: str, split: int) -> pd.DataFrame:
    """`item_id, target, space, system, truth, predicted, score`: each held-out item's best tag,
    as the zero-shot study stored it; `system` is the wording.
    """
    artefact = study(handle).artefact(f"evaluate:{encoder_set}:{split}")
    return artefact.table("tagged.parquet")


# -- measurements --------------------------------------------------------------------------------


def measurements(handle: Handle, encoder_set: str = "", **equal: Any) -> pd.DataFrame:
    """The stored numbers, of one encoder set when given, with these column values."""
    frame = study(handle).measurements()
    mask = np.ones(len(frame), dtype=bool)
    if encoder_set:
        for modality, name in study(handle).modalities(encoder_set).items():
            mask &= (frame[modality] == name).to_numpy()
    for name, value in equal.items():
        wanted = list(value) if isinstance(value, (list, tuple, set)) else [value]
        mask &= frame[name.rstrip("_")].isin(wanted).to_numpy()
    return frame[mask]


def pair_of(rows: pd.DataFrame) -> pd.Series:
    """The encoder set that each measurement is of, by its name."""
    there = [name for name in headlines.ENCODERS if name in rows]
    named: dict[tuple[str, ...], str] = {}
    for names in rows[there].drop_duplicates().itertuples(index=False, name=None):
        named[names] = encoder_sets.encoder_set_name(*(name for name in names if name))
    columns = (rows[name] for name in there)
    return pd.Series([named[names] for names in zip(*columns, strict=True)], index=rows.index)


# -- provenance ----------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def provenance(handle: Handle, encoder_set: str = "") -> dict[str, str]:
    """Where the numbers of a page come from, as short texts in the order they are shown."""
    opened = study(handle)
    config, dataset = opened.config, opened.dataset
    frame = items(handle)
    by_kind = frame["modality"].value_counts()
    sizes = ", ".join(f"{by_kind[name]:,} {name}" for name in modalities(handle))
    encoders = {f"extract:{name}" for name in encoder_set.split(encoder_sets.PLUS)}
    artefacts = [
        f"{name.replace(f':{encoder_set}', '') if encoder_set else name} {digest_[:8]}"
        for name, (_, digest_) in sorted(opened.artefacts.items())
        if not encoder_set or encoder_set in name or name == "ingest" or name in encoders
    ]
    ingest = opened.artefact("ingest").manifest
    splits = "1 split" if opened.n_splits == 1 else f"{opened.n_splits} random splits by clip"
    return {
        "dataset": f"{dataset.get('title') or dataset['name']}, {dataset.get('licence', '')}",
        "encoders": encoder_set
        or " × ".join(", ".join(names) for names in opened.encoders.values()),
        "n": f"{len(frame):,} items ({sizes}) of {frame['clip_id'].nunique():,} clips",
        "splits": f"{splits}, seed {config.get('seed', 0)}",
        "computed": str(opened.record.get("finished") or f"{opened.record['started']}, unfinished"),
        "code": str(ingest.get("code_version", CODE_VERSION)),
        "study": opened.digest,
        "artefacts": ", ".join(artefacts),
    }


def short_provenance(handle: Handle, encoder_set: str = "") -> str:
    """One line for the corner of a figure."""
    facts = provenance(handle, encoder_set)
    name = study(handle).dataset["name"]
    return (
        f"{name} · {facts['encoders']} · {facts['computed'][:10]} · code {facts['code']} · "
        f"study {facts['study'][:8]}"
    )


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
