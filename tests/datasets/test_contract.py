"""Every registered dataset: a complete card, its functions, an error for a wrong path."""

import inspect
from pathlib import Path

import pytest

from core import datasets
from core.datasets.base import Request, Spec
from core.errors import UserError

GENERATED = ("demo", "paper")


@pytest.mark.parametrize("name", datasets.REGISTRY)
def test_a_dataset_has_a_card_and_its_functions(name: str) -> None:
    module = datasets.load(name)
    card = module.CARD
    assert card.name == name
    assert card.title
    assert card.licence
    assert card.description
    wanted = {
        "fingerprint": ["request"],
        "ingest": ["request", "draft", "run"],
    }
    for function, parameters in wanted.items():
        found = inspect.signature(getattr(module, function)).parameters
        assert list(found) == parameters
        assert getattr(module, function).__doc__


@pytest.mark.parametrize("name", [n for n in datasets.REGISTRY if n not in GENERATED])
def test_a_dataset_without_its_data_says_so(name: str, tmp_path: Path) -> None:
    module = datasets.load(name)
    for path, said in (("", f"needs a path: write {name}:PATH"), ("gone", "There is nothing at")):
        spec = Spec(name, str(tmp_path / path) if path else "")
        with pytest.raises(UserError, match=said):
            module.fingerprint(Request(spec, None, 0, None))
