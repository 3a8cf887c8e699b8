"""Label counts, skew, and the correlation of counts with scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from core.errors import UserError
from core.studies import distribution


def test_label_counts_by_hand():
    rows = distribution.label_counts(
        ["translation", "translation", "translation", "test"],
        ["audio", "audio", "image", "audio"],
        [("flute", "organ"), ("flute", "flute"), (), ("voice",)],
        ["organ", "flute"],
    )
    assert [(r["other"], r["target"], r["class"], r["value"], r["n"]) for r in rows] == [
        ("test", "audio", "organ", 0, 1),
        ("test", "audio", "flute", 0, 1),
        ("translation", "audio", "organ", 1, 2),
        ("translation", "audio", "flute", 2, 2),
        ("translation", "image", "organ", 0, 1),
        ("translation", "image", "flute", 0, 1),
    ]
    assert {row["metric"] for row in rows} == {"label_count"}
    with pytest.raises(ValueError, match="one of each per item"):
        distribution.label_counts(["test"], [], [], ["a"])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["train", "test"]),
            st.sampled_from(["audio", "image"]),
            st.lists(st.sampled_from("abc"), max_size=3),
        )
    )
)
def test_counts_sum_to_the_labels_there_are(items):
    subsets, modalities, labels = zip(*items, strict=True) if items else ((), (), ())
    rows = distribution.label_counts(subsets, modalities, labels, "abc")
    assert sum(row["value"] for row in rows) == sum(len(set(own)) for own in labels)
    assert all(row["value"] <= row["n"] for row in rows)


def test_imbalance():
    value = {row["metric"]: row["value"] for row in distribution.imbalance({"a": 5, "b": 5})}
    assert value == {"imbalance_ratio": 1, "label_evenness": pytest.approx(1)}
    rows = distribution.imbalance({"a": 30, "b": 10, "c": 0})
    value = {row["metric"]: row["value"] for row in rows}
    assert value["imbalance_ratio"] == 3
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert value["label_evenness"] == pytest.approx(entropy / np.log(3))
    assert distribution.imbalance({"a": 4})[1]["value"] == 1
    with pytest.raises(UserError, match="label distribution is empty"):
        distribution.imbalance({"a": 0})


def test_correlation_follows_order_and_line():
    counts = {"a": 1, "b": 10, "c": 100, "d": 1000, "only here": 7}
    scores = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4, "only there": 1.0, "e": float("nan")}
    value = {row["metric"]: row for row in distribution.correlation(counts, scores)}
    assert value["correlation_spearman"]["value"] == pytest.approx(1)
    line = np.corrcoef([1, 10, 100, 1000], [0.1, 0.2, 0.3, 0.4])[0, 1]
    assert value["correlation_pearson"]["value"] == pytest.approx(line)
    assert 0 < value["correlation_pearson_p"]["value"] < 1
    assert {row["n"] for row in value.values()} == {4}


def test_correlation_handles_ties_and_decreases():
    counts = dict(zip("abcde", [5, 5, 1, 9, 2], strict=True))
    scores = dict(zip("abcde", [0.1, 0.4, 0.9, 0.2, 0.9], strict=True))
    value = {row["metric"]: row["value"] for row in distribution.correlation(counts, scores)}
    expected = spearmanr(list(counts.values()), list(scores.values())).statistic
    assert value["correlation_spearman"] == pytest.approx(expected)
    assert expected < 0


@pytest.mark.parametrize(
    "counts, scores",
    [
        ({}, {}),
        ({"a": 1, "b": 2}, {"a": 0.1, "b": 0.2}),
        ({"a": 3, "b": 3, "c": 3}, {"a": 0.1, "b": 0.2, "c": 0.3}),
        ({"a": 1, "b": 2, "c": 3}, {"a": 0.5, "b": 0.5, "c": 0.5}),
        ({"a": 1, "b": 2, "c": 3}, {"a": 0.1, "b": 0.2, "c": float("nan")}),
    ],
)
def test_an_undefined_correlation_has_no_rows(counts, scores):
    assert distribution.correlation(counts, scores) == []
