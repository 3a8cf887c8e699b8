"""A small but whole workspace for the dashboard's tests: real media files, real studies.

Five classes, the last with sounds only; 14 clips a class; two splits; one encoder set, or a
grid of several, with words where it is asked for an encoder of text.
Both modalities' native vectors lie around one centre a class, and both towers are the same, so
that the translated space joins the two and PCA, whose axes differ by modality, does not.

    python -m tests.dashboard.workspace FOLDER      # to look at the pages with it
"""

import io
import itertools
import json
import sys
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config
from core.record import Record
from core.spaces import pca
from core.spaces.translation import Translation
from core.store import Store
from core.studies import (
    centroids,
    classification,
    distribution,
    forest_cells,
    measure,
    mix_in,
    ranking,
)
from core.studies.forest_cells import Cell, Labelled, Outcome
from core.studies.forests import Forest, ForestConfig

CLASSES = ["accordion", "banjo", "cello <b>&amp;", "drums | *x*", "voice"]
PAIRED = CLASSES[:4]
N_CLIPS = 14
N_SPLITS = 2
RATE_HZ = 16_000
PAIR = ("logmel", "hog")
NAME = "+".join(PAIR)
SMALL = ForestConfig(n_trees=8)


def build(
    root: Path,
    n_splits: int = N_SPLITS,
    stages: str = "all",
    seed: int = 0,
    natives: dict[str, np.ndarray] | None = None,
    towers: dict[str, dict[str, np.ndarray]] | None = None,
    encoders: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """Write the workspace; `stages` is `all` or the last one to write. Returns the digest.

    `natives` and `towers`: other vectors and spaces than the drawn ones, by modality.
    `encoders`: those of each modality, for a grid or for words; by default the one `PAIR`.
    """
    store = Store(root)
    encoders = encoders or {"audio": (PAIR[0],), "image": (PAIR[1],)}
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
        one_pair(record, frame, splits, encoder_set, own, stages, seed, towers)
    if stages == "all":
        record.finish()
    return record.digest


def one_pair(
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
    record.note(f"maps:{name}", project(store, frame, spaces[0], name, seed))


# -- ingest --------------------------------------------------------------------------------------


def item_table(kinds: tuple[str, ...] = ("audio", "image")) -> pd.DataFrame:
    rows = []
    for number, name in enumerate(CLASSES):
        for clip in range(N_CLIPS):
            clip_id = f"clip{number}_{clip:02d}"
            labels = (name, CLASSES[0]) if number == 1 and clip == 0 else (name,)
            facts = json.dumps({"programme": "a <i>test</i>"})
            rows.append(
                items.Item(f"{clip_id}_a", clip_id, "audio", labels, f"{clip_id}.wav", facts=facts)
            )
            if name in PAIRED:
                rows.append(items.Item(f"{clip_id}_i", clip_id, "image", labels, f"{clip_id}.png"))
                words = f"someone plays <i>the</i> {name}, take {clip}"
                rows.append(items.Item(f"{clip_id}_t", clip_id, "text", labels, text=words))
    return items.table(row for row in rows if row.modality in kinds)


def split_table(frame: pd.DataFrame, n_splits: int) -> pd.DataFrame:
    shares = {"translation": 0.4, "crossmodal": 0.2, "train": 0.2, "test": 0.2}
    single = items.single_labels(frame)
    class_of = {
        clip: name for clip, name in zip(frame["clip_id"], single, strict=True) if name in PAIRED
    }
    return items.split_table(
        [items.split_by_clip(class_of, shares, seed) for seed in range(n_splits)]
    )


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


def wav(number: int) -> bytes:
    """One second of a sine, its pitch by class."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    samples = 0.4 * np.sin(2 * np.pi * 220 * (number + 1) * time_s) * np.exp(-3 * time_s)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def png(number: int) -> bytes:
    """A plain picture, its colour by class."""
    from PIL import Image

    buffer = io.BytesIO()
    colour = (40 * number + 30, 200 - 35 * number, (90 * number) % 255)
    Image.new("RGB", (96, 72), colour).save(buffer, "PNG")
    return buffer.getvalue()


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
            fitted = pca.fit(array[(mine["subset"] == "translation").to_numpy()], 8, seed=seed)
            draft.write_tensors(f"pca.{kind}.safetensors", fitted.arrays())
            found["pca"][kind] = fitted.project(array)
            draft.write_array(f"pca.{kind}.npy", found["pca"][kind])
    return draft.commit(best_epoch=7, seed=seed), found


# -- results -------------------------------------------------------------------------------------


def evaluate(
    store: Store,
    frame: pd.DataFrame,
    splits: pd.DataFrame,
    spaces: dict[str, dict[str, np.ndarray]],
    encoder_set: Mapping[str, str],
    split: int,
    seed: int,
) -> Any:
    frame = items.with_subset(frame, splits, split)
    common = {**encoder_set, "split": split}
    ranked, queries = rank(frame, spaces, common)
    draft = store.begin(
        "evaluate", {"encoder_set": dict(encoder_set), "split": split, "seed": seed}
    )
    if not {"audio", "image"} <= set(encoder_set):  # sounds and words alone: nothing is classified
        draft.write_table("measurements.parquet", ranked)
        draft.write_table("queries.parquet", queries)
        return draft.commit(seed=seed)
    scored, predictions, tensors = classify(frame, spaces, common)
    parts = [
        ranked,
        scored,
        mixed(frame, spaces, common),
        centroid_rows(frame, spaces, common),
        label_rows(frame, scored, common),
    ]
    draft.write_table("measurements.parquet", pd.concat(parts, ignore_index=True))
    draft.write_table("predictions.parquet", predictions)
    draft.write_table("queries.parquet", queries)
    draft.write_tensors("forests.safetensors", tensors)
    return draft.commit(seed=seed)


def rank(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    relevance = np.full((len(CLASSES), len(CLASSES)), 14.0) + 7.0 * np.eye(len(CLASSES))
    parts, queries = [], []
    for space, arrays in spaces.items():
        for query, gallery in itertools.permutations(arrays, 2):
            tables = {kind: items.of(frame, kind) for kind in (query, gallery)}
            rows = {
                kind: np.flatnonzero(table["subset"] == "crossmodal")
                for kind, table in tables.items()
            }
            ids = {kind: tables[kind]["item_id"].to_numpy()[rows[kind]] for kind in tables}
            labels = {
                kind: [
                    tuple(CLASSES.index(name) for name in names)
                    for names in tables[kind]["labels"].to_numpy()[rows[kind]]
                ]
                for kind in tables
            }
            clip_row = {
                clip: row
                for row, clip in enumerate(tables[gallery]["clip_id"].to_numpy()[rows[gallery]])
            }
            clips = tables[query]["clip_id"].to_numpy()[rows[query]]
            result = ranking.study(
                arrays[query][rows[query]],
                arrays[gallery][rows[gallery]],
                labels[query],
                labels[gallery],
                relevance,
                pair_of=np.array([clip_row.get(clip, -1) for clip in clips]),
                n_bootstrap=50,
            )
            direction = f"{query}_to_{gallery}"
            head = {"study": "ranking", "space": space, "direction": direction, **common}
            parts.append(measure.table(result.rows, **head))
            if space == "translation":
                parts.append(measure.table(result.random_rows, system="random", **head))
            queries.append(
                pd.DataFrame(
                    {
                        "item_id": ids[query],
                        "direction": direction,
                        "space": space,
                        "ndcg": result.per_query["ndcg@30"],
                        "precision_at_10": result.per_query["precision@10"],
                        "average_precision": result.per_query["map"],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True), pd.concat(queries, ignore_index=True)


def labelled(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], subset: str
) -> dict[str, dict[str, Labelled]]:
    found: dict[str, dict[str, Labelled]] = {}
    for space, arrays in spaces.items():
        found[space] = {}
        for kind in ("audio", "image"):
            array = arrays[kind]
            mine = items.of(frame, kind)
            y = items.class_numbers(mine, PAIRED)
            mask = ((mine["subset"] == subset) & (y >= 0)).to_numpy()
            found[space][kind] = Labelled(array[mask], y[mask])
    return found


def run_cells(
    cells: list[Cell], frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]]
) -> tuple[dict[str, Forest], list[Outcome]]:
    """The first forest of each system, and all outcomes."""
    train_items, test_items = (labelled(frame, spaces, name) for name in ("train", "test"))
    forests: dict[str, Forest] = {}
    outcomes: list[Outcome] = []
    for cell in cells:
        forest, found = forest_cells.run_cell(cell, train_items, test_items, len(PAIRED), SMALL)
        forests.setdefault(cell.system, forest)
        outcomes += found
    return forests, outcomes


def classify(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
    cells = [Cell(system, seed) for system in forest_cells.SYSTEMS for seed in (0, 1)]
    forests, outcomes = run_cells(cells, frame, spaces)
    predictions = []
    for outcome in outcomes:
        if outcome.cell.seed:
            continue
        mine = items.of(frame, outcome.target)
        y = items.class_numbers(mine, PAIRED)
        mask = ((mine["subset"] == "test") & (y >= 0)).to_numpy()
        predictions.append(
            pd.DataFrame(
                {
                    "item_id": mine["item_id"].to_numpy()[mask],
                    "target": outcome.target,
                    "system": outcome.cell.system,
                    "truth": [PAIRED[row] for row in y[mask]],
                    "predicted": [PAIRED[row] for row in outcome.predicted],
                    "confidence": outcome.proba.max(axis=1),
                }
            )
        )
    tensors = {
        f"{system}/{name}": value
        for system, forest in forests.items()
        for name, value in forest.arrays().items()
    }
    table = measure.table(classification.measurements(outcomes, PAIRED), **common)
    return table, pd.concat(predictions, ignore_index=True), tensors


def mixed(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> pd.DataFrame:
    seeds = range(3)
    cells = [Cell(system, seed) for system in forest_cells.SYSTEMS for seed in seeds]
    cells += [
        Cell(system, seed, target, n)
        for target in ("audio", "image")
        for system in mix_in.MULTI_MODAL
        for n in (0, 4)
        for seed in seeds
    ]
    _, outcomes = run_cells(cells, frame, spaces)
    return measure.table(mix_in.measurements(outcomes, len(PAIRED)), **common)


def centroid_rows(
    frame: pd.DataFrame, spaces: dict[str, dict[str, np.ndarray]], common: dict[str, Any]
) -> pd.DataFrame:
    parts = []
    for space, of_kind in labelled(frame, spaces, "test").items():
        found = centroids.study(
            np.concatenate([part.x for part in of_kind.values()]),
            [kind for kind, part in of_kind.items() for _ in part.y],
            [PAIRED[row] for part in of_kind.values() for row in part.y],
            classes=PAIRED,
        )
        parts.append(measure.table(found.rows, study="centroids", space=space, **common))
    return pd.concat(parts, ignore_index=True)


def label_rows(frame: pd.DataFrame, scored: pd.DataFrame, common: dict[str, Any]) -> pd.DataFrame:
    counted = distribution.label_counts(
        frame["subset"], frame["modality"], frame["labels"], CLASSES
    )
    rows = list(counted)
    for target in dict.fromkeys(scored["target"]):
        f1 = scored[
            (scored["metric"] == "f1") & (scored["system"] == "MMT") & (scored["target"] == target)
        ]
        counts = {
            row["class"]: row["value"] - PAIRED.index(row["class"])  # unequal, to correlate
            for row in counted
            if row["other"] == "translation" and row["target"] == target and row["class"] in PAIRED
        }
        scores = f1.groupby("class")["value"].mean().to_dict()
        rows += [
            {**row, "target": target, "system": "MMT"}
            for row in distribution.correlation(counts, scores)
        ]
    return measure.table(rows, study="distribution", **common)


def project(
    store: Store,
    frame: pd.DataFrame,
    spaces: dict[str, dict[str, np.ndarray]],
    encoder_set: str,
    seed: int,
) -> Any:
    parts = []
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
    draft = store.begin("maps", {"encoder_set": encoder_set, "seed": seed})
    draft.write_table("maps.parquet", pd.concat(parts, ignore_index=True))
    n_placed = int(parts[0]["placed"].sum())
    return draft.commit(seed=seed, n_fitted=len(ids) - n_placed, n_placed=n_placed)


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
