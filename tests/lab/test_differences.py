"""Differences over the same queries and the same draws."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

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


def drawn(predicted: dict[tuple[str, int, int], list[int]], truth: list[int]) -> pd.DataFrame:
    rows = [(*key, truth, one) for key, one in predicted.items()]
    return pd.DataFrame(rows, columns=[*differences.SCORE_KEYS, "truth", "predicted"])


def macro_f1(truth: list[int], predicted: list[int]) -> float:
    return float(f1_score(truth, predicted, average="macro"))


def test_an_interval_covers_test_items_and_draws() -> None:
    rng = np.random.default_rng(0)
    truth = (np.arange(120) % 3).tolist()

    def noisy(share: float) -> list[int]:
        wrong = rng.random(120) < share
        return np.where(wrong, rng.integers(0, 3, 120), truth).tolist()

    keys = [("image", 0, seed) for seed in range(4)]
    ours, theirs = ({key: noisy(share) for key in keys} for share in (0.2, 0.5))
    tables = [
        scores({key: macro_f1(truth, one[key]) for key in keys}).assign(chance=1 / 3)
        for one in (ours, theirs)
    ]
    both = (drawn(ours, truth), drawn(theirs, truth))
    (row,) = differences.of_scores(*tables, 500, *both)
    (of_draws,) = differences.of_scores(*tables, 500)
    assert (row["covers"], of_draws["covers"]) == ("items and draws", "draws")
    assert row["low"] < row["difference"] < row["high"]
    assert row["high"] - row["low"] > of_draws["high"] - of_draws["low"]
    (one,) = differences.of_scores(*(table[:1] for table in tables), 500, *both)
    assert one["covers"] == "items"
    assert one["low"] < one["difference"] < one["high"]
    (same,) = differences.of_scores(tables[0], tables[0], 500, both[0], both[0])
    assert (same["low"], same["high"]) == (0, 0)


def test_the_weighted_macro_f1_is_that_of_the_repeated_items() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 3, 40), rng.integers(0, 3, 40)
    weights = rng.integers(0, 4, (5, 40))
    table = drawn({("image", 0, 0): predicted.tolist()}, truth.tolist())
    found = differences._macro_f1(table, truth, weights.astype(float), 3)
    wanted = [
        macro_f1(np.repeat(truth, one).tolist(), np.repeat(predicted, one).tolist())
        for one in weights
    ]
    np.testing.assert_allclose(found, wanted)


def test_other_test_items_are_not_paired() -> None:
    keys = [("image", 0, seed) for seed in range(3)]
    table = scores(dict.fromkeys(keys, 0.5)).assign(chance=0.5)
    mine, other = (drawn({key: [0, 1] for key in keys}, truth) for truth in ([0, 1], [1, 0]))
    (row,) = differences.of_scores(table, table, 100, mine, other)
    assert row["covers"] == "draws"


def test_chance_is_beside_every_measure() -> None:
    base = queries([0.5, 0.6])
    rows = differences.of_queries(base, base, 50, {("precision@10", "audio_to_image"): 0.1})
    assert [row["chance"] for row in rows] == [None, 0.1, None]
    table = scores({("image", 0, 0): 0.5}).assign(chance=0.25)
    assert differences.of_scores(table, table, 50)[0]["chance"] == 0.25


def test_one_draw_has_no_interval() -> None:
    one = scores({("image", 0, 0): 0.5})
    (row,) = differences.of_scores(one, one, 500)
    assert (row["low"], row["high"], row["difference"]) == (None, None, 0.0)
