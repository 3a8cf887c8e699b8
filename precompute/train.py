"""``train``: the shared spaces of every encoder pair, and every item projected into them.

Each pair of encoders is trained once per split (translation, and PCA on the translation subset
alone), and once more on every pair there is, for retrieval of new things. The fits are
independent of each other and run side by side, one core each; a killed fit goes on from its last
checkpoint.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config, recipe
from core.errors import UserError
from core.spaces import pca, translation
from core.store import Artefact, Draft, Store
from core.study import ALL, Record, Vectors, pair_name
from precompute.engine import LocalEngine

VERSION = 1
N_COMPONENTS = 128  # W §2.2
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Task:
    """One fit: a pair of encoders, and a split's number or "all"."""

    store_root: str
    key: dict[str, Any]
    ingested: str
    natives: tuple[tuple[str, str], ...]  # modality, digest of its extract artefact
    part: int | str
    seed: int
    recipe: translation.TranslationConfig


def run(
    config: Config,
    store: Store,
    engine: LocalEngine,
    record: Record,
    ingested: Artefact,
    extracted: dict[str, Artefact],
) -> dict[str, Artefact]:
    """Train whatever is not trained yet; ``{"AUDIO+IMAGE:PART": artefact}``."""
    n_splits = int(ingested.table("splits.parquet")["split"].max()) + 1
    parts: list[int | str] = [*range(n_splits), ALL]
    paired_by = str(ingested.json("dataset.json")["paired_by"])
    tasks: dict[str, Task] = {}
    for audio, image in config.pairs:
        for part in parts:
            seed = config.seed + (part if isinstance(part, int) else 0)
            chosen = recipe(config, paired_by, for_retrieval=part == ALL)
            natives = (("audio", extracted[audio].digest), ("image", extracted[image].digest))
            key = {
                "items": ingested.digest,
                "natives": dict(natives),
                "part": part,
                "recipe": asdict(chosen),
                "seed": seed,
                "version": VERSION,
            }
            name = f"{pair_name(audio, image)}:{part}"
            tasks[name] = Task(store.root, key, ingested.digest, natives, part, seed, chosen)
    missing = [task for task in tasks.values() if store.find("train", task.key) is None]
    for _ in engine.run(train, missing, "training spaces"):
        pass
    artefacts = {}
    for name, task in tasks.items():
        found = store.find("train", task.key)
        if found is None:
            raise UserError(f"The space {name} was not written: run the same command again.")
        record.note(f"train:{name}", found)
        artefacts[name] = found
    return artefacts


def train(task: Task) -> str:
    """Fit the spaces of one task, project every item, and commit; returns the digest."""
    store = Store(task.store_root)
    draft = store.begin("train", task.key)
    ingested = _need(store, "ingest", task.ingested)
    natives = {
        modality: _vectors(_need(store, "extract", digest)) for modality, digest in task.natives
    }
    frame = _training_items(ingested, task.part, natives)
    by = str(ingested.json("dataset.json")["paired_by"])
    fitted = _translation(task, draft, frame, by, natives)
    draft.write_table("history.parquet", pd.DataFrame(fitted.history))
    draft.write_tensors("translation.safetensors", fitted.arrays())
    for modality, native in natives.items():
        draft.write_table(f"{modality}.items.parquet", pd.DataFrame({"item_id": native.item_ids}))
        draft.write_array(f"translation.{modality}.npy", fitted.project(modality, native.array))
    if task.part != ALL:
        _pca(task, draft, frame, natives)
    draft.remove(CHECKPOINT)
    return draft.commit(n_items=len(frame), best_epoch=fitted.best_epoch, seed=task.seed).digest


def _training_items(
    ingested: Artefact, part: int | str, natives: dict[str, Vectors]
) -> pd.DataFrame:
    """The items that may be learned from: those of ``translation``, or of every subset."""
    split = part if isinstance(part, int) else 0
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split
    )
    if part == ALL:
        frame = frame[frame["subset"] != items.UNPAIRED]
    else:
        frame = frame[frame["subset"] == "translation"]
    known = [frame["item_id"].isin(native.item_ids) for native in natives.values()]
    return frame[np.logical_or.reduce(known)]


def _translation(
    task: Task, draft: Draft, frame: pd.DataFrame, by: str, natives: dict[str, Vectors]
) -> translation.Translation:
    kind = ("audio", "image")
    table = items.pairs(frame, *kind, by=by, seed=task.seed)
    if table.empty:
        raise UserError(
            "There is no pair of a sound and a picture to train on: give clips with both, or "
            "classes with both."
        )
    rows = np.column_stack(
        [natives["audio"].rows(table["a_item"]), natives["image"].rows(table["b_item"])]
    )
    classes = pd.factorize(table["class"], sort=True)[0]
    return translation.fit(
        {modality: native.array for modality, native in natives.items()},
        {kind: rows},
        {kind: table[["a_clip", "b_clip"]].to_numpy()},
        task.recipe,
        task.seed,
        pair_classes={kind: np.where(table["class"] == "", -1, classes)},
        checkpoint=lambda state: draft.write_tensors(CHECKPOINT, state),
        resume=draft.tensors(CHECKPOINT) if draft.has(CHECKPOINT) else None,
    )


def _pca(task: Task, draft: Draft, frame: pd.DataFrame, natives: dict[str, Vectors]) -> None:
    """One PCA a modality, fitted on the translation subset; both of the same dimension."""
    rows = {
        modality: native.take(items.of(frame, modality)["item_id"])
        for modality, native in natives.items()
    }
    n_components = min(N_COMPONENTS, *(min(array.shape) for array in rows.values()))
    for modality, native in natives.items():
        fitted = pca.fit(rows[modality], n_components, seed=task.seed)
        draft.write_tensors(f"pca.{modality}.safetensors", fitted.arrays())
        draft.write_array(f"pca.{modality}.npy", fitted.project(native.array))


def _need(store: Store, stage: str, digest: str) -> Artefact:
    artefact = store.open(stage, digest)
    if artefact is None:
        raise UserError(f"The artefact {stage}/{digest} is gone: run the same command again.")
    return artefact


def _vectors(artefact: Artefact) -> Vectors:
    return Vectors(
        artefact.table("items.parquet")["item_id"].to_numpy(), artefact.array("vectors.npy")
    )
