"""The experiment that compares recipes: its measure and its intervals."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from tests.experiments import recipes


def test_precision_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((4, 6)), rng.standard_normal((30, 6))
    hits = rng.random((4, 30)) < 0.2
    expected = [average_precision_score(hits[row], queries[row] @ gallery.T) for row in range(4)]
    np.testing.assert_allclose(recipes.precision(queries, gallery, hits), expected)


def test_the_interval_is_that_of_the_difference_to_the_reference() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"recipe": name, "where": "within", "seed": seed, "measure": measure, "class": str(label)}
        | {"value": rng.random() * 0.1 + shift, "seconds": 1.0}
        for name, shift in (("usual", 0.2), ("better", 0.5))
        for seed in range(3)
        for measure in ("audio_to_image", "zero-shot image")
        for label in range(8)
    ]
    found = recipes.summary(pd.DataFrame(rows), "usual")
    assert list(found.index) == ["better", "usual"]
    assert 0.25 < found.loc["better", "low"] < found.loc["better", "high"] < 0.35
    assert found.loc["usual", "low"] == found.loc["usual", "high"] == 0
