"""Saved selections as the labels of a new study."""

from pathlib import Path

import pytest

from core import datasets, saved_selections
from core.config import Config
from core.datasets import labelled
from core.datasets.base import Request, Spec
from core.errors import UserError
from core.stages import table as stages
from core.store import Store
from tests import ready_vectors
from tests.precompute_runs import HereEngine

LOW, HIGH = "low strings", "organ & flute"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with two saved selections of the items of a table."""
    ready_vectors.write_table(tmp_path)
    selections = {
        LOW: [f"{kind}{n}" for kind in ("audio", "image") for n in range(24)],
        HIGH: [f"{kind}{n}" for kind in ("audio", "image") for n in range(20, 44)],
    }
    with saved_selections.connect(str(tmp_path)) as database:
        for name, ids in selections.items():
            saved_selections.save(database, "study", name, ids)
    return tmp_path


def request(root: Path, *wanted: str) -> Request:
    file = saved_selections.write_labels(str(root), wanted)
    return Request(Spec("labelled", f"{file}|table:{root / 'items.parquet'}"), None, 0, None)


def test_items_have_the_names_of_their_selections(root: Path) -> None:
    asked = request(root, "1", HIGH)
    draft = Store(root / "workspace").begin("ingest", labelled.fingerprint(asked))
    found = labelled.ingest(asked, draft, lambda f, tasks, title: map(f, tasks))
    labels = found.items.set_index("item_id")["labels"].map(set)
    assert labels["audio3"] == {LOW}
    assert labels["image22"] == {LOW, HIGH}
    assert labels["audio40"] == {HIGH}
    assert labels["audio46"] == set()
    assert found.classes == [LOW, HIGH]
    assert len(found.vectors["audio"]) == 48  # the vectors are the dataset's own
    assert "88 of 96 items have one" in found.notes[-1]


def test_other_labels_are_another_dataset(root: Path) -> None:
    both, one = request(root, "1", "2"), request(root, "2")
    assert labelled.fingerprint(both) != labelled.fingerprint(one)
    assert labelled.fingerprint(one) == labelled.fingerprint(request(root, HIGH))


def test_a_study_runs_with_them(root: Path) -> None:
    spec = request(root, "1", "2").spec
    config = Config(dataset=f"labelled:{spec.path}", seed=0)
    with HereEngine() as engine:
        run = stages.run(config, Store(root / "workspace"), engine, until="train")
    assert run.ingested.json("dataset.json")["paired_classes"] == [LOW, HIGH]
    assert any(name.startswith("train:") for name in run.artefacts)


def test_mistakes_are_one_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no saved selection 'x': expected one of 2 \(organ"):
        saved_selections.write_labels(str(root), ["x"])
    with pytest.raises(UserError, match="has no saved selection to take labels from"):
        saved_selections.write_labels(str(tmp_path / "nowhere"), ["1"])
    with pytest.raises(UserError, match="Two selections are called"):
        saved_selections.write_labels(str(root), ["1", LOW])
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(UserError, match="has no labels"):
        labelled.read(tmp_path / "bad.json")
    with pytest.raises(UserError, match="names no dataset"):
        datasets.canonical(Spec("labelled", str(tmp_path / "bad.json")))
