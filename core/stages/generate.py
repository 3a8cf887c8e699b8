"""The generation space (Seth 2022) of every encoder set with text, as a part of `train`.

One generator for each modality but text, fitted on the `translation` subset of each split; every
item carried into the text encoder's space. Snapshots of the validation pairs are kept for the
moving map. Where the text encoder is fine-tuned, its parameters are kept beside the space, and the
texts' vectors are those that it gives now.

A killed fit goes on from its last checkpoint; one is written every `CHECKPOINT_S` seconds, since
that of a fine-tuned BERT takes up gigabytes.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config, generation_recipe
from core.encoder_sets import encoder_set_name, encoders_by_modality
from core.encoders.hub_text import TextEncoder
from core.engines.base import Engine
from core.errors import UserError
from core.record import Record
from core.spaces import pairing, trajectory
from core.spaces.generation import TEXT, Generation, GenerationConfig, Snapshot
from core.stages.making import make_missing
from core.stages.train import training_items
from core.store import Artefact, Draft, Store
from core.stored_encoders import load_encoder
from core.vectors import Vectors, read_vectors

VERSION = 1
CHECKPOINT, CHECKPOINT_S = "checkpoint.safetensors", 10.0
SNAPSHOTS = "snapshots"


@dataclass(frozen=True)
class Task:
    """The generators of one encoder set and one split."""

    store_root: str
    key: dict[str, Any]
    ingested: str
    natives: tuple[tuple[str, str], ...]  # modality, digest of its extract artefact
    text_encoder: str
    split: int
    seed: int
    recipe: GenerationConfig
    weights_dir: str | None


def run(
    config: Config,
    store: Store,
    engine: Engine,
    record: Record,
    ingested: Artefact,
    extracted: dict[str, Artefact],
    weights_dir: Path | None,
) -> dict[str, Artefact]:
    """Train whatever is not trained yet; `{"PAIR:SPLIT": artefact}`, empty without text."""
    n_splits = int(ingested.table("splits.parquet")["split"].max()) + 1
    modality = ingested.table("items.parquet", ["modality"])["modality"]
    paired_by = str(ingested.json("dataset.json")["paired_by"])
    chosen = generation_recipe(config, paired_by, int((modality == TEXT).sum()))
    tasks: dict[str, Task] = {}
    for encoder_set in (encoder_set_name(*names) for names in config.encoder_sets):
        encoders = encoders_by_modality(encoder_set)
        if TEXT not in encoders or chosen is None:
            continue
        natives = tuple((name, extracted[encoder].digest) for name, encoder in encoders.items())
        for split in range(n_splits):
            key = {
                "items": ingested.digest,
                "natives": dict(natives),
                "split": split,
                "recipe": asdict(chosen),
                "seed": config.seed + split,
                "version": VERSION,
            }
            tasks[f"{encoder_set}:{split}"] = Task(
                store.root,
                key,
                ingested.digest,
                natives,
                encoders[TEXT],
                split,
                config.seed + split,
                chosen,
                str(weights_dir) if weights_dir else None,
            )
    title = "training generators"
    return make_missing("generate", generate, tasks, title, store, engine, record)


def generate(task: Task) -> str:
    """Fit the generators of one task, project every item, and commit; returns the digest."""
    store = Store(task.store_root)
    draft = store.begin("generate", task.key)
    ingested = store.need("ingest", task.ingested)
    extracted = {name: store.need("extract", digest) for name, digest in task.natives}
    natives = {name: read_vectors(made, "vectors.npy") for name, made in extracted.items()}
    encoder, words = None, list[str]()
    if task.recipe.text == "finetuned":
        encoder = _tunable(task, extracted[TEXT])
        texts = ingested.table("items.parquet", ["item_id", "text"]).set_index("item_id")["text"]
        words = texts.loc[natives[TEXT].item_ids].tolist()
    fitted = _fit(task, draft, ingested, natives, encoder, words)
    arrays = {name: native.array for name, native in natives.items()}
    if encoder is not None:
        arrays[TEXT] = encoder.embed(words)
        state = {name: each.cpu().numpy() for name, each in encoder.module.state_dict().items()}
        draft.write_tensors("text_encoder.safetensors", state)
    draft.write_tensors("generation.safetensors", fitted.arrays())
    draft.write_table("generation_history.parquet", pd.DataFrame(fitted.history))
    for name, native in natives.items():
        if name == TEXT or name in fitted.generators:
            draft.write_table(f"{name}.items.parquet", pd.DataFrame({"item_id": native.item_ids}))
            draft.write_array(f"generation.{name}.npy", fitted.project(name, arrays[name]))
    _join_snapshots(draft, len(fitted.history), task.recipe.snapshots)
    draft.remove(CHECKPOINT)
    return draft.commit(best_epoch=fitted.best_epoch, seed=task.seed).digest


def _tunable(task: Task, extracted: Artefact) -> TextEncoder:
    weights_dir = Path(task.weights_dir) if task.weights_dir else None
    encoder = load_encoder(task.text_encoder, extracted, weights_dir, trainable=True)
    if not isinstance(encoder, TextEncoder):
        raise UserError(
            f"The text encoder {task.text_encoder} cannot be fine-tuned: use bert, minilm, "
            "clip_text or clap_text, or leave it frozen."
        )
    return encoder


def _fit(
    task: Task,
    draft: Draft,
    ingested: Artefact,
    natives: Mapping[str, Vectors],
    encoder: TextEncoder | None,
    words: Sequence[str],
) -> Generation:
    from core.spaces import generation_training

    frame = training_items(ingested, task.split, natives)
    by = str(ingested.json("dataset.json")["paired_by"])
    others = [name for name in natives if name != TEXT]
    tables = {name: items.pairs(frame, name, TEXT, by=by, seed=task.seed) for name in others}
    tables = {name: table for name, table in tables.items() if len(table)}
    if not tables:
        raise UserError(
            f"There is no pair of {' or '.join(others)} with text to train a generator on: give "
            "clips with both, or leave the space out with `generation: off`."
        )
    found = sorted(set(pd.concat([table["class"] for table in tables.values()])) - {""})
    numbers = {name: number for number, name in enumerate(found)} | {"": pairing.UNKNOWN}
    written = time.monotonic()

    def checkpoint(state: dict[str, np.ndarray]) -> None:
        nonlocal written
        if time.monotonic() - written >= CHECKPOINT_S:
            draft.write_tensors(CHECKPOINT, state)
            written = time.monotonic()

    return generation_training.fit(
        {name: native.array for name, native in natives.items()},
        {
            name: np.column_stack(
                [natives[name].rows(table["a_item"]), natives[TEXT].rows(table["b_item"])]
            )
            for name, table in tables.items()
        },
        {name: table[["a_clip", "b_clip"]].to_numpy() for name, table in tables.items()},
        task.recipe,
        task.seed,
        classes={name: table["class"].map(numbers).to_numpy() for name, table in tables.items()},
        encoder=encoder,
        words=words,
        snapshot=lambda shown: _keep(draft, shown, natives),
        checkpoint=checkpoint,
        resume=draft.tensors(CHECKPOINT) if draft.has(CHECKPOINT) else None,
    )


def _keep(draft: Draft, shown: Snapshot, natives: Mapping[str, Vectors]) -> None:
    """One epoch's vectors, (n, k) float16, all modalities below each other."""
    if not draft.has(f"{SNAPSHOTS}.items.parquet"):
        parts = [
            pd.DataFrame(
                {
                    "item_id": natives[name].item_ids[rows],
                    "modality": name,
                    "partner": natives[TEXT].item_ids[shown.partners[name]],
                }
            )
            for name, rows in shown.rows.items()
        ]
        draft.write_table(f"{SNAPSHOTS}.items.parquet", pd.concat(parts, ignore_index=True))
    vectors = np.concatenate([shown.vectors[name] for name in shown.rows])
    draft.write_array(f"{SNAPSHOTS}/{shown.epoch:05d}.npy", vectors)


def _join_snapshots(draft: Draft, n_epochs: int, most: int) -> None:
    """The epochs that are drawn in one array (e, n, k), and their numbers."""
    chosen = trajectory.chosen(n_epochs, most)
    parts = [draft.array(f"{SNAPSHOTS}/{epoch:05d}.npy") for epoch in chosen]
    draft.write_array(f"{SNAPSHOTS}.npy", np.stack(parts))
    draft.write_table(f"{SNAPSHOTS}.epochs.parquet", pd.DataFrame({"epoch": chosen}))
    draft.remove(SNAPSHOTS)
