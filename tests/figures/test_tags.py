"""Figures of tags: their numbers, and tags as escaped text."""

import numpy as np
import pandas as pd
import pytest

from core.figures import tags
from core.studies import zero_shot

HOSTILE = "<img src=x onerror=alert(1)>%{x}"
CLASSES = ["banjo", "cello", "<b>drums</b>"]


@pytest.mark.parametrize("dark", [False, True])
def test_class_means_are_unchanged_and_tags_escaped(dark: bool) -> None:
    means = np.array([[0.5, -0.2], [0.1, 0.0], [np.nan, np.nan]], dtype=np.float32)
    made = tags.by_class(means, CLASSES, ["slow strings", HOSTILE], dark)
    heat = made.data[0]
    assert np.array_equal(np.asarray(heat.z), means, equal_nan=True)
    assert heat.zmax == -heat.zmin == pytest.approx(0.5)
    assert "<img" not in made.to_json()
    assert "<b>drums" not in made.to_json()
    assert "&lt;img" in made.layout.xaxis.ticktext[1]


def test_a_long_tag_is_cut_at_the_axis() -> None:
    made = tags.by_class(np.zeros((3, 1)), CLASSES, ["word " * 100], False)
    assert made.layout.xaxis.ticktext[0].endswith("…")
    assert len(made.layout.xaxis.ticktext[0]) <= tags.MAX_LETTERS


def test_the_distribution_counts_every_item_once() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=500)
    has_label = np.arange(500) < 40
    made = tags.distribution(scores, 0.7, False, has_label, "banjo")
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


def test_the_curves_of_the_selected_tag_are_in_front() -> None:
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
    assert "<img" not in made.to_json()


def test_areas_start_with_the_best_and_show_chance() -> None:
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
    assert "<img" not in made.to_json()
