"""Weighted means and medians against drawing the items out in full."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.studies import bootstrap


@given(st.integers(1, 30), st.integers(0, 1000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_weights_count_repeated_items(n, seed, gaps):
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, 9, (n, 3)).astype(float)
    if gaps:
        columns[rng.random((n, 3)) < 0.4] = np.nan
    (weights,) = bootstrap.draw_weights(n, 12, rng)
    assert weights.shape == (12, n)
    assert (weights.sum(axis=1) == n).all()
    means = bootstrap.weighted_means(weights, columns)
    medians = bootstrap.weighted_medians(weights, columns[:, 0])
    for row, mean, median in zip(weights.astype(int), means, medians, strict=True):
        drawn = np.repeat(columns, row, axis=0)
        for column, found in zip(drawn.T, mean, strict=True):
            known = column[~np.isnan(column)]
            expected = known.mean() if len(known) else np.nan
            assert found == pytest.approx(expected, nan_ok=True)
        known = drawn[:, 0][~np.isnan(drawn[:, 0])]
        assert median == pytest.approx(np.median(known) if len(known) else np.nan, nan_ok=True)


def test_blocks_contain_all_draws(monkeypatch):
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 30)
    blocks = list(bootstrap.draw_weights(7, 10, np.random.default_rng(0)))
    assert [len(block) for block in blocks] == [4, 4, 2]
    rows = np.concatenate(blocks)
    assert (rows.sum(axis=1) == 7).all()
    assert len(np.unique(rows, axis=0)) > 5
    assert list(bootstrap.draw_weights(7, 0, np.random.default_rng(0))) == []


def test_interval_is_the_middle_95_percent():
    draws = np.append(np.arange(1001.0), np.nan)
    assert bootstrap.interval(draws) == (pytest.approx(25), pytest.approx(975))
    assert bootstrap.interval(np.empty(0)) == (None, None)
