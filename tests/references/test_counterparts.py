"""A study's own numbers for W's findings, on measurements with known answers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.references import counterparts, wu2021
from core.references.counterparts import Counterpart
from core.references.evidence import AS_THERE, OPEN, UNLIKE
from core.studies import measure

PAIR = {"audio": "yamnet", "image": "resnet50"}


def by_key(found: list[Counterpart]) -> dict[str, Counterpart]:
    return {one.reference.key: one for one in found}


def outcome(one: Counterpart) -> str:
    assert one.verdict is not None
    assert one.verdict.test
    return one.verdict.outcome


def ranked(scores: dict[tuple[str, str], float], **more: Any) -> pd.DataFrame:
    rows = [
        {"audio": audio, "image": image, "direction": direction, "value": value}
        | {"low": value - 0.004, "high": value + 0.004}
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
    assert outcome(found["best_encoder_set"]) == AS_THERE
    assert found["weakest_image_encoder"].values[0][0] == "openl3_image"
    assert outcome(found["weakest_image_encoder"]) == AS_THERE
    assert "random_beats_untranslated" not in found


def test_a_grid_without_the_papers_encoders_neither_agrees_nor_differs() -> None:
    found = by_key(counterparts.ranking(ranked({("a", "x"): 0.9, ("a", "y"): 0.8})))
    assert found["best_encoder_set"].verdict is None
    assert found["weakest_image_encoder"].verdict is None


def test_a_lead_within_the_interval_decides_nothing() -> None:
    close = GRID | {("vggish", "resnet50"): 0.807}
    one = by_key(counterparts.ranking(ranked(close)))["best_encoder_set"]
    assert outcome(one) == OPEN
    assert "over queries" in one.verdict.test
    behind = GRID | {("vggish", "resnet50"): 0.84}
    assert outcome(by_key(counterparts.ranking(ranked(behind)))["best_encoder_set"]) == UNLIKE


@pytest.mark.parametrize(("plain", "said"), [(0.70, AS_THERE), (0.78, UNLIKE), (0.752, OPEN)])
def test_the_untranslated_baseline_beside_a_random_order(plain: float, said: str) -> None:
    rows = pd.concat(
        [
            ranked(GRID),
            ranked({("yamnet", "resnet50"): 0.75}, system="random"),
            ranked({wu2021.UNTRANSLATED: plain}, space="native"),
        ]
    )
    one = by_key(counterparts.ranking(rows))["random_beats_untranslated"]
    assert [value for _, value in one.values] == pytest.approx([0.75, plain])
    assert outcome(one) == said
    lowest = dict(by_key(counterparts.ranking(rows))["ndcg_range"].values)["lowest"]
    assert lowest == pytest.approx(0.76)  # a baseline is no translation


def test_one_encoder_set_has_one_score_and_no_comparison() -> None:
    found = by_key(counterparts.ranking(ranked({("yamnet", "resnet50"): 0.8})))
    assert "best_encoder_set" not in found
    assert "weakest_image_encoder" not in found


def mixed(values: dict[tuple[str, int], float]) -> pd.DataFrame:
    rows = [
        {"system": system, "n_target": n, "value": value + shift, "space": "pca", "seed": seed}
        for (system, n), value in values.items()
        for seed, shift in enumerate((-0.01, 0.0, 0.01))
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
    assert found["zero_shot_share"].verdict is None
    assert found["zero_shot_pca"].values[0][1] == pytest.approx(2.0)
    assert found["pca_with_all"].values[0][1] == pytest.approx(0.88 / 0.90)
    assert found["translation_with_all"].values[0][1] == pytest.approx(0.72 / 0.88)
    assert outcome(found["translation_with_all"]) == AS_THERE


@pytest.mark.parametrize(("translated", "said"), [(0.95, UNLIKE), (0.8801, OPEN)])
def test_the_last_point_of_figure_3_may_differ_or_decide_nothing(
    translated: float, said: str
) -> None:
    rows = mixed({("MMT", 900): translated, ("MMP", 900): 0.88, ("SMI", 900): 0.9})
    rows.loc[rows["system"] == "MMT", "value"] += np.array([0.02, -0.02, 0.0])
    assert outcome(by_key(counterparts.mix_in(rows))["translation_with_all"]) == said


CLASSES = ("banjo", "cello", "voice", "cymbals", "synthesizer", "piano", "harp", "drums")


def test_the_interval_is_over_trainings_where_there_are_several() -> None:
    rows = mixed({("MMT", 900): 0.72, ("MMP", 900): 0.88, ("SMI", 900): 0.9})
    mmt = rows[rows["system"] == "MMT"].head(1)
    again = [mmt.assign(training=number, value=value) for number, value in ((1, 0.74), (2, 0.99))]
    one = by_key(counterparts.mix_in(pd.concat([rows, *again])))["translation_with_all"]
    assert outcome(one) == OPEN
    assert one.verdict is not None
    assert "3 trainings" in one.verdict.test


def centred(space: str, places: dict[tuple[str, str], np.ndarray]) -> list[dict[str, Any]]:
    """Centroids, the distances between them, and the scale of their space."""
    names = list(places)
    rows: list[dict[str, Any]] = [
        {
            "space": space,
            "metric": "centroid_distance",
            "class": ":".join(one),
            "other": ":".join(other),
            "value": float(np.linalg.norm(places[one] - places[other])),
        }
        for number, one in enumerate(names)
        for other in names[number + 1 :]
    ]
    mean = float(np.mean([row["value"] for row in rows]))
    return [*rows, {"space": space, "metric": "centroid_scale", "value": SCALE[space] * mean}]


SCALE = {"pca": 1.0, "translation": 1.6}  # over the mean distance of centroids


def centroid_rows(units: float = 1.0, wide: float = 1.0) -> pd.DataFrame:
    """PCA has close sounds and three far pictures; the translation joins the classes."""
    rng = np.random.default_rng(0)
    pca: dict[tuple[str, str], np.ndarray] = {}
    joined: dict[tuple[str, str], np.ndarray] = {}
    for name in CLASSES:
        far = 9.0 if name in wu2021.FAR_PICTURES else 3.0
        at = rng.normal(size=6)
        pca["audio", name] = rng.normal(size=6)
        pca["image", name] = far * rng.normal(size=6) + 2
        joined["audio", name], joined["image", name] = at, at + 0.1 * rng.normal(size=6)
    joined = {key: units * place for key, place in joined.items()}
    rows = measure.table(
        [*centred("pca", pca), *centred("translation", joined)], study="centroids", **PAIR
    )
    scale = (rows["metric"] == "centroid_scale") & (rows["space"] == "translation")
    rows.loc[scale, "value"] /= wide
    return rows


def test_centroids_beside_figure_4() -> None:
    found = by_key(counterparts.centroids(centroid_rows()))
    assert outcome(found["distances_shrink"]) == AS_THERE
    assert outcome(found["classes_come_together"]) == AS_THERE
    assert outcome(found["sounds_are_closer"]) == AS_THERE
    assert outcome(found["far_pictures"]) == AS_THERE
    assert {name for name, _ in found["far_pictures"].values} == set(wu2021.FAR_PICTURES)
    assert "blended_classes" not in found


def test_the_units_of_a_space_have_no_part_in_the_comparison() -> None:
    """A unit sphere is always smaller than unscaled principal components."""
    one, other = (by_key(counterparts.centroids(centroid_rows(units))) for units in (1.0, 0.001))
    for key, found in one.items():
        numbers = [value for _, value in found.values]
        assert [value for _, value in other[key].values] == pytest.approx(numbers, nan_ok=True)
        assert outcome(found) == outcome(other[key])
    wide = by_key(counterparts.centroids(centroid_rows(units=0.001, wide=3.0)))
    assert outcome(wide["distances_shrink"]) == UNLIKE


def test_three_classes_decide_little() -> None:
    rows = centroid_rows()
    some = "banjo|voice|piano"
    rows = rows[
        (rows["metric"] == "centroid_scale")
        | (rows["class"].str.contains(some) & rows["other"].str.contains(some))
    ]
    found = by_key(counterparts.centroids(rows))
    assert outcome(found["sounds_are_closer"]) == OPEN


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
    assert outcome(found["pca_confuses_less"]) == OPEN  # one of 20 against five of 20
    assert "confused_organ_piano" not in found


def test_many_confusions_decide() -> None:
    rows = pd.concat(
        [
            confused(system, "image", {("guitar", "guitar"): 100 - n, ("guitar", "mandolin"): n}
                     | {("mandolin", "mandolin"): 100})
            for system, n in (("MMT", 30), ("MMP", 10))
        ]
    )  # fmt: skip
    assert outcome(by_key(counterparts.confusions(rows))["pca_confuses_less"]) == AS_THERE


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.6, 0.7), AS_THERE),
        ((0.6, 0.09), OPEN),  # p = 0.36, one-sided
        ((0.6, -0.7), UNLIKE),
    ],
)
def test_labels_beside_figure_6(values: tuple[float, float], said: str) -> None:
    rows = measure.table(
        [
            {"value": value, "target": target, "n": 18}
            for target, value in zip(("audio", "image"), values, strict=True)
        ],
        study="distribution",
        metric="correlation_spearman",
        system="MMT",
    )
    (one,) = counterparts.distribution(rows)
    assert [label for label, _ in one.values] == ["audio", "image"]
    assert outcome(one) == said
    assert one.verdict is not None
    assert "18 classes" in one.verdict.test


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
