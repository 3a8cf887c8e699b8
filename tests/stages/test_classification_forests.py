"""The classification forests as tasks: the study itself, a forest at a time, resumable."""

from pathlib import Path

import numpy as np
import pytest

from core.engines.local import LocalEngine
from core.errors import MissingArtefact
from core.stages import classification_forests
from core.store import Draft, Store
from core.studies import classification
from core.studies.classification import SYSTEMS
from tests.stages.test_mix_in_forests import N_CLASSES, SMALL, make_items

SEEDS = [7, 8]


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return Store(tmp_path).begin("evaluate", {"a": 1})


def todo(draft: Draft) -> list[classification_forests.Task]:
    return classification_forests.tasks(
        draft, make_items(0), make_items(1), N_CLASSES, SEEDS, SMALL
    )


def test_workers_give_the_study(draft: Draft) -> None:
    train, test = make_items(0), make_items(1)
    with LocalEngine(2) as engine:
        grown = list(engine.run(classification_forests.grow, todo(draft), "classification forests"))
    assert len(grown) == len(SYSTEMS) * len(SEEDS)
    found = classification_forests.study(draft, train, test, N_CLASSES, SEEDS)
    expected = classification.study(train, test, N_CLASSES, SEEDS, config=SMALL)
    for one, other in zip(found.outcomes, expected.outcomes, strict=True):
        assert vars(one).keys() == vars(other).keys()
        for name, value in vars(other).items():
            np.testing.assert_array_equal(getattr(one, name), value, err_msg=name)
    assert found.forests.keys() == expected.forests.keys()
    for system, forest in expected.forests.items():
        for name, array in forest.arrays().items():
            np.testing.assert_array_equal(found.forests[system].arrays()[name], array)


def test_only_missing_forests_are_asked_for(draft: Draft) -> None:
    first, *rest = todo(draft)
    classification_forests.grow(first)
    assert todo(draft) == rest
    with pytest.raises(MissingArtefact):
        classification_forests.study(draft, make_items(0), make_items(1), N_CLASSES, SEEDS)


def test_forests_of_both_modalities_come_first(draft: Draft) -> None:
    n_modalities = [len(SYSTEMS[task.system].modalities) for task in todo(draft)]
    assert n_modalities == sorted(n_modalities, reverse=True)
    assert [task.seed for task in todo(draft) if task.keeps_forest] == [SEEDS[0]] * len(SYSTEMS)
