"""The datasets, by name. Adding one is one file here and one line in `REGISTRY`.

A dataset is pointed at with `NAME` or `NAME:PATH`, e.g. `demo` or `folder:~/sounds`.
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
}


def parse(text: str) -> Spec:
    """`NAME` or `NAME:PATH` to its parts.

    Raises
    ------
    UserError
        An unknown name; the message lists the known ones.
    """
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
    """The dataset's module, which is its implementation."""
    module: Dataset = importlib.import_module(REGISTRY[name])
    return module


def canonical(spec: Spec) -> str:
    """`NAME`, or `NAME:PATH` with the path absolute: one text for one dataset.

    A dataset whose text after the colon is no path has a function `canonical` of its own for it.

    Raises
    ------
    UserError
        Nothing lies at the path, or the text is not what the dataset takes.
    """
    own = getattr(load(spec.name), "canonical", None)
    path = str(spec.root()) if spec.path and own is None else ""
    text = path if own is None else str(own(spec))
    return f"{spec.name}:{text}" if text else spec.name
