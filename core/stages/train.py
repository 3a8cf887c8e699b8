"""`train`: the shared spaces of every encoder set, and every item projected into them.

Sound and picture are translated as W has it. Where there are words too, their tower joins the
space that the two have made and leaves it as it is, so that no number of W's moves with it; the
study may ask for all three towers to be trained together (`words: together`).

Each encoder set is trained once per split (translation, and PCA on the translation subset
alone), and once more on every pair there is, for retrieval of new things. The fits are
independent of each other and run side by side, one core each; a killed fit goes on from its last
checkpoint.
"""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import Config, recipe, words_recipe
from core.encoder_sets import encoder_set_name, encoders_by_modality
from core.engines.base import Engine
from core.errors import UserError
from core.record import Record
from core.spaces import pairing, pca, translation
from core.stages.making import make_missing
from core.store import Artefact, Draft, Store
from core.study import ALL
from core.vectors import Vectors, read_vectors

VERSION = 2
N_COMPONENTS = 128  # W §2.2
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Task:
    """One fit: an encoder set, and a split's number or "all"."""

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
    engine: Engine,
    record: Record,
    ingested: Artefact,
    extracted: dict[str, Artefact],
) -> dict[str, Artefact]:
    """Train whatever is not trained yet; `{"AUDIO+IMAGE:PART": artefact}`."""
    n_splits = int(ingested.table("splits.parquet")["split"].max()) + 1
    parts: list[int | str] = [*range(n_splits), ALL]
    paired_by = str(ingested.json("dataset.json")["paired_by"])
    tasks: dict[str, Task] = {}
    for names in config.encoder_sets:
        for part in parts:
            seed = config.seed + (part if isinstance(part, int) else 0)
            chosen = recipe(config, paired_by, for_retrieval=part == ALL)
            natives = tuple(
                (modality, extracted[encoder].digest)
                for modality, encoder in encoders_by_modality(encoder_set_name(*names)).items()
            )
            key = {
                "items": ingested.digest,
                "natives": dict(natives),
                "part": part,
                "recipe": asdict(chosen),
                "seed": seed,
                "version": VERSION,
            }
            name = f"{encoder_set_name(*names)}:{part}"
            tasks[name] = Task(store.root, key, ingested.digest, natives, part, seed, chosen)
    return make_missing("train", train, tasks, "training spaces", store, engine, record)


def train(task: Task) -> str:
    """Fit the spaces of one task, project every item, and commit; returns the digest."""
    store = Store(task.store_root)
    draft = store.begin("train", task.key)
    ingested = store.need("ingest", task.ingested)
    natives = {
        modality: read_vectors(store.need("extract", digest), "vectors.npy")
        for modality, digest in task.natives
    }
    frame = training_items(ingested, task.part, natives)
    by = str(ingested.json("dataset.json")["paired_by"])
    fitted = _translation(task, draft, frame, by, natives)
    draft.write_tensors("translation.safetensors", fitted.arrays())
    for modality, native in natives.items():
        draft.write_table(f"{modality}.items.parquet", pd.DataFrame({"item_id": native.item_ids}))
        draft.write_array(f"translation.{modality}.npy", fitted.project(modality, native.array))
    if task.part != ALL:
        _pca(task, draft, frame, natives)
    draft.remove(CHECKPOINTS)
    return draft.commit(n_items=len(frame), best_epoch=fitted.best_epoch, seed=task.seed).digest


def training_items(
    ingested: Artefact, part: int | str, natives: Mapping[str, Vectors]
) -> pd.DataFrame:
    """The items that may be learned from: those of `translation`, or all there are."""
    split = part if isinstance(part, int) else 0
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split
    )
    if part != ALL:
        frame = frame[frame["subset"] == "translation"]
    known = [frame["item_id"].isin(native.item_ids) for native in natives.values()]
    return frame[np.logical_or.reduce(known)]


def _translation(
    task: Task, draft: Draft, frame: pd.DataFrame, by: str, natives: dict[str, Vectors]
) -> translation.Translation:
    """The translation of the first two modalities; a third joins it, or all are fitted at once."""
    modalities = tuple(natives)
    if len(modalities) == 2 or task.recipe.words == "together":
        kinds = list(itertools.combinations(modalities, 2))
        fitted = _fit(task, draft, frame, by, natives, kinds)
        draft.write_table("history.parquet", pd.DataFrame(fitted.history))
        return fitted
    fitted = _fit(task, draft, frame, by, natives, [(modalities[0], modalities[1])])
    draft.write_table("history.parquet", pd.DataFrame(fitted.history))
    made = {
        modality: Vectors(natives[modality].item_ids, fitted.project(modality, native.array))
        for modality, native in natives.items()
        if modality in fitted.towers
    }
    last = modalities[2]
    kinds = [(last, modality) for modality in made]
    joined = _fit(task, draft, frame, by, made | {last: natives[last]}, kinds, frozen=tuple(made))
    draft.write_table(f"history.{last}.parquet", pd.DataFrame(joined.history))
    fitted.towers[last] = joined.towers[last]
    return fitted


def _fit(
    task: Task,
    draft: Draft,
    frame: pd.DataFrame,
    by: str,
    natives: dict[str, Vectors],
    kinds: list[tuple[str, str]],
    frozen: tuple[str, ...] = (),
) -> translation.Translation:
    """Fit towers over the pairs of some kinds; `frozen` modalities are already in the space."""
    from core.spaces import translation_training

    how = words_recipe(task.recipe) if frozen else task.recipe
    tables = {kind: items.pairs(frame, *kind, by=by, seed=task.seed) for kind in kinds}
    tables = {kind: table for kind, table in tables.items() if len(table)}
    if not tables:
        raise UserError(
            f"There is no pair of {' and '.join(kinds[0])} to train on: give clips with both, or "
            "classes with both."
        )
    rows = {
        kind: np.column_stack(
            [
                natives[modality].rows(table[column])
                for modality, column in zip(kind, ("a_item", "b_item"), strict=True)
            ]
        )
        for kind, table in tables.items()
    }
    found = sorted(set(pd.concat([table["class"] for table in tables.values()])) - {""})
    numbers = {name: number for number, name in enumerate(found)} | {"": pairing.UNKNOWN}
    checkpoint = f"{CHECKPOINTS}/{'-'.join(kinds[0])}.safetensors"
    modalities = {modality for kind in tables for modality in kind}
    return translation_training.fit(
        {modality: natives[modality].array for modality in modalities},
        rows,
        {kind: table[["a_clip", "b_clip"]].to_numpy() for kind, table in tables.items()},
        how,
        task.seed,
        pair_classes={
            kind: table["class"].map(numbers).to_numpy() for kind, table in tables.items()
        },
        frozen=frozen,
        checkpoint=lambda state: draft.write_tensors(checkpoint, state),
        resume=draft.tensors(checkpoint) if draft.has(checkpoint) else None,
    )


def _pca(task: Task, draft: Draft, frame: pd.DataFrame, natives: dict[str, Vectors]) -> None:
    """One PCA a modality, fitted on the translation subset; all of the same dimension.

    A third modality with fewer numbers than that (words of a small collection) is filled up with
    zeros: it takes nothing from what W compares.
    """
    rows = {
        modality: native.rows(items.of(frame, modality)["item_id"])
        for modality, native in natives.items()
    }
    most = {
        modality: min(N_COMPONENTS, len(rows[modality]), native.array.shape[1])
        for modality, native in natives.items()
    }
    n_components = min(most[modality] for modality in list(natives)[:2])
    for modality, native in natives.items():
        n_own = min(n_components, most[modality])
        fitted = pca.fit(native.array, n_own, task.seed, rows[modality]).widened(n_components)
        draft.write_tensors(f"pca.{modality}.safetensors", fitted.arrays())
        draft.write_array(f"pca.{modality}.npy", fitted.project(native.array))
