"""Intervals over classes: the mean of class means, and whole classes drawn."""

import numpy as np
import pytest

from core.studies.ranking_rows import over_classes


def rows_of(values: np.ndarray, labels: list[tuple[int, ...]]) -> dict[str, dict]:
    chance = {"map": np.full(len(values), 0.2)}
    found = over_classes({"map": values}, chance, labels, 40, n_bootstrap=500, seed=0)
    return {row["metric"]: row for row in found}


def test_classes_count_alike_however_many_queries_they_have() -> None:
    values = np.array([1.0] * 30 + [0.0] * 10 + [0.5] * 2)
    labels = [(0,)] * 30 + [(1,)] * 10 + [(2,)] * 2
    row = rows_of(values, labels)["map_over_classes"]
    assert row["value"] == pytest.approx(0.5)  # the mean over queries is 0.74
    assert row["n"] == 3
    assert row["chance"] == pytest.approx(0.2)
    assert row["low"] < 0.2
    assert row["high"] > 0.8


def test_equal_classes_leave_no_interval_and_one_class_has_none() -> None:
    labels = [(row % 4,) for row in range(40)]
    row = rows_of(np.full(40, 0.7), labels)["map_over_classes"]
    assert row["low"] == pytest.approx(0.7)
    assert row["high"] == pytest.approx(0.7)
    assert rows_of(np.full(5, 0.7), [(0,)] * 5) == {}
