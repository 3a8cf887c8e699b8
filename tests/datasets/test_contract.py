"""Every registered dataset: a complete card, its functions, an error for a wrong path."""

import inspect
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from core import datasets
from core.datasets import base
from core.datasets.base import Request, Spec
from core.errors import UserError
from core.store import Store
from tests import track_samples

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


def test_the_example_of_the_protocol_is_a_dataset(tmp_path: Path) -> None:
    """The indented code in the docstring of `base`, run on four files."""
    _, _, text = (base.__doc__ or "").partition("(`flute-01.wav`):\n")
    module = ModuleType("hyphen")
    exec(textwrap.dedent(text.partition("Media files")[0]), vars(module))
    names = ["flute-1.wav", "flute-2.wav", "organ-1.wav", "organ-2.wav"]
    track_samples.write_tones(tmp_path / "sounds", names)
    request = Request(Spec("hyphen", str(tmp_path / "sounds")), None, 0, None)
    draft = Store(tmp_path / "workspace").begin("ingest", module.fingerprint(request))
    found = module.ingest(request, draft, lambda f, tasks, title: map(f, tasks))
    assert found.classes == ["flute", "organ"]
    assert found.describe()["n_clips"] == 4
    assert set(found.splits["clip_id"]) == set(names)
