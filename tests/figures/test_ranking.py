"""Ranking (W figure 2): a row per encoder set, baselines, a reported range."""

import itertools

import pandas as pd
import pytest

from core.figures import ranking, theme

SETS = [(audio, image) for audio in ("a", "b") for image in ("x", "y", "z")]
BOTH = ("audio_to_image", "image_to_audio")
BAND = ranking.Band("W", 0.79, 0.815, BOTH)


def table(sets: list[tuple[str, ...]], low: float = 0.8, high: float = 0.9) -> pd.DataFrame:
    rows = []
    for number, encoder_set in enumerate(sets):
        value = low + (high - low) * number / max(1, len(sets) - 1)
        for direction in BOTH:
            for space, less in (("translation", 0.0), ("pca", 0.005)):
                mean = value - less
                rows.append(
                    ("+".join(encoder_set), space, direction, mean, mean - 0.01, mean + 0.01)
                )
    columns = ["encoder_set", "space", "direction", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_rows_are_grouped_by_their_first_encoder() -> None:
    layout = ranking.row_layout(SETS)
    assert layout.labels == ["<b>a</b>", "x", "y", "z", "<b>b</b>", "x", "y", "z"]
    assert layout.row_of["b+x"] == 5
    assert len(layout.labels) == 8


@pytest.mark.parametrize("sets", [[("a", "x")], [("a", "x", "t")], [("a", "x"), ("b", "x")]])
def test_first_encoders_with_one_set_each_make_no_groups(
    sets: list[tuple[str, ...]],
) -> None:
    assert ranking.row_layout(sets).labels == [" × ".join(encoder_set) for encoder_set in sets]


def test_names_are_escaped() -> None:
    assert ranking.row_layout([("<i>", "x"), ("<i>", "y")]).labels[0] == "<b>&lt;i&gt;</b>"


def test_every_marker_has_its_encoder_set_interval_and_space() -> None:
    made = ranking.figure(table(SETS), SETS, "NDCG@30", BOTH, dark=False)
    marks = [trace for trace in made.data if trace.customdata is not None]
    assert len(marks) == 4  # two directions, two spaces
    for trace in marks:
        assert list(trace.customdata) == ["+".join(encoder_set) for encoder_set in SETS]
        assert list(trace.error_x.array) == pytest.approx([0.01] * len(SETS))
    colours = {trace.name: trace.marker.line.color for trace in marks}
    assert colours == {
        "Translation": theme.SPACE_COLOURS["translation"],
        "PCA": theme.SPACE_COLOURS["pca"],
    }
    fills = {trace.name: trace.marker.color for trace in marks}
    assert fills["PCA"] != colours["PCA"]  # hollow: told apart without colour too


def test_the_chosen_encoder_set_is_shaded_in_each_panel() -> None:
    made = ranking.figure(table(SETS), SETS, "NDCG@30", BOTH, dark=True, chosen="b+x")
    spans = [(shape.y0, shape.y1) for shape in made.layout.shapes]
    assert spans == [(4.5, 5.5)] * 2
    alone = ranking.figure(table(SETS[:1]), SETS[:1], "NDCG@30", BOTH, False, chosen="a+x")
    assert not alone.layout.shapes


def test_baselines_are_lines_in_the_panel_of_their_direction() -> None:
    lines = [
        ranking.Baseline("random order", {"audio_to_image": 0.7, "image_to_audio": 0.72}),
        ranking.Baseline("o + p, untranslated", {"audio_to_image": 0.69}, "#3AA089"),
    ]
    made = ranking.figure(table(SETS), SETS, "NDCG@30", BOTH, False, baselines=lines)
    drawn = [(trace.name, trace.x[0]) for trace in made.data if trace.mode == "lines"]
    assert drawn == [
        ("random order", 0.7),
        ("o + p, untranslated", 0.69),
        ("random order", 0.72),
    ]
    assert made.layout.xaxis.range[0] < 0.69


def test_a_near_reported_range_is_a_band_and_a_far_one_a_label() -> None:
    near = ranking.figure(table(SETS), SETS, "NDCG@30", BOTH, False, band=BAND)
    bands = [shape for shape in near.layout.shapes if shape.x0 == 0.79]
    assert len(bands) == 2
    assert near.layout.xaxis.range[0] < 0.79
    far = ranking.figure(table(SETS, 0.96, 0.98), SETS, "NDCG@30", BOTH, False, band=BAND)
    assert not far.layout.shapes
    assert far.layout.xaxis.range[0] > 0.815
    words = [note for note in far.layout.annotations if note.text == "← W"]
    assert len(words) == 2


def test_only_the_directions_of_the_paper_have_its_range() -> None:
    rows = table([("a", "x", "t")]).assign(direction="text_to_audio")
    made = ranking.figure(rows, [("a", "x", "t")], "NDCG@30", ["text_to_audio"], False, band=BAND)
    assert not made.layout.shapes
    assert [note.text for note in made.layout.annotations] == ["text to sound"]


def test_six_directions_are_three_rows_with_space_between() -> None:
    names = list(theme.DIRECTION_NAMES)
    rows = pd.concat([table([("a", "x", "t")]).assign(direction=name) for name in names])
    made = ranking.figure(rows, [("a", "x", "t")], "NDCG@30", names, dark=False)
    domains = sorted({tuple(made.layout[f"yaxis{n or ''}"].domain) for n in (0, 2, 3, 4, 5, 6)})
    assert len(domains) == 3
    plot_px = made.layout.height - made.layout.margin.t - made.layout.margin.b
    gaps = [(after[0] - before[1]) * plot_px for before, after in itertools.pairwise(domains)]
    assert all(gap > 60 for gap in gaps)  # room for tick labels and the next title


def test_an_empty_table_gives_a_figure() -> None:
    made = ranking.figure(table(SETS).iloc[:0], SETS, "NDCG@30", BOTH, dark=False, band=BAND)
    assert not [trace for trace in made.data if trace.customdata is not None]
