"""What every registered dataset owes: a whole card and the three functions."""

import inspect

import pytest

from core import datasets


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
        "ready": ["request"],
        "ingest": ["request", "draft", "run"],
    }
    for function, parameters in wanted.items():
        found = inspect.signature(getattr(module, function)).parameters
        assert list(found) == parameters
        assert getattr(module, function).__doc__
