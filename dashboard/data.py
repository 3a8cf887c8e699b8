"""What the pages read: the only file of the dashboard that touches the store and the encoders.

A page holds a ``Handle`` (three short strings) and passes it to the functions here. Tables and
arrays of a study are shared by everybody who looks at it, read-only; nothing that a person
uploads or selects is ever kept in a cache of this file.
"""

import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core import items as item_table
from core import study as studies_
from core.errors import UserError
from core.query import Searcher
from core.store import CODE_VERSION, Store, digest
from dashboard.points import MapPoints

DEFAULT_WORKSPACE = "workspace/demo"
RECORDS_TTL_S = 3.0  # how soon a page sees that a stage has been computed meanwhile
SUBSETS = (*item_table.SUBSETS, item_table.UNPAIRED)


class Handle(NamedTuple):
    """A study in a workspace, in the state its record had: short strings, so a cache key."""

    root: str
    digest: str
    stamp: str


def workspace() -> str:
    """The workspace being shown: ``-- --workspace DIR``, else ``JEE_WORKSPACE``, else the demo."""
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


def study_title(record: dict[str, Any]) -> str:
    """A study in one line: its data, its encoders, its date."""
    config = record["config"]
    name = str(config["dataset"])
    if ":" in name:
        kind, path = name.split(":", 1)
        name = f"{Path(path).name or path} ({kind})"
    if config.get("size"):
        name += f" {config['size']}"
    encoders = f"{', '.join(config['audio'])} + {', '.join(config['image'])}"
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
    """``subset, modality, class, n_items, n_clips``; class "" is "none or several"."""
    grouped = items(handle, split).groupby(["subset", "modality", "class"], sort=False)
    table = grouped.agg(n_items=("item_id", "size"), n_clips=("clip_id", "nunique")).reset_index()
    return table.sort_values(["subset", "modality", "class"], ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=8)
def rejected(handle: Handle) -> pd.DataFrame:
    """``path, modality, reason`` of every file that could not be taken in."""
    artefact = study(handle).artefact("ingest")
    if not artefact.has("rejected.parquet"):
        return pd.DataFrame(columns=["path", "modality", "reason"])
    return artefact.table("rejected.parquet")


@st.cache_data(show_spinner=False, max_entries=8)
def modalities(handle: Handle) -> tuple[str, ...]:
    """The modalities that the items have, in the fixed order."""
    there = set(items(handle)["modality"])
    return tuple(name for name in item_table.MODALITIES if name in there)


@st.cache_data(show_spinner=False, max_entries=32)
def subsets(handle: Handle, split: int) -> tuple[str, ...]:
    """The subsets that a split has, in the fixed order."""
    there = set(items(handle, split)["subset"])
    return tuple(name for name in SUBSETS if name in there)


@st.cache_resource(show_spinner=False, max_entries=8)
def pairs(handle: Handle) -> pd.DataFrame:
    """``audio, image, clip_id``: the two halves of every clip. Empty when paired by class."""
    if study(handle).dataset.get("paired_by") != "clip":
        return pd.DataFrame(columns=["audio", "image", "clip_id"])
    joined = item_table.pairs(items(handle).reset_index(drop=True), "audio", "image", "clip")
    return joined.rename(columns={"a_item": "audio", "b_item": "image"})


def other_half(handle: Handle, item_id: str) -> list[str]:
    """The items of the same clip in the other modality."""
    frame = items(handle)
    mine = frame.loc[item_id]
    same = frame[(frame["clip_id"] == mine["clip_id"]) & (frame["modality"] != mine["modality"])]
    return [str(name) for name in same["item_id"]]


def same_items(one: Handle, other: Handle) -> bool:
    """Whether two studies rest on the same ingested items."""
    mine, theirs = (study(handle).artefacts.get("ingest") for handle in (one, other))
    return mine is not None and mine == theirs


# -- media ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sound:
    """One second of sound: ``samples (n,) float32`` and the same as a WAV file."""

    samples: np.ndarray
    rate_hz: int
    wav: bytes


@st.cache_data(show_spinner=False, max_entries=512)
def sound(handle: Handle, item_id: str) -> Sound:
    """The second of sound that an item stands for.

    Raises
    ------
    MediaError
        It cannot be read any more, or the item has no sound.
    """
    from core import media

    row = items(handle).loc[item_id]
    source, name = study(handle).media_of(item_id)
    heard = media.read_audio(source, name, start_s=float(row["start_s"]), duration_s=1.0)
    return Sound(heard.samples, heard.rate_hz, media.wav_bytes(heard))


@st.cache_data(show_spinner=False, max_entries=1024)
def picture(handle: Handle, item_id: str, side_px: int = 320) -> bytes:
    """An item's picture as a small JPEG.

    Raises
    ------
    MediaError
        It cannot be read any more, or the item has no picture.
    """
    from core import media

    row = items(handle).loc[item_id]
    source, name = study(handle).media_of(item_id)
    if media.kind_of(source, name) == "video":
        pixels = media.read_frame(source, name, at_s=float(row["start_s"]))
    else:
        pixels = media.read_image(source, name)
    return media.picture_bytes(pixels, side_px)


# -- maps ----------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=16)
def map_points(
    handle: Handle, pair: str, space: str, method: str, n_dims: int, split: int
) -> MapPoints:
    """A map of a space, with each point's modality, class and subset.

    Raises
    ------
    MissingArtefact
        The maps have not been computed; the message names the command.
    """
    opened = study(handle)
    maps = opened.maps(pair)
    mine = maps[(maps["space"] == space) & (maps["method"] == method) & (maps["n_dims"] == n_dims)]
    frame = items(handle, split).loc[mine["item_id"]]
    number = {name: row for row, name in enumerate(opened.classes)}
    return MapPoints(
        item_ids=mine["item_id"].to_numpy(dtype=object),
        xyz=mine[["x", "y", "z"][:n_dims]].to_numpy(dtype=np.float32),
        modality=frame["modality"].to_numpy(dtype=object),
        class_row=frame["class"].map(lambda name: number.get(name, -1)).to_numpy(dtype=np.int16),
        subset=frame["subset"].to_numpy(dtype=object),
    )


def points_table(handle: Handle, points: MapPoints) -> pd.DataFrame:
    """A map's points as a table: ``item_id, modality, class, subset, x, y`` and ``z`` in 3-D."""
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


# -- neighbours and predictions ------------------------------------------------------------------


class Neighbour(NamedTuple):
    item_id: str
    score: float  # cosine
    percentile: float  # share of the gallery scoring lower, 0 to 100


@st.cache_data(show_spinner=False, max_entries=2048)
def neighbours(
    handle: Handle, pair: str, space: str, item_id: str, modality: str, n: int, split: int = 0
) -> list[Neighbour]:
    """The nearest items of one modality to an item in a shared space, by cosine."""
    opened = study(handle)
    own = str(items(handle).loc[item_id, "modality"])
    query = opened.shared(pair, space, own, split).take([item_id])[0].astype(np.float32)
    gallery = opened.shared(pair, space, modality, split)
    norms = _norms(handle, pair, space, modality, split)
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
def _norms(handle: Handle, pair: str, space: str, modality: str, split: int) -> np.ndarray:
    array = study(handle).shared(pair, space, modality, split).array
    return np.maximum(np.linalg.norm(np.asarray(array), axis=1), 1e-12)


@st.cache_resource(show_spinner=False, max_entries=16)
def _predictions_by_item(handle: Handle, pair: str, split: int) -> dict[str, pd.DataFrame]:
    frame = study(handle).predictions(pair, split)
    return {str(item_id): rows for item_id, rows in frame.groupby("item_id", sort=False)}


def predictions_of(handle: Handle, pair: str, item_id: str, split: int = 0) -> pd.DataFrame:
    """``system, truth, predicted, confidence`` of one test item; empty for any other item."""
    if not study(handle).has(f"evaluate:{pair}:{split}"):
        return pd.DataFrame(columns=["system", "truth", "predicted", "confidence"])
    found = _predictions_by_item(handle, pair, split).get(item_id)
    if found is None:
        return pd.DataFrame(columns=["system", "truth", "predicted", "confidence"])
    return found


def cell_items(
    handle: Handle, pair: str, split: int, system: str, target: str, truth: str, predicted: str
) -> pd.DataFrame:
    """The very items that a confusion cell counts, the surest prediction first."""
    frame = study(handle).predictions(pair, split)
    mine = frame[
        (frame["system"] == system)
        & (frame["target"] == target)
        & (frame["truth"] == truth)
        & (frame["predicted"] == predicted)
    ]
    return mine.sort_values("confidence", ascending=False, ignore_index=True)


# -- retrieval -----------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False, max_entries=4)
def searcher(handle: Handle, pair: str) -> Searcher:
    """Encoders, fits and indexes of one pair of encoders, shared by everybody who asks."""
    return Searcher(study(handle), pair)


# -- measurements --------------------------------------------------------------------------------


def measurements(handle: Handle, pair: str = "", **equal: Any) -> pd.DataFrame:
    """The stored numbers, of one pair of encoders when given, with these column values."""
    frame = study(handle).measurements()
    mask = np.ones(len(frame), dtype=bool)
    if pair:
        audio, image = pair.split("+", 1)
        mask &= ((frame["audio"] == audio) & (frame["image"] == image)).to_numpy()
    for name, value in equal.items():
        wanted = list(value) if isinstance(value, (list, tuple, set)) else [value]
        mask &= frame[name.rstrip("_")].isin(wanted).to_numpy()
    return frame[mask]


# -- provenance ----------------------------------------------------------------------------------


@st.cache_data(show_spinner=False, max_entries=64)
def provenance(handle: Handle, pair: str = "") -> dict[str, str]:
    """Where the numbers of a page come from, as short texts in the order they are shown."""
    opened = study(handle)
    config, dataset = opened.config, opened.dataset
    frame = items(handle)
    by_kind = frame["modality"].value_counts()
    sizes = ", ".join(f"{by_kind[name]:,} {name}" for name in modalities(handle))
    encoders = {f"extract:{name}" for name in pair.split("+")}
    artefacts = [
        f"{name.replace(f':{pair}', '') if pair else name} {digest_[:8]}"
        for name, (_, digest_) in sorted(opened.artefacts.items())
        if not pair or pair in name or name == "ingest" or name in encoders
    ]
    ingest = opened.artefact("ingest").manifest
    splits = "1 split" if opened.n_splits == 1 else f"{opened.n_splits} random splits by clip"
    return {
        "dataset": f"{dataset.get('title') or dataset['name']}, {dataset.get('licence', '')}",
        "encoders": pair or ", ".join("+".join(each) for each in opened.pairs),
        "n": f"{len(frame):,} items ({sizes}) of {frame['clip_id'].nunique():,} clips",
        "splits": f"{splits}, seed {config.get('seed', 0)}",
        "computed": str(opened.record.get("finished") or f"{opened.record['started']}, unfinished"),
        "code": str(ingest.get("code_version", CODE_VERSION)),
        "study": opened.digest,
        "artefacts": ", ".join(artefacts),
    }


def short_provenance(handle: Handle, pair: str = "") -> str:
    """One line for the corner of a figure."""
    facts = provenance(handle, pair)
    name = study(handle).dataset["name"]
    return (
        f"{name} · {facts['encoders']} · {facts['computed'][:10]} · code {facts['code']} · "
        f"study {facts['study'][:8]}"
    )


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
