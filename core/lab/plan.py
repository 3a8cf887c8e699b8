"""What a run works on: its items and vectors, its points; and why it is impossible, if it is.

All checks are made here, before anything is trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core import items
from core.encoder_sets import encoder_set_name
from core.errors import UserError
from core.lab.recipe import TRAINED, Settings, settings_of, trained_recipe
from core.spaces import maps
from core.stages import settings as study_settings
from core.stages.evaluation_data import AUDIO_IMAGE, EvaluationData
from core.stages.training_data import training_items, training_pairs
from core.studies import forest_cells
from core.study import Study, taxonomy_of
from core.vectors import Vectors

MIN_PAIRS = 10
N_POINTS = 6  # of a curve, where the person names none


@dataclass(frozen=True)
class Plan:
    """The data of a run.

    Attributes
    ----------
    encoder_set : without text, unless text is trained together with the other two
    natives : by modality, the vectors of the items that take part
    frame : all items that take part, with their `subset`
    training : the items to train on
    windows : by modality, the digest of the stored windows of recordings, if the recipe has them
    classes : those that are classified
    points : items of the target in training, by target, ascending
    sample : which part of the study takes part, in words; "" for all of it
    """

    encoder_set: str
    natives: dict[str, Vectors]
    frame: pd.DataFrame
    training: pd.DataFrame
    windows: dict[str, str]
    classes: list[str]
    points: dict[str, list[int]]
    sample: str


def plan(study: Study, settings: Settings) -> Plan:
    """The data of a run.

    Raises
    ------
    UserError
        The settings are impossible for this study.
    """
    recipe, evaluation = settings.recipe, settings.evaluation
    by_modality = dict(_modalities(study, recipe.encoder_set))
    if recipe.translation.words != "together":
        by_modality.pop("text", None)
    study_settings.check_unseen(recipe.unseen, study.paired_classes)
    _check_space(study, settings)
    windows = windows_of(study, settings)
    natives = {modality: study.native(encoder) for modality, encoder in by_modality.items()}
    frame = study.items().reset_index(drop=True)
    sample = ""
    kept = sampled(frame, evaluation.most, int(study.config["seed"]))
    if kept is not None:
        share = kept.mean()
        sample = (
            f"a sample of {int(kept.sum()):,} of {len(frame):,} items ({share:.0%}), drawn by clip "
            "and stratified by class"
        )
        frame = frame[kept].reset_index(drop=True)
        natives = {m: only(native, frame["item_id"]) for m, native in natives.items()}
    ingested = study.artefact("ingest")
    training = training_items(ingested, 0, natives, recipe.unseen)
    _check_pairs(study, settings, training, natives)
    classes = _classes(study, evaluation.classes)
    mine = encoder_set_name(*by_modality.values())
    found = Plan(mine, natives, frame, training, windows, classes, {}, sample)
    whole = data(study, found, natives)
    points = {target: _points(whole, settings, target, classes) for target in evaluation.targets}
    return replace(found, points=points)


def windows_of(study: Study, settings: Settings) -> dict[str, str]:
    """By modality, the digest of the stored windows that the recipe trains on; {} without any.

    Raises
    ------
    UserError
        The study has none.
    """
    recipe = settings.recipe
    if recipe.space not in TRAINED or trained_recipe(study, settings).windows == "own":
        return {}
    names = {
        modality: f"extract:{encoder}:windows"
        for modality, encoder in study.modalities(recipe.encoder_set).items()
    }
    found = {m: study.artefact(name).digest for m, name in names.items() if study.has(name)}
    if not found:
        raise UserError(
            "This study has embedded each recording's own second alone, and a recipe with windows "
            "needs the others: compute a study file with `translation: {windows: train}` first."
        )
    return found


def _check_space(study: Study, settings: Settings) -> None:
    """A space in closed form has no settings of a training; only a translation has several."""
    recipe = settings.recipe
    if recipe.space == "translation":
        return
    own = settings_of(study, recipe.encoder_set)
    changed = [name for name in settings.differences(own) if name.startswith("translation.")]
    changed = [] if recipe.space in TRAINED else changed
    if changed or recipe.trainings > 1:
        name = changed[0] if changed else "trainings"
        raise UserError(
            f"The space {recipe.space} has no {name} of its own: leave it as the study has it, or "
            "choose the space translation."
        )


def data(
    study: Study,
    of: Plan,
    vectors: dict[str, Vectors],
    queries: dict[str, Vectors] | None = None,
    pca: dict[str, Vectors] | None = None,
) -> EvaluationData:
    """What the studies work on, with the items' vectors in the run's space.

    `queries` are those that are recordings instead of items; `pca` is what SMT also needs.
    """
    spaces = {"translation": vectors} | ({"pca": pca} if pca else {})
    return EvaluationData(
        of.frame,
        study.classes,
        of.classes,
        str(study.dataset["paired_by"]),
        taxonomy_of(study.artefact("ingest")),
        spaces,
        {"translation": queries} if queries else {},
    )


def sampled(frame: pd.DataFrame, most: int, seed: int) -> np.ndarray | None:
    """Which items take part, by clip, `(n,) bool`; None where no subset has too many.

    In each subset the clips are drawn in proportion to their kinds: class and modalities.
    """
    counts = frame.groupby(["subset", "modality"]).size()
    if counts.max() <= most:
        return None
    labels = items.single_labels(frame)
    clips = pd.DataFrame({"clip_id": frame["clip_id"], "subset": frame["subset"]})
    clips["kind"] = frame["modality"] + "/" + labels
    first = clips.groupby("clip_id", sort=True).agg(
        subset=("subset", "first"), kind=("kind", "min"), n=("kind", "size")
    )
    kept: list[Any] = []
    for subset, mine in first.groupby("subset", sort=True):
        largest = int(counts[subset].max())
        if largest <= most or subset == items.UNPAIRED:
            kept += list(mine.index[: most if subset == items.UNPAIRED else None])
            continue
        n = max(1, round(len(mine) * most / largest))
        every = np.ones(len(mine), dtype=bool)
        rows = maps.fitted_rows(mine["kind"].to_numpy(), every, seed=seed, max_fitted=n)
        kept += list(mine.index[rows])
    return frame["clip_id"].isin(set(kept)).to_numpy()


def only(native: Vectors, item_ids: pd.Series) -> Vectors:
    """The vectors of some items."""
    rows = np.flatnonzero(np.isin(native.item_ids.astype(str), item_ids.astype(str)))
    return Vectors(native.item_ids[rows], np.asarray(native.array[rows], dtype=np.float32))


def _modalities(study: Study, encoder_set: str) -> Mapping[str, str]:
    known = [encoder_set_name(*names) for names in study.encoder_sets]
    if encoder_set not in known:
        raise UserError(
            f"The study has no encoder set {encoder_set!r}: expected one of {', '.join(known)}."
        )
    if not study.has_audio_and_image(encoder_set):
        raise UserError(
            f"The lab compares sounds and pictures, and the encoder set {encoder_set} lacks one of "
            "them: choose another study or other encoders."
        )
    return study.modalities(encoder_set)


def _check_pairs(
    study: Study, settings: Settings, training: pd.DataFrame, natives: dict[str, Vectors]
) -> None:
    recipe, by = settings.recipe, str(study.dataset["paired_by"])
    pairs = training_pairs(training, natives, [AUDIO_IMAGE], by, int(study.config["seed"]))
    n_all = sum(len(rows) for rows in pairs.rows.values())
    n = round(recipe.translation.share * n_all)
    if n < MIN_PAIRS:
        raise UserError(
            f"The recipe leaves {n} of {n_all} pairs to train on, and a translation needs at least "
            f"{MIN_PAIRS}: use a larger share, or leave fewer classes out."
        )


def _classes(study: Study, named: tuple[str, ...]) -> list[str]:
    known = study.paired_classes
    unknown = [name for name in named if name not in known]
    if unknown:
        raise UserError(
            f"The classes to evaluate name {unknown[0]!r}, which the study does not pair: expected "
            f"some of {', '.join(known)}."
        )
    if named and len(set(named)) < 2:
        raise UserError("There is one class to evaluate: a classifier needs at least 2.")
    return [name for name in known if not named or name in named]


def _points(
    whole: EvaluationData, settings: Settings, target: str, classes: list[str]
) -> list[int]:
    """The points of a target's curve; the study's own, or those that the person names."""
    for modality in AUDIO_IMAGE:
        for subset in ("train", "test"):
            present = set(items.single_labels(whole.single(modality, subset)))
            missing = [name for name in classes if name not in present]
            if missing and (settings.evaluation.classes or not present):
                raise UserError(
                    f"The class {missing[0]} has no {modality} items in the subset {subset}, and "
                    "each class needs at least 1: leave it out, or choose a larger sample."
                )
    n_all = len(whole.single(target, "train"))
    asked = settings.evaluation.points
    too_many = [n for n in asked if n > n_all]
    if too_many:
        raise UserError(
            f"{too_many[0]} items of the target are asked for, and {n_all} {target} items are "
            "there to train on: ask for fewer."
        )
    found = sorted(set(asked)) if asked else _spread(forest_cells.ticks(n_all))
    if settings.evaluation.classifier == "target_only":
        found = [n for n in found if n > 0]
        if not found:
            raise UserError(
                "A classifier of the target alone cannot learn from 0 items of it: ask for more."
            )
    return found


def _spread(ticks: list[int]) -> list[int]:
    """At most `N_POINTS` of a curve's points: the first, the last, and some between them."""
    if len(ticks) <= N_POINTS:
        return ticks
    return [ticks[row] for row in np.linspace(0, len(ticks) - 1, N_POINTS).round().astype(int)]
