"""Label ontologies: how near two labels lie, and how relevant one is to the other.

An ontology is a directed graph without cycles; a node may have several parents. Distance is the
number of edges on the shortest path, directions ignored, with all roots joined by one virtual
node, so that any two nodes are connected. Relevance is r = 21 − d (W §3.3, after Arandjelović and
Zisserman 2018, "Objects that sound"). In AudioSet no two labels are more than 11 edges apart,
hence 10 ≤ r ≤ 21.

Labels an ontology does not know (one's own folder "kazoo") keep to the same scale: such a label
equals itself (d = 0, r = 21) and lies as far from every other as any two AudioSet labels can
(d = 11, r = 10). `flat()` is the ontology that knows nothing: there it holds for every label.

Two layouts are read: AudioSet's `ontology.json` (a list of `{id, name, child_ids, ...}`) and our
own (`{"classes": {class: id}, "nodes": [{id, name, parents}, ...]}`), in which `demo()` is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import UserError

MAX_RELEVANCE = 21  # C of W §3.3
UNKNOWN_DISTANCE = 11  # the longest shortest path in AudioSet
TOP_LABELS = ("Music", "Musical instrument", "Tools", "Singing")  # dropped before ranking, W §3.3

_DEMO_PATH = Path(__file__).parent / "datasets" / "demo" / "taxonomy.json"
_LAYOUT = "expected [{id, name, child_ids}, ...] as in AudioSet's ontology.json"


@dataclass(frozen=True)
class Taxonomy:
    """An ontology; a node is known by its position in `ids`.

    ids, names: one string a node. parents: positions of each node's parents, () for a root.
    classes: further names of nodes with their positions, e.g. W's class "drums" for "Drum kit".
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    parents: tuple[tuple[int, ...], ...]
    classes: tuple[tuple[str, int], ...] = ()

    def resolve(self, label: str) -> int | None:
        """Position of the node a label means: by id, else class, else name; None when unknown.

        All match whatever their case, with "_" read as a blank (folder names). Where two nodes
        bear one name, the first is meant.
        """
        return self._lookup.get(_plain(label))

    def unknown(self, labels: Iterable[str]) -> list[str]:
        """The labels that no node answers to, sorted, each once."""
        return sorted({label for label in labels if self.resolve(label) is None})

    def below(self, labels: Iterable[str]) -> list[int]:
        """Positions of all descendants of the nodes that some labels mean, sorted.

        The nodes themselves are among them only where one lies below another of them; labels that
        no node answers to have none.
        """
        children: list[list[int]] = [[] for _ in self.ids]
        for node, parents in enumerate(self.parents):
            for parent in parents:
                children[parent].append(node)
        meant = (self.resolve(label) for label in labels)
        waiting = [node for node in meant if node is not None]
        found: set[int] = set()
        while waiting:
            fresh = set(children[waiting.pop()]) - found
            found |= fresh
            waiting += fresh
        return sorted(found)

    def distances(self, labels_a: Sequence[str], labels_b: Sequence[str]) -> npt.NDArray[np.int32]:
        """Edges on the shortest path between each pair of labels, (A, B) int32.

        A label that is not in the ontology is 0 from itself and 11 from all others.
        """
        out = np.full((len(labels_a), len(labels_b)), UNKNOWN_DISTANCE, dtype=np.int32)
        nodes_a = [self.resolve(label) for label in labels_a]
        nodes_b = [self.resolve(label) for label in labels_b]
        known_a = [row for row, node in enumerate(nodes_a) if node is not None]
        known_b = [column for column, node in enumerate(nodes_b) if node is not None]
        if known_a and known_b:
            steps = self._steps_from([node for node in nodes_a if node is not None])
            out[np.ix_(known_a, known_b)] = steps[:, [node for node in nodes_b if node is not None]]
        spelled_b = np.array([_plain(label) for label in labels_b], dtype=object)
        for row, node in enumerate(nodes_a):
            if node is None:
                out[row, spelled_b == _plain(labels_a[row])] = 0
        return out

    def _steps_from(self, sources: Sequence[int]) -> npt.NDArray[np.int32]:
        """(len(sources), n) int32: breadth-first search from all sources at once."""
        linked = self._adjacency
        steps = np.full((len(sources), linked.shape[0]), -1, dtype=np.int32)
        frontier = np.zeros(steps.shape, dtype=np.float32)
        frontier[np.arange(len(sources)), sources] = 1.0
        n_edges = 0
        while frontier.any():
            steps[frontier > 0] = n_edges
            frontier = ((frontier @ linked > 0) & (steps < 0)).astype(np.float32)
            n_edges += 1
        return steps[:, : len(self.ids)]

    @cached_property
    def _adjacency(self) -> Any:
        """Undirected links, sparse (n + 1, n + 1) float32; the last node is the virtual root."""
        from scipy.sparse import csr_array

        root = len(self.ids)
        child, parent = np.array(
            [(node, p) for node, parents in enumerate(self.parents) for p in parents or (root,)],
            dtype=np.int64,
        ).T
        ends = (np.concatenate([child, parent]), np.concatenate([parent, child]))
        return csr_array((np.ones(len(ends[0]), np.float32), ends), shape=(root + 1, root + 1))

    @cached_property
    def _lookup(self) -> dict[str, int]:
        table: dict[str, int] = {}
        by_id = zip(self.ids, range(len(self.ids)), strict=True)
        by_name = zip(self.names, range(len(self.names)), strict=True)
        for spelling, node in (*by_id, *self.classes, *by_name):
            table.setdefault(_plain(spelling), node)
        return table


def flat() -> Taxonomy:
    """The ontology without nodes: any two labels that are not equal lie 11 edges apart."""
    return Taxonomy((), (), ())


@cache
def demo() -> Taxonomy:
    """The built-in ontology: W's 18 instrument classes, AudioSet's nodes above them, their paths.

    Class -> node as in W §3.1: "violin" is "Violin, fiddle", "voice" is "Choir", "cymbals" is
    "Cymbal"; "drums" is "Drum kit", whose sister "Drum" (the same distances) is known by its name.
    """
    return load(_DEMO_PATH)


def load(path: str | Path) -> Taxonomy:
    """Read an ontology file in AudioSet's layout or our own.

    Raises UserError: no such file, or anything that `parse` refuses.
    """
    return parse(read(path), Path(path).name)


def read(path: str | Path) -> bytes:
    """The bytes of an ontology file. Raises UserError: it is not there or cannot be read."""
    path = Path(path).expanduser()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The ontology {path.name} cannot be read ({error.strerror or 'unknown reason'}): "
            "give the path of a JSON file such as AudioSet's ontology.json."
        ) from error


def parse(content: bytes | str, source: str) -> Taxonomy:
    """An ontology from the text of a file; `source` names it in errors.

    In AudioSet's layout W's 18 classes ("drums", "voice", ...) are known wherever their nodes are.
    Raises UserError: not JSON, another layout, an id twice, an id that no node bears, a cycle.
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        nodes = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The ontology {source} is not valid JSON: {_LAYOUT}.") from error
    if isinstance(nodes, list):
        instruments = demo()
        known = {str(node.get("id")) for node in nodes if isinstance(node, dict)}
        classes = {name: instruments.ids[node] for name, node in instruments.classes}
        return _build(nodes, {c: i for c, i in classes.items() if i in known}, source)
    if isinstance(nodes, dict) and isinstance(nodes.get("nodes"), list):
        return _build(nodes["nodes"], nodes.get("classes", {}), source)
    raise UserError(f"The ontology {source} holds no list of nodes: {_LAYOUT}.")


def relevance_table(taxonomy: Taxonomy, labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """r = 21 − d between each two labels, (L, L) float32, symmetric, 21 on the diagonal.

    W §3.3. An ontology deeper than AudioSet may hold labels over 21 edges apart: they have r = 0,
    since a gain below nothing has no meaning in NDCG.
    """
    distance = taxonomy.distances(labels, labels)
    return np.maximum(MAX_RELEVANCE - distance, 0).astype(np.float32)


def encode_labels(
    taxonomy: Taxonomy,
    label_lists: Iterable[Iterable[str]],
    drop: Sequence[str] = TOP_LABELS,
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Label strings of items -> the distinct labels, sorted, and each item's positions in them.

    Spellings of one node ("Guitar", "guitar", "/m/0342h") are one label, shown as first met; so
    encode queries and gallery in one call. Labels named in `drop` are left out (W §3.3: the top
    labels, which nearly every clip has), and an item may end up with ().
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
    """What each item of a table is known by when retrieval is scored, one list an item.

    `labels` are the classes of a study, few and exclusive; where a dataset knows more of an item
    (AudioSet's own labels of a clip), its `facts` hold them all under "all_labels", and they count.
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
    """Decoded nodes -> Taxonomy, with everything checked that a file can have wrong."""
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
                f"The ontology {source} has no node with the id {id_!r}, which {named_by} names: "
                "add the node or take the link away."
            )
        return position[id_]

    parents: list[set[int]] = [set() for _ in nodes]
    for place, node in enumerate(nodes):
        for child in node.get("child_ids", ()):
            parents[place_of(child, node["id"])].add(place)
        for parent in node.get("parents", ()):
            parents[place].add(place_of(parent, node["id"]))
    _refuse_cycle(ids, parents, source)
    if not isinstance(classes, Mapping):
        raise UserError(f"The classes of the ontology {source} are no object of {{class: id}}.")
    return Taxonomy(
        ids=tuple(ids),
        names=tuple(node["name"] for node in nodes),
        parents=tuple(tuple(sorted(above)) for above in parents),
        classes=tuple((name, place_of(id_, f"class {name}")) for name, id_ in classes.items()),
    )


def _is_node(node: object) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("id"), str)
        and isinstance(node.get("name"), str)
    )


def _refuse_cycle(ids: Sequence[str], parents: Sequence[set[int]], source: str) -> None:
    """Take nodes away from the roots down (Kahn 1962); what cannot be taken hangs on a cycle."""
    children: list[list[int]] = [[] for _ in ids]
    for node, above in enumerate(parents):
        for parent in above:
            children[parent].append(node)
    waiting_for = [len(above) for above in parents]
    free = [node for node, n_above in enumerate(waiting_for) if n_above == 0]
    n_taken = 0
    while free:
        n_taken += 1
        for child in children[free.pop()]:
            waiting_for[child] -= 1
            if waiting_for[child] == 0:
                free.append(child)
    if n_taken < len(ids):
        stuck = next(id_ for id_, n_above in zip(ids, waiting_for, strict=True) if n_above)
        raise UserError(
            f"The ontology {source} has a cycle above or at {stuck}: "
            "a node cannot be its own ancestor, so take one of the links away."
        )
