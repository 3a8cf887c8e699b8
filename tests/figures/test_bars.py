"""Bars: counts by subset, F1, labels beside F1, class scores."""

import pandas as pd

from core.figures import bars

EVIL = "<b onclick='x'>%{x}</b>&"


def test_class_scores_show_the_five_highest_classes() -> None:
    names = [f"class {number}" for number in range(8)]
    scores = pd.DataFrame(
        [("MMT", name, 0.1 * row) for row, name in enumerate(names)]
        + [("SMA", name, 0.95 if row == 0 else 0.0) for row, name in enumerate(names)],
        columns=["system", "class", "score"],
    )
    made = bars.class_scores(scores, 1 / 8, dark=True)
    assert [trace.name for trace in made.data] == ["MMT", "SMA"]
    assert list(made.data[0].y) == ["class 0", "class 7", "class 6", "class 5", "class 4"]
    assert list(made.data[1].x) == [0.95, 0.0, 0.0, 0.0, 0.0]


def test_counts_are_stacked_by_subset_with_a_bar_for_items_without_one_class() -> None:
    counted = pd.DataFrame(
        [("train", "audio", EVIL, 3), ("test", "audio", "", 2), ("test", "image", EVIL, 1)],
        columns=["subset", "modality", "class", "n_items"],
    )
    made = bars.class_counts(counted, [EVIL, "cello"])
    assert [(trace.name, list(trace.x)) for trace in made.data] == [
        ("train", [3, 0, 0]),
        ("test", [0, 0, 2]),
        ("test", [1, 0, 0]),
    ]
    assert made.data[0].y[2] == "none or several"
    assert "<b onclick" not in made.to_json()


def test_the_class_with_most_labels_comes_first_beside_its_f1() -> None:
    f1 = {"MMT": pd.Series({"a": 0.2, "b": 0.9})}
    colours = {"a": "#111111", "b": "#222222"}
    made = bars.labels_beside_f1(pd.Series({"a": 3, "b": 8}), f1, ["a", "b"], colours)
    assert list(made.data[0].y) == ["b", "a"]
    assert list(made.data[0].marker.color) == ["#222222", "#111111"]
    assert list(made.data[1].x) == [0.9, 0.2]
