"""Averaged measurements as text."""

import pandas as pd
import pytest

from core.studies import headlines, measure
from dashboard.shared import summaries


def rows(values: list[tuple[int, int, float]], **more: object) -> pd.DataFrame:
    return measure.table(
        [{"split": split, "seed": seed, "value": value} for split, seed, value in values],
        **{"study": "mix_in", "metric": "macro_f1", **more},
    )


def test_the_zero_shot_share_is_relative_to_the_best_system() -> None:
    table = pd.concat(
        [
            rows([(0, 0, 0.5)], system="MMT", target="image", n_target=0),
            rows([(0, 0, 0.6)], system="MMT", target="image", n_target=90),
            rows([(0, 0, 0.8)], system="SMI", target="image", n_target=90),
        ]
    )
    assert summaries.zero_shot_share(table, "image") == (pytest.approx(0.625), "SMI")
    assert summaries.zero_shot_share(table, "audio") is None


def test_numbers_as_text() -> None:
    assert summaries.number(float("nan")) == "–"
    assert summaries.number(1234.4) == "1,234"
    assert summaries.number(0.1234) == "0.123"


def test_the_scale_names_chance_sizes_and_runs() -> None:
    table = headlines.summary(
        rows([(0, 0, 0.2), (1, 0, 0.4)], chance=0.1, n=50, gallery_size=1200), ["metric"]
    )
    text = summaries.scale_text(table.iloc[0], "pictures")
    assert text == "chance 0.100, n = 50, gallery of 1,200 pictures, 2 splits"
