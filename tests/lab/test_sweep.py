"""A sweep: several runs, one table."""

import pytest

from core.errors import UserError
from core.lab import sweep
from core.lab.recipe import Settings
from core.study import Study


def test_a_sweep_has_a_row_for_each_value_and_measure(study: Study, small: Settings) -> None:
    asked = sweep.settings_of(small, "share", ["0.5", "1"])
    assert [value for value, _ in asked] == [0.5, 1.0]
    found = list(sweep.sweep(study, asked))
    table = sweep.table("share", found)
    assert set(table["setting_value"]) == {0.5, 1.0}
    assert set(table["metric"]) == {"ndcg@30", "precision@10", "map", "macro_f1"}
    again = sweep.table("share", list(sweep.sweep(study, asked)))
    assert table["value"].tolist() == again["value"].tolist()


def test_lists_are_swept_too(small: Settings) -> None:
    asked = sweep.settings_of(small, "unseen", ["banjo+cello", "flute"])
    assert [value for value, _ in asked] == [("banjo", "cello"), ("flute",)]


def test_an_impossible_value_stops_the_sweep_before_it_starts(
    study: Study, small: Settings
) -> None:
    asked = sweep.settings_of(small, "share", ["1", "0.001"])
    with pytest.raises(UserError, match="at least 10"):
        next(sweep.sweep(study, asked))
    with pytest.raises(UserError, match="needs 1 to 20 values"):
        sweep.settings_of(small, "share", [" "])
