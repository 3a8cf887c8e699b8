"""The datasets, by name. To add one, write one file (see `base`) and one line in `REGISTRY`.

On the command line a dataset is `NAME` or `NAME:PATH`, e.g. `demo` or `folder:~/sounds`.
"""

import difflib
import importlib

from core.datasets.base import Dataset, Spec
from core.errors import UserError

REGISTRY: dict[str, str] = {
    "demo": "core.datasets.demo.corpus",
    "folder": "core.datasets.folder",
    "table": "core.datasets.table",
    "audioset": "core.datasets.audioset.corpus",
    "paper": "core.datasets.paper",
    "gtzan": "core.datasets.gtzan",
    "jamendo": "core.datasets.jamendo",
    "magnatagatune": "core.datasets.magnatagatune",
    "captions": "core.datasets.captions",
    "labelled": "core.datasets.labelled",
}


def parse(text: str) -> Spec:
    """The parts of `NAME` or `NAME:PATH`. Raises `UserError` for an unknown name."""
    name, _, path = text.partition(":")
    if name not in REGISTRY:
        close = difflib.get_close_matches(name, REGISTRY, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise UserError(
            f"There is no dataset {name!r}{hint}: expected one of {', '.join(REGISTRY)}, written "
            "NAME or NAME:PATH."
        )
    return Spec(name, path)


def load(name: str) -> Dataset:
    """The module that implements the dataset."""
    module: Dataset = importlib.import_module(REGISTRY[name])
    return module


def canonical(spec: Spec) -> str:
    """`NAME`, or `NAME:PATH` with an absolute path: the same text for the same dataset.

    A dataset with settings after the colon defines its own `canonical`.

    Raises
    ------
    UserError
        There is nothing at the path, or the settings are wrong.
    """
    dataset = load(spec.name)
    if hasattr(dataset, "canonical"):
        text = dataset.canonical(spec)
    else:
        text = str(spec.root()) if spec.path else ""
    return f"{spec.name}:{text}" if text else spec.name
