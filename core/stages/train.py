"""`train`: the translation and PCA spaces of every encoder set, with all items in them.

Sound and picture are translated as in W. Text, if there is any, joins the space that these two
have formed and does not change it, so W's numbers do not depend on the text. A study can also
train all three towers together (`words: together`).

Each encoder set is trained once per split: a translation, PCA and CCA, and the united space if the
study has one, all on the subset `translation`. A translation and a united space are trained on all
pairs too, for the retrieval of uploads. The translation of a single split is trained `trainings`
times, each time with another seed, so that the spread of its headline numbers covers training. The
fits are independent and run in parallel, one core each. A killed fit continues from its last
checkpoint.
"""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.config import recipe, united_recipe, words_recipe
from core.errors import UserError
from core.spaces import cca, pca
from core.spaces.pairing import Kind
from core.spaces.translation import Translation, TranslationConfig
from core.spaces.united import United
from core.stages.study_run import ArtefactTask, StudyRun
from core.stages.training_data import (
    native_vectors,
    recordings,
    training_items,
    training_pairs,
)
from core.store import Draft
from core.study import ALL
from core.vectors import Vectors

VERSION = 4
AUDIO_IMAGE = {"audio", "image"}
N_COMPONENTS = 128  # W §2.2
CHECKPOINTS = "checkpoints"
N_TRAININGS, N_REPEATED = 3, 20_000  # trainings of a single split, in studies with fewer items
SHUFFLED = "shuffled"  # the training of the first split with pairs that do not belong together
SEED_STEP = 1_000  # between the seeds of two trainings of a split


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact per encoder set and part: `train:SET:PART`.

    A part is a split's number, "all", or `SPLIT.TRAINING` for a further training of a split. Small
    studies have `0.shuffled` too, trained on pairs that do not belong together: what it finds is
    not in the pairs.
    """
    for encoder_set in run.encoder_sets:
        for part in (*run.splits, ALL):
            yield _task(run, encoder_set, part)
        for split, training in further_trainings(run):
            yield _task(run, encoder_set, split, training)
        if _is_small(run):
            yield _task(run, encoder_set, 0, shuffled=True)


def _is_small(run: StudyRun) -> bool:
    return len(run.ingested.table("items.parquet", ["item_id"])) < N_REPEATED


def further_trainings(run: StudyRun) -> list[tuple[int, int]]:
    """`(split, training)` of every training but the first; those of a split count from 1."""
    wanted = run.config.trainings
    if wanted is None:
        wanted = N_TRAININGS if _is_small(run) and len(run.splits) == 1 else 1
    return [(split, training) for split in run.splits for training in range(1, wanted)]


def _task(
    run: StudyRun,
    encoder_set: str,
    part: int | str,
    training: int = 0,
    shuffled: bool = False,
) -> ArtefactTask:
    seed = run.config.seed + (part if isinstance(part, int) else 0) + SEED_STEP * training
    settings = recipe(run.config, run.paired_by)
    if shuffled:
        settings = replace(settings, mismatched=1.0)
    natives = {name: artefact.digest for name, artefact in run.natives(encoder_set).items()}
    key: dict[str, Any] = {
        "items": run.ingested.digest,
        "natives": natives,
        "part": part,
        "recipe": asdict(settings),
        "seed": seed,
        "unseen": sorted(run.config.unseen),
        "version": VERSION,
    }
    beside = None
    if training or shuffled:
        key["training"] = training or SHUFFLED
    elif set(natives) >= AUDIO_IMAGE:
        beside = united_recipe(run.config, run.paired_by, run.n_classes)
        key["united"] = asdict(beside) if beside else None
    if any(one and one.windows != "own" for one in (settings, beside)):
        key["windows"] = run.windows(encoder_set)
    write = functools.partial(_write, settings, beside, run.paired_by)
    name = f"train:{encoder_set}:{part}"
    if training or shuffled:
        name += f".{training or SHUFFLED}"
    return ArtefactTask(name, key, write, "training spaces")


def _write(
    settings: TranslationConfig, beside: TranslationConfig | None, paired_by: str, draft: Draft
) -> dict[str, Any]:
    part, unseen = draft.key["part"], draft.key["unseen"]
    natives, ingested = native_vectors(draft), draft.store.need("ingest", draft.key["items"])
    frame = training_items(ingested, part, natives, unseen)
    facts = write_translation(settings, paired_by, draft, frame, natives)
    if part != ALL and "training" not in draft.key:
        _write_pca(draft, training_items(ingested, part, natives), natives)
        if set(natives) >= AUDIO_IMAGE:
            _write_cca(draft, frame, natives, paired_by)
    if beside:
        towers = None
        if beside == settings:  # trained already
            towers = Translation.from_arrays(draft.tensors("translation.safetensors"))
        write_united(draft, beside, towers, paired_by, frame, natives)
        draft.remove(CHECKPOINTS)
    return facts


def _write_cca(
    draft: Draft, frame: pd.DataFrame, natives: dict[str, Vectors], paired_by: str
) -> None:
    """CCA of sounds and pictures; a subset with too few pairs has none."""
    fitted = fit_cca(frame, natives, paired_by)
    if fitted is not None:
        draft.write_tensors("cca.safetensors", fitted.arrays())
        for modality in fitted.sides:
            shared = fitted.project(modality, natives[modality].array)
            draft.write_array(f"cca.{modality}.npy", shared)


def fit_cca(frame: pd.DataFrame, natives: dict[str, Vectors], by: str) -> cca.Cca | None:
    """CCA of the training items of sound and picture, which belong together `by` clip or class."""
    x, groups, folds = {}, {}, {}
    for modality in sorted(AUDIO_IMAGE):
        part = items.of(frame, modality)
        part = part[part["item_id"].isin(natives[modality].item_ids)]
        names = part["clip_id"] if by == "clip" else items.single_labels(part)
        part, names = part[names != ""], names[names != ""]
        x[modality] = natives[modality].take(part["item_id"])
        groups[modality] = names.to_numpy().astype(str)
        folds[modality] = np.array([items.fold_of(clip, cca.N_FOLDS) for clip in part["clip_id"]])
    if len(set(groups["audio"]) & set(groups["image"])) < 2:
        return None
    return cca.fit(x, groups, folds)


def write_united(
    draft: Draft,
    settings: TranslationConfig,
    towers: Translation | None,
    paired_by: str,
    frame: pd.DataFrame,
    natives: dict[str, Vectors],
) -> None:
    """The united space: towers of sound and picture beside CCA, then the words' tower."""
    two = {m: natives[m] for m in natives if m in AUDIO_IMAGE}
    if towers is None:
        kinds = [("audio", "image")]
        towers = _fit(draft, settings, paired_by, frame, two, kinds, name="united-")
        draft.write_table("history.united.parquet", pd.DataFrame(towers.history))
    towers = Translation({m: towers.towers[m] for m in two}, towers.history, towers.best_epoch)
    fitted = United(towers, fit_cca(frame, natives, "class"))
    shared = {m: fitted.project(m, native.array) for m, native in two.items()}
    for last in (m for m in natives if m not in two):
        vectors = {m: Vectors(two[m].item_ids, array) for m, array in shared.items()}
        kinds = [(last, modality) for modality in two]
        recipe_of_words = replace(words_recipe(settings), n_dims=fitted.n_dims, centred=True)
        words = _fit(
            draft,
            recipe_of_words,
            paired_by,
            frame,
            vectors | {last: natives[last]},
            kinds,
            frozen=tuple(two),
            name="united-",
        )
        fitted = United(towers, fitted.cca, words)
        shared[last] = fitted.project(last, natives[last].array)
    draft.write_tensors("united.safetensors", fitted.arrays())
    for modality, array in shared.items():
        draft.write_array(f"united.{modality}.npy", array)
    if settings.windows == "query":
        for modality, found in recordings(draft, two).items():
            means = found.means(fitted.project(modality, found.array))
            draft.write_array(f"united.{modality}.recordings.npy", means)


def write_translation(
    settings: TranslationConfig,
    paired_by: str,
    draft: Draft,
    frame: pd.DataFrame,
    natives: dict[str, Vectors],
) -> dict[str, Any]:
    """Train a translation on the items of a frame and write it, with all `natives` in it.

    The draft's key has the study's `seed`. Returns facts for the manifest.
    """
    fitted = _fit_translation(draft, settings, paired_by, frame, natives)
    draft.write_tensors("translation.safetensors", fitted.arrays())
    for modality, native in natives.items():
        draft.write_table(f"{modality}.items.parquet", pd.DataFrame({"item_id": native.item_ids}))
        draft.write_array(f"translation.{modality}.npy", fitted.project(modality, native.array))
    if settings.windows == "query":
        for modality, found in recordings(draft, natives).items():
            means = found.means(fitted.project(modality, found.array))
            draft.write_array(f"translation.{modality}.recordings.npy", means)
    draft.remove(CHECKPOINTS)
    seed = draft.key["seed"]
    return {"n_items": len(frame), "best_epoch": fitted.best_epoch, "seed": seed}


def _fit_translation(
    draft: Draft,
    settings: TranslationConfig,
    paired_by: str,
    frame: pd.DataFrame,
    natives: dict[str, Vectors],
) -> Translation:
    """Translate all modalities at once, or the first two and then the third into their space."""
    together = len(natives) == 2 or settings.words == "together"
    modalities = list(natives) if together else list(natives)[:2]
    kinds = list(itertools.combinations(modalities, 2))
    fitted = _fit(draft, settings, paired_by, frame, natives, kinds)
    draft.write_table("history.parquet", pd.DataFrame(fitted.history))
    if together:
        return fitted
    last = list(natives)[2]
    vectors = {last: natives[last]}
    for modality in modalities:
        projected = fitted.project(modality, natives[modality].array)
        vectors[modality] = Vectors(natives[modality].item_ids, projected)
    kinds = [(last, modality) for modality in modalities]
    settings = words_recipe(settings)
    joined = _fit(draft, settings, paired_by, frame, vectors, kinds, frozen=tuple(modalities))
    draft.write_table(f"history.{last}.parquet", pd.DataFrame(joined.history))
    fitted.towers[last] = joined.towers[last]
    return fitted


def _fit(
    draft: Draft,
    settings: TranslationConfig,
    paired_by: str,
    frame: pd.DataFrame,
    vectors: dict[str, Vectors],
    kinds: list[Kind],
    frozen: tuple[str, ...] = (),
    name: str = "",
) -> Translation:
    """Fit towers on the pairs of some kinds; vectors of `frozen` modalities are in the space."""
    from core.spaces import translation_training

    seed = draft.key["seed"] + settings.seed
    pairs = training_pairs(frame, vectors, kinds, paired_by, seed)
    if not pairs.rows:
        raise UserError(
            f"There are no pairs of {' and '.join(kinds[0])} to train on: give clips with both, or "
            "classes with both."
        )
    checkpoint = f"{CHECKPOINTS}/{name}{'-'.join(kinds[0])}.safetensors"
    arrays = {modality: vectors[modality].array for kind in pairs.rows for modality in kind}
    heard = recordings(draft, vectors) if settings.windows != "own" and not frozen else {}
    return translation_training.fit(
        arrays | {modality: found.array for modality, found in heard.items()},
        pairs.rows,
        pairs.clips,
        settings,
        seed,
        pair_classes=pairs.classes,
        frozen=frozen,
        windows={modality: found.windows for modality, found in heard.items()},
        checkpoint=lambda state: draft.write_tensors(checkpoint, state),
        resume=draft.tensors(checkpoint) if draft.has(checkpoint) else None,
    )


def _write_pca(draft: Draft, frame: pd.DataFrame, natives: dict[str, Vectors]) -> None:
    """One PCA per modality, fitted on the subset `translation`, all of the same dimension.

    A third modality with fewer components (text of a small collection) is padded with zeros, so
    it does not reduce the dimension that W compares.
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
        n_fitted = min(n_components, most[modality])
        fitted = pca.fit(native.array, n_fitted, rows[modality])
        fitted = fitted.widened(n_components)
        draft.write_tensors(f"pca.{modality}.safetensors", fitted.arrays())
        draft.write_array(f"pca.{modality}.npy", fitted.project(native.array))
