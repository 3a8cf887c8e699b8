"""`extract`: every item through its encoder, shard by shard, on all cores.

A shard is a list of items whose vectors are written as one `(n, d) float32` file. Finished
shards are kept when a run is killed. Few items make small shards, so that every core has some.
Within a shard the next media are read while the network works on these: memory is bounded by a few
batches a worker.
"""

import functools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core import encoders, items, media
from core.config import Config
from core.datasets.base import Rejected
from core.encoder_sets import encoders_by_modality, ready_name
from core.encoders import recordings, weights
from core.encoders.base import Card, Encoder
from core.engines.base import Engine
from core.errors import MediaError, UserError
from core.files import media_source
from core.record import Record
from core.store import Artefact, Draft, Store
from core.study import media_root

VERSION = 1
SHARD_SIZE = 128
READY_ROWS = 8192  # vectors that were brought, in memory at a time
SMALLEST_SHARD, N_SHARDS = 8, 16  # few items make 16 shards: work for 16 cores, even for 2
N_AT_ONCE = 16  # media read before they are embedded, or as many as a network takes at once
N_READERS = 8  # of an object store, whose readers mostly wait; of a disk one


class Row(NamedTuple):
    """Where an item's media lie: a file and a stretch of it, or its words."""

    item_id: str
    path: str
    start_s: float
    duration_s: float
    text: str


@dataclass(frozen=True)
class Shard:
    """Some items to embed, and where their vectors go."""

    store_root: str
    folder: str
    name: str
    encoder: str
    weights_dir: str | None
    media_root: str
    rows: tuple[Row, ...]


def run(
    config: Config,
    store: Store,
    engine: Engine,
    record: Record,
    ingested: Artefact,
    weights_dir: Path | None,
) -> dict[str, Artefact]:
    """Extract with every encoder of the study; `{encoder: artefact}`."""
    artefacts = {}
    for name, modality in wanted(config).items():
        if name == ready_name(modality):
            artefacts[name] = _keep_ready(store, ingested, modality)
        elif encoders.card(name).fitted:
            artefacts[name] = _fit(store, ingested, modality, name, config.seed)
        else:
            artefacts[name] = _extract(store, engine, ingested, modality, name, weights_dir)
        record.note(f"extract:{name}", artefacts[name])
    return artefacts


def wanted(config: Config) -> dict[str, str]:
    """`{encoder: modality}` of a study, those of its untranslated baselines included."""
    named = {name: modality for modality, names in config.encoders.items() for name in names}
    for encoder_set in config.untranslated or ():
        named |= {name: modality for modality, name in encoders_by_modality(encoder_set).items()}
    return named


def _extract(
    store: Store,
    engine: Engine,
    ingested: Artefact,
    modality: str,
    name: str,
    weights_dir: Path | None,
) -> Artefact:
    card = encoders.card(name)
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
    rows = [Row(*values) for values in zip(*(frame[name] for name in Row._fields), strict=True)]
    shards = [
        Shard(
            store_root=store.root,
            folder=draft.folder,
            name=f"shards/{some.start:07d}-{some.stop:07d}",
            encoder=name,
            weights_dir=str(weights_dir) if weights_dir else None,
            media_root=root,
            rows=tuple(rows[some.start : some.stop]),
        )
        for some in _shares(len(rows))
    ]
    missing = [shard for shard in shards if not draft.has(f"{shard.name}.parquet")]
    for _ in engine.run(extract_shard, missing, f"extracting {name}"):
        pass
    _merge(draft, [shard.name for shard in shards], modality)
    return _finish(draft, weights_sha256)


def _shares(n_rows: int) -> list[range]:
    """The rows of each shard; they hang on `n_rows` alone, so that another run can go on."""
    size = min(SHARD_SIZE, max(SMALLEST_SHARD, -(-n_rows // N_SHARDS)))
    return [range(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def _weights_sha256(name: str, weights_dir: Path | None) -> str | None:
    card = encoders.card(name)
    return weights.sha256_of(weights.find_all(card, weights_dir)) if card.weights else None


def extract_shard(shard: Shard) -> str:
    """Decode and embed the items of one shard; its table of ids comes last and means done."""
    encoder = _loaded(shard.encoder, shard.weights_dir)
    item_ids: list[str] = []
    rejected: list[Rejected] = []
    vectors = [np.empty((0, encoder.card.dim), np.float32)]
    for rows, outcomes in _read_ahead(shard, encoder):
        whole = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                rejected.append(outcome)
            else:
                item_ids.append(row.item_id)
                whole.append(outcome)
        vectors.append(recordings.embed(encoder, whole))
    store = Store(shard.store_root)
    store.write_array(f"{shard.folder}/{shard.name}.npy", np.concatenate(vectors))
    store.write_json(f"{shard.folder}/{shard.name}.rejected.json", [vars(row) for row in rejected])
    ids = pd.DataFrame({"item_id": item_ids}, dtype="str")
    store.write_table(f"{shard.folder}/{shard.name}.parquet", ids)
    return shard.name


def _read_ahead(
    shard: Shard, encoder: Encoder
) -> Iterator[tuple[tuple[Row, ...], list[np.ndarray | str | Rejected]]]:
    """The rows of a shard and what was read of them, some at a time.

    While the caller works on some, the next are read by another thread: a network leaves the
    interpreter to it, and a disk or an object store is waited for in the meantime.
    """
    read = functools.partial(_read, shard.media_root, encoder)
    n_at_once = max(N_AT_ONCE, getattr(encoder, "n_per_batch", 1))
    starts = range(0, len(shard.rows), n_at_once)
    chunks = [shard.rows[start : start + n_at_once] for start in starts]
    pool = ThreadPoolExecutor(N_READERS if "://" in shard.media_root else 1)
    try:
        waiting: deque[list[Future[np.ndarray | str | Rejected]]] = deque()
        for index, rows in enumerate(chunks):
            for ahead in chunks[index + len(waiting) : index + 2]:
                waiting.append([pool.submit(read, row) for row in ahead])
            yield rows, [future.result() for future in waiting.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)


@functools.lru_cache(maxsize=4)
def _loaded(name: str, weights_dir: str | None) -> Encoder:
    return encoders.load(name, Path(weights_dir) if weights_dir else None)


def _read(root: str, encoder: Encoder, row: Row) -> np.ndarray | str | Rejected:
    """One item's media as its encoder wants it, or why it cannot be had."""
    if encoder.card.modality == "text":
        return row.text
    try:
        return _decode(media_source(root, row.path), row, encoder.card)
    except MediaError as error:
        return Rejected(row.path, encoder.card.modality, str(error))


def _decode(source: media.Source, row: Row, card: Card) -> np.ndarray:
    """The item's stretch of sound at the encoder's rate, its picture, or a frame of its video."""
    if card.modality == "audio":
        return media.read_audio(
            source,
            row.path,
            start_s=row.start_s,
            duration_s=row.duration_s,
            rate_hz=card.rate_hz,
        ).samples
    if media.kind_of(source, row.path) == "video":
        return media.read_frame(source, row.path, row.start_s)
    return media.read_image(source, row.path)


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


def _fit(store: Store, ingested: Artefact, modality: str, name: str, seed: int) -> Artefact:
    """An encoder without weights of its own, fitted on the texts of the translation subset.

    Where the study has several splits, those of the first: the texts' labels take no part in it.
    """
    from core.encoders import lsa

    card = encoders.card(name)
    key = {
        "media": ingested.manifest["media_digests"].get(modality, ""),
        "items": ingested.digest,
        "seed": seed,
        "encoder": name,
        "encoder_version": card.version,
        "version": VERSION,
    }
    artefact = store.find("extract", key)
    if artefact is not None:
        return artefact
    draft = store.begin("extract", key)
    frame = items.with_subset(
        items.of(ingested.table("items.parquet"), modality), ingested.table("splits.parquet"), 0
    )
    learned = frame["text"][frame["subset"] == "translation"]
    fitted = lsa.fit(list(learned if len(learned) else frame["text"]), seed)
    draft.write_tensors("encoder.safetensors", fitted.arrays())
    draft.write_array("vectors.npy", fitted.embed(list(frame["text"])))
    draft.write_table("items.parquet", frame[["item_id"]])
    draft.write_table("rejected.parquet", _no_rejections())
    return draft.commit(n_items=len(frame), n_rejected=0, weights_sha256=None)


def _no_rejections() -> pd.DataFrame:
    return pd.DataFrame([], columns=["path", "modality", "reason"])


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
    rows = np.array_split(frame["vector_row"].to_numpy(), len(frame) // READY_ROWS + 1)
    blocks = (np.asarray(array[some]) for some in rows)
    draft.write_blocks("vectors.npy", (len(frame), array.shape[1]), array.dtype, blocks)
    draft.write_table("items.parquet", frame[["item_id"]])
    draft.write_table("rejected.parquet", _no_rejections())
    return draft.commit(n_items=len(frame), n_rejected=0, weights_sha256=None)
