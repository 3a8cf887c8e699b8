"""Test datasets: data that a study's spaces are tested on and never trained on (S §V).

A study names them as datasets (`also_test: [gtzan:~/gtzan]`, `--also-test folder:PATH`). Each has a
short name, the last part of its path, and artefacts of its own beside the study's: their names in
the record end in `:@NAME`.

    names(["folder:/data/realmedia", "demo"])   # {"realmedia": "folder:/data/realmedia", ...}
"""

from collections.abc import Sequence
from pathlib import PurePath

from core import datasets
from core.taxonomy import Taxonomy

MARK = ":@"


def names(specs: Sequence[str]) -> dict[str, str]:
    """`{name: dataset}`; a name that is taken gets a number."""
    found: dict[str, str] = {}
    for text in specs:
        spec = datasets.parse(text)
        first = PurePath(spec.path.partition("|")[0]).stem.replace(MARK[0], "_") or spec.name
        name, number = first, 2
        while name in found:
            name, number = f"{first}-{number}", number + 1
        found[name] = text
    return found


def end(name: str) -> str:
    """The end of an artefact's name; "" for the study's own dataset."""
    return f"{MARK}{name}" if name else ""


def name_of(artefact: str) -> str:
    """The test dataset that an artefact of a record belongs to; "" for the study's own."""
    return artefact.partition(MARK)[2]


def same_classes(tested: Sequence[str], own: Sequence[str], ontology: Taxonomy) -> dict[str, str]:
    """`{class of the test dataset: class of the study}` of the classes that both have.

    Classes are the same if they have one name, apart from case and "_", or one node of the
    ontology ("Violin, fiddle" is "violin").
    """
    nodes = {node: name for name in own if (node := ontology.resolve(name)) is not None}
    spellings = {_plain(name): name for name in own}
    found: dict[str, str] = {}
    for name in tested:
        node = ontology.resolve(name)
        match = spellings.get(_plain(name)) or (nodes.get(node) if node is not None else None)
        if match is not None:
            found[name] = match
    return found


def _plain(label: str) -> str:
    return " ".join(label.lower().replace("_", " ").split())
