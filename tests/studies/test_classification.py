"""The tidy rows of the classification study."""

import numpy as np
import pytest

from core.studies import classification, measure
from tests.studies.test_forest_cells import N_CLASSES, run_all

CLASSES = ["a", "b", "c", "d"]


def test_rows_are_tidy() -> None:
    rows = classification.measurements(run_all(60, draws=2, seed=7), CLASSES)
    frame = measure.table(rows)
    assert set(frame["study"]) == {"classification"}
    # 8 pairs of system and target; the confusions of the first seed alone.
    assert len(frame) == 8 * 2 * (1 + N_CLASSES) + 8 * N_CLASSES**2
    confusions = frame[frame["metric"] == "confusion"]
    assert set(confusions["seed"]) == {7}
    assert set(zip(confusions["class"], confusions["other"], strict=True)) == {
        (one, other) for one in CLASSES for other in CLASSES
    }
    scores = frame[frame["metric"] != "confusion"]
    assert set(scores["chance"]) == {1 / N_CLASSES}
    for (_, target, _), mine in frame.groupby(["system", "target", "seed"]):
        n_test = {"audio": 60, "image": 61}[target]
        assert set(mine["n"]) == {n_test}
        assert set(mine["n_target"]) == {n_test}
        by_metric = mine.groupby("metric")["value"]
        assert by_metric.mean()["f1"] == pytest.approx(by_metric.mean()["macro_f1"])
        if "confusion" in by_metric.groups:
            assert by_metric.sum()["confusion"] == n_test
    assert np.isfinite(frame["value"]).all()


def test_no_outcomes_give_no_rows() -> None:
    assert classification.measurements([], CLASSES) == []
