"""`extract`: embed every item with its encoder, shard by shard, on all cores.

A shard is a list of items whose vectors are written as one `(n, d) float32` file. Finished shards
are kept when a run is killed. With few items the shards are small, so that every core has some.
Within a shard the next media are read while the network works, so a worker holds only a few
batches in memory.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core import encoders, items, media
from core.config import Config, recipe, united_recipe
from core.datasets.base import Rejected
from core.encoder_sets import encoders_by_modality, ready_name
from core.encoders import doctor, joined, recordings, weights
from core.encoders.base import Card, Encoder, TaggingEncoder, computed_ahead
from core.errors import MediaError, UserError
from core.files import media_source
from core.stages import join, windows
from core.stages.study_run import ArtefactTask, StudyRun
from core.store import Artefact, Draft, Store, digest
from core.stored_encoders import load_encoder
from core.study import media_root

VERSION = 1
SHARD_SIZE = 128
READY_ROWS = 8192  # of a dataset's own vectors, in memory at a time
SMALLEST_SHARD, N_SHARDS = 8, 16  # few items make 16 shards: work for up to 16 cores
N_AT_ONCE = 16  # media read before they are embedded, if the network takes no larger batch
N_READERS = 8  # threads that read an object store, mostly waiting; one reads a disk
TAGS = "tags.npy"  # scores of an encoder's own tags, beside its vectors
EXAMINED = "examined.json"  # what `core.encoders.doctor` found before the items were embedded
REJECTED = ["path", "modality", "reason"]
Facts = dict[str, Any]  # of a manifest
Write = Callable[[Draft], Facts]


class Row(NamedTuple):
    """An item's source: a file and a part of it, or a text."""

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


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact for every encoder of the study, `extract:ENCODER`, and for each test dataset
    one of every encoder that it has items for, `extract:ENCODER:@NAME`.

    The parts of a joined encoder come first, as artefacts of their own; joining embeds nothing.

    Raises
    ------
    UserError
        An encoder's weights are absent, or a test dataset has nothing that the encoders embed.
    """
    keys: dict[str, Facts] = {}
    yield from _items(run, _encoders(run.config), keys)
    if _needs_windows(run):
        yield from _windows(run, keys)
    for test_set in run.test_sets:
        tested = run.on(test_set)
        there = tested.ingested.json("dataset.json")["modalities"]
        named = {name: m for name, m in _encoders(run.config).items() if m in there}
        if not named:
            raise UserError(
                f"The test dataset {test_set} has {' and '.join(there)}, and the study's encoders "
                f"are of {' and '.join(run.config.encoders)}: expected one modality of both."
            )
        yield from _items(tested, named, {})


def _items(
    run: StudyRun, named: Mapping[str, str], keys: dict[str, Facts]
) -> Iterator[ArtefactTask]:
    """The vectors of a dataset's items by some encoders, `{encoder: modality}`; fills in `keys`."""
    for name, modality in named.items():
        for part in joined.parts(name):
            if part.name not in keys:
                keys[part.name], write = _embedding(run, part.name, modality)
                yield ArtefactTask(f"extract:{part.name}{run.end}", keys[part.name], write)
        if joined.is_joined(name) and name not in keys:
            keys[name] = join.key(name, keys)
            write = functools.partial(join.write, name, run.extracted)
            yield ArtefactTask(f"extract:{name}{run.end}", keys[name], write)


def _needs_windows(run: StudyRun) -> bool:
    """Whether a recipe of the study uses other windows than an item's own."""
    recipes = (
        recipe(run.config, run.paired_by),
        united_recipe(run.config, run.paired_by, run.n_classes),
    )
    return any(one is not None and one.windows != "own" for one in recipes)


def _windows(run: StudyRun, keys: Mapping[str, Facts]) -> Iterator[ArtefactTask]:
    """The other windows of recordings, by every sound encoder: `extract:ENCODER:windows`."""
    heard: dict[str, Facts] = {}
    for name in run.config.encoders.get("audio", ()):
        parts = [part.name for part in joined.parts(name)]
        if any(part == ready_name("audio") or encoders.card(part).fitted for part in parts):
            continue
        for part in parts:
            if part not in heard:
                of_windows = {"windows": windows.VERSION, "items": run.ingested.digest}
                heard[part] = dict(keys[part]) | of_windows
                write = functools.partial(_extract_windows, run, encoders.card(part))
                yield ArtefactTask(f"extract:{part}:windows", heard[part], write)
        if joined.is_joined(name) and name not in heard:
            heard[name] = join.key(name, heard)
            write = functools.partial(_join_windows, run, name)
            yield ArtefactTask(f"extract:{name}:windows", heard[name], write)


def _join_windows(run: StudyRun, name: str, draft: Draft) -> Facts:
    def of_part(part: str) -> Artefact:
        return run.extracted(f"{part}:windows")

    first = joined.parts(name)[0].name
    draft.write_table("windows.parquet", of_part(first).table("windows.parquet"))
    return join.write(name, of_part, draft)


def _embedding(run: StudyRun, name: str, modality: str) -> tuple[Facts, Write]:
    """The key of one encoder's vectors, and what writes them."""
    media_digest = run.ingested.manifest["media_digests"].get(modality, "")
    if name == ready_name(modality):
        key = {"ready": modality, "media": media_digest}
        return key, functools.partial(_keep_ready, run.ingested, modality)
    card = encoders.card(name)
    key = {"media": media_digest, "encoder": name, "encoder_version": card.version}
    if card.fitted and run.test_set:
        own = run.on("")
        key["fitted"] = digest(_embedding(own, name, modality)[0])
        return key, functools.partial(_apply_fitted, own, name, run.ingested)
    if card.fitted:
        key |= {"items": run.ingested.digest, "seed": run.config.seed, "version": VERSION}
        return key, functools.partial(_fit, run.ingested, modality, run.config.seed)
    files = weights.find_all(card, run.weights_dir)
    key |= {"weights_sha256": weights.sha256_of(files) if files else None, "version": VERSION}
    return key, functools.partial(_extract, run, card)


def _encoders(config: Config) -> dict[str, str]:
    """`{encoder: modality}` of a study and its untranslated baselines."""
    named = {name: modality for modality, names in config.encoders.items() for name in names}
    for encoder_set in config.untranslated or ():
        named |= {name: modality for modality, name in encoders_by_modality(encoder_set).items()}
    return named


def _extract(run: StudyRun, card: Card, draft: Draft) -> Facts:
    frame = items.of(run.ingested.table("items.parquet"), card.modality)
    if frame.empty:
        raise UserError(f"The dataset has no {card.modality} items, so none can be embedded.")
    if not run.test_set and not draft.has(EXAMINED):
        with run.engine.clock.time("examining encoders"):
            found = doctor.examine(encoders.load(card.name, run.weights_dir))
        told = doctor.sentence(card.name, found)
        run.engine.console.print(
            told or f"The encoder {card.name} was examined: no fault was found."
        )
        draft.write_json(EXAMINED, {"faults": [one.fault for one in found], "told": told})
    return _embed(run, card, frame, draft)


def _extract_windows(run: StudyRun, card: Card, draft: Draft) -> Facts:
    """The other windows of every sound, embedded like items."""
    if not draft.has("windows.parquet"):
        sounds = run.ingested.table("items.parquet")
        draft.write_table("windows.parquet", windows.of_items(sounds, media_root(run.ingested)))
    table = draft.table("windows.parquet")
    if table.empty:  # no recording is longer than its item
        draft.write_array("vectors.npy", np.empty((0, card.dim), np.float32))
        return _write_all(draft, table)
    item_s = run.ingested.table("items.parquet").set_index("item_id")["duration_s"]
    durations = item_s.loc[table["item_id"]].to_numpy()
    frame = table.assign(item_id=table["window_id"], duration_s=durations, text="")
    return _embed(run, card, frame, draft)


def _embed(run: StudyRun, card: Card, frame: pd.DataFrame, draft: Draft) -> Facts:
    """Embed the rows of a table with the columns of `Row`, in shards."""
    if not draft.has("items.parquet"):  # else it was merged, and stopped before the manifest
        rows = [Row(*values) for values in zip(*(frame[name] for name in Row._fields), strict=True)]
        root = media_root(run.ingested)
        shards = [
            Shard(
                store_root=draft.root,
                folder=draft.folder,
                name=f"shards/{share.start:07d}-{share.stop:07d}",
                encoder=card.name,
                weights_dir=str(run.weights_dir) if run.weights_dir else None,
                media_root=root,
                rows=tuple(rows[share.start : share.stop]),
            )
            for share in _shares(len(rows))
        ]
        missing = [shard for shard in shards if not draft.has(f"{shard.name}.parquet")]
        run.engine.run_all(extract_shard, missing, f"extracting {card.name}")
        _merge(draft, [shard.name for shard in shards], card.modality)
    draft.remove("shards")
    return {
        "n_items": len(draft.table("items.parquet")),
        "n_rejected": len(draft.table("rejected.parquet")),
        "weights_sha256": draft.key["weights_sha256"],
    }


def _shares(n_rows: int) -> list[range]:
    """The rows of each shard; they depend on `n_rows` alone, so that another run can continue."""
    size = min(SHARD_SIZE, max(SMALLEST_SHARD, -(-n_rows // N_SHARDS)))
    return [range(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def extract_shard(shard: Shard) -> str:
    """Decode and embed the items of one shard; its table of ids is written last and means done."""
    encoder = _loaded(shard.encoder, shard.weights_dir)
    item_ids: list[str] = []
    rejected: list[Rejected] = []
    vectors = [np.empty((0, encoder.card.dim), np.float32)]
    scores = [np.empty((0, len(encoder.card.tags)), np.float32)]
    n_at_once = max(N_AT_ONCE, getattr(encoder, "n_per_batch", 1))
    starts = range(0, len(shard.rows), n_at_once)
    chunks = [shard.rows[start : start + n_at_once] for start in starts]
    read = functools.partial(_read, shard.media_root, encoder)
    # While a chunk is embedded, the next one is read: networks release the interpreter lock, and
    # readers mostly wait for a disk or an object store.
    n_readers = N_READERS if "://" in shard.media_root else 1
    with computed_ahead(read, chunks, n_readers, n_ahead=1) as outcomes_of:
        for rows, outcomes in zip(chunks, outcomes_of, strict=True):
            decoded = []
            for row, outcome in zip(rows, outcomes, strict=True):
                if isinstance(outcome, Rejected):
                    rejected.append(outcome)
                else:
                    item_ids.append(row.item_id)
                    decoded.append(outcome)
            if isinstance(encoder, TaggingEncoder):
                found, scored = recordings.embed_and_tag(encoder, decoded)
                scores.append(scored)
            else:
                found = recordings.embed(encoder, decoded)
            vectors.append(found)
    files = Store(shard.store_root).below(shard.folder)
    files.write_array(f"{shard.name}.npy", np.concatenate(vectors))
    if encoder.card.tags:
        files.write_array(f"{shard.name}.{TAGS}", np.concatenate(scores))
    files.write_json(f"{shard.name}.rejected.json", [vars(row) for row in rejected])
    ids = pd.DataFrame({"item_id": item_ids}, dtype="str")
    files.write_table(f"{shard.name}.parquet", ids)
    return shard.name


@functools.lru_cache(maxsize=4)
def _loaded(name: str, weights_dir: str | None) -> Encoder:
    return encoders.load(name, Path(weights_dir) if weights_dir else None)


def _read(root: str, encoder: Encoder, row: Row) -> np.ndarray | str | Rejected:
    """One item's media as its encoder takes it, or the reason why it cannot be read."""
    if encoder.card.modality == "text":
        return row.text
    try:
        return _decode(media_source(root, row.path), row, encoder.card)
    except MediaError as error:
        return Rejected(row.path, encoder.card.modality, str(error))


def _decode(source: media.Source, row: Row, card: Card) -> np.ndarray:
    """The item's part of a sound at the encoder's rate, its picture, or a frame of its video."""
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
    """Join the shards; the table of ids is written last, and the shards are removed after it."""
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
    if draft.has(f"{shards[0]}.{TAGS}"):
        draft.join_arrays(TAGS, [f"{shard}.{TAGS}" for shard in shards])
    draft.write_table("rejected.parquet", pd.DataFrame(rejected, columns=REJECTED))
    draft.write_table("items.parquet", table)


def _fit(ingested: Artefact, modality: str, seed: int, draft: Draft) -> Facts:
    """An encoder without weights, fitted on the texts of the translation subset.

    A study with several splits uses the first one; the texts' labels are not used.
    """
    from core.encoders import lsa

    frame = items.with_subset(
        items.of(ingested.table("items.parquet"), modality), ingested.table("splits.parquet"), 0
    )
    texts = frame["text"][frame["subset"] == "translation"]
    fitted = lsa.fit(list(texts if len(texts) else frame["text"]), seed)
    draft.write_tensors("encoder.safetensors", fitted.arrays())
    draft.write_array("vectors.npy", fitted.embed(list(frame["text"])))
    return _write_all(draft, frame)


def _apply_fitted(own: StudyRun, name: str, ingested: Artefact, draft: Draft) -> Facts:
    """The texts of a test dataset, by the encoder that was fitted on the study's."""
    encoder = load_encoder(name, own.extracted, own.weights_dir)
    frame = items.of(ingested.table("items.parquet"), encoder.card.modality)
    draft.write_tensors("encoder.safetensors", own.extracted(name).tensors("encoder.safetensors"))
    draft.write_array("vectors.npy", encoder.embed(list(frame["text"])))
    return _write_all(draft, frame)


def _keep_ready(ingested: Artefact, modality: str, draft: Draft) -> Facts:
    """The vectors of the dataset, stored as if an encoder had made them."""
    card = ingested.json("dataset.json")
    if modality not in card["ready_vectors"]:
        raise UserError(
            f"The dataset has no ready {modality} vectors: name an encoder "
            f"({', '.join(encoders.names(modality))})."
        )
    frame = items.of(ingested.table("items.parquet"), modality)
    array = ingested.array(card["ready_vectors"][modality])
    rows = np.array_split(frame["vector_row"].to_numpy(), len(frame) // READY_ROWS + 1)
    blocks = (np.asarray(array[some]) for some in rows)
    draft.write_blocks("vectors.npy", (len(frame), array.shape[1]), array.dtype, blocks)
    return _write_all(draft, frame)


def _write_all(draft: Draft, frame: pd.DataFrame) -> Facts:
    """The tables of an encoder that rejects nothing."""
    draft.write_table("items.parquet", frame[["item_id"]])
    draft.write_table("rejected.parquet", pd.DataFrame([], columns=REJECTED))
    return {"n_items": len(frame), "n_rejected": 0, "weights_sha256": None}
