"""Figures: few traces, typed arrays, safe text, fixed order."""

import json

import numpy as np
import pandas as pd
import pytest

from core.figures import common, curves, maps, matrices, spectrogram, theme

EVIL = "<b onclick='x'>%{x}</b>&"


def panel(n: int, n_dims: int = 2, joined: np.ndarray = maps.NO_PAIRS) -> maps.Panel:
    rng = np.random.default_rng(0)
    return maps.Panel(
        title=EVIL,
        xyz=rng.normal(size=(n, n_dims)).astype(np.float32),
        item_ids=np.array([f"item_{row}" for row in range(n)], dtype=object),
        modality=np.array(["audio", "image"], dtype=object)[np.arange(n) % 2],
        class_row=(np.arange(n) % 4 - 1).astype(np.int16),
        classes=["a", "b", "c"],
        joined=joined,
    )


@pytest.mark.parametrize("n_dims", [2, 3])
def test_every_point_has_its_place_colour_marker_and_id(n_dims: int) -> None:
    given = panel(1000, n_dims)
    made = maps.map_figure([given], dark=False)
    drawn = [trace for trace in made.data if trace.customdata is not None]
    assert len(drawn) == (4 if n_dims == 2 else 2)  # of classes and modalities, or modalities
    ids = [item for trace in drawn for item in trace.customdata]
    assert sorted(ids) == sorted(given.item_ids)
    assert json.loads(made.to_json())["data"][0]["x"]["dtype"] == "f4"
    row_of = {item: row for row, item in enumerate(given.item_ids)}
    for trace in drawn:
        rows = [row_of[item] for item in trace.customdata]
        np.testing.assert_array_equal(np.asarray(trace.x), given.xyz[rows, 0])
        assert trace.marker.symbol == theme.MARKERS[given.modality[rows[0]]]
        assert len({given.modality[row] for row in rows}) == 1
        wanted = [theme.class_colour(int(given.class_row[row])) for row in rows]
        colours = [trace.marker.color] * len(rows) if n_dims == 2 else list(trace.marker.color)
        assert colours == wanted


def test_two_maps_are_one_figure_on_axes_of_their_own() -> None:
    flat = maps.map_figure([panel(8), panel(8)], dark=False, picked=["item_3"])
    assert {trace.xaxis for trace in flat.data if trace.customdata is not None} == {"x", "x2"}
    assert flat.layout.xaxis.domain[1] < flat.layout.xaxis2.domain[0]
    assert [trace.xaxis for trace in flat.data if trace.name == "picked"] == ["x", "x2"]
    deep = maps.map_figure([panel(8, 3), panel(8, 3)], dark=False)
    assert {trace.scene for trace in deep.data if trace.customdata is not None} == {
        "scene",
        "scene2",
    }
    assert deep.layout.scene2.domain.x[0] > deep.layout.scene.domain.x[1]


def test_lines_join_pairs_and_rings_mark_the_picked() -> None:
    given = panel(6, joined=np.array([[0, 1], [2, 3]]))
    made = maps.map_figure([given], dark=False, picked=["item_2", "absent"])
    of_name = {trace.name: trace for trace in made.data}
    assert np.isnan(np.asarray(of_name["pairs"].x)[[2, 5]]).all()
    assert len(of_name["picked"].x) == 1


def test_ids_that_could_be_html_are_not_shown() -> None:
    given = panel(4)
    assert "%{customdata}" in maps.map_figure([given], dark=False).data[0].hovertemplate
    given.item_ids[0] = "<a href='x'>"
    assert "%{customdata}" not in maps.map_figure([given], dark=False).data[0].hovertemplate


def test_an_empty_map_is_drawn() -> None:
    made = maps.map_figure([panel(0)], dark=False)
    assert not any(trace.customdata is not None for trace in made.data)


def test_fifty_thousand_points_stay_small() -> None:
    assert len(maps.map_figure([panel(50_000)], dark=False).to_json()) < 2.5e6


def test_names_are_shown_letter_by_letter() -> None:
    made = matrices.confusion(np.eye(2), [EVIL, "b"], dark=False)
    text = made.to_json() + maps.map_figure([panel(4)], dark=True).to_json()
    assert "onclick='x'" not in text
    assert "<b onclick" not in text
    assert "%{x}<" not in common.safe(EVIL)
    page = common.to_html(made, EVIL, {"study": EVIL}, dark=False).decode()
    assert "<b onclick" not in page


def test_a_confusion_matrix_carries_its_cells() -> None:
    counts = np.array([[3, 1], [0, 2]])
    cells = np.array([["a~a", "a~b"], ["b~a", "b~b"]], dtype=object)
    made = matrices.confusion(counts, ["a", "b"], dark=False, by_row=True, cells=cells)
    heat, marks = made.data
    np.testing.assert_allclose(heat.z, [[0.75, 0.25], [0, 1]])
    assert list(marks.customdata) == ["a~a", "a~b", "b~a", "b~b"]
    assert list(marks.text) == ["0.75", "0.25", "", "1.00"]


def test_a_class_without_items_has_an_empty_row() -> None:
    made = matrices.confusion(np.zeros((2, 2)), ["a", "b"], dark=True, by_row=True)
    assert np.isfinite(made.data[0].z).all()


def test_mix_in_boxes_lines_and_ticks() -> None:
    rows = pd.DataFrame(
        [(s, n, v) for s in ("MMT", "MMP") for n in (0, 100) for v in (0.2, 0.4)],
        columns=["system", "n_target", "value"],
    )
    made = curves.mix_in(rows, "image", single=0.8, chance=0.1, dark=False)
    assert sum(trace.type == "box" for trace in made.data) == 2
    assert list(made.layout.xaxis.ticktext) == ["0", "100"]
    names = {trace.name for trace in made.data}
    assert {"SMI alone", "chance"} <= names


def test_the_spectrogram_shows_where_a_tone_lies() -> None:
    time_s = np.arange(16_000) / 16_000
    tones = [
        spectrogram.spectrogram(np.sin(2 * np.pi * hz * time_s).astype(np.float32), 16_000)
        for hz in (200, 2000)
    ]
    rows = [int(tone.mean(axis=1).argmax()) for tone in tones]
    assert rows[0] > rows[1]  # low frequencies lie at the bottom
    assert all(tone.min() >= 0 and tone.max() <= 1 for tone in tones)


@pytest.mark.parametrize("n", [0, 1, 500, 16_000])
def test_silence_and_short_sounds_have_a_spectrogram(n: int) -> None:
    assert not spectrogram.spectrogram(np.zeros(n, np.float32), 8000).any()


def test_colours_differ_for_many_classes() -> None:
    colours = list(theme.class_colours([str(n) for n in range(60)]).values())
    assert len(set(colours)) == 60
    assert all(len(colour) == 7 for colour in colours)


def test_the_order_of_colours_is_that_of_the_classes() -> None:
    assert theme.class_colours(["x", "y"])["y"] == theme.class_colour(1)


def test_file_names_are_plain() -> None:
    assert common.file_name("A/../b", "<x>", "") == "a-b_x"
    assert common.file_name("///") == "figure"
