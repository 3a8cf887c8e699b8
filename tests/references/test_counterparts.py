"""A study's own numbers for W's findings, on measurements with known answers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.references import counterparts, wu2021
from core.references.counterparts import Counterpart
from core.studies import measure

PAIR = {"audio": "yamnet", "image": "resnet50"}


def by_key(found: list[Counterpart]) -> dict[str, Counterpart]:
    return {one.reference.key: one for one in found}


def ranked(scores: dict[tuple[str, str], float], **more: Any) -> pd.DataFrame:
    rows = [
        {"audio": audio, "image": image, "direction": direction, "value": value}
        for (audio, image), value in scores.items()
        for direction in counterparts.DIRECTIONS
    ]
    common = {"study": "ranking", "metric": "ndcg@30", "space": "translation", **more}
    return measure.table(rows, **common)


GRID = {
    ("yamnet", "resnet50"): 0.81,
    ("yamnet", "openl3_image"): 0.77,
    ("vggish", "resnet50"): 0.80,
    ("vggish", "openl3_image"): 0.76,
}


def test_the_grid_beside_figure_2() -> None:
    found = by_key(counterparts.ranking(ranked(GRID)))
    assert dict(found["ndcg_range"].values) == pytest.approx({"lowest": 0.76, "highest": 0.81})
    assert found["best_encoder_set"].values == (("yamnet × resnet50", pytest.approx(0.81)),)
    assert found["best_encoder_set"].same is True
    assert found["weakest_image_encoder"].values[0][0] == "openl3_image"
    assert found["weakest_image_encoder"].same is True
    assert "random_beats_untranslated" not in found


def test_a_grid_without_the_papers_encoders_neither_agrees_nor_differs() -> None:
    found = by_key(counterparts.ranking(ranked({("a", "x"): 0.9, ("a", "y"): 0.8})))
    assert found["best_encoder_set"].same is None
    assert found["weakest_image_encoder"].same is None


@pytest.mark.parametrize(("plain", "same"), [(0.70, True), (0.78, False)])
def test_the_untranslated_baseline_beside_a_random_order(plain: float, same: bool) -> None:
    rows = pd.concat(
        [
            ranked(GRID),
            ranked({("yamnet", "resnet50"): 0.75}, system="random"),
            ranked({wu2021.UNTRANSLATED: plain}, space="native"),
        ]
    )
    one = by_key(counterparts.ranking(rows))["random_beats_untranslated"]
    assert [value for _, value in one.values] == pytest.approx([0.75, plain])
    assert one.same is same
    lowest = dict(by_key(counterparts.ranking(rows))["ndcg_range"].values)["lowest"]
    assert lowest == pytest.approx(0.76)  # a baseline is no translation


def test_one_encoder_set_has_one_score_and_no_comparison() -> None:
    found = by_key(counterparts.ranking(ranked({("yamnet", "resnet50"): 0.8})))
    assert "best_encoder_set" not in found
    assert "weakest_image_encoder" not in found


def mixed(values: dict[tuple[str, int], float]) -> pd.DataFrame:
    rows = [
        {"system": system, "n_target": n, "value": value, "space": "pca", "seed": seed}
        for (system, n), value in values.items()
        for seed in (0, 1)
    ]
    common = {"study": "mix_in", "metric": "macro_f1", "target": "image", "chance": 0.05, **PAIR}
    return measure.table(rows, **common)


def test_the_mix_in_beside_figure_3() -> None:
    rows = mixed(
        {
            ("MMT", 0): 0.54,
            ("MMT", 900): 0.72,
            ("MMP", 0): 0.10,
            ("MMP", 900): 0.88,
            ("SMI", 900): 0.90,
        }
    )
    found = by_key(counterparts.mix_in(rows))
    assert found["zero_shot_share"].values == (("image", pytest.approx(0.6)),)
    assert found["zero_shot_share"].same is None
    assert found["zero_shot_pca"].values[0][1] == pytest.approx(2.0)
    assert found["pca_with_all"].values[0][1] == pytest.approx(0.88 / 0.90)
    assert found["translation_with_all"].values[0][1] == pytest.approx(0.72 / 0.88)
    assert found["translation_with_all"].same is True


def centred(space: str, places: dict[tuple[str, str], float]) -> list[dict[str, Any]]:
    """Centroids on a line, and the distances between them."""
    names = list(places)
    return [
        {
            "space": space,
            "metric": "centroid_distance",
            "class": ":".join(one),
            "other": ":".join(other),
            "value": abs(places[one] - places[other]),
        }
        for number, one in enumerate(names)
        for other in names[number + 1 :]
    ]


def test_centroids_beside_figure_4() -> None:
    classes = ["banjo", "voice", "cymbals", "synthesizer"]
    pca = {("audio", name): 0.1 * row for row, name in enumerate(classes)}
    pca |= {("image", "banjo"): 0.5}
    pca |= {("image", name): 40.0 * (row - 2) for row, name in enumerate(classes) if row}
    pca["image", "cymbals"] = 30.0
    small = {key: value / 100 for key, value in pca.items()}
    rows = measure.table(
        [*centred("pca", pca), *centred("translation", small)], study="centroids", **PAIR
    )
    found = by_key(counterparts.centroids(rows))
    assert found["distances_shrink"].same is True
    values = dict(found["distances_shrink"].values)
    assert values["translation"] == pytest.approx(values["pca"] / 100)
    assert found["sounds_are_closer"].same is True
    assert {name for name, _ in found["far_pictures"].values} == set(wu2021.FAR_PICTURES)
    assert found["far_pictures"].same is True
    assert "blended_classes" not in found


def confused(system: str, target: str, cells: dict[tuple[str, str], int]) -> pd.DataFrame:
    rows = [{"class": a, "other": b, "value": float(n)} for (a, b), n in cells.items()]
    common = {"study": "classification", "metric": "confusion", "seed": 0, **PAIR}
    return measure.table(rows, system=system, target=target, **common)


def test_confusions_beside_figure_5() -> None:
    rows = pd.concat(
        [
            confused(
                "MMT",
                "image",
                {
                    ("guitar", "guitar"): 6,
                    ("guitar", "mandolin"): 3,
                    ("guitar", "banjo"): 1,
                    ("mandolin", "mandolin"): 8,
                    ("mandolin", "guitar"): 2,
                },
            ),
            confused(
                "MMP",
                "image",
                {("guitar", "guitar"): 10, ("mandolin", "mandolin"): 9, ("mandolin", "guitar"): 1},
            ),
        ]
    )
    found = by_key(counterparts.confusions(rows))
    one = found["confused_guitar_mandolin"]
    assert one.values == (("image", pytest.approx(5 / 20)),)
    assert one.n == (20,)
    assert found["pca_confuses_less"].values[0][1] == pytest.approx(0.05 / 0.25)
    assert found["pca_confuses_less"].same is True
    assert "confused_organ_piano" not in found


@pytest.mark.parametrize(("value", "same"), [(0.6, True), (-0.2, False)])
def test_labels_beside_figure_6(value: float, same: bool) -> None:
    rows = measure.table(
        [{"value": value, "target": target} for target in ("audio", "image")],
        study="distribution",
        metric="correlation_spearman",
        system="MMT",
    )
    (one,) = counterparts.distribution(rows)
    assert [label for label, _ in one.values] == ["audio", "image"]
    assert one.same is same


def test_no_rows_have_no_counterpart() -> None:
    empty = measure.table([])
    for study in (
        counterparts.ranking,
        counterparts.mix_in,
        counterparts.centroids,
        counterparts.confusions,
        counterparts.distribution,
    ):
        assert study(empty) == []


def test_an_undefined_correlation_has_no_counterpart() -> None:
    rows = measure.table(
        [{"value": np.nan}], metric="correlation_spearman", system="MMT", study="distribution"
    )
    assert counterparts.distribution(rows) == []
