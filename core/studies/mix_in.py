"""The mix-in study: how many items of the target modality a classifier needs (W §4.2, figure 3).

Conventions
- For target modality X a forest is trained on all `train` items of the other modality (of all
  others, where there are more than two) plus n class-balanced items of X, and tested on the
  `test` items of X. MMT works in the translated space, MMP in the PCA space. SM (SMA, SMI, …)
  is trained on all of X alone, in the PCA space: the dashed line of figure 3.
- `n_target` counts the items of X; 0 is zero-shot; the last tick is all of them, as a number.
- A draw is a seed: of the balanced sample, and of the forest. Within a draw the samples are
  nested (400 items hold the 200 of the tick before), since W adds to them bit by bit; MMT and
  MMP are given the same items.
- A cell (system, target, n, seed) depends on nothing but itself and the data: a stage that was
  stopped computes the cells it lacks, in any order, anywhere, and gets the same rows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import UserError
from core.studies import forest_cells, forests
from core.studies.classification import (
    SYSTEMS,
    Items,
    Labelled,
    Outcome,
    System,
    head_of,
    macro_f1,
    pick,
)
from core.studies.forest_cells import balanced_draw as balanced_draw
from core.studies.forest_cells import ticks as ticks
from core.studies.forests import ForestConfig

MULTI_MODAL = {"MMT": "translation", "MMP": "pca"}
SINGLE_MODAL = {"audio": "SMA", "image": "SMI", "text": "SMT"}
SINGLE_MODAL_SPACE = "pca"


@dataclass(frozen=True)
class Cell:
    """One forest of the study; `n_target` is how many items of `target` are mixed in."""

    space: str
    system: str
    target: str
    n_target: int
    seed: int


def cells(train: Items, draws: int = 5, seed: int = 0) -> list[Cell]:
    """Every forest of the study, in the order of the figure.

    Targets are the modalities of `train`'s PCA and translated spaces; each needs another
    modality beside it, else UserError. Seeds are `seed`, `seed + 1`, … one per draw; so is the
    single-modality line's.
    """
    if draws < 1:
        raise UserError(f"Found {draws} draws per point: a mix-in curve needs at least 1.")
    found = []
    for target in sorted(train.get(SINGLE_MODAL_SPACE, {})):
        n_all = len(pick(train, SINGLE_MODAL_SPACE, target, "train"))
        seeds = range(seed, seed + draws)
        name = SINGLE_MODAL.get(target, f"SM {target}")
        found += [Cell(SINGLE_MODAL_SPACE, name, target, n_all, one) for one in seeds]
        for system, space in MULTI_MODAL.items():
            n_all = len(pick(train, space, target, "train"))
            if len(train[space]) < 2:
                raise UserError(
                    f"Found items of one modality alone ({target}) in the space {space}: a "
                    "mix-in curve needs two."
                )
            found += [Cell(space, system, target, n, one) for n in ticks(n_all) for one in seeds]
    return found


def known(
    outcomes: Iterable[Outcome], train: Items, systems: Mapping[str, System] = SYSTEMS
) -> dict[Cell, dict[str, Any]]:
    """The cells whose forests the classification study has fitted, and their rows.

    They are each curve's last tick and the dashed line: the same items, order and seed make the
    same forest. Outcomes of systems that the curves do not know, or that were trained on other
    modalities than theirs, are passed over. Rows as `run_cell` gives them.
    """
    found = {}
    for outcome in outcomes:
        system = systems[outcome.system]
        if outcome.system in MULTI_MODAL:
            trained_on = tuple(sorted(train.get(system.space, {})))
        else:
            trained_on = (outcome.target,)
        name = outcome.system in MULTI_MODAL or outcome.system == SINGLE_MODAL.get(outcome.target)
        if name and system.modalities == trained_on:
            cell = Cell(
                outcome.space, outcome.system, outcome.target, outcome.n_target, outcome.seed
            )
            found[cell] = _row(cell, outcome.macro_f1)
    return found


def run_cell(
    cell: Cell,
    train: Items,
    test: Items,
    n_classes: int,
    config: ForestConfig = forests.W_FOREST,
    n_jobs: int | None = None,
) -> dict[str, Any]:
    """Fit and test one forest: the row of its macro F1.

    Keys: space, system, target, n_target, seed, metric (`macro_f1`), class (None), value.
    """
    own = pick(train, cell.space, cell.target, "train")
    wanted = pick(test, cell.space, cell.target, "test")
    if cell.system in MULTI_MODAL:
        drawn = balanced_draw(own.y, cell.n_target, np.random.default_rng(cell.seed))
        # In the order of rows and modalities that classification keeps, so that the last tick is
        # the very forest of that study.
        chosen = np.sort(drawn)
        parts = [
            Labelled(own.x[chosen], own.y[chosen])
            if modality == cell.target
            else pick(train, cell.space, modality, "train")
            for modality in sorted(train[cell.space])
        ]
        x = np.concatenate([part.x for part in parts])
        y = np.concatenate([part.y for part in parts])
    else:
        x, y = own.x, own.y
    forest = forests.fit(x, y, n_classes, cell.seed, config, n_jobs)
    value = macro_f1(wanted.y, forest.predict(wanted.x, n_jobs), n_classes)
    return _row(cell, value)


def _row(cell: Cell, value: float) -> dict[str, Any]:
    return {**asdict(cell), "metric": "macro_f1", "class": None, "value": value}


def study(
    train: Items,
    test: Items,
    n_classes: int,
    draws: int = 5,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    n_jobs: int | None = None,
    config: ForestConfig = forests.W_FOREST,
) -> list[dict[str, Any]]:
    """All cells, one after another, each on all cores: a list of rows as `run_cell` gives them.

    `train` and `test` are `space -> modality -> Labelled` with the spaces `pca` and
    `translation`. `progress` is told (forests done, forests in all). Memory holds one forest.
    """
    wanted = cells(train, draws, seed)
    found = []
    for done, cell in enumerate(wanted):
        found.append(run_cell(cell, train, test, n_classes, config, n_jobs))
        if progress:
            progress(done + 1, len(wanted))
    return found


def zero_shot_share(rows: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Per target: macro F1 of MMT without one item of it, over the best system's (W: ≈ 0.7).

    Both are means over seeds; the best is looked for among all systems and all n. Targets
    without a zero-shot MMT row are left out; a best of 0 gives a share of 0.
    """
    values: dict[tuple[str, str, int], list[float]] = {}
    for row in rows:
        if row["metric"] == "macro_f1":
            key = (row["target"], row["system"], int(row["n_target"]))
            values.setdefault(key, []).append(float(row["value"]))
    means = {key: float(np.mean(found)) for key, found in values.items()}
    shares = {}
    for target, system, n_target in means:
        if system == "MMT" and n_target == 0:
            best = max(mean for key, mean in means.items() if key[0] == target)
            shares[target] = means[target, system, n_target] / best if best > 0 else 0.0
    return shares


def measurements(outcomes: Iterable[forest_cells.Outcome], n_classes: int) -> list[dict[str, Any]]:
    """Tidy rows of macro F1 in the order of the figure: per target the line, MMT, MMP.

    A whole cell is the last point of its curve, and the line if its system has one modality.
    """
    outcomes = list(outcomes)
    rows = []
    for target in sorted({one.target for one in outcomes}):
        for system in (SINGLE_MODAL[target], *MULTI_MODAL):
            curve = [one for one in outcomes if (one.target, one.cell.system) == (target, system)]
            rows += [
                {
                    **head_of(one, "mix_in"),
                    "metric": "macro_f1",
                    "value": one.macro_f1,
                    "chance": 1.0 / n_classes,
                }
                for one in sorted(curve, key=lambda one: (one.n_target, one.cell.seed))
            ]
    return rows
