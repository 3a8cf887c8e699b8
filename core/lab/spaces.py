"""The space of a run: trained, fitted in closed form, or the study's own PCA.

It uses the code of the stages: the same recipe gives the same vectors, bit by bit. Whatever the
space, its vectors are in the files `translation.MODALITY.npy` of the run, and the run's measures
have them as the space `translation`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from core.cpu import one_thread
from core.errors import UserError
from core.lab import runs
from core.lab.plan import Plan, only
from core.lab.recipe import Settings, trained_recipe
from core.spaces.projection import history_rows
from core.spaces.translation import HISTORY
from core.stages import train
from core.store import Draft
from core.study import Study
from core.vectors import Vectors

OnEpoch = Callable[[list[dict[str, float]]], None]
ByModality = dict[str, Vectors]


class WatchedDraft(Draft):
    """A draft that reports the epochs instead of keeping checkpoints: a run is short."""

    on_epoch: OnEpoch | None = None

    def write_tensors(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        if not name.startswith(train.CHECKPOINTS):
            super().write_tensors(name, tensors)
        elif self.on_epoch:
            self.on_epoch(list(history_rows(tensors, HISTORY)))


def made(
    study: Study, settings: Settings, plan: Plan, draft: WatchedDraft, number: int
) -> tuple[ByModality, ByModality, dict[str, Any]]:
    """Make the space of one training, the first being number 0.

    Returns
    -------
    The vectors of all items; those of whole recordings, where these are the queries; and facts
    for the manifest.

    Raises
    ------
    UserError
        CCA finds too few clips or classes.
    """
    if settings.recipe.space == "translation":
        return _trained(study, settings, plan, draft, number)
    if settings.recipe.space == "united":
        return _united(study, settings, plan, draft)
    draft.write_table("history.parquet", pd.DataFrame(columns=list(HISTORY)))
    is_pca = settings.recipe.space == "pca"
    vectors = of_pca(study, settings, plan) if is_pca else _cca(study, plan, draft)
    return vectors, {}, _write(study, plan, draft, vectors, 0)


def _write(
    study: Study, plan: Plan, draft: WatchedDraft, vectors: ByModality, best_epoch: int
) -> dict[str, Any]:
    """Write the vectors of the run's space, as those of a translation; facts for the manifest."""
    for modality, of in vectors.items():
        draft.write_table(f"{modality}.items.parquet", pd.DataFrame({"item_id": of.item_ids}))
        draft.write_array(f"translation.{modality}.npy", of.array)
    seed = int(study.config["seed"])
    return {"n_items": len(plan.training), "best_epoch": best_epoch, "seed": seed}


def of_pca(study: Study, settings: Settings, plan: Plan) -> ByModality:
    """The study's PCA of the items that take part."""
    encoder_set = settings.recipe.encoder_set
    return {
        modality: only(study.shared(encoder_set, "pca", modality), pd.Series(native.item_ids))
        for modality, native in plan.natives.items()
    }


def _united(
    study: Study, settings: Settings, plan: Plan, draft: WatchedDraft
) -> tuple[ByModality, ByModality, dict[str, Any]]:
    """The united space of sounds and pictures."""
    recipe, by = trained_recipe(study, settings), str(study.dataset["paired_by"])
    with one_thread():
        train.write_united(draft, recipe, None, by, plan.training, plan.natives)
    draft.write_table("history.parquet", draft.table("history.united.parquet"))
    best_epoch = int(draft.tensors("united.safetensors")["towers/best_epoch"])
    vectors, queries = (_read(draft, plan, "united", end) for end in ("", ".recordings"))
    return vectors, queries, _write(study, plan, draft, vectors, best_epoch)


def _read(draft: WatchedDraft, plan: Plan, space: str, end: str) -> ByModality:
    """The vectors of all items, or of whole recordings where the draft has them."""
    files = {m: f"{space}.{m}{end}.npy" for m in plan.natives}
    return {
        m: Vectors(plan.natives[m].item_ids, np.array(draft.array(file)))
        for m, file in files.items()
        if draft.has(file)
    }


def _cca(study: Study, plan: Plan, draft: WatchedDraft) -> ByModality:
    """CCA of the items to train on."""
    with one_thread():
        by = str(study.dataset["paired_by"])
        fitted = train.fit_cca(plan.training, plan.natives, by)
        if fitted is None:
            raise UserError(
                "CCA needs at least two clips or classes with both sounds and pictures: leave "
                "fewer classes out."
            )
        vectors = {
            m: Vectors(of.item_ids, fitted.project(m, of.array)) for m, of in plan.natives.items()
        }
    draft.write_tensors("cca.safetensors", fitted.arrays())
    for modality, of in vectors.items():
        draft.write_array(f"cca.{modality}.npy", of.array)
    return vectors


def _trained(
    study: Study, settings: Settings, plan: Plan, draft: WatchedDraft, number: int
) -> tuple[ByModality, ByModality, dict[str, Any]]:
    """One training; only that of the first seed stays in the run's files."""
    if number:
        draft = WatchedDraft(study.store, runs.FOLDER, draft.key | {"training": number})
    recipe = settings.recipe.translation
    recipe = replace(recipe, seed=recipe.seed + number)
    by, natives = str(study.dataset["paired_by"]), plan.natives
    with one_thread():  # a translation is the same as in a stage, bit by bit
        facts = train.write_translation(recipe, by, draft, plan.training, natives)
    vectors, queries = (_read(draft, plan, "translation", end) for end in ("", ".recordings"))
    if number:
        draft.remove("")
    return vectors, queries, facts
