"""Label ontologies: the distance between two labels, and the relevance of one to the other.

An ontology is a directed graph without cycles; a node may have several parents. The distance is
the number of edges on the shortest path, directions ignored. One virtual node joins all roots, so
any two nodes are connected. Relevance is r = 21 − d (W §3.3, after Arandjelović and Zisserman
2018, "Objects that sound"). In AudioSet no two labels are more than 11 edges apart: 10 ≤ r ≤ 21.

Unknown labels (a folder named "kazoo") use the same scale: such a label equals itself (d = 0,
r = 21) and is as far from every other label as two AudioSet labels can be (d = 11, r = 10).
`flat()` is the ontology in which every label is unknown.

Two layouts are read: AudioSet's `ontology.json` (a list of `{id, name, child_ids, ...}`) and that
of the built-in `demo()` (`{"classes": {class: id}, "nodes": [{id, name, parents}, ...]}`).

    ontology = taxonomy.load("ontology.json")
    ontology.distances(["violin"], ["cello", "drums"])  # [[2, 4]]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import UserError, shown

MAX_RELEVANCE = 21  # C of W §3.3
UNKNOWN_DISTANCE = 11  # the longest shortest path in AudioSet
TOP_LABELS = ("Music", "Musical instrument", "Tools", "Singing")  # dropped before ranking, W §3.3

_DEMO_PATH = Path(__file__).parent / "datasets" / "demo" / "taxonomy.json"
_LAYOUT = "expected [{id, name, child_ids}, ...] as in AudioSet's ontology.json"


@dataclass(frozen=True)
class Taxonomy:
    """An ontology; a node is known by its position in `ids`.

    ids, names: one string per node. parents: positions of each node's parents, () for a root.
    classes: further names of nodes with their positions, e.g. W's class "drums" for "Drum kit".
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parents: tuple[tuple[int, ...], ...]
    classes: tuple[tuple[str, int], ...] = ()

    def resolve(self, label: str) -> int | None:
        """Position of a label's node: by id, then class, then name; None for an unknown label.

        Case is ignored and "_" is read as a blank (folder names). If two nodes have the same
        name, the first is used.
        """
        return self._lookup.get(_plain(label))

    def unknown(self, labels: Iterable[str]) -> list[str]:
        """The labels without a node, sorted, each once."""
        return sorted({label for label in labels if self.resolve(label) is None})

    def below(self, labels: Iterable[str]) -> list[int]:
        """Positions of all descendants of the labels' nodes, sorted; unknown labels have none.

        A label's own node is included only if it is a descendant of another label.
        """
        from scipy.sparse.csgraph import shortest_path

        nodes = [node for label in labels if (node := self.resolve(label)) is not None]
        steps = shortest_path(self._links.T, unweighted=True, indices=nodes)
        return np.flatnonzero(((steps > 0) & np.isfinite(steps)).any(axis=0)).tolist()

    def distances(self, labels_a: Sequence[str], labels_b: Sequence[str]) -> npt.NDArray[np.int32]:
        """Edges on the shortest path between every label of A and every label of B, (A, B) int32.

        An unknown label is 0 from itself and 11 from all others.
        """
        from scipy.sparse.csgraph import shortest_path

        n = len(self.ids)
        positions = dict(self._lookup)  # unknown labels get positions from n on
        a, b = (
            np.array([positions.setdefault(_plain(x), n + len(positions)) for x in labels], int)
            for labels in (labels_a, labels_b)
        )
        out = np.where(a[:, None] == b, 0, UNKNOWN_DISTANCE).astype(np.int32)
        steps = shortest_path(self._links, directed=False, unweighted=True, indices=a[a < n])
        out[np.ix_(a < n, b < n)] = steps[:, b[b < n]]
        return out

    @cached_property
    def _links(self) -> Any:
        """Links from child to parent, sparse (n + 1, n + 1) float32; the last node joins roots."""
        from scipy.sparse import csr_array

        n = len(self.ids)
        pairs = [(node, p) for node, parents in enumerate(self.parents) for p in parents or (n,)]
        ends = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return csr_array((np.ones(len(pairs), np.float32), ends), shape=(n + 1, n + 1))

    @cached_property
    def _lookup(self) -> dict[str, int]:
        by_id, by_name = (zip(x, range(len(x)), strict=True) for x in (self.ids, self.names))
        table: dict[str, int] = {}
        for spelling, node in (*by_id, *self.classes, *by_name):
            table.setdefault(_plain(spelling), node)
        return table


def flat() -> Taxonomy:
    """The ontology without nodes: any two different labels are 11 edges apart."""
    return Taxonomy((), (), ())


@cache
def demo() -> Taxonomy:
    """The built-in ontology: W's 18 instrument classes and AudioSet's nodes above them.

    Class -> node as in W §3.1: "violin" is "Violin, fiddle", "voice" is "Choir", "cymbals" is
    "Cymbal"; "drums" is "Drum kit", whose sibling "Drum" (the same distances) keeps its name.
    """
    return load(_DEMO_PATH)


def load(path: str | Path) -> Taxonomy:
    """Read an ontology file. Raises `UserError` as `read` and `parse` do."""
    return parse(read(path), Path(path).name)


def read(path: str | Path) -> bytes:
    """The bytes of an ontology file. Raises `UserError` if it is missing or cannot be read."""
    try:
        path = Path(path).expanduser()
        if path.exists() and not path.is_file():
            raise OSError(0, "not a file")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"The ontology {Path(path).name} cannot be read ({reason}): "
            "give the path of a JSON file such as AudioSet's ontology.json."
        ) from error


def parse(content: bytes | str, source: str) -> Taxonomy:
    """An ontology from the text of a file; `source` names it in errors.

    In AudioSet's layout W's 18 classes ("drums", "voice", ...) are added to the names.

    Raises
    ------
    UserError
        Not JSON, another layout, a repeated id, a link to a missing node, or a cycle.
    """
    try:
        nodes = json.loads(content.decode("utf-8-sig") if isinstance(content, bytes) else content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The ontology {source} is not valid JSON: {_LAYOUT}.") from error
    if isinstance(nodes, list):
        known = {str(node.get("id")) for node in nodes if isinstance(node, dict)}
        classes = {name: demo().ids[node] for name, node in demo().classes}
        return _build(nodes, {name: id_ for name, id_ in classes.items() if id_ in known}, source)
    if isinstance(nodes, dict) and isinstance(nodes.get("nodes"), list):
        return _build(nodes["nodes"], nodes.get("classes", {}), source)
    raise UserError(f"The ontology {source} has no list of nodes: {_LAYOUT}.")


def relevance_table(taxonomy: Taxonomy, labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """r = 21 − d between any two labels, (L, L) float32, symmetric, 21 on the diagonal (W §3.3).

    In an ontology deeper than AudioSet, labels over 21 edges apart have r = 0: NDCG has no
    negative gains.
    """
    distance = taxonomy.distances(labels, labels)
    return np.maximum(MAX_RELEVANCE - distance, 0).astype(np.float32)


def encode_labels(
    taxonomy: Taxonomy,
    label_lists: Iterable[Iterable[str]],
    drop: Sequence[str] = TOP_LABELS,
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Label strings of items -> the distinct labels, sorted, and each item's positions in them.

    Spellings of one node ("Guitar", "guitar", "/m/0342h") count as one label, shown as first
    seen, so encode queries and gallery in one call. Labels in `drop` are left out (W §3.3: the
    top labels, which nearly every clip has); an item may be left with ().
    """
    dropped = {_canonical(taxonomy, label) for label in drop}
    shown: dict[object, str] = {}
    items: list[set[object]] = []
    for labels in label_lists:
        keys = {_canonical(taxonomy, label): label for label in labels}
        kept = {key: label for key, label in keys.items() if key not in dropped}
        for key, label in kept.items():
            shown.setdefault(key, label)
        items.append(set(kept))
    ordered = sorted(shown, key=lambda key: (shown[key], str(key)))
    position = {key: index for index, key in enumerate(ordered)}
    return (
        [shown[key] for key in ordered],
        [tuple(sorted(position[key] for key in keys)) for keys in items],
    )


def labels_for_relevance(frame: pd.DataFrame) -> list[list[str]]:
    """The labels by which retrieval is scored, one list per item of a table.

    `labels` are the classes of a study, few and exclusive. If a dataset knows more labels of an
    item (AudioSet's own labels of a clip), its `facts` list them under "all_labels", and these
    are used.
    """
    found = []
    for labels, facts in zip(frame["labels"], frame["facts"], strict=True):
        known = json.loads(facts).get("all_labels") if '"all_labels"' in facts else None
        found.append([str(label) for label in (labels if known is None else known)])
    return found


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").split()).casefold()


def _canonical(taxonomy: Taxonomy, label: str) -> object:
    node = taxonomy.resolve(label)
    return _plain(label) if node is None else node


def _build(nodes: list[Any], classes: object, source: str) -> Taxonomy:
    """Decoded nodes -> Taxonomy, after checking everything that can be wrong in a file."""
    for place, node in enumerate(nodes):
        links = [node[k] for k in ("child_ids", "parents") if k in node] if _is_node(node) else []
        if not links or not all(isinstance(ids, list) for ids in links):
            raise UserError(
                f"Node {place + 1} of the ontology {source} lacks an id, a name or a list of "
                f"child_ids: {_LAYOUT}."
            )
    ids = [node["id"] for node in nodes]
    position = {id_: place for place, id_ in enumerate(ids)}
    if not ids:
        raise UserError(f"The ontology {source} has no nodes: {_LAYOUT}.")
    if len(position) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise UserError(f"The ontology {source} has the id {twice} twice: give each node its own.")

    def place_of(id_: object, named_by: str) -> int:
        if not isinstance(id_, str) or id_ not in position:
            raise UserError(
                f"The ontology {source} has no node with the id {shown(id_)}, which {named_by} "
                "names: add the node or remove the link."
            )
        return position[id_]

    parents: list[set[int]] = [set() for _ in nodes]
    for place, node in enumerate(nodes):
        for child in node.get("child_ids", ()):
            parents[place_of(child, node["id"])].add(place)
        for parent in node.get("parents", ()):
            parents[place].add(place_of(parent, node["id"]))
    try:
        TopologicalSorter(dict(enumerate(parents))).prepare()
    except CycleError as error:
        cycle = " → ".join(ids[place] for place in error.args[1][:6])
        raise UserError(
            f"The ontology {source} has a cycle ({cycle}): a node cannot be its own ancestor, so "
            "remove one of these links."
        ) from error
    if not isinstance(classes, Mapping):
        raise UserError(
            f"The classes of the ontology {source} are not an object: expected {{class: id}}."
        )
    return Taxonomy(
        ids=tuple(ids),
        names=tuple(node["name"] for node in nodes),
        parents=tuple(tuple(sorted(above)) for above in parents),
        classes=tuple((name, place_of(id_, f"class {name}")) for name, id_ in classes.items()),
    )


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and all(isinstance(node.get(k), str) for k in ("id", "name"))
