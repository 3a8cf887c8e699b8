"""Figures of the lab: what they compare, and chance."""

from typing import Any

import pandas as pd

from core.figures import lab


def points(values: dict[int, float], chance: float = 0.1) -> pd.DataFrame:
    rows = [(n, value, chance) for n, value in values.items()]
    return pd.DataFrame(rows, columns=["n_target", "value", "chance"])


def named(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data if trace.name}


def test_a_run_stands_beside_the_study_and_chance() -> None:
    figure = lab.curves(
        points({0: 0.3, 10: 0.6}), points({0: 0.2, 10: 0.5}), "image", ("run", "study")
    )
    found = named(figure)
    assert list(found["run"].y) == [0.3, 0.6]
    assert list(found["study"].y) == [0.2, 0.5]
    assert list(found["chance"].y) == [0.1, 0.1]


def test_before_a_run_the_study_stands_alone() -> None:
    whole = points({0: 0.2, 10: 0.5})
    found = named(lab.curves(whole[:0], whole, "audio", ("run", "study")))
    assert "run" not in found
    assert list(found["study"].y) == [0.2, 0.5]
    assert found["chance"].y[0] == 0.1


def test_each_line_of_a_sweep_has_its_own_chance_and_base() -> None:
    rows = [
        {"setting_value": value, "line": line, "value": value * scale, "low": 0.0, "high": 1.0}
        | {"base": base, "chance": chance}
        for line, scale, base, chance in (("f1", 1.0, 0.8, 0.05), ("ranking", 0.5, 0.4, None))
        for value in (0.1, 0.9)
    ]
    colours = {"f1": "#111111", "ranking": "#222222"}
    figure = lab.sweep(pd.DataFrame(rows), "share", colours)
    chance = [trace for trace in figure.data if trace.name == "chance"]
    assert [(trace.y[0], trace.line.color) for trace in chance] == [(0.05, "#111111")]
    base = [trace for trace in figure.data if trace.name == "compared with"]
    assert [(trace.y[0], trace.line.color) for trace in base] == [
        (0.8, "#111111"),
        (0.4, "#222222"),
    ]
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == list(colours)


def test_points_beyond_all_items_are_left_out_of_the_exchange_rate() -> None:
    columns = ["n_source", "n_target", "low", "high"]
    table = pd.DataFrame([(3, 1.0, 0.5, 2.0), (30, float("nan"), 1.0, 2.0)], columns=columns)
    figure = lab.exchange(table, "image", "audio")
    assert list(figure.data[0].x) == [3]
