"""Label permutation: a good score is far above its null, a score without meaning is within it."""

import numpy as np
import pytest

from core.studies import permuted_labels, ranking


def by_metric(rows: list[dict]) -> dict[str, dict]:
    return {row["metric"]: row for row in rows}


def test_a_good_classifier_is_above_and_a_guessing_one_within_the_permuted_scores() -> None:
    good = 2 + 20 * np.eye(4, dtype=int)
    found = by_metric(permuted_labels.macro_f1(good, 0.9, seed=0))
    assert found["macro_f1_p"]["value"] == pytest.approx(1 / 201)
    assert found["macro_f1_permuted"]["value"] == pytest.approx(0.25, abs=0.03)
    assert found["macro_f1_permuted"]["high"] < 0.4
    guess = np.full((4, 4), 7)
    found = by_metric(permuted_labels.macro_f1(guess, 0.25, seed=0))
    assert found["macro_f1_p"]["value"] > 0.2


def test_precision_is_that_of_the_ranking_and_its_null_that_of_chance() -> None:
    rng = np.random.default_rng(0)
    n, m = 60, 80
    labels_q = [(int(one),) for one in rng.integers(0, 5, n)]
    labels_g = [(int(one),) for one in rng.integers(0, 5, m)]
    centres = rng.normal(size=(5, 6))
    x, y = (
        np.array([centres[one[0]] for one in some]) + rng.normal(size=(len(some), 6))
        for some in (labels_q, labels_g)
    )
    result = ranking.study(x, y, labels_q, labels_g, np.eye(5), n_bootstrap=10)
    score = result.per_query["precision@10"].mean()
    chance = result.chance_per_query["precision@10"].mean()
    found = by_metric(permuted_labels.precision(result.top, labels_q, labels_g, 5, 10, seed=0))
    assert found["precision@10_p"]["value"] == pytest.approx(1 / 201)
    assert found["precision@10_permuted"]["value"] == pytest.approx(chance, abs=0.02)
    assert found["precision@10_permuted"]["high"] < score
    shuffled = [labels_g[row] for row in rng.permutation(m)]
    other = permuted_labels.precision(result.top, labels_q, shuffled, 5, 10, seed=0)
    assert by_metric(other)["precision@10_p"]["value"] > 0.02


def test_items_without_labels_are_left_out() -> None:
    labels_q, labels_g = [(0,), (), (1,)], [(0,), (1,), (), (0,)]
    x, y = np.eye(3, 4), np.eye(4)
    result = ranking.study(x, y, labels_q, labels_g, np.eye(2), n_bootstrap=10)
    (_, p) = permuted_labels.precision(result.top, labels_q, labels_g, 2, 10, seed=0)
    assert p["n"] == 2
    assert permuted_labels.precision(result.top[[1]], [()], labels_g, 2, 10, seed=0) == []
