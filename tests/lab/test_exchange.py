"""The exchange rate between two modalities, on items whose worth is known."""

import numpy as np
import pytest

from core.lab import exchange
from core.studies.forest_cells import Labelled
from core.studies.forests import ForestConfig


def items(n: int, noise: float, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = np.eye(3, 8)[y] + noise * rng.standard_normal((n, 8))
    return Labelled(x.astype(np.float32), y)


def test_items_of_one_distribution_are_worth_about_themselves() -> None:
    train = {"audio": items(90, 0.6, 0), "image": items(90, 0.6, 1)}
    table = exchange.rates(train, items(300, 0.6, 2), "image", 3, 3, config=ForestConfig(20))
    assert table["n_source"].tolist() == exchange.steps(90, 3)
    first = table.iloc[0]
    assert first["n_source"] == 3
    assert 0 < first["n_target"] < 30
    assert (table["low"] <= table["n_target"]).loc[table["n_target"].notna()].all()


def test_items_that_say_nothing_are_worth_nothing() -> None:
    train = {"audio": items(90, 100.0, 0), "image": items(90, 0.1, 1)}
    table = exchange.rates(train, items(300, 0.1, 2), "image", 3, 2, config=ForestConfig(20))
    assert table["n_target"].max() < 6


def test_better_items_than_there_are_have_no_rate() -> None:
    train = {"audio": items(90, 0.05, 0), "image": items(9, 1.5, 1)}
    table = exchange.rates(train, items(300, 0.3, 2), "image", 3, 2, config=ForestConfig(20))
    assert table["n_target"].isna().iloc[-1]


def test_the_rate_is_on_the_line_between_two_points() -> None:
    curve = [(3, 0.4), (9, 0.7), (30, 0.6)]
    assert exchange.items_for(curve, 0.55, 0.33) == pytest.approx(6)
    assert exchange.items_for(curve, 0.3, 0.33) == 0
    assert np.isnan(exchange.items_for(curve, 0.8, 0.33))
