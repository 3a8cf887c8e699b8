"""Tests of findings, on numbers whose outcome is known."""

import numpy as np
import pytest
from scipy import stats

from core.references import evidence
from core.references.evidence import AS_THERE, OPEN, UNLIKE, Verdict


@pytest.mark.parametrize(
    ("low", "high", "below", "outcome"),
    [
        (0.5, 0.9, True, AS_THERE),
        (0.5, 0.9, False, UNLIKE),
        (0.9, 1.1, True, OPEN),
        (1.1, 1.2, True, UNLIKE),
        (float("nan"), float("nan"), True, OPEN),
    ],
)
def test_an_interval_on_one_side_of_the_limit_decides(
    low: float, high: float, below: bool, outcome: str
) -> None:
    found = evidence.by_interval(0.8, low, high, limit=1.0, below=below, over="5 splits")
    assert found.outcome == outcome
    assert "5 splits" in found.test


def test_the_interval_of_a_mean_is_students() -> None:
    values = [0.61, 0.7, 0.66, 0.58]
    low, high = evidence.mean_interval(values)
    wanted = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((wanted.low, wanted.high))
    assert np.isnan(evidence.mean_interval([0.5])).all()


def test_one_part_unlike_the_paper_is_enough() -> None:
    there, open_, unlike = (Verdict(outcome, "test") for outcome in (AS_THERE, OPEN, UNLIKE))
    assert evidence.together({"a": there, "b": there}).outcome == AS_THERE
    assert evidence.together({"a": there, "b": open_}).outcome == OPEN
    assert evidence.together({"a": open_, "b": unlike}).outcome == UNLIKE


@pytest.mark.parametrize(
    ("value", "n", "outcome"),
    [
        (0.09, 18, OPEN),
        (0.6, 18, AS_THERE),
        (-0.6, 18, UNLIKE),
        (0.9, 2, OPEN),
        (1.0, 18, AS_THERE),
    ],
)
def test_a_weak_correlation_decides_nothing(value: float, n: int, outcome: str) -> None:
    assert evidence.correlated(value, n).outcome == outcome


def test_the_p_value_of_a_correlation_is_scipys() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=18)
    y = x + 3.0 * rng.normal(size=18)
    found = stats.pearsonr(x, y, alternative="greater")
    assert f"p = {found.pvalue:.3f}" in evidence.correlated(float(found.statistic), 18).test


def test_a_jackknife_finds_a_ratio_that_every_class_shares() -> None:
    sizes = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0])
    names = list("abcdef")
    value, low, high = evidence.ratio_over_classes(lambda use: float(sizes[use].mean()) / 2, names)
    assert value == pytest.approx(0.5)
    assert 0.4 < low < value < high < 0.6
    odd = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 5.0])
    _, low, high = evidence.ratio_over_classes(lambda use: float(odd[use].mean()), names)
    assert low < 1 < high


def test_close_groups_are_told_from_any_others() -> None:
    rng = np.random.default_rng(3)
    groups = [f"class {number // 2}" for number in range(24)]
    places = rng.normal(size=(24, 5))
    chosen = np.arange(24) < 8
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert evidence.closer_than_any(apart, chosen, groups).outcome == OPEN
    places[chosen] *= 0.1
    close = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert evidence.closer_than_any(close, chosen, groups).outcome == AS_THERE


def test_counts_and_ranks() -> None:
    assert evidence.rarer(1, 20, 5, 20).outcome == OPEN
    assert evidence.rarer(10, 200, 50, 200).outcome == AS_THERE
    assert evidence.rarer(50, 200, 10, 200).outcome == UNLIKE
    values = np.arange(12.0)
    assert evidence.higher_ranks(values, values > 8).outcome == AS_THERE
    assert evidence.higher_ranks(values, values < 3).outcome == UNLIKE
    assert evidence.higher_ranks(values, values % 4 == 0).outcome == OPEN
