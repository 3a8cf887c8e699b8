"""AudioSet's segment lists: both published layouts, malformed lines, and speed."""

import time
from pathlib import Path

import numpy as np
import pytest

from core import taxonomy
from core.datasets.audioset import classes, segments
from core.errors import UserError
from tests import audioset_samples as samples

SMALL = taxonomy.parse(samples.ontology(), "ontology.json")


def read(path: Path, *more: Path) -> segments.Segments:
    files = [(file.name, file) for file in (path, *more)]
    return segments.read(files, SMALL, "ontology.json")


def names_of(found: segments.Segments, row: int) -> list[str]:
    return [SMALL.names[node] for node in found.label_node[found.label_row == row]]


def write(tmp_path: Path, text: str, name: str = "mini_segments.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        samples.HEAD + '--PJ, 30.000, 40.000, "/m/0342h,/m/09x0r"\nab_c-d, 0.5, 9, "/m/03m5k"\n',
        "YTID,start_seconds,end_seconds,positive_labels\r\n"
        '--PJ,30.000,40.000,"/m/0342h,/m/09x0r"\r\nab_c-d,0.5,9,/m/03m5k',
        '\ufeff--PJ , 30 , 40. , " /m/0342h , /m/09x0r, "\n\n  \nab_c-d,+.5,9,"/m/03m5k"  ',
    ],
)
def test_layouts(tmp_path: Path, text: str) -> None:
    found = read(write(tmp_path, text))
    assert found.rejected == []
    table = found.table
    assert table["ytid"].tolist() == ["--PJ", "ab_c-d"]
    assert table[["start_s", "end_s"]].to_numpy().tolist() == [[30.0, 40.0], [0.5, 9.0]]
    assert [names_of(found, row) for row in (0, 1)] == [["Guitar", "Speech"], ["Harp"]]


def test_malformed_lines_are_rejected_with_number_and_reason(tmp_path: Path) -> None:
    good = samples.row("good0000000", 30, ["Guitar"])
    bad = {
        "a, 30.000, 40.000": "does not have the layout",
        'b, 30.000, "/m/0342h"': "does not have the layout",
        'c, 30, 40, "/m/0342h", 5': "does not have the layout",
        'd, 30, 40, "/m/0342h': "does not have the layout",
        ', 30, 40, "/m/0342h"': "names no video",
        'f, thirty, 40, "/m/0342h"': "'thirty' and '40': expected two numbers",
        'g, 30, nan, "/m/0342h"': "'30' and 'nan': expected two numbers",
        'h, 30, , "/m/0342h"': "expected two numbers",
        'i, 40, 30, "/m/0342h"': "runs from 40 s to 30 s",
        'j, 30, 30, "/m/0342h"': "runs from 30 s to 30 s",
        'k, -5, 30, "/m/0342h"': "runs from -5 s to 30 s",
        'l, 30, 40, ""': "has no labels",
        'm, 30, 40, "/m/0342h,/m/kazoo"': "'/m/kazoo', which is not in the ontology ontology.json",
        good: "lists the video 'good0000000' again",
        "n" * 5_000: "nnn…",
        "\x00\x01": "does not have the layout",
    }
    assert samples.HEAD.count("\n") == 3
    found = read(write(tmp_path, samples.HEAD + "\n".join([good, *bad])))
    assert found.table["ytid"].tolist() == ["good0000000"]
    assert names_of(found, 0) == ["Guitar"]
    reasons = {row.path: row.reason for row in found.rejected}
    assert len(found.rejected) == len(reasons) == len(bad)
    for line, said in enumerate(bad.values(), start=5):
        reason = reasons[f"mini_segments.csv:{line}"]
        assert reason.startswith(f"Line {line} of mini_segments.csv ")
        assert said in reason
        assert reason.endswith(".")
        assert "\n" not in reason
        assert len(reason) < 300


def test_labels_follow_their_rows_past_rejected_ones_and_files(tmp_path: Path) -> None:
    first = write(
        tmp_path,
        "\n".join(
            [
                'x1, 5, 1, "/m/0342h"',
                samples.row("a", 0, ["Flute", "Music"]),
                'x2, 1, 5, "/m/kazoo,/m/0342h"',
                samples.row("b", 10, ["Drum"]),
            ]
        ),
    )
    second = write(
        tmp_path,
        "\n".join([samples.row("a", 90, ["Harp"]), samples.row("c", 20, ["Drum kit", "Drum"])]),
        "more_segments.csv",
    )
    found = read(first, second)
    assert found.table["ytid"].tolist() == ["a", "b", "c"]
    assert found.table["line"].tolist() == [2, 4, 2]
    assert found.table["source"].tolist() == [first.name, first.name, second.name]
    wanted = [["Flute", "Music"], ["Drum"], ["Drum kit", "Drum"]]
    assert [names_of(found, row) for row in range(3)] == wanted
    assert len(found.rejected) == 3


@pytest.mark.parametrize(
    "content", [b"", b"# only comments\n\n", b"\x89PNG\r\n\x1a\n" + bytes(500), b"a;b;c\n1;2;3\n"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd_segments.csv"
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"odd_segments\.csv has no row of the expected layout `ytid"
    ):
        read(path)
    path.unlink()
    with pytest.raises(UserError, match=r"odd_segments\.csv cannot be read .No such file"):
        read(path)


def test_classes_come_from_own_labels_only(tmp_path: Path) -> None:
    wanted = {
        "Guitar": ["guitar"],
        "Electric guitar": [],
        "Violin, fiddle": ["violin"],
        "Choir": ["voice"],
        "Cymbal": ["cymbals"],
        "Drum": ["drums"],
        "Drum kit": ["drums"],
        "Harp": [],
    }
    rows = [samples.row(f"v{i}", 0, [name]) for i, name in enumerate(wanted)]
    rows += [
        samples.row("both", 0, ["Drum", "Drum kit", "Music"]),
        samples.row("two", 0, ["Guitar", "Flute"]),
        samples.row("tools", 0, ["Hammer"]),
        samples.row("tops", 0, ["Music", "Singing", "Musical instrument", "Tools"]),
        samples.row("speech", 0, ["Speech"]),
    ]
    found = read(write(tmp_path, "\n".join(rows)))
    applying = classes.applying(found, SMALL)
    names = [[classes.CLASSES[c] for c in np.flatnonzero(own)] for own in applying]
    assert names == [*wanted.values(), ["drums"], ["flute", "guitar"], [], [], []]
    single = [classes.CLASSES[c] if c >= 0 else "" for c in classes.single(applying)]
    assert single[8:10] == ["drums", ""]
    qualifies = classes.qualifying(found, SMALL, "ontology.json")
    assert qualifies.tolist() == [True] * 11 + [False, False]


def test_an_ontology_without_instruments_is_refused(tmp_path: Path) -> None:
    bare = taxonomy.parse(samples.ontology({"Speech": ("/m/09x0r", ())}), "o.json")
    path = write(tmp_path, samples.row("v", 0, ["Speech"]))
    found = segments.read([(path.name, path)], bare, "o.json")
    with pytest.raises(UserError, match=r"o\.json has no labels below 'Musical instrument'"):
        classes.qualifying(found, bare, "o.json")


def test_half_a_million_rows_parse_in_seconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n_rows = 500_000
    ids = np.array(SMALL.ids)
    three = [",".join(own) for own in ids[rng.integers(len(ids), size=(2_000, 3))].tolist()]
    lines = [
        f'{i:011d}, {i % 500}.000, {i % 500 + 10}.000, "{three[i % 2_000]}"\n'
        for i in range(n_rows)
    ]
    for i in range(0, n_rows, 100):  # one in a hundred is malformed
        lines[i] = f'{i:011d}, 40.000, 30.000, "/m/0342h"\n'
    path = write(tmp_path, samples.HEAD + "".join(lines), "big_segments.csv")
    started = time.process_time()  # of this process alone, whatever else the machine does
    found = read(path)
    applying = classes.applying(found, SMALL)
    classes.qualifying(found, SMALL, "ontology.json")
    assert time.process_time() - started < 10.0
    assert len(found.table) == len(applying) == n_rows - n_rows // 100
    assert len(found.rejected) == n_rows // 100


@pytest.mark.parametrize("name, n_rows", [("balanced_train", 22_160), ("eval", 20_371)])
def test_published_lists_against_a_plain_reader(shared_dir: Path, name: str, n_rows: int) -> None:
    import csv
    import json

    folder = shared_dir / "metadata"
    whole = taxonomy.load(folder / "audioset_ontology.json")
    path = folder / f"{name}_segments.csv"
    found = segments.read([(path.name, path)], whole, "audioset_ontology.json")
    with path.open(newline="") as file:
        plain = list(csv.reader(file, skipinitialspace=True))[1:]
    assert len(plain) == len(found.table) == n_rows
    assert found.rejected == []
    assert found.table["ytid"].tolist() == [row[0] for row in plain]
    assert found.table["start_s"].tolist() == [float(row[1]) for row in plain]

    nodes = {
        node["id"]: node for node in json.loads((folder / "audioset_ontology.json").read_text())
    }
    tops = [id_ for id_, node in nodes.items() if node["name"] in classes.TOPS]
    below: set[str] = set()
    waiting = [child for top in tops for child in nodes[top]["child_ids"]]
    while waiting:
        id_ = waiting.pop()
        below.add(id_)
        waiting += nodes[id_]["child_ids"]
    labels = [set(row[3].split(",")) for row in plain]
    qualifies = classes.qualifying(found, whole, "o").tolist()
    assert qualifies == [bool(own & below) for own in labels]
    assert sum(qualifies) > 4_000

    by_name = {
        "Violin, fiddle": "violin",
        "Choir": "voice",
        "Cymbal": "cymbals",
        "Drum kit": "drums",
    }
    known = {*classes.CLASSES, *map(str.lower, by_name)}
    class_of = {
        id_: by_name.get(node["name"], "drums" if node["name"] == "Drum" else node["name"].lower())
        for id_, node in nodes.items()
        if node["name"].lower() in known | {"drum"}
    }
    assert class_of == classes.CLASS_OF
    assert len(classes.CLASSES) == 18
    plain_classes = [{class_of[id_] for id_ in own if id_ in class_of} for own in labels]
    single = classes.single(classes.applying(found, whole))
    for number, own in zip(single, plain_classes, strict=True):
        assert (number >= 0) == (len(own) == 1)
        assert number < 0 or {classes.CLASSES[number]} == own
