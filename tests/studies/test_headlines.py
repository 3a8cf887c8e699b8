"""Headline numbers: means over splits of means over seeds, their sd, the ends of curves."""

import math

import pandas as pd
import pytest

from core.studies import headlines, measure


def rows() -> list[dict]:
    found = []
    for split, shift in ((0, 0.0), (1, 0.2)):
        for seed, more in ((0, 0.0), (1, 0.1)):
            for n_target, base in ((0, 0.3), (100, 0.5), (640, 0.6)):
                found.append(
                    {
                        "study": "mix_in",
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


def test_ends_of_the_curve_and_sd_over_splits() -> None:
    table = headlines.table(measure.table(rows(), audio="a", image="i")).set_index("what")
    zero = table.loc["zero-shot MMT, macro F1, target audio"]
    assert zero["mean"] == pytest.approx(0.45)
    assert zero["sd"] == pytest.approx(0.2 / 2**0.5)
    assert (zero["n"], zero["n_splits"], zero["chance"]) == (50, 2, 0.1)
    assert table.loc["MMT with everything, macro F1, target audio", "mean"] == pytest.approx(0.75)


def test_one_split_has_the_sd_of_its_seeds() -> None:
    one = measure.table([row for row in rows() if row["split"] == 0], audio="a", image="i")
    table = headlines.table(one).set_index("what")
    assert table.loc["zero-shot MMT, macro F1, target audio", "sd"] == pytest.approx(0.1 / 2**0.5)


def test_missing_measurements_have_no_headline() -> None:
    assert headlines.table(measure.table([])).empty


def test_a_row_with_an_unknown_column_is_refused() -> None:
    with pytest.raises(KeyError, match="no column"):
        measure.table([{"speed": 3}])


def scored(values: list[tuple[int, int, float]]) -> pd.DataFrame:
    return measure.table(
        [{"split": split, "seed": seed, "value": value} for split, seed, value in values],
        study="mix_in",
        metric="macro_f1",
    )


def test_the_mean_is_over_splits_of_means_over_seeds() -> None:
    table = headlines.summary(scored([(0, 0, 0.2), (0, 1, 0.4), (1, 0, 0.9)]), ["metric"])
    assert table["mean"].item() == pytest.approx(0.6)
    assert table["sd"].item() == pytest.approx(pd.Series([0.3, 0.9]).std())
    assert (table["runs"].item(), table["splits"].item()) == (3, 2)


def test_sd_is_over_seeds_for_one_split_and_nan_for_one_number() -> None:
    table = headlines.summary(scored([(0, 0, 0.2), (0, 1, 0.4)]), ["metric"])
    assert table["sd"].item() == pytest.approx(pd.Series([0.2, 0.4]).std())
    assert math.isnan(headlines.summary(scored([(0, 0, 0.2)]), ["metric"])["sd"].item())


def test_sd_is_over_trainings_for_one_split() -> None:
    frame = scored([(0, 0, 0.2), (0, 1, 0.4), (0, 0, 0.5), (0, 0, 0.7)])
    frame["training"] = [0, 0, 1, 2]
    table = headlines.summary(frame, ["metric"])
    assert table["mean"].item() == pytest.approx((0.3 + 0.5 + 0.7) / 3)
    assert table["sd"].item() == pytest.approx(pd.Series([0.3, 0.5, 0.7]).std())
    assert table["trainings"].item() == 3


def test_the_sd_says_what_it_covers() -> None:
    assert headlines.spread_over(5, 1, 25) == "5 splits"
    assert headlines.spread_over(1, 3, 7) == "3 trainings"
    assert headlines.spread_over(1, 1, 5) == "5 draws"
    assert headlines.spread_over(1, 1, 1) == ""


def test_rows_from_before_trainings_were_counted_have_one() -> None:
    old = scored([(0, 0, 0.2), (0, 1, 0.4)]).drop(columns="training")
    assert headlines.summary(old, ["metric"])["trainings"].item() == 1


def test_no_rows_give_an_empty_table() -> None:
    assert headlines.summary(measure.table([]), ["metric"]).empty


def test_a_grid_has_the_headlines_of_each_encoder_set_in_order() -> None:
    grid = pd.concat(
        [
            measure.table(rows(), audio=audio, image=image, text=text)
            for audio, image, text in (("b", "y", ""), ("a", "x", ""), ("b", "x", "t"))
        ]
    )
    table = headlines.table(grid)
    names = table[["audio", "image", "text"]].drop_duplicates().to_numpy().tolist()
    assert names == [["b", "y", ""], ["a", "x", ""], ["b", "x", "t"]]
    assert table.groupby(["audio", "image", "text"]).size().nunique() == 1


def test_every_direction_between_three_modalities_can_be_a_headline() -> None:
    table = headlines.table(
        measure.table(
            [{"direction": name, "value": 0.5} for name in headlines.DIRECTIONS],
            study="ranking",
            space="translation",
            metric="precision@10",
            audio="a",
            image="i",
            text="t",
        )
    )
    assert len(table) == len(headlines.DIRECTIONS) == 6
    assert "precision@10, text_to_image" in set(table["what"])
