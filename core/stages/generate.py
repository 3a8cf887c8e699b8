"""`generate`: the generation space (Seth 2022) of every encoder set with text.

Each modality except text gets a generator, fitted on the subset `translation` of each split, that
maps its vectors into the text encoder's space. Snapshots of the validation pairs are kept for the
moving map. A fine-tuned text encoder's parameters are kept beside the space, and the texts are
embedded again with them. A study with many texts and a text encoder that can be fine-tuned has both
spaces, with the encoder frozen and fine-tuned.

A killed fit continues from its last checkpoint. Checkpoints are `CHECKPOINT_S` seconds apart,
because that of a fine-tuned BERT takes gigabytes.
"""

import functools
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.config import generation_recipe, tuned_recipe
from core.encoder_sets import encoders_by_modality
from core.encoders.hub_text import TextEncoder
from core.errors import UserError
from core.spaces import trajectory
from core.spaces.generation import TEXT, Generation, GenerationConfig, Snapshot
from core.stages.settings import can_tune, not_tunable
from core.stages.study_run import ArtefactTask, StudyRun
from core.stages.training_data import native_vectors, training_items, training_pairs
from core.store import Artefact, Draft
from core.stored_encoders import load_encoder
from core.study import GENERATED, TUNED
from core.vectors import Vectors

VERSION = 3
CHECKPOINT, CHECKPOINT_S = "checkpoint.safetensors", 10.0
SNAPSHOTS = "snapshots"


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact per encoder set with text and split, `generate:SET:SPLIT`, or two: the second,
    `generate:SET:SPLIT.tuned`, is the space with a fine-tuned text encoder."""
    modality = run.ingested.table("items.parquet", ["modality"])["modality"]
    size = (run.config, run.paired_by, int((modality == TEXT).sum()))
    recipes = {"": generation_recipe(*size), GENERATED[TUNED]: tuned_recipe(*size)}
    weights_dir = str(run.weights_dir) if run.weights_dir else None
    for encoder_set, split, (end, settings) in itertools.product(
        run.encoder_sets, run.splits, recipes.items()
    ):
        text_encoder = encoders_by_modality(encoder_set).get(TEXT)
        if text_encoder is None or settings is None or (end and not can_tune(text_encoder)):
            continue
        natives = {name: artefact.digest for name, artefact in run.natives(encoder_set).items()}
        key = {
            "items": run.ingested.digest,
            "natives": natives,
            "split": split,
            "recipe": asdict(settings),
            "seed": run.config.seed + split,
            "unseen": sorted(run.config.unseen),
            "version": VERSION,
        }
        write = functools.partial(_write, settings, text_encoder, weights_dir)
        name = f"generate:{encoder_set}:{split}{end}"
        yield ArtefactTask(name, key, write, "training generators", weights_dir)


def _write(
    settings: GenerationConfig, text_encoder: str, weights_dir: str | None, draft: Draft
) -> dict[str, Any]:
    ingested = draft.store.need("ingest", draft.key["items"])
    natives = native_vectors(draft)
    encoder, texts = None, list[str]()
    if settings.text == "finetuned":
        extracted = draft.store.need("extract", draft.key["natives"][TEXT])
        encoder = _trainable(text_encoder, extracted, weights_dir)
        by_item = ingested.table("items.parquet", ["item_id", "text"]).set_index("item_id")["text"]
        texts = by_item.loc[natives[TEXT].item_ids].tolist()
    fitted = _fit(draft, settings, ingested, natives, encoder, texts)
    arrays = {name: native.array for name, native in natives.items()}
    if encoder is not None:
        arrays[TEXT] = encoder.embed(texts)
        state = {name: each.cpu().numpy() for name, each in encoder.module.state_dict().items()}
        draft.write_tensors("text_encoder.safetensors", state)
    draft.write_tensors("generation.safetensors", fitted.arrays())
    draft.write_table("generation_history.parquet", pd.DataFrame(fitted.history))
    for name, native in natives.items():
        if name == TEXT or name in fitted.generators:
            draft.write_table(f"{name}.items.parquet", pd.DataFrame({"item_id": native.item_ids}))
            draft.write_array(f"generation.{name}.npy", fitted.project(name, arrays[name]))
    _join_snapshots(draft, len(fitted.history), settings.snapshots)
    draft.remove(CHECKPOINT)
    return {"best_epoch": fitted.best_epoch, "seed": draft.key["seed"]}


def _trainable(name: str, extracted: Artefact, weights_dir: str | None) -> TextEncoder:
    folder = Path(weights_dir) if weights_dir else None
    encoder = load_encoder(name, lambda _: extracted, folder, trainable=True)
    if not isinstance(encoder, TextEncoder):
        raise not_tunable(name)
    return encoder


def _fit(
    draft: Draft,
    settings: GenerationConfig,
    ingested: Artefact,
    natives: Mapping[str, Vectors],
    encoder: TextEncoder | None,
    texts: Sequence[str],
) -> Generation:
    from core.spaces import generation_training

    frame = training_items(ingested, draft.key["split"], natives, draft.key["unseen"])
    by, seed = str(ingested.json("dataset.json")["paired_by"]), draft.key["seed"]
    others = [name for name in natives if name != TEXT]
    pairs = training_pairs(frame, natives, [(name, TEXT) for name in others], by, seed)
    if not pairs.rows:
        raise UserError(
            f"There are no pairs of {' or '.join(others)} with text to train a generator on: give "
            "clips with both, or leave the space out with `generation: off`."
        )
    written = time.monotonic()

    def checkpoint(state: dict[str, np.ndarray]) -> None:
        nonlocal written
        if time.monotonic() - written >= CHECKPOINT_S:
            draft.write_tensors(CHECKPOINT, state)
            written = time.monotonic()

    return generation_training.fit(
        {name: native.array for name, native in natives.items()},
        {name: rows for (name, _), rows in pairs.rows.items()},
        {name: clips for (name, _), clips in pairs.clips.items()},
        settings,
        seed,
        classes={name: classes for (name, _), classes in pairs.classes.items()},
        encoder=encoder,
        words=texts,
        snapshot=lambda shown: _write_snapshot(draft, shown, natives),
        checkpoint=checkpoint,
        resume=draft.tensors(CHECKPOINT) if draft.has(CHECKPOINT) else None,
    )


def _write_snapshot(draft: Draft, shown: Snapshot, natives: Mapping[str, Vectors]) -> None:
    """One epoch's vectors of all modalities, concatenated: (n, k) float16."""
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
    """Join the snapshots of the epochs to draw in one array (e, n, k), with their numbers."""
    chosen = trajectory.chosen(n_epochs, most)
    parts = [draft.array(f"{SNAPSHOTS}/{epoch:05d}.npy") for epoch in chosen]
    draft.write_array(f"{SNAPSHOTS}.npy", np.stack(parts))
    draft.write_table(f"{SNAPSHOTS}.epochs.parquet", pd.DataFrame({"epoch": chosen}))
    draft.remove(SNAPSHOTS)
