"""A small but whole workspace for the tests of the dashboard: real media files, real studies.

Two splits; one encoder set, or a grid of several, with text on request. The native vectors of both
modalities lie around one centre for each class, and both towers are the same. So the translated
space joins the modalities; PCA, whose axes differ by modality, does not.

    python -m tests.dashboard.workspace FOLDER      # to look at the pages with it
"""

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config
from core.record import Record
from core.spaces import map_quality, pca
from core.spaces.translation import Translation
from core.store import Store
from tests.dashboard.tiny_items import CLASSES, PAIRED, item_table, png, split_table, wav
from tests.dashboard.workspace_results import evaluate

N_SPLITS = 2
ENCODERS = {"audio": ("logmel",), "image": ("hog",)}
ENCODER_SET = "logmel+hog"


def build(
    root: Path,
    n_splits: int = N_SPLITS,
    stages: str = "all",
    seed: int = 0,
    natives: dict[str, np.ndarray] | None = None,
    towers: dict[str, dict[str, np.ndarray]] | None = None,
    encoders: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """Write the workspace; returns the study's digest.

    Parameters
    ----------
    stages : "all", or the last stage to write
    natives, towers : vectors and spaces of each modality, in place of random ones
    encoders : those of each modality, for a grid or for text
    """
    store = Store(root)
    encoders = encoders or ENCODERS
    config = Config(dataset="demo", splits=n_splits, seed=seed, **encoders)
    record = Record(store, config)
    frame = item_table(tuple(encoders))
    splits = split_table(frame, n_splits)
    record.note("ingest", ingest(store, frame, splits, seed))
    if stages == "ingest":
        return record.digest
    vectors: dict[str, np.ndarray] = {}
    for kind, names in encoders.items():
        for number, encoder in enumerate(names):
            array = natives[kind] if natives else native(frame, kind, seed + number)
            draft = store.begin("extract", {"encoder": encoder, "seed": seed})
            draft.write_array("vectors.npy", array)
            draft.write_table("items.parquet", items.of(frame, kind)[["item_id"]])
            record.note(f"extract:{encoder}", draft.commit())
            vectors[encoder] = array
    for names in itertools.product(*encoders.values()):
        encoder_set = dict(zip(encoders, names, strict=True))
        own = {kind: vectors[name] for kind, name in encoder_set.items()}
        one_encoder_set(record, frame, splits, encoder_set, own, stages, seed, towers)
    if stages == "all":
        record.finish()
    return record.digest


def one_encoder_set(
    record: Record,
    frame: pd.DataFrame,
    splits: pd.DataFrame,
    encoder_set: Mapping[str, str],
    natives: dict[str, np.ndarray],
    stages: str,
    seed: int,
    towers: dict[str, dict[str, np.ndarray]] | None,
) -> None:
    """Spaces, results and maps of one encoder set."""
    name, store = "+".join(encoder_set.values()), record.store
    n_splits = int(splits["split"].max()) + 1
    spaces = {}
    for part in [*range(n_splits), "all"]:
        artefact, found = train(store, frame, splits, natives, name, part, seed, towers)
        record.note(f"train:{name}:{part}", artefact)
        spaces[part] = found
    if stages == "train":
        return
    for split in range(n_splits):
        artefact = evaluate(store, frame, splits, spaces[split], encoder_set, split, seed)
        record.note(f"evaluate:{name}:{split}", artefact)
    if stages == "evaluate":
        return
    record.note(f"maps:{name}", draw_maps(store, frame, spaces[0], name, seed))


# -- ingest --------------------------------------------------------------------------------------


def ingest(store: Store, frame: pd.DataFrame, splits: pd.DataFrame, seed: int) -> Any:
    kinds = sorted(set(frame["modality"]))
    draft = store.begin("ingest", {"test": "workspace", "seed": seed, "kinds": kinds})
    for row in frame[frame["path"] != ""].itertuples():
        number = CLASSES.index(row.labels[0])
        content = wav(number) if row.modality == "audio" else png(number)
        draft.write_bytes(f"media/{row.path}", content)
    draft.write_table("items.parquet", frame)
    draft.write_table("splits.parquet", splits)
    draft.write_table(
        "rejected.parquet",
        pd.DataFrame(
            [("bad<script>.wav", "audio", "“bad<script>.wav” is empty.")],
            columns=["path", "modality", "reason"],
        ),
    )
    draft.write_json(
        "dataset.json",
        {
            "name": "tiny",
            "title": "Tiny <set>",
            "licence": "CC0",
            "citation": "Nobody 2025",
            "description": "Five classes made on the spot.",
            "classes": CLASSES,
            "paired_classes": PAIRED,
            "paired_by": "clip",
            "modalities": [kind for kind in items.MODALITIES if kind in set(frame["modality"])],
            "root": "media",
            "notes": ["Its sounds are sines & its pictures are <plain>."],
            "n_clips": int(frame["clip_id"].nunique()),
            "ready_vectors": {},
        },
    )
    return draft.commit(n_items=len(frame), seed=seed)


# -- vectors and spaces --------------------------------------------------------------------------


def native(frame: pd.DataFrame, kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, len(kind)])
    centres = np.random.default_rng(7).normal(size=(len(CLASSES), 24))
    mine = items.of(frame, kind)
    rows = [CLASSES.index(labels[0]) for labels in mine["labels"]]
    noise = rng.normal(size=(len(mine), 24)) * (0.9 if kind == "audio" else 0.6)
    return (centres[rows] + noise).astype(np.float32)


def tower(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    one, zero = np.ones(32, np.float32), np.zeros(32, np.float32)
    return {
        "w1": rng.normal(size=(32, 24)).astype(np.float32) / 5,
        "b1": zero,
        "gamma": one,
        "beta": zero,
        "mean": zero,
        "var": one,
        "w2": rng.normal(size=(16, 32)).astype(np.float32) / 5,
        "b2": np.zeros(16, np.float32),
    }


def train(
    store: Store,
    frame: pd.DataFrame,
    splits: pd.DataFrame,
    natives: dict[str, np.ndarray],
    encoder_set: str,
    part: int | str,
    seed: int,
    towers: dict[str, dict[str, np.ndarray]] | None = None,
) -> tuple[Any, dict[str, dict[str, np.ndarray]]]:
    split = part if isinstance(part, int) else 0
    towers = towers or {kind: tower(split) for kind in natives}
    translation = Translation(towers)
    draft = store.begin("train", {"encoder_set": encoder_set, "part": part, "seed": seed})
    draft.write_tensors("translation.safetensors", translation.arrays())
    epochs = np.arange(1, 13)
    history = {
        "epoch": epochs,
        "train_loss": 0.9 * np.exp(-epochs / 6.0) + 0.1,
        "validation_loss": 0.8 * np.exp(-epochs / 5.0) + 0.2 + 0.004 * (epochs - 7.0) ** 2,
        "seconds": np.full(12, 0.1),
    }
    draft.write_table("history.parquet", pd.DataFrame(history))
    found: dict[str, dict[str, np.ndarray]] = {"translation": {}, "pca": {}}
    with_split = items.with_subset(frame, splits, split)
    for kind, array in natives.items():
        mine = items.of(with_split, kind)
        draft.write_table(f"{kind}.items.parquet", mine[["item_id"]])
        found["translation"][kind] = translation.project(kind, array)
        draft.write_array(f"translation.{kind}.npy", found["translation"][kind])
        if part != "all":
            fitted = pca.fit(array[(mine["subset"] == "translation").to_numpy()], 8)
            draft.write_tensors(f"pca.{kind}.safetensors", fitted.arrays())
            found["pca"][kind] = fitted.project(array)
            draft.write_array(f"pca.{kind}.npy", found["pca"][kind])
    return draft.commit(best_epoch=7, seed=seed), found


# -- maps ------------------------------------------------------------------------------------------


def draw_maps(
    store: Store,
    frame: pd.DataFrame,
    spaces: dict[str, dict[str, np.ndarray]],
    encoder_set: str,
    seed: int,
) -> Any:
    parts, quality = [], []
    for space, arrays in spaces.items():
        joined = np.concatenate(list(arrays.values()))
        ids = [item_id for kind in arrays for item_id in items.of(frame, kind)["item_id"]]
        kinds = [kind for kind, array in arrays.items() for _ in array]
        axes = np.linalg.svd(joined - joined.mean(axis=0), full_matrices=False)[2][:3]
        places = ((joined - joined.mean(axis=0)) @ axes.T).astype(np.float32)
        for method in ("umap", "tsne"):
            for n_dims in (2, 3):
                part = pd.DataFrame({"item_id": ids, "modality": kinds})
                part["space"], part["method"], part["n_dims"] = space, method, n_dims
                part["placed"] = np.arange(len(ids)) % 4 == 3  # as of a study too large to fit
                for axis, name in enumerate("xyz"):
                    part[name] = places[:, axis] if axis < n_dims else np.float32("nan")
                parts.append(part)
                placed = part["placed"].to_numpy()
                for kind, rows in (("fitted", np.flatnonzero(~placed)), ("placed", placed)):
                    measured = map_quality.measure(
                        joined, [places[:, :n_dims]], np.arange(len(ids))[rows]
                    )
                    quality.append(
                        {
                            "space": space,
                            "method": method,
                            "n_dims": n_dims,
                            "kind": kind,
                            "n_points": len(ids),
                            "n_measured": len(np.arange(len(ids))[rows]),
                            "k": map_quality.K,
                            "trustworthiness": measured[0][0],
                            "neighbour_recall": measured[0][1],
                            "chance_recall": map_quality.K / (len(ids) - 1),
                        }
                    )
    draft = store.begin("maps", {"encoder_set": encoder_set, "seed": seed})
    draft.write_table("maps.parquet", pd.concat(parts, ignore_index=True))
    draft.write_table("quality.parquet", pd.DataFrame(quality))
    n_placed = int(parts[0]["placed"].sum())
    return draft.commit(seed=seed, n_fitted=len(ids) - n_placed, n_placed=n_placed)


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
