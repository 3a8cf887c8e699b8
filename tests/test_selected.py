"""What distinguishes a selection, and which of its items are central."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from core import selected


def test_the_value_that_only_the_selection_has_comes_first() -> None:
    columns = pd.DataFrame({"colour": ["red"] * 8 + ["blue"] * 12, "size": ["large", "small"] * 10})
    mask = np.arange(20) < 8
    found = selected.distinguishing(columns, mask)
    first = found.iloc[0]
    assert (first["column"], first["value"]) == ("colour", "red")
    assert (first["n_selected"], first["n_rest"]) == (8, 0)
    assert (first["share"], first["share_rest"]) == (1.0, 0.0)
    assert "blue" not in set(found["value"])


def test_g2_is_that_of_a_two_by_two_table() -> None:
    columns = pd.DataFrame({"has": ["yes"] * 30 + ["no"] * 20 + ["yes"] * 15 + ["no"] * 60})
    mask = np.arange(125) < 50
    found = selected.distinguishing(columns, mask).set_index("value")
    table = [[30, 15], [20, 60]]
    wanted = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert found.loc["yes", "g2"] == pytest.approx(wanted)


def test_lists_of_labels_count_each_label() -> None:
    columns = pd.DataFrame({"labels": [["a", "b"], ["a"], [], ["c"]]})
    found = selected.distinguishing(columns, np.array([True, True, False, False]))
    counts = dict(zip(found["value"], found["n_selected"], strict=True))
    assert counts == {"a": 2, "b": 1}


@pytest.mark.parametrize("mask", [np.zeros(3, bool), np.ones(3, bool)])
def test_nothing_distinguishes_nothing_and_everything(mask: np.ndarray) -> None:
    assert selected.distinguishing(pd.DataFrame({"a": ["x", "y", "z"]}), mask).empty


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows are selected of 3"):
        selected.distinguishing(pd.DataFrame({"a": ["x", "y", "z"]}), np.ones(2, bool))


def test_central_items_are_near_the_mean_direction() -> None:
    rng = np.random.default_rng(0)
    vectors = np.array([1.0, 0.0, 0.0]) + 0.05 * rng.standard_normal((50, 3))
    vectors[17] = [-1.0, 0.2, 0.0]
    rows, cosines = selected.by_centrality(vectors * rng.uniform(0.1, 9, size=(50, 1)))
    assert rows[-1] == 17
    assert sorted(rows) == list(range(50))
    assert (np.diff(cosines) <= 0).all()
    assert cosines[0] > 0.99


def test_a_large_selection_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selected, "MOST_ROWS", 10)
    rows, _ = selected.by_centrality(np.random.default_rng(0).standard_normal((40, 4)))
    assert len(rows) == len(set(rows)) == 10
