"""Classification: metrics beside scikit-learn's, and the study's shape, rows and edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from core.errors import UserError
from core.studies import classification
from core.studies.classification import Labelled, System, confusion, f1_per_class, macro_f1, study
from core.studies.forests import ForestConfig

FEW_TREES = ForestConfig(n_trees=12)
N_CLASSES = 4


def items(n: int, seed: int) -> dict[str, dict[str, Labelled]]:
    """Translation: both modalities share their classes' places. PCA: each has its own."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(5).normal(size=(3, N_CLASSES, 8)) * 2
    found: dict[str, dict[str, Labelled]] = {"pca": {}, "translation": {}}
    for index, modality in enumerate(("audio", "image")):
        y = rng.permutation(np.arange(n + index) % N_CLASSES)
        noise = rng.normal(size=(2, n + index, 8))
        found["pca"][modality] = Labelled((places[1 + index, y] + noise[0]).astype("f4"), y)
        found["translation"][modality] = Labelled((places[0, y] + noise[1]).astype("f4"), y)
    return found


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(st.data())
@settings(max_examples=80, deadline=None)
def test_metrics_are_scikit_learns(data: st.DataObject) -> None:
    n_classes = data.draw(st.integers(1, 6))
    n = data.draw(st.integers(1, 30))
    labels = st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)
    true, predicted = data.draw(labels), data.draw(labels)
    order = list(range(n_classes))
    np.testing.assert_array_equal(
        confusion(true, predicted, n_classes), confusion_matrix(true, predicted, labels=order)
    )
    options = {"labels": order, "zero_division": 0}
    np.testing.assert_allclose(
        f1_per_class(true, predicted, n_classes),
        f1_score(true, predicted, average=None, **options),
    )
    assert macro_f1(true, predicted, n_classes) == pytest.approx(
        f1_score(true, predicted, average="macro", **options)
    )


def test_metrics_by_hand() -> None:
    # Class 0: tp 2, fn 1, fp 1. Class 1: tp 1, fn 1, fp 1. Class 2: never there, never said.
    true, predicted = [0, 0, 0, 1, 1], [0, 0, 1, 1, 0]
    assert confusion(true, predicted, 3).tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert f1_per_class(true, predicted, 3) == pytest.approx([2 / 3, 1 / 2, 0])
    assert macro_f1(true, predicted, 3) == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert macro_f1([], [], 3) == 0
    assert confusion([], [], 2).tolist() == [[0, 0], [0, 0]]


def test_metrics_refuse_what_does_not_fit() -> None:
    with pytest.raises(UserError, match="from 0 to 2"):
        confusion([0, 3], [0, 1], 3)
    with pytest.raises(UserError, match="from 0 to 2"):
        confusion([0, 1], [0, -1], 3)
    with pytest.raises(UserError, match="2 true labels and 1 predicted"):
        macro_f1([0, 1], [0], 3)


def test_study_has_every_system_target_and_seed() -> None:
    train, test = items(120, 0), items(60, 1)
    told: list[tuple[int, int]] = []
    found = study(
        train,
        test,
        N_CLASSES,
        seeds=(3, 4),
        config=FEW_TREES,
        progress=lambda done, n: told.append((done, n)),
    )
    assert told == [(done, 8) for done in range(1, 9)]
    keys = {(one.system, one.space, one.target, one.seed, one.n_target) for one in found.outcomes}
    assert keys == {
        (system, space, target, seed, n)
        for seed in (3, 4)
        for system, space, target, n in [
            ("SMA", "pca", "audio", 120),
            ("SMI", "pca", "image", 121),
            ("MMP", "pca", "audio", 120),
            ("MMP", "pca", "image", 121),
            ("MMT", "translation", "audio", 120),
            ("MMT", "translation", "image", 121),
        ]
    }
    assert len(found.outcomes) == 12
    for one in found.outcomes:
        true = test[one.space][one.target].y
        assert one.macro_f1 > 0.6
        assert one.macro_f1 == pytest.approx(
            f1_score(true, one.predicted, average="macro", labels=range(N_CLASSES))
        )
        assert one.macro_f1 == pytest.approx(one.f1.mean())
        assert (one.confusion.sum(axis=1) == np.bincount(true, minlength=N_CLASSES)).all()
        assert one.proba.shape == (len(true), N_CLASSES)
        assert (one.proba.argmax(axis=1) == one.predicted).all()

    # The forests kept are the first seed's: they answer an upload as they answered the test.
    assert list(found.forests) == list(classification.SYSTEMS)
    first = next(one for one in found.outcomes if (one.system, one.target) == ("MMT", "image"))
    assert first.seed == 3
    again = found.forests["MMT"].predict_proba(test["translation"]["image"].x)
    np.testing.assert_array_equal(again, first.proba)


def test_rows_are_tidy_and_repeatable() -> None:
    train, test = items(60, 0), items(30, 1)
    rows = classification.rows(study(train, test, N_CLASSES, (0, 1), config=FEW_TREES).outcomes)
    assert len(rows) == 12 * (1 + N_CLASSES)
    assert set(rows[0]) == {
        "space", "system", "target", "n_target", "seed", "metric", "class", "value",
    }  # fmt: skip
    for row in rows:
        if row["metric"] == "macro_f1":
            same = [
                other["value"]
                for other in rows
                if other["metric"] == "f1"
                and all(other[key] == row[key] for key in ("system", "target", "seed"))
            ]
            assert row["class"] is None
            assert np.mean(same) == pytest.approx(row["value"])
    again = study(train, test, N_CLASSES, (0, 1), config=FEW_TREES, n_jobs=1)
    assert classification.rows(again.outcomes) == rows


def test_text_is_a_modality_like_another() -> None:
    train, test = items(60, 0), items(30, 1)
    for found in (train, test):
        found["generation"] = {"text": found["pca"]["image"], "audio": found["pca"]["audio"]}
    systems = {"MMG": System("generation", ("audio", "text"))}
    outcomes = study(train, test, N_CLASSES, (0,), systems, FEW_TREES).outcomes
    assert [(one.system, one.target) for one in outcomes] == [("MMG", "audio"), ("MMG", "text")]


def test_missing_items_are_named() -> None:
    train, test = items(60, 0), items(30, 1)
    with pytest.raises(UserError, match="no labelled image items in the space translation"):
        study(train, {**test, "translation": {"audio": test["pca"]["audio"]}}, N_CLASSES, (0,))
    with pytest.raises(UserError, match="train subset holds no labelled audio items"):
        study({}, test, N_CLASSES, (0,))
    empty = Labelled(np.zeros((0, 8), dtype=np.float32), np.zeros(0, dtype=int))
    with pytest.raises(UserError, match="test subset holds no labelled audio items"):
        study(train, {**test, "pca": {"audio": empty}}, N_CLASSES, (0,))
    with pytest.raises(UserError, match="do not belong together"):
        Labelled(np.zeros((3, 2), dtype=np.float32), np.zeros(2, dtype=int))
