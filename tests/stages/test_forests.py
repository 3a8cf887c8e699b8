"""The forests as tasks: any worker gives the same outcomes, and finished tasks are not repeated."""

from pathlib import Path

import numpy as np
import pytest

from core.engines.local import LocalEngine
from core.stages import forests
from core.store import Draft, Store
from core.studies import forest_cells
from core.studies.forest_cells import SYSTEMS, Cell, Items, Labelled, Outcome
from core.studies.forests import Forest, ForestConfig
from tests.precompute_runs import HereEngine, KilledError

N_CLASSES = 3
SMALL = ForestConfig(n_trees=5)
SEEDS = (7, 8)


def make_items(seed: int) -> Items:
    rng = np.random.default_rng(seed)
    y = np.arange(60) % N_CLASSES
    return {
        space: {
            modality: Labelled(
                (rng.normal(size=(60, 8)) + y[:, None]).astype(np.float32), rng.permutation(y)
            )
            for modality in ("audio", "image")
        }
        for space in ("pca", "translation", "aligned", "scaled")
    }


TRAIN, TEST = make_items(0), make_items(1)
CELLS = forest_cells.cells(TRAIN, draws=len(SEEDS), seed=SEEDS[0])


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return Store(tmp_path).begin("evaluate", {"a": 1})


def grow(draft: Draft, engine: LocalEngine) -> tuple[list[Outcome], dict[str, Forest]]:
    return forests.grow(draft, engine, TRAIN, TEST, N_CLASSES, CELLS, SMALL)


def test_workers_give_the_outcomes_of_the_cells(draft: Draft) -> None:
    with LocalEngine(2) as engine:
        found, kept = grow(draft, engine)
    expected = [
        outcome
        for cell in CELLS
        for outcome in forest_cells.run_cell(cell, TRAIN, TEST, N_CLASSES, SMALL)[1]
    ]
    assert [(one.cell, one.target, one.n_target) for one in found] == [
        (one.cell, one.target, one.n_target) for one in expected
    ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.confusion, other.confusion)
        if one.cell.target is None:
            np.testing.assert_array_equal(one.proba, other.proba)
    assert kept.keys() == SYSTEMS.keys() - {"SMT"}
    for system, forest in kept.items():
        first = forest_cells.run_cell(Cell(system, SEEDS[0]), TRAIN, TEST, N_CLASSES, SMALL)[0]
        for name, array in first.arrays().items():
            np.testing.assert_array_equal(forest.arrays()[name], array)


def test_a_killed_run_continues_with_the_missing_tasks(draft: Draft) -> None:
    once, first, second = HereEngine(), HereEngine(stop_after=5), HereEngine()
    whole, _ = grow(Store(draft.root).begin("evaluate", {"a": 2}), once)
    with pytest.raises(KilledError):
        grow(draft, first)
    resumed, _ = grow(draft, second)
    files = [task.file for task in (*first.done, *second.done)]
    assert len(files) == len(set(files)) == len(once.done)
    assert [one.macro_f1 for one in resumed] == [one.macro_f1 for one in whole]
    third = HereEngine()
    grow(draft, third)
    assert third.done == []


def test_the_longest_tasks_come_first(draft: Draft) -> None:
    engine = HereEngine()
    grow(draft, engine)
    sizes = [sum(forest_cells.n_trained_on(c, TRAIN) for c in task.cells) for task in engine.done]
    assert sizes == sorted(sizes, reverse=True)
    assert max(len(task.cells) for task in engine.done) == forests.BLOCK
