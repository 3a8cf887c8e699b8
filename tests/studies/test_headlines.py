"""Headline numbers: means over splits of means over seeds, spread, and the right ends of curves."""

import pytest

from core.studies import headlines, measure


def rows() -> list[dict]:
    found = []
    for split, shift in ((0, 0.0), (1, 0.2)):
        for seed, more in ((0, 0.0), (1, 0.1)):
            for n_target, base in ((0, 0.3), (100, 0.5), (640, 0.6)):
                found.append(
                    {
                        "study": "mixin",
                        "space": "translation",
                        "system": "MMT",
                        "target": "audio",
                        "metric": "macro_f1",
                        "split": split,
                        "seed": seed,
                        "n_target": n_target,
                        "value": base + shift + more,
                        "n": 50,
                        "chance": 0.1,
                    }
                )
    return found


def test_ends_of_the_curve_and_spread_over_splits() -> None:
    table = headlines.table(measure.table(rows(), audio="a", image="i")).set_index("what")
    zero = table.loc["zero-shot MMT, macro F1, target audio"]
    assert zero["mean"] == pytest.approx(0.45)
    assert zero["sd"] == pytest.approx(0.2 / 2**0.5)
    assert (zero["n"], zero["n_splits"], zero["chance"]) == (50, 2, 0.1)
    assert table.loc["MMT with everything, macro F1, target audio", "mean"] == pytest.approx(0.75)


def test_one_split_has_the_spread_of_its_seeds() -> None:
    one = measure.table([row for row in rows() if row["split"] == 0], audio="a", image="i")
    table = headlines.table(one).set_index("what")
    assert table.loc["zero-shot MMT, macro F1, target audio", "sd"] == pytest.approx(0.1 / 2**0.5)


def test_what_was_not_measured_has_no_headline() -> None:
    assert headlines.table(measure.table([])).empty


def test_a_row_with_an_unknown_column_is_refused() -> None:
    with pytest.raises(KeyError, match="no column"):
        measure.table([{"speed": 3}])
