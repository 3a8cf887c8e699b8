"""Maps: few traces, typed arrays, every point with its marker, colour and id."""

import json

import numpy as np
import pytest

from core.figures import maps, theme
from core.figures.map_points import MapPoints

EVIL = "<b onclick='x'>%{x}</b>&"


def panel(n: int, n_dims: int = 2, joined: np.ndarray = maps.NO_PAIRS) -> maps.Panel:
    rng = np.random.default_rng(0)
    points = MapPoints(
        xyz=rng.normal(size=(n, n_dims)).astype(np.float32),
        item_ids=np.array([f"item_{row}" for row in range(n)], dtype=object),
        modality=np.array(["audio", "image"], dtype=object)[np.arange(n) % 2],
        class_row=(np.arange(n) % 4 - 1).astype(np.int16),
        subset=np.full(n, "test", dtype=object),
    )
    return maps.Panel(EVIL, points, ["a", "b", "c"], joined=joined)


@pytest.mark.parametrize("n_dims", [2, 3])
def test_every_point_has_its_coordinates_colour_marker_and_id(n_dims: int) -> None:
    given = panel(1000, n_dims)
    made = maps.figure([given], dark=False)
    drawn = [trace for trace in made.data if trace.customdata is not None]
    assert len(drawn) == (4 if n_dims == 2 else 2)  # of classes and modalities, or modalities
    ids = [item for trace in drawn for item in trace.customdata]
    assert sorted(ids) == sorted(given.points.item_ids)
    assert json.loads(made.to_json())["data"][0]["x"]["dtype"] == "f4"
    row_of = {item: row for row, item in enumerate(given.points.item_ids)}
    for trace in drawn:
        rows = [row_of[item] for item in trace.customdata]
        np.testing.assert_array_equal(np.asarray(trace.x), given.points.xyz[rows, 0])
        assert trace.marker.symbol == theme.MARKERS[given.points.modality[rows[0]]]
        assert len({given.points.modality[row] for row in rows}) == 1
        wanted = [theme.class_colour(int(given.points.class_row[row])) for row in rows]
        colours = [trace.marker.color] * len(rows) if n_dims == 2 else list(trace.marker.color)
        assert colours == wanted


def test_two_maps_are_one_figure_with_separate_axes() -> None:
    flat = maps.figure([panel(8), panel(8)], dark=False, highlighted=["item_3"])
    assert {trace.xaxis for trace in flat.data if trace.customdata is not None} == {"x", "x2"}
    assert flat.layout.xaxis.domain[1] < flat.layout.xaxis2.domain[0]
    assert [trace.xaxis for trace in flat.data if trace.name == "highlighted"] == ["x", "x2"]
    deep = maps.figure([panel(8, 3), panel(8, 3)], dark=False)
    assert {trace.scene for trace in deep.data if trace.customdata is not None} == {
        "scene",
        "scene2",
    }
    assert deep.layout.scene2.domain.x[0] > deep.layout.scene.domain.x[1]


def test_lines_join_pairs_and_rings_mark_highlighted_items() -> None:
    given = panel(6, joined=np.array([[0, 1], [2, 3]]))
    made = maps.figure([given], dark=False, highlighted=["item_2", "absent"])
    of_name = {trace.name: trace for trace in made.data}
    assert np.isnan(np.asarray(of_name["pairs"].x)[[2, 5]]).all()
    assert len(of_name["highlighted"].x) == 1


def test_ids_that_could_be_html_are_not_shown() -> None:
    given = panel(4)
    assert "%{customdata}" in maps.figure([given], dark=False).data[0].hovertemplate
    given.points.item_ids[0] = "<a href='x'>"
    assert "%{customdata}" not in maps.figure([given], dark=False).data[0].hovertemplate


def test_an_empty_map_is_drawn() -> None:
    made = maps.figure([panel(0)], dark=False)
    assert not any(trace.customdata is not None for trace in made.data)


def test_fifty_thousand_points_stay_small() -> None:
    assert len(maps.figure([panel(50_000)], dark=False).to_json()) < 2.5e6


def test_a_title_is_shown_letter_by_letter() -> None:
    text = maps.figure([panel(4)], dark=True).to_json()
    assert "onclick='x'" not in text
    assert "<b onclick" not in text
