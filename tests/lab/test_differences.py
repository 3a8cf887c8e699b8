"""Differences over the same queries and the same draws."""

import numpy as np
import pandas as pd
import pytest

from core.lab import differences


def queries(values: list[float]) -> pd.DataFrame:
    frame = pd.DataFrame({"item_id": [f"i{row}" for row in range(len(values))]})
    frame["direction"] = "audio_to_image"
    for name in differences.QUERY_METRICS:
        frame[name] = values
    return frame


def test_pairs_are_made_by_item_not_by_row() -> None:
    rng = np.random.default_rng(0)
    base = queries(rng.random(200).tolist())
    mine = base.assign(**{name: base[name] + 0.1 for name in differences.QUERY_METRICS})
    rows = differences.of_queries(mine.sample(frac=1, random_state=1), base, 200)
    assert [row["metric"] for row in rows] == ["ndcg@30", "precision@10", "map"]
    for row in rows:
        assert row["difference"] == pytest.approx(0.1)
        assert row["low"] == pytest.approx(0.1)  # a constant difference has no spread
        assert row["high"] == pytest.approx(0.1)
        assert row["n"] == 200


def test_queries_without_a_value_in_one_of_the_two_are_left_out() -> None:
    rows = differences.of_queries(queries([0.5, float("nan"), 0.7]), queries([0.4, 0.1, 0.6]), 50)
    assert rows[0]["n"] == 2
    assert rows[0]["base"] == pytest.approx(0.5)


def scores(values: dict[tuple[str, int, int], float]) -> pd.DataFrame:
    rows = [(*key, value) for key, value in values.items()]
    return pd.DataFrame(rows, columns=[*differences.SCORE_KEYS, "value"])


def test_points_are_compared_where_both_have_them() -> None:
    mine = scores({("image", 0, seed): 0.5 + 0.01 * seed for seed in range(5)})
    base = scores({("image", n, seed): 0.4 for n in (0, 100) for seed in range(3)})
    (row,) = differences.of_scores(mine, base, 500)
    assert (row["n_target"], row["n"]) == (0, 3)
    assert row["difference"] == pytest.approx(0.11)
    assert row["low"] < 0.11 < row["high"]


def test_one_draw_has_no_interval() -> None:
    one = scores({("image", 0, 0): 0.5})
    (row,) = differences.of_scores(one, one, 500)
    assert (row["low"], row["high"], row["difference"]) == (None, None, 0.0)
