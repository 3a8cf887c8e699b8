"""Ontologies: loading, distances against a plain search, relevance, unknown labels, bad files."""

import json
from collections import deque
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import taxonomy
from core.errors import UserError
from core.taxonomy import Taxonomy

INSTRUMENTS = {
    "accordion": "Accordion",
    "banjo": "Banjo",
    "cello": "Cello",
    "clarinet": "Clarinet",
    "cymbals": "Cymbal",
    "drums": "Drum kit",
    "flute": "Flute",
    "guitar": "Guitar",
    "mandolin": "Mandolin",
    "organ": "Organ",
    "piano": "Piano",
    "saxophone": "Saxophone",
    "synthesizer": "Synthesizer",
    "trombone": "Trombone",
    "trumpet": "Trumpet",
    "ukulele": "Ukulele",
    "violin": "Violin, fiddle",
    "voice": "Choir",
}


def plain_distances(ontology: Taxonomy) -> np.ndarray:
    """Breadth-first search from one node after another, roots joined by one more node."""
    n = len(ontology.ids)
    near: list[set[int]] = [set() for _ in range(n + 1)]
    for node, parents in enumerate(ontology.parents):
        for parent in parents or (n,):
            near[node].add(parent)
            near[parent].add(node)
    out = []
    for source in range(n):
        steps = {source: 0}
        waiting = deque([source])
        while waiting:
            node = waiting.popleft()
            for other in near[node] - steps.keys():
                steps[other] = steps[node] + 1
                waiting.append(other)
        out.append([steps[node] for node in range(n)])
    return np.array(out)


@st.composite
def ontologies(draw: st.DrawFn) -> Taxonomy:
    """Any graph without cycles: each node's parents come before it."""
    n = draw(st.integers(1, 12))
    parents = [
        tuple(sorted(draw(st.sets(st.integers(0, node - 1), max_size=2)))) if node else ()
        for node in range(n)
    ]
    return Taxonomy(
        tuple(f"/x/{node}" for node in range(n)),
        tuple(f"label {node}" for node in range(n)),
        tuple(parents),
    )


def write(tmp_path, content) -> str:
    path = tmp_path / "onto.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def node(id_: str, *children: str) -> dict:
    return {"id": id_, "name": id_.upper(), "child_ids": list(children)}


@given(ontologies())
@settings(max_examples=60, deadline=None)
def test_distances_are_those_of_a_plain_search_and_a_metric(ontology):
    found = ontology.distances(ontology.ids, ontology.ids)
    np.testing.assert_array_equal(found, plain_distances(ontology))
    np.testing.assert_array_equal(found, found.T)
    assert ((found == 0) == np.eye(len(found), dtype=bool)).all()
    assert (found[:, None, :] <= found[:, :, None] + found[None, :, :]).all()


@given(st.lists(st.sampled_from([*INSTRUMENTS, "kazoo", "jug", "Guitar"]), min_size=1))
@settings(max_examples=40, deadline=None)
def test_relevance_of_known_and_unknown_labels(labels):
    table = taxonomy.relevance_table(taxonomy.demo(), labels)
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table, table.T)
    assert table.min() >= 10
    for a, row in zip(labels, table, strict=True):
        for b, relevance in zip(labels, row, strict=True):
            assert (relevance == 21) == (a.lower() == b.lower())
            if "kazoo" in (a, b) and a != b:
                assert relevance == 10


def test_demo_holds_the_paper_classes():
    demo = taxonomy.demo()
    assert dict(demo.classes).keys() == INSTRUMENTS.keys()
    for class_, name in INSTRUMENTS.items():
        assert demo.names[demo.resolve(class_)] == name
    assert demo.unknown(["Drum", *taxonomy.TOP_LABELS, "kazoo"]) == ["kazoo"]
    # Siblings are 2 apart; Cello and Choir meet at "Musical instrument".
    expected = [[2, 3, 4], [4, 3, 4]]
    found = demo.distances(["cello", "drums"], ["violin", "voice", "trumpet"])
    np.testing.assert_array_equal(found, expected)
    drum = demo.distances(["Drum"], list(INSTRUMENTS))
    kit = demo.distances(["drums"], list(INSTRUMENTS))
    np.testing.assert_array_equal(np.where(kit == 0, 2, kit), drum)


@pytest.mark.parametrize("label", ["/m/07y_7", "violin", "VIOLIN", "Violin, fiddle", " violin_"])
def test_resolve_by_id_class_and_name(label):
    demo = taxonomy.demo()
    assert demo.names[demo.resolve(label)] == "Violin, fiddle"


def test_flat_ontology():
    table = taxonomy.relevance_table(taxonomy.flat(), ["kazoo", "violin", "Kazoo"])
    np.testing.assert_array_equal(table, [[21, 10, 21], [10, 21, 10], [21, 10, 21]])


def test_labels_further_apart_than_21_edges_have_no_relevance(tmp_path):
    chain = [node(f"n{i}", f"n{i + 1}") for i in range(30)] + [node("n30")]
    table = taxonomy.relevance_table(taxonomy.load(write(tmp_path, chain)), ["n0", "n20", "n30"])
    np.testing.assert_array_equal(table, [[21, 1, 0], [1, 21, 11], [0, 11, 21]])


def test_encode_labels_drops_top_labels_and_joins_spellings():
    labels, items = taxonomy.encode_labels(
        taxonomy.demo(),
        [["violin", "Music"], ["/m/04szw", "tools"], [], ["Violin, fiddle", "kazoo"], ["KAZOO"]],
    )
    assert labels == ["kazoo", "violin"]
    assert items == [(1,), (), (), (0, 1), (0,)]
    _, kept = taxonomy.encode_labels(taxonomy.flat(), [["Singing"], ["Singing"]], drop=())
    assert kept == [(0,), (0,)]


def test_own_layout_and_audioset_layout_give_one_ontology(tmp_path):
    own = {
        "classes": {"fiddle": "b"},
        "nodes": [
            {"id": "a", "name": "A", "parents": []},
            {"id": "b", "name": "B", "parents": ["a"]},
        ],
    }
    first = taxonomy.load(write(tmp_path, own))
    second = taxonomy.load(write(tmp_path, [node("a", "b"), node("b")]))
    assert first.parents == second.parents == ((), (0,))
    assert first.resolve("fiddle") == 1
    assert second.resolve("fiddle") is None


@pytest.mark.parametrize(
    "content, said",
    [
        ("{nonsense", "is not valid JSON"),
        ('{"a": 1}', "has no list of nodes"),
        ("3", "has no list of nodes"),
        ([], "has no nodes"),
        ([{"id": "a", "name": "A"}], "Node 1 .* lacks"),
        (["a"], "Node 1 .* lacks"),
        ([node("a", "b")], "no node with the id 'b', which a names"),
        ([{"id": "a", "name": "A", "parents": [3]}], "no node with the id 3"),
        ([node("a"), node("a")], "id a twice"),
        (
            [node("r", "a"), node("a", "b"), node("b", "a")],
            r"has a cycle \((a → b → a|b → a → b)\)",
        ),
        ([node("a", "a")], "cycle"),
        ([{"id": ["a"], "name": "A", "child_ids": []}], "Node 1 .* lacks"),
        ([{"id": "a", "name": "A", "child_ids": [], "parents": None}], "Node 1 .* lacks"),
        ([{"id": "a", "name": "A", "child_ids": [["b"]]}], "no node with the id"),
        ("[" * 100_000, "is not valid JSON"),
        ({"nodes": [node("a")], "classes": ["x"]}, "classes .* are not an object"),
        ({"nodes": [node("a")], "classes": {"x": "y"}}, "class x names"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, content, said):
    with pytest.raises(UserError, match=said) as caught:
        taxonomy.load(write(tmp_path, content))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none\.json cannot be read"):
        taxonomy.load(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match="not valid JSON"):
        taxonomy.load(tmp_path / "binary.json")


def test_parse_is_load_without_a_file(tmp_path):
    content = json.dumps([node("a", "b"), node("b")])
    loaded = taxonomy.load(write(tmp_path, content))
    assert taxonomy.parse(content, "x") == loaded
    assert taxonomy.parse(b"\xef\xbb\xbf" + content.encode(), "x") == loaded
    assert taxonomy.read(write(tmp_path, content)) == content.encode()
    with pytest.raises(UserError, match=r"The ontology here\.json has the id a twice"):
        taxonomy.parse(json.dumps([node("a"), node("a")]), "here.json")


def test_below_holds_all_descendants_once():
    diamond = taxonomy.parse(
        json.dumps(
            [node("r", "a", "b"), node("a", "c"), node("b", "c"), node("c", "d"), node("d")]
        ),
        "x",
    )
    names = {top: [diamond.ids[at] for at in diamond.below([top])] for top in "rabd"}
    assert names == {"r": ["a", "b", "c", "d"], "a": ["c", "d"], "b": ["c", "d"], "d": []}
    assert diamond.below(["a", "r", "kazoo"]) == [1, 2, 3, 4]
    assert diamond.below([]) == diamond.below(["kazoo"]) == []


@given(ontologies())
@settings(max_examples=40, deadline=None)
def test_below_is_where_a_node_is_an_ancestor(ontology):
    def ancestors(node: int) -> set[int]:
        above = set(ontology.parents[node])
        return above.union(*(ancestors(parent) for parent in above))

    for top, id_ in enumerate(ontology.ids):
        wanted = [place for place in range(len(ontology.ids)) if top in ancestors(place)]
        assert ontology.below([id_]) == wanted


def test_labels_for_relevance_are_all_that_is_known_of_an_item():
    from core import items

    frame = items.table(
        [
            items.Item("a", "a", "audio", ("guitar",)),
            items.Item("b", "b", "audio", ("guitar",), facts='{"all_labels": ["Guitar", "Music"]}'),
            items.Item("c", "c", "audio", (), facts='{"all_labels": ["Harp"], "more": 1}'),
            items.Item("d", "d", "image", ("drums",), facts='{"all_labels": []}'),
            items.Item("e", "e", "image", (), facts='{"note": "\\"all_labels\\""}'),
        ]
    )
    found = taxonomy.labels_for_relevance(frame)
    assert found == [["guitar"], ["Guitar", "Music"], ["Harp"], [], []]


@cache
def plain_steps(path) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """Names by id, and edges from each id to each, searched in the file itself; "" joins roots."""
    nodes = json.loads(path.read_text())
    near: dict[str, set[str]] = {n["id"]: set() for n in nodes} | {"": set()}
    children = {child for n in nodes for child in n["child_ids"]}
    links = [(n["id"], child) for n in nodes for child in n["child_ids"]]
    links += [("", n["id"]) for n in nodes if n["id"] not in children]
    for a, b in links:
        near[a].add(b)
        near[b].add(a)

    def search(source: str) -> dict[str, int]:
        steps = {source: 0}
        waiting = deque([source])
        while waiting:
            here = waiting.popleft()
            for other in near[here]:
                if other not in steps:
                    steps[other] = steps[here] + 1
                    waiting.append(other)
        return steps

    return {n["id"]: n["name"] for n in nodes}, {n["id"]: search(n["id"]) for n in nodes}


def test_all_of_audioset_against_a_plain_search_of_the_file(shared_dir):
    path = shared_dir / "metadata" / "audioset_ontology.json"
    names, steps = plain_steps(path)
    whole = taxonomy.load(path)
    assert whole.ids == tuple(names)
    found = whole.distances(whole.ids, whole.ids)
    assert found.shape == (632, 632)
    for row, id_ in enumerate(whole.ids):
        assert found[row].tolist() == [steps[id_][other] for other in whole.ids]
    assert found.max() == 11
    np.testing.assert_array_equal(whole.distances(whole.names, whole.names), found)


@pytest.mark.parametrize("combine", ["best", "mean"])
def test_ndcg_over_all_of_audioset_letter_by_letter(shared_dir, combine):
    """W §3.3 written out: r = 21 - d, top labels dropped, linear gain, log2 discount, 30 items."""
    from core.studies import ranking

    folder = shared_dir / "metadata"
    names, steps = plain_steps(folder / "audioset_ontology.json")
    tops = {"Music", "Musical instrument", "Tools", "Singing"}
    lines = (folder / "eval_segments.csv").read_text().splitlines()[1:]
    listed = [[names[id_] for id_ in line.split('"')[1].split(",")] for line in lines]
    clips = [["Music"], ["Singing", "Music"], *listed[::80]]
    rng = np.random.default_rng(3)
    queries, gallery = (rng.standard_normal((len(clips), 8)).astype(np.float32) for _ in range(2))
    n_queries = 40

    whole = taxonomy.load(folder / "audioset_ontology.json")
    labels, encoded = taxonomy.encode_labels(whole, clips)
    result = ranking.study(
        queries[:n_queries],
        gallery,
        encoded[:n_queries],
        encoded,
        taxonomy.relevance_table(whole, labels),
        combine=combine,
        n_bootstrap=0,
    )

    id_of = {name: id_ for id_, name in names.items()}
    kept = [[id_of[name] for name in own if name not in tops] for own in clips]
    places = [place for place, own in enumerate(kept) if own]
    assert len(places) == len(clips) - 2  # the first two have nothing but top labels
    scores = []
    for query in range(n_queries):
        if not kept[query]:
            assert np.isnan(result.per_query["ndcg@30"][query])
            continue
        gain = {}
        for place in places:
            each = [max(21 - steps[a][b] for b in kept[place]) for a in kept[query]]
            gain[place] = max(each) if combine == "best" else sum(each) / len(each)
        a = queries[query].astype(float)

        def cosine(place: int, a: np.ndarray = a) -> float:
            b = gallery[place].astype(float)
            return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

        ranked = sorted(places, key=cosine, reverse=True)[:30]
        ideal = sorted(gain.values(), reverse=True)[:30]
        dcg = sum(gain[place] / np.log2(at + 2) for at, place in enumerate(ranked))
        scores.append(dcg / sum(g / np.log2(at + 2) for at, g in enumerate(ideal)))
        assert result.per_query["ndcg@30"][query] == pytest.approx(scores[-1], abs=1e-9)
    (row,) = [row for row in result.rows if row["metric"] == "ndcg@30"]
    assert row["value"] == pytest.approx(np.mean(scores), abs=1e-9)


def test_all_of_audioset(shared_dir):
    whole = taxonomy.load(shared_dir / "metadata" / "audioset_ontology.json")
    assert len(whole.ids) == 632
    assert sum(len(parents) > 1 for parents in whole.parents) == 38
    distances = whole.distances(whole.ids, whole.ids)
    assert distances.max() == taxonomy.UNKNOWN_DISTANCE
    relevance = taxonomy.relevance_table(whole, whole.ids)
    assert (relevance.min(), relevance.max()) == (10, 21)

    demo = taxonomy.demo()
    np.testing.assert_array_equal(
        demo.distances(demo.ids, demo.ids), whole.distances(demo.ids, demo.ids)
    )
    for class_, name in INSTRUMENTS.items():
        assert whole.names[whole.resolve(class_)] == name
