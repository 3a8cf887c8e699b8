"""The figures of typed tags and of the moving map: what they draw, and that words stay words."""

import numpy as np
import pandas as pd
import pytest

from core.figures import curves, matrices, tags, trajectory
from core.studies import zero_shot

HOSTILE = "<img src=x onerror=alert(1)>%{x}"
CLASSES = ["banjo", "cello", "<b>drums</b>"]


def plain(figure: object) -> str:
    """The figure as it is sent to the browser."""
    return str(figure.to_json())  # type: ignore[attr-defined]


@pytest.mark.parametrize("dark", [False, True])
def test_class_means_are_drawn_as_they_are_and_words_escaped(dark: bool) -> None:
    means = np.array([[0.5, -0.2], [0.1, 0.0], [np.nan, np.nan]], dtype=np.float32)
    made = tags.by_class(means, CLASSES, ["slow strings", HOSTILE], dark)
    heat = made.data[0]
    assert np.array_equal(np.asarray(heat.z), means, equal_nan=True)
    assert heat.zmax == -heat.zmin == pytest.approx(0.5)
    assert "<img" not in plain(made)
    assert "<b>drums" not in plain(made)
    assert "&lt;img" in made.layout.xaxis.ticktext[1]


def test_a_long_tag_is_cut_beside_its_axis() -> None:
    made = tags.by_class(np.zeros((3, 1)), CLASSES, ["word " * 100], False)
    assert made.layout.xaxis.ticktext[0].endswith("…")
    assert len(made.layout.xaxis.ticktext[0]) <= tags.MAX_LETTERS


def test_the_distribution_counts_every_item_once() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=500)
    bears = np.arange(500) < 40
    made = tags.distribution(scores, 0.7, False, bears, "banjo")
    assert [trace.name for trace in made.data] == [tags.OTHER, "labelled banjo"]
    assert [int(np.sum(trace.customdata)) for trace in made.data] == [460, 40]
    assert sum(made.data[1].y) == pytest.approx(1.0)
    assert made.layout.shapes[0].x0 == 0.7
    alone = tags.distribution(scores, 0.7, False)
    assert [int(np.sum(trace.customdata)) for trace in alone.data] == [500]


@pytest.mark.parametrize("scores", [np.zeros(5), np.array([0.3]), np.array([])])
def test_a_distribution_of_equal_or_no_scores_is_drawn(scores: np.ndarray) -> None:
    made = tags.distribution(scores, 0.0, True)
    assert int(np.sum(made.data[0].customdata)) == len(scores)


def test_the_open_tags_curves_stand_in_front() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(60) < 0.3
    found = {
        name: zero_shot.curves(truth + rng.normal(size=60), truth) for name in ("a", HOSTILE, "c")
    }
    made = tags.curves(found, HOSTILE, 0.3, False, at=(0.1, 0.4, 0.6))
    strong = [trace for trace in made.data if trace.line.width == 2.6]
    assert len(strong) == 2
    assert list(strong[0].y) == pytest.approx(found[HOSTILE].tpr.tolist())
    assert list(strong[1].y) == pytest.approx(found[HOSTILE].precision.tolist())
    chance = [trace for trace in made.data if trace.name == "chance"]
    assert [list(trace.y) for trace in chance] == [[0.0, 1.0], [0.3, 0.3]]
    assert "<img" not in plain(made)


def test_areas_stand_best_first_beside_their_chance() -> None:
    table = pd.DataFrame(
        {
            "tag": ["low", HOSTILE, "high"],
            "roc_auc": [0.4, 0.6, 0.9],
            "pr_auc": [0.1, 0.2, 0.8],
            "prevalence": [0.2, 0.1, 0.3],
        }
    )
    made = tags.areas(table, {"high": "#123456"}, False)
    assert list(made.data[0].x) == [0.9, 0.6, 0.4]
    assert list(made.data[1].x) == [0.5, 0.5, 0.5]
    assert list(made.data[3].x) == [0.3, 0.1, 0.2]
    assert made.data[0].marker.color[0] == "#123456"
    assert "<img" not in plain(made)


def test_new_classes_are_columns_without_a_row() -> None:
    counts = np.array([[3, 1, 0, 2], [0, 4, 1, 0], [0, 0, 5, 0]])
    made = matrices.confusion(counts, CLASSES, False, new=[HOSTILE], picked=("banjo", HOSTILE))
    assert np.asarray(made.data[0].z).shape == (3, 4)
    assert made.layout.xaxis.ticktext[3].startswith("+ &lt;img")
    assert len(made.layout.yaxis.ticktext) == 3
    texts = np.asarray(made.data[1].text).reshape(3, 4)
    assert texts[0].tolist() == ["3", "1", "", "2"]
    assert "<img" not in plain(made)
    rings = [shape for shape in made.layout.shapes if shape.type == "rect"]
    assert (rings[0].x0, rings[0].y0) == (2.5, -0.5)
    line = [shape for shape in made.layout.shapes if shape.type == "line"]
    assert line[0].x0 == 2.5


# -- the moving map --------------------------------------------------------------------------------


def moving(n: int = 6, n_epochs: int = 4) -> trajectory.Moving:
    rng = np.random.default_rng(2)
    kinds = np.array(["audio", "text"] * (n // 2), dtype=object)
    return trajectory.Moving(
        np.arange(n_epochs) * 5,
        rng.normal(size=(n_epochs, n, 2)).astype(np.float32),
        np.array([f"item <{row}>" for row in range(n)], dtype=object),
        kinds,
        np.array([0, 0, 1, 1, -1, -1]),
        np.array([[0, 1], [2, 3], [4, 5]]),
    )


@pytest.mark.parametrize("lines", [False, True])
def test_every_frame_moves_the_same_points(lines: bool) -> None:
    found = moving()
    made = trajectory.moving(found, CLASSES, False, lines=lines)
    assert [frame.name for frame in made.frames] == ["0", "5", "10", "15"]
    drawn = [trace for trace in made.data if trace.ids]
    ids = [item_id for trace in drawn for item_id in trace.ids]
    assert sorted(ids) == sorted(found.item_ids)
    row_of = {item_id: row for row, item_id in enumerate(found.item_ids)}
    for number, frame in enumerate(made.frames):
        parts = frame.data[1:] if lines else frame.data
        assert len(parts) == len(drawn)
        for trace, part in zip(drawn, parts, strict=True):
            rows = [row_of[item_id] for item_id in trace.ids]
            assert list(part.x) == pytest.approx(found.xy[number, rows, 0].tolist())
            assert list(part.y) == pytest.approx(found.xy[number, rows, 1].tolist())


def test_lines_join_the_halves_of_pairs_in_every_frame() -> None:
    found = moving()
    made = trajectory.moving(found, CLASSES, False, lines=True)
    for number, frame in enumerate(made.frames):
        x = np.asarray(frame.data[0].x, dtype=float).reshape(-1, 3)
        assert x[:, 0] == pytest.approx(found.xy[number, [0, 2, 4], 0])
        assert x[:, 1] == pytest.approx(found.xy[number, [1, 3, 5], 0])
        assert np.isnan(x[:, 2]).all()


def test_the_axes_hold_every_epoch_and_the_slider_names_them() -> None:
    found = moving()
    made = trajectory.moving(found, CLASSES, True)
    low, high = made.layout.xaxis.range
    assert low < found.xy[..., 0].min()
    assert high > found.xy[..., 0].max()
    assert [step.label for step in made.layout.sliders[0].steps] == ["0", "5", "10", "15"]
    play = made.layout.updatemenus[0].buttons[0].args[1]
    assert play["transition"]["duration"] > 0  # it moves, it does not jump
    assert play["frame"]["redraw"] is False
    assert "<b>drums" not in plain(made)


def test_losses_that_did_not_play_are_not_drawn() -> None:
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [3.0, 2.0, 1.0],
            "validation_loss": [3.1, 2.2, 1.4],
            "train_discriminator_loss": [np.nan, 0.7, 0.6],
            "validation_discriminator_loss": [np.nan] * 3,
        }
    )
    made = curves.training(history, 3, False, curves.GENERATORS)
    assert [trace.name for trace in made.data] == [
        "generator, training",
        "generator, validation",
        "discriminator, training",
    ]
    assert made.layout.shapes[0].x0 == 3
