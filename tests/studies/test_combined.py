"""The combined classifier: its experts, their weights, and what it may read."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from core.errors import UserError
from core.studies import combined, forest_cells
from core.studies.combined import ClassSums, Gaussians, Weights
from core.studies.forest_cells import Cell, Labelled, run_cell
from tests.studies.test_forest_cells import N_CLASSES, make_items

TRAIN, TEST = make_items(200, 0), make_items(400, 1)


def outcome(
    cell: Cell, train: forest_cells.Items = TRAIN, test: forest_cells.Items = TEST
) -> forest_cells.Outcome:
    return run_cell(cell, train, test, N_CLASSES)[1][0]


def relabelled(
    items: forest_cells.Items, modality: str, rng: np.random.Generator
) -> forest_cells.Items:
    """The same vectors of a modality, with its labels in another order."""
    order = rng.permutation(len(items["aligned"][modality]))
    return {
        space: {
            name: Labelled(part.x, part.y[order]) if name == modality else part
            for name, part in parts.items()
        }
        for space, parts in items.items()
    }


def test_without_target_items_the_source_decides_alone() -> None:
    rng = np.random.default_rng(0)
    zero = Cell("SMT", 3, "image", 0)
    other_labels = relabelled(TRAIN, "image", rng)
    no_pca = {**TRAIN, "scaled": {**TRAIN["scaled"], "image": TRAIN["scaled"]["audio"]}}
    for train in (other_labels, no_pca):
        np.testing.assert_array_equal(outcome(zero, train).proba, outcome(zero).proba)
    source = TRAIN["aligned"]["audio"]
    of_source = ClassSums.of(source.x, source.y, N_CLASSES)
    alone = Gaussians(
        of_source.total / of_source.count[:, None],
        np.ones(N_CLASSES),
        combined._root_of_shared(of_source, None),
    ).log_proba(TEST["aligned"]["image"].x)
    np.testing.assert_allclose(outcome(zero).proba, np.exp(alone), atol=1e-6)
    assert outcome(zero).macro_f1 > 0.75


def test_no_label_of_a_test_item_is_read() -> None:
    test = relabelled(TEST, "image", np.random.default_rng(1))
    for n in (0, 12, 100):
        cell = Cell("SMT", 0, "image", n)
        np.testing.assert_array_equal(outcome(cell, test=test).proba, outcome(cell).proba)


def test_permuted_training_labels_give_chance() -> None:
    scores = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        train = relabelled(relabelled(TRAIN, "image", rng), "audio", rng)
        scores.append(
            [outcome(Cell("SMT", seed, "image", n), train).macro_f1 for n in (0, 25, 150)]
        )
    assert np.mean(scores) == pytest.approx(1 / N_CLASSES, abs=0.06)


def test_a_seed_gives_the_same_classifier_again_and_in_any_order_of_cells() -> None:
    whole = run_cell(Cell("SMT", 5), TRAIN, TEST, N_CLASSES)[1]
    assert [one.target for one in whole] == ["audio", "image"]
    again = outcome(Cell("SMT", 5, "image", 201))
    np.testing.assert_array_equal(again.proba, whole[1].proba)
    assert again.proba.dtype == np.float32
    np.testing.assert_allclose(again.proba.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("useless", ["source", "own", "neither"])
def test_an_expert_that_knows_nothing_does_not_harm(useless: str) -> None:
    """With noise in place of a space the other one decides, about as well as alone."""
    train, test = make_items(200, 0), make_items(400, 1)
    rng = np.random.default_rng(2)
    space = {"source": "aligned", "own": "scaled"}.get(useless)
    for items in (train, test):
        for modality, part in items[space].items() if space else ():
            noise = rng.normal(size=part.x.shape).astype(np.float32)
            items[space] = {**items[space], modality: Labelled(noise, part.y)}
    for target in ("audio", "image"):
        found = outcome(Cell("SMT", 0, target, 150), train, test).macro_f1
        alone = {
            "own": outcome(Cell("SMT", 0, target, 0), train, test).macro_f1,
            "source": run_cell(
                Cell({"audio": "SMA", "image": "SMI"}[target], 0, target, 150),
                train,
                test,
                N_CLASSES,
            )[1][0].macro_f1,
        }
        best = alone[{"own": "own", "source": "source"}.get(useless, "own")]
        assert found > best - 0.03


def test_the_weights_follow_the_better_expert() -> None:
    rng = np.random.default_rng(3)
    y = np.arange(160) % N_CLASSES
    centres = 2 * rng.normal(size=(N_CLASSES, 8))
    good, bad = centres[y] + rng.normal(size=(160, 8)), rng.normal(size=(160, 8))
    source = centres[y] + rng.normal(size=(160, 8))
    sure = combined.fit(source, y, good, bad, y, N_CLASSES, seed=0).weights
    unsure = combined.fit(rng.normal(size=(160, 8)), y, bad, good, y, N_CLASSES, seed=0).weights
    assert sure.own < 0.3
    assert unsure.own > 0.7
    few = combined.fit(source, y, good[:11], bad[:11], y[:11], N_CLASSES, seed=0)
    assert few.weights == Weights()  # fewer than 3 items per class
    assert few.own is None


def test_gaussians_with_one_spread_are_linear_discriminant_analysis() -> None:
    rng = np.random.default_rng(4)
    y = np.arange(90) % 3
    x = rng.normal(size=(90, 5)) @ rng.normal(size=(5, 5)) + 2 * rng.normal(size=(3, 5))[y]
    sums = ClassSums.of(x, y, 3)
    root = np.linalg.cholesky(sums.scatter / len(x))
    mine = Gaussians(sums.total / 30, np.ones(3), root).log_proba(x)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / 3] * 3).fit(x, y)
    np.testing.assert_allclose(mine, theirs.predict_log_proba(x), atol=1e-8)


def test_unlabelled_items_centre_and_scale() -> None:
    rng = np.random.default_rng(5)
    x = (rng.normal(size=(500, 3)) * [5, 0.1, 0] + [1, 2, 3]).astype(np.float32)
    np.testing.assert_allclose(combined.aligned(x, x).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(combined.scaled(x, x).std(axis=0)[:2], 1, atol=1e-4)
    assert np.isfinite(combined.scaled(x, x)).all()


def test_no_source_is_an_error() -> None:
    none, y = np.empty((0, 3)), np.empty(0, int)
    with pytest.raises(UserError, match="found no items of the other modality"):
        combined.fit(none, y, none, none, y, 3, seed=0)
