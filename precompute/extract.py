"""``extract``: every item through its encoder, shard by shard, on all cores.

A shard is a list of items whose vectors are written as one ``(n, d) float32`` file. Finished
shards are kept when a run is killed. Memory is bounded by one shard a worker.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import encoders, items, media
from core.config import Config
from core.datasets.base import Rejected
from core.encoders.base import Card, Encoder
from core.errors import MediaError, UserError
from core.store import Artefact, Draft, Store, media_source
from core.study import Record, media_root
from precompute.engine import LocalEngine

VERSION = 1
SHARD_SIZE = 128


@dataclass(frozen=True)
class Shard:
    """Some items to embed, and where their vectors go."""

    store_root: str
    folder: str
    name: str
    encoder: str
    weights_dir: str | None
    media_root: str
    rows: tuple[tuple[str, str, float], ...]  # item_id, path, start_s


def run(
    config: Config,
    store: Store,
    engine: LocalEngine,
    record: Record,
    ingested: Artefact,
    weights_dir: Path | None,
) -> dict[str, Artefact]:
    """Extract with every encoder of the study; ``{encoder: artefact}``."""
    artefacts = {}
    for modality, names in (("audio", config.audio), ("image", config.image)):
        for name in names:
            if name == ready_name(modality):
                artefacts[name] = _keep_ready(store, ingested, modality)
            else:
                artefacts[name] = _extract(store, engine, ingested, modality, name, weights_dir)
            record.note(f"extract:{name}", artefacts[name])
    return artefacts


def ready_name(modality: str) -> str:
    """What stands in place of an encoder for vectors that the data brought."""
    return f"ready_{modality}"


def _extract(
    store: Store,
    engine: LocalEngine,
    ingested: Artefact,
    modality: str,
    name: str,
    weights_dir: Path | None,
) -> Artefact:
    card = encoders.card(name)
    if card.modality != modality:
        raise UserError(
            f"The encoder {name!r} is for {card.modality}, and was asked for {modality}: expected "
            f"one of {', '.join(encoders.names(modality))}."
        )
    weights_sha256 = _weights_sha256(name, weights_dir)
    key = {
        "media": ingested.manifest["media_digests"].get(modality, ""),
        "encoder": name,
        "encoder_version": card.version,
        "weights_sha256": weights_sha256,
        "version": VERSION,
    }
    artefact = store.find("extract", key)
    if artefact is not None:
        return artefact
    frame = items.of(ingested.table("items.parquet"), modality)
    if frame.empty:
        raise UserError(f"The dataset has no items of the modality {modality}: nothing to extract.")
    draft = store.begin("extract", key)
    if draft.has("items.parquet"):  # merged, and killed before the manifest
        return _finish(draft, weights_sha256)
    root = media_root(ingested)
    rows = list(zip(frame["item_id"], frame["path"], frame["start_s"], strict=True))
    shards = [
        Shard(
            store_root=store.root,
            folder=draft.folder,
            name=f"shards/{start // SHARD_SIZE:05d}",
            encoder=name,
            weights_dir=str(weights_dir) if weights_dir else None,
            media_root=root,
            rows=tuple(rows[start : start + SHARD_SIZE]),
        )
        for start in range(0, len(rows), SHARD_SIZE)
    ]
    missing = [shard for shard in shards if not draft.has(f"{shard.name}.parquet")]
    for _ in engine.run(extract_shard, missing, f"extracting {name}"):
        pass
    _merge(draft, [shard.name for shard in shards], modality)
    return _finish(draft, weights_sha256)


def _weights_sha256(name: str, weights_dir: Path | None) -> str | None:
    return encoders.load(name, weights_dir).weights_sha256


def extract_shard(shard: Shard) -> str:
    """Decode and embed the items of one shard; its table of ids comes last and means done."""
    encoder = _loaded(shard.encoder, shard.weights_dir)
    # No threads here: decoding a second holds the interpreter's lock for most of its time, and
    # every core has a worker of its own.
    outcomes = [_read(shard.media_root, encoder, row) for row in shard.rows]
    whole = [
        (row[0], outcome)
        for row, outcome in zip(shard.rows, outcomes, strict=True)
        if not isinstance(outcome, Rejected)
    ]
    vectors = encoder.embed([decoded for _, decoded in whole])
    store = Store(shard.store_root)
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    store.write_array(f"{shard.folder}/{shard.name}.npy", vectors)
    store.write_json(f"{shard.folder}/{shard.name}.rejected.json", [vars(row) for row in rejected])
    ids = pd.DataFrame({"item_id": [item_id for item_id, _ in whole]}, dtype="str")
    store.write_table(f"{shard.folder}/{shard.name}.parquet", ids)
    return shard.name


@functools.lru_cache(maxsize=4)
def _loaded(name: str, weights_dir: str | None) -> Encoder:
    return encoders.load(name, Path(weights_dir) if weights_dir else None)


def _read(root: str, encoder: Encoder, row: tuple[str, str, float]) -> np.ndarray | Rejected:
    """One item's media as its encoder wants it, or why it cannot be had."""
    _, path, start_s = row
    try:
        return read_item(media_source(root, path), path, start_s, encoder.card)
    except MediaError as error:
        return Rejected(path, encoder.card.modality, str(error))


def read_item(source: media.Source, name: str, start_s: float, card: Card) -> np.ndarray:
    """What an encoder wants of an item: one second of sound at its rate, a picture, or a frame.

    Raises
    ------
    MediaError
        The media cannot be decoded.
    """
    if card.modality == "audio":
        audio = media.read_audio(
            source, name, start_s=start_s, duration_s=1.0, rate_hz=card.rate_hz
        )
        return audio.samples
    if media.kind_of(source, name) == "video":
        return media.read_frame(source, name, start_s)
    return media.read_image(source, name)


def _merge(draft: Draft, shards: list[str], modality: str) -> None:
    """Shards to one array; the table of ids comes last, and only then are the shards removed."""
    table = pd.concat([draft.table(f"{shard}.parquet") for shard in shards], ignore_index=True)
    rejected: list[dict[str, Any]] = [
        row for shard in shards for row in draft.json(f"{shard}.rejected.json")
    ]
    if table.empty:
        raise UserError(
            f"None of the {modality} items could be embedded. The first reason: "
            f"{rejected[0]['reason']}"
        )
    draft.join_arrays("vectors.npy", [f"{shard}.npy" for shard in shards])
    columns = ["path", "modality", "reason"]
    draft.write_table("rejected.parquet", pd.DataFrame(rejected, columns=columns))
    draft.write_table("items.parquet", table)


def _finish(draft: Draft, weights_sha256: str | None) -> Artefact:
    draft.remove("shards")
    return draft.commit(
        n_items=len(draft.table("items.parquet")),
        n_rejected=len(draft.table("rejected.parquet")),
        weights_sha256=weights_sha256,
    )


def _keep_ready(store: Store, ingested: Artefact, modality: str) -> Artefact:
    """The vectors that the dataset brought, as if an encoder had made them."""
    card = ingested.json("dataset.json")
    if modality not in card["ready_vectors"]:
        raise UserError(
            f"The dataset brings no ready {modality} vectors: name an encoder "
            f"({', '.join(encoders.names(modality))})."
        )
    key = {"ready": modality, "media": ingested.manifest["media_digests"].get(modality, "")}
    artefact = store.find("extract", key)
    if artefact is not None:
        return artefact
    draft = store.begin("extract", key)
    frame = items.of(ingested.table("items.parquet"), modality)
    array = ingested.array(card["ready_vectors"][modality])
    draft.write_array("vectors.npy", np.asarray(array)[frame["vector_row"].to_numpy()])
    draft.write_table("items.parquet", frame[["item_id"]])
    empty = pd.DataFrame([], columns=["path", "modality", "reason"])
    draft.write_table("rejected.parquet", empty)
    return draft.commit(n_items=len(frame), n_rejected=0, weights_sha256=None)
