"""Classification: systems SMA, SMI, MMP and MMT, macro F1, F1 per class, confusion matrices.

Conventions
- Classes are whole numbers `[0, n_classes)` in one fixed order; every matrix and every list keeps
  it, whichever classes happen to occur.
- Items come as `space -> modality -> Labelled`, the `train` and the `test` subset apart. A
  system is trained on `train` items of its modalities in its space, and tested on the `test`
  items of each of those modalities, which are then its target (W §2.3, §3.2, figure 5).
- A study is told the seeds; each seed is one forest per system.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.studies import forest_cells, forests
from core.studies.confusion import confusion, f1_per_class
from core.studies.forest_cells import SYSTEMS as SYSTEMS
from core.studies.forest_cells import Items as Items
from core.studies.forest_cells import Labelled as Labelled
from core.studies.forest_cells import System as System
from core.studies.forests import Forest, ForestConfig


@dataclass(frozen=True)
class Outcome:
    """What one forest made of one target's test items, in the order of those items."""

    system: str
    space: str
    target: str
    seed: int
    n_target: int  # train items of the target modality the forest was given
    macro_f1: float
    f1: NDArray[np.float64]  # (n_classes,)
    confusion: NDArray[np.int64]  # (n_classes, n_classes): row true, column predicted
    predicted: NDArray[np.int64]  # (n_test,)
    proba: NDArray[np.float32]  # (n_test, n_classes)


@dataclass(frozen=True)
class Study:
    """All outcomes, and per system the forest of the first seed (for scores of a new item)."""

    outcomes: list[Outcome] = field(default_factory=list)
    forests: dict[str, Forest] = field(default_factory=dict)


def macro_f1(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> float:
    return float(f1_per_class(confusion(y_true, y_pred, n_classes)).mean())


def study(
    train: Items,
    test: Items,
    n_classes: int,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    systems: Mapping[str, System] = SYSTEMS,
    config: ForestConfig = forests.W_FOREST,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Fit every system once per seed and test it on each of its modalities (W figure 5).

    `train` and `test` are `space -> modality -> Labelled`; spaces and modalities that no system
    names are left alone. `progress` is told (forests done, forests in all). Raises UserError
    when a system's space or modality is missing, or a modality has no items.
    """
    found = Study()
    cells = [(name, seed) for name in systems for seed in seeds]
    for done, (name, seed) in enumerate(cells):
        forest, outcomes = run(name, seed, train, test, n_classes, systems, config, n_jobs)
        found.outcomes.extend(outcomes)
        found.forests.setdefault(name, forest)
        if progress:
            progress(done + 1, len(cells))
    return found


def run(
    name: str,
    seed: int,
    train: Items,
    test: Items,
    n_classes: int,
    systems: Mapping[str, System] = SYSTEMS,
    config: ForestConfig = forests.W_FOREST,
    n_jobs: int | None = None,
) -> tuple[Forest, list[Outcome]]:
    """One system, one seed: the forest, and its outcome on each target. Part of `study`."""
    system = systems[name]
    parts = [pick(train, system.space, modality, "train") for modality in system.modalities]
    targets = [pick(test, system.space, modality, "test") for modality in system.modalities]
    forest = forests.fit(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        n_classes,
        seed,
        config,
        n_jobs,
    )
    outcomes = [
        outcome(
            name,
            seed,
            modality,
            n_target=len(part),
            truth=target.y,
            proba=forest.predict_proba(target.x, n_jobs),
            n_classes=n_classes,
            systems=systems,
        )
        for modality, part, target in zip(system.modalities, parts, targets, strict=True)
    ]
    return forest, outcomes


def outcome(
    name: str,
    seed: int,
    target: str,
    *,
    n_target: int,
    truth: NDArray[np.integer],
    proba: NDArray[np.float32],
    n_classes: int,
    systems: Mapping[str, System] = SYSTEMS,
) -> Outcome:
    """What a forest's probabilities for the test items of one modality come to.

    name, target : its system, and the modality tested
    n_target : train items of that modality that it was given
    truth : `(n_test,)`, the true classes
    proba : `(n_test, n_classes)` float32

    Raises UserError for classes out of range, or another number of them than of rows.
    """
    predicted = proba.argmax(axis=1)
    f1 = f1_per_class(confusion(truth, predicted, n_classes))
    return Outcome(
        system=name,
        space=systems[name].space,
        target=target,
        seed=seed,
        n_target=n_target,
        macro_f1=float(f1.mean()),
        f1=f1,
        confusion=confusion(truth, predicted, n_classes),
        predicted=predicted,
        proba=proba,
    )


def pick(items: Items, space: str, modality: str, subset: str) -> Labelled:
    """The items of one modality in one space. Raises UserError when there are none."""
    chosen = items.get(space, {}).get(modality)
    if chosen is None or len(chosen) == 0:
        raise UserError(
            f"The {subset} subset holds no labelled {modality} items in the space {space}: "
            f"classification needs some of each modality."
        )
    return chosen


def rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Tidy rows, one per number: metric `macro_f1` (class None) and `f1` (class an index)."""
    found = []
    for outcome in outcomes:
        head = {
            "space": outcome.space,
            "system": outcome.system,
            "target": outcome.target,
            "n_target": outcome.n_target,
            "seed": outcome.seed,
        }
        found.append({**head, "metric": "macro_f1", "class": None, "value": outcome.macro_f1})
        found.extend(
            {**head, "metric": "f1", "class": index, "value": float(value)}
            for index, value in enumerate(outcome.f1)
        )
    return found


def measurements(
    outcomes: Iterable[forest_cells.Outcome], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Tidy rows of the whole cells: macro F1, F1 per class, confusions of the first seed."""
    whole = [one for one in outcomes if one.cell.target is None]
    scores, confusions = [], []
    first = min((one.cell.seed for one in whole), default=0)
    for one in whole:
        head = head_of(one, "classification")
        chance = 1.0 / len(classes)
        scores.append({**head, "metric": "macro_f1", "value": one.macro_f1, "chance": chance})
        scores += [
            {**head, "metric": "f1", "class": name, "value": float(value), "chance": chance}
            for name, value in zip(classes, one.f1, strict=True)
        ]
        if one.cell.seed == first:
            confusions += [
                {
                    **head,
                    "metric": "confusion",
                    "class": truth,
                    "other": predicted,
                    "value": float(one.confusion[i, j]),
                }
                for i, truth in enumerate(classes)
                for j, predicted in enumerate(classes)
            ]
    return scores + confusions


def head_of(one: forest_cells.Outcome, study: str) -> dict[str, Any]:
    """The columns of `core.studies.measure` that say what an outcome is of."""
    return {
        "study": study,
        "space": one.cell.space,
        "system": one.cell.system,
        "target": one.target,
        "n_target": one.n_target,
        "seed": one.cell.seed,
        "n": int(one.confusion.sum()),
    }
