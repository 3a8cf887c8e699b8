"""The files of a WebGL map: what is written comes back, row by row."""

import numpy as np
import pandas as pd
import pytest

from core.figures import map_files
from core.figures.map_points import MapPoints

HEADER = 32


def points(n: int, n_dims: int = 2, n_classes: int = 5) -> MapPoints:
    rng = np.random.default_rng(1)
    return MapPoints(
        np.array([f"item {row}" for row in range(n)], dtype=object),
        rng.normal(size=(n, n_dims)).astype(np.float32) * [3, 1, 2][:n_dims],
        np.array(["audio", "image"], dtype=object)[rng.integers(2, size=n)],
        rng.integers(-1, n_classes, size=n).astype(np.int16),
        np.array(["train", "test"], dtype=object)[rng.integers(2, size=n)],
    )


@pytest.mark.parametrize("n_dims", [2, 3])
def test_places_keep_their_proportions(n_dims: int) -> None:
    made = points(500, n_dims)
    file, extent = map_files.places(made)
    found = np.frombuffer(file.content[HEADER:], "<u2").reshape(500, n_dims) / map_files.TOP
    wanted = made.xyz[map_files.shuffled(500)]
    longest = np.ptp(made.xyz, axis=0).max()
    assert found * longest + made.xyz.min(axis=0) == pytest.approx(wanted, abs=longest / 60_000)
    assert max(extent) == 1
    assert extent == pytest.approx((np.ptp(made.xyz, axis=0) / longest).tolist())
    assert map_files.on_map(made, wanted[7]) == pytest.approx(found[7].tolist(), abs=2e-5)


@pytest.mark.parametrize(("n_classes", "width"), [(5, 1), (400, 2)])
def test_items_have_class_modality_and_subset(n_classes: int, width: int) -> None:
    made = points(2_000, n_classes=n_classes)
    content = map_files.items(made, ["audio", "image"], ["train", "test"]).content[HEADER:]
    order = map_files.shuffled(2_000)
    assert len(content) == 2_000 * (width + 1)
    classes = np.frombuffer(content[: 2_000 * width], f"<u{width}").astype(int)
    kinds = np.frombuffer(content[2_000 * width :], "u1")
    assert (classes - 1 == made.class_row[order]).all()
    assert (np.array(["audio", "image"], dtype=object)[kinds & 3] == made.modality[order]).all()
    assert (np.array(["train", "test"], dtype=object)[kinds >> 2] == made.subset[order]).all()


def test_a_million_points_are_six_bytes_each() -> None:
    made = points(1_000)
    n_bytes = len(map_files.places(made)[0].content) - HEADER
    n_bytes += len(map_files.items(made, ["audio", "image"], ["train", "test"]).content) - HEADER
    assert n_bytes == 6 * len(made)


def test_other_items_have_another_digest() -> None:
    one, other = points(50), points(50)
    other.item_ids[3] = "another"
    kinds = (["audio", "image"], ["train", "test"])
    assert map_files.items(one, *kinds).digest == map_files.items(points(50), *kinds).digest
    assert map_files.items(one, *kinds).digest != map_files.items(other, *kinds).digest
    assert map_files.places(one)[0].digest == map_files.places(other)[0].digest


def test_a_column_of_numbers_is_a_scale() -> None:
    column = map_files.column(pd.Series([2.0, 4.0, None, 3.0]))
    codes = np.frombuffer(column.file.content[HEADER:], "u1")
    assert (column.low, column.high, column.values) == (2.0, 4.0, ())
    wanted = np.array([0, 254, 255, 127])[map_files.shuffled(4)]
    assert codes.tolist() == wanted.tolist()


def test_a_column_of_names_has_the_most_common_first() -> None:
    column = map_files.column(pd.Series(["b", "a", "b", None, True]))
    codes = np.frombuffer(column.file.content[HEADER:], "u1")
    assert column.values[0] == "b"
    names = np.array(column.values, dtype=object)[codes]
    wanted = np.array(["b", "a", "b", "none", "True"], dtype=object)[map_files.shuffled(5)]
    assert list(names) == list(wanted)


def test_rare_names_are_called_other() -> None:
    values = pd.Series([f"name {row}" for row in range(500)] + ["often"] * 3)
    column = map_files.column(values)
    assert len(column.values) == map_files.MOST_VALUES + 1
    assert (column.values[0], column.values[-1]) == ("often", "other")


def test_pairs_are_rows_of_the_files() -> None:
    ids = np.array(["a", "b", "c", "d"], dtype=object)
    rows = map_files.row_pairs(ids, ["a", "c", "b"], ["b", "d", "absent"])
    shown = ids[map_files.shuffled(4)]
    assert {tuple(shown[row]) for row in rows} == {("a", "b"), ("c", "d")}


def test_masks_of_rows() -> None:
    rows = np.array([0, 7, 8, 12])
    bits = map_files.bits_of_rows(rows, 13)
    assert len(bits) == 2
    assert map_files.rows_of_bits(bits, 13).tolist() == rows.tolist()
    with pytest.raises(ValueError, match="expected 3 for 20 rows"):
        map_files.rows_of_bits(bits, 20)
