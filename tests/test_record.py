"""The record of a study: readable while it is computed again, and never a mix of two runs."""

from pathlib import Path

import pytest

from core.config import Config
from core.record import Record
from core.store import Artefact, Store
from core.study import open_study

STAGES = ("ingest", "extract:logmel", "train:logmel+hog:0")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def artefact(store: Store, name: str, version: int = 1) -> Artefact:
    stage, key = name.split(":")[0], {"name": name, "version": version}
    return store.find(stage, key) or store.begin(stage, key).commit()


def run(store: Store, names: tuple[str, ...] = STAGES, version: int = 1) -> Record:
    """A run of the same study that stops after these stages."""
    record = Record(store, Config(dataset="demo"))
    for name in names:
        record.note(name, artefact(store, name, version))
    return record


def test_a_finished_study_stays_readable_while_it_is_run_again(store: Store) -> None:
    """A search in another process may read the record after any of these notes."""
    run(store).finish()
    record = Record(store, Config(dataset="demo"))
    for name in STAGES:
        record.note(name, artefact(store, name))
        study = open_study(store)
        assert [study.artefact(each).stage for each in STAGES] == ["ingest", "extract", "train"]
        assert study.record["finished"]


def test_a_run_of_the_first_stages_alone_loses_nothing(store: Store) -> None:
    run(store).finish()
    run(store, STAGES[:2])
    assert set(open_study(store).artefacts) == set(STAGES)


def test_a_changed_result_takes_the_later_ones_with_it(store: Store) -> None:
    run(store).finish()
    run(store, STAGES[:1], version=2)
    study = open_study(store)
    assert set(study.artefacts) == {"ingest"}
    assert study.record["finished"] is None
    assert not study.has(STAGES[2])


def test_a_run_that_was_stopped_is_unfinished_when_it_goes_on(store: Store) -> None:
    run(store, STAGES[:2])
    run(store)
    study = open_study(store)
    assert set(study.artefacts) == set(STAGES)
    assert study.record["finished"] is None


def test_a_complete_run_leaves_only_its_own_artefacts(store: Store) -> None:
    run(store, (*STAGES, "maps:of an older version")).finish()
    run(store).finish()
    assert set(open_study(store).artefacts) == set(STAGES)
