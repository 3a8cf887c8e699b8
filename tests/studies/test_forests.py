"""Random forests: quality compared with scikit-learn's, determinism, edges, storage."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from core.errors import UserError
from core.studies import forests
from core.studies.forests import Forest, ForestConfig, fit

SMALL = ForestConfig(n_trees=10)


def clusters(
    n: int, n_classes: int = 6, d: int = 20, overlap: float = 1.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(n_classes, d))
    y = np.arange(n) % n_classes
    return (centres[y] + overlap * rng.normal(size=(n, d))).astype(np.float32), y


@pytest.mark.parametrize(
    ("n", "overlap", "seed"), [(300, 2.5, 0), (300, 2.5, 1), (2500, 3.0, 2)], ids=str
)
def test_quality_is_scikit_learns(n: int, overlap: float, seed: int) -> None:
    x, y = clusters(n, overlap=overlap, seed=seed)
    x_test, y_test = clusters(3000, overlap=overlap, seed=100 + seed)
    own = fit(x, y, 6, seed)
    plain = RandomForestClassifier(100, max_depth=32, random_state=seed, n_jobs=2).fit(x, y)
    own_accuracy = np.mean(own.predict(x_test) == y_test)
    plain_accuracy = plain.score(x_test, y_test)
    assert 0.4 < plain_accuracy < 0.95
    assert own_accuracy == pytest.approx(plain_accuracy, abs=0.025)
    n_nodes = sum(tree.tree_.node_count for tree in plain.estimators_)
    assert own.feature.size == pytest.approx(n_nodes, rel=0.05)
    # Probabilities too: as far from scikit-learn's as another seed of scikit-learn's, or less.
    other = RandomForestClassifier(100, max_depth=32, random_state=50 + seed, n_jobs=2).fit(x, y)
    proba = plain.predict_proba(x_test)
    between_seeds = np.abs(other.predict_proba(x_test) - proba).mean()
    assert np.abs(own.predict_proba(x_test) - proba).mean() < 1.1 * between_seeds


def test_few_items_of_a_far_wider_modality_are_split_finely() -> None:
    # Ranks, not equal steps: 60 items of two classes far outside the 3,000 others.
    x, y = clusters(3000, seed=3)
    far = np.random.default_rng(4).normal(size=(260, 20)).astype(np.float32)
    far_y = (far[:, 0] + far[:, 1] > 0).astype(int)
    far = 1000 + 100 * far
    forest = fit(np.concatenate([x, far[:60]]), np.concatenate([y, far_y[:60]]), 6, 0)
    plain = RandomForestClassifier(100, max_depth=32, random_state=0, n_jobs=2)
    plain.fit(np.concatenate([x, far[:60]]), np.concatenate([y, far_y[:60]]))
    own_accuracy = np.mean(forest.predict(far[60:]) == far_y[60:])
    assert own_accuracy == pytest.approx(plain.score(far[60:], far_y[60:]), abs=0.06)
    assert own_accuracy > 0.7


def test_thresholds_are_midway_between_neighbouring_values() -> None:
    x = np.array([[0.0], [1.0], [10.0], [12.0]], dtype=np.float32)
    forest = fit(np.repeat(x, 50, axis=0), np.repeat([0, 0, 1, 1], 50), 2, 0, SMALL)
    inner = forest.feature >= 0
    assert forest.threshold[inner] == pytest.approx(np.full(10, 5.5))
    assert forest.predict([[5.4], [5.6]]).tolist() == [0, 1]


def test_neighbouring_floats_are_separated() -> None:
    low = np.float32(1e30)
    x = np.array([[low], [np.nextafter(low, np.float32(np.inf))]], dtype=np.float32).repeat(20, 0)
    y = np.repeat([0, 1], 20)
    assert (fit(x, y, 2, 0, SMALL).predict(x) == y).all()


@pytest.mark.parametrize("n", [12, 150, 3000])
def test_full_trees_predict_their_training_items(n: int) -> None:
    x, y = clusters(n, overlap=3.0)
    assert np.mean(fit(x, y, 6, 0).predict(x) == y) > 0.99


def test_same_seed_same_forest_however_many_threads() -> None:
    x, y = clusters(1500)
    one, three, other = fit(x, y, 6, 7, n_jobs=1), fit(x, y, 6, 7, n_jobs=3), fit(x, y, 6, 8)
    for name, values in one.arrays().items():
        np.testing.assert_array_equal(values, three.arrays()[name], err_msg=name)
    assert one.feature.shape != other.feature.shape or (one.feature != other.feature).any()


@pytest.mark.parametrize("local_codes", [1, 600, 1 << 20])
def test_the_size_of_copied_subtrees_changes_nothing(
    local_codes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = clusters(2500)
    expected = fit(x, y, 6, 7, SMALL).arrays()
    monkeypatch.setattr(forests, "LOCAL_CODES", local_codes)
    for name, values in fit(x, y, 6, 7, SMALL).arrays().items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_one_item_is_classified_as_in_a_batch() -> None:
    x, y = clusters(600)
    forest = fit(x, y, 6, 0, SMALL)
    batch = forest.predict_proba(x)
    np.testing.assert_array_equal(forest.predict_proba(x[5:6])[0], batch[5])
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch.sum(axis=1), 1, atol=1e-5)


def test_depth_is_bounded_and_shallow_leaves_give_shares() -> None:
    x, y = clusters(500, overlap=4.0)
    stump = fit(x, y, 6, 0, ForestConfig(n_trees=5, max_depth=1))
    assert stump.feature.size == 5 * 3
    assert len(stump.mixed) == 10
    np.testing.assert_allclose(stump.mixed.sum(axis=1), 1, atol=1e-5)
    rootless = fit(x, y, 6, 0, ForestConfig(n_trees=200, max_depth=0))
    np.testing.assert_allclose(rootless.predict_proba(x[:1])[0], np.bincount(y) / 500, atol=0.01)


def test_one_class_constant_features_fewer_items_than_classes() -> None:
    x, _ = clusters(40)
    assert (fit(x, np.full(40, 2), 4, 0, SMALL).predict_proba(x)[:, 2] == 1).all()

    constant = fit(np.ones((30, 3)), np.arange(30) % 3, 3, 0)
    np.testing.assert_allclose(constant.predict_proba(np.zeros((1, 3))), 1 / 3, atol=0.06)

    # One feature of many tells the classes apart: a split is looked for until it is found.
    needle = np.ones((40, 50), dtype=np.float32)
    needle[:, 33] = np.arange(40)
    found = fit(needle, np.arange(40) // 20, 2, 0, SMALL)
    assert found.feature.tolist() == [33, -1, -1] * 10
    assert found.predict(needle[[0, 15, 25, 39]]).tolist() == [0, 0, 1, 1]

    few = fit(x[:3], [0, 5, 17], 18, 0)
    assert few.predict_proba(x).shape == (40, 18)
    assert few.predict(x[:3]).tolist() == [0, 5, 17]
    assert fit(x[:1], [1], 2, 0, SMALL).predict(x).tolist() == [1] * 40


def test_many_distinct_values_share_codes_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forests, "MAX_CODES", 16)
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    code, lowest, highest = forests._code(values)
    assert set(code.tolist()) == set(range(16))
    assert (lowest[code] <= values).all()
    assert (values <= highest[code]).all()
    assert (highest[:-1] < lowest[1:]).all()
    x, y = clusters(1500, overlap=0.5)
    assert np.mean(fit(x, y, 6, 0, SMALL).predict(x) == y) > 0.95


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_codes_are_ranks(data: st.DataObject) -> None:
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    values = np.array(data.draw(st.lists(numbers, min_size=1, max_size=40)), dtype=np.float32)
    code, lowest, highest = forests._code(values)
    distinct, rank = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(code, rank)
    np.testing.assert_array_equal(lowest, distinct)
    np.testing.assert_array_equal(highest, distinct)


@given(
    n=st.integers(1, 60),
    d=st.integers(1, 5),
    n_classes=st.integers(1, 7),
    n_values=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_any_table_gives_probabilities_and_can_be_stored(
    n: int, d: int, n_classes: int, n_values: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, n_values, size=(n, d)).astype(np.float32)
    y = rng.integers(0, n_classes, size=n)
    forest = fit(x, y, n_classes, seed, SMALL)
    proba = forest.predict_proba(x)
    assert proba.shape == (n, n_classes)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    absent = np.setdiff1d(np.arange(n_classes), y)
    assert (proba[:, absent] == 0).all()
    again = Forest.from_arrays(forest.arrays())
    np.testing.assert_array_equal(again.predict_proba(x), proba)


def test_stored_without_pickle() -> None:
    x, y = clusters(300, overlap=3.0)
    forest = fit(x, y, 6, 0, ForestConfig(n_trees=20, max_depth=4))
    file = io.BytesIO()
    arrays: Any = forest.arrays()
    np.savez_compressed(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        again = Forest.from_arrays(stored)
    np.testing.assert_array_equal(again.predict_proba(x), forest.predict_proba(x))
    assert again.n_trees == 20


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("right", lambda values: values * 0),  # a child before its parent: an endless path
        ("right", lambda values: values + 10_000),
        ("right", lambda values: values - 10_000),
        ("feature", lambda values: np.where(values >= 0, values + 20, values)),
        ("feature", lambda values: values[:-1]),
        ("node_start", lambda values: values + 1),
        ("node_start", lambda values: values[:1]),
        ("mixed_start", lambda values: values[::-1].copy()),
        ("mixed", lambda values: values[:, :-1]),
        ("shape", lambda values: values[:1]),
    ],
)
def test_damaged_arrays_are_refused(name: str, damage: Callable[[NDArray], NDArray]) -> None:
    x, y = clusters(300, overlap=3.0)
    arrays = fit(x, y, 6, 0, ForestConfig(n_trees=3, max_depth=3)).arrays()
    with pytest.raises(UserError, match="damaged"):
        Forest.from_arrays({**arrays, name: damage(arrays[name])})
    del arrays[name]
    with pytest.raises(UserError, match="damaged"):
        Forest.from_arrays(arrays)


def test_bad_input_is_refused_in_one_sentence() -> None:
    x, y = clusters(30)
    hole = x.copy()
    hole[4, 2] = np.nan
    hole[9, 0] = np.inf
    with pytest.raises(UserError, match=r"2 of 30 vectors hold values that are not finite.*row 4"):
        fit(hole, y, 6, 0)
    with pytest.raises(UserError, match="not finite"):
        fit(np.full((3, 2), 1e300), [0, 1, 2], 3, 0)
    with pytest.raises(UserError, match="from 0 to 4: found"):
        fit(x, y, 5, 0)
    with pytest.raises(UserError, match="whole numbers"):
        fit(x, y + 0.5, 6, 0)
    with pytest.raises(UserError, match="30 vectors and 29 labels"):
        fit(x, y[1:], 6, 0)
    with pytest.raises(UserError, match="found none"):
        fit(x[:0], y[:0], 6, 0)
    with pytest.raises(UserError, match="found shape"):
        fit(x[0], y, 6, 0)
    forest = fit(x, y, 6, 0, SMALL)
    with pytest.raises(UserError, match="19 numbers each"):
        forest.predict_proba(x[:, 1:])
    with pytest.raises(UserError, match="not finite"):
        forest.predict_proba(hole)
    assert forest.predict_proba(x[:0]).shape == (0, 6)
