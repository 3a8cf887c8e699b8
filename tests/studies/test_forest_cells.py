"""The forests of both studies: ticks, balanced draws, the list of cells, single cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from core.errors import UserError
from core.studies import forest_cells
from core.studies.forest_cells import (
    SYSTEMS,
    Cell,
    Labelled,
    Outcome,
    System,
    balanced_draw,
    cells,
    n_trained_on,
    run_cell,
    ticks,
)
from core.studies.forests import ForestConfig

FEW_TREES = ForestConfig(n_trees=12)
N_CLASSES = 4
ALONE = (("SMA", "audio"), ("SMI", "image"))


def make_items(n: int, seed: int) -> dict[str, dict[str, Labelled]]:
    """Class centres: the same for both modalities in translation, one set for each in PCA."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(5).normal(size=(3, N_CLASSES, 8)) * 2
    found: dict[str, dict[str, Labelled]] = {"pca": {}, "translation": {}}
    for index, modality in enumerate(("audio", "image")):
        y = rng.permutation(np.arange(n + index) % N_CLASSES)
        noise = rng.normal(size=(2, n + index, 8))
        found["pca"][modality] = Labelled((centres[1 + index, y] + noise[0]).astype("f4"), y)
        found["translation"][modality] = Labelled((centres[0, y] + noise[1]).astype("f4"), y)
    return {**found, "aligned": found["translation"], "scaled": found["pca"]}


def run_all(n_train: int, draws: int, seed: int = 0) -> list[Outcome]:
    train, test = make_items(n_train, 0), make_items(60, 1)
    return [
        outcome
        for cell in cells(train, draws, seed)
        for outcome in run_cell(cell, train, test, N_CLASSES, FEW_TREES)[1]
    ]


def test_ticks_are_those_below_the_number_of_items_and_that_number() -> None:
    assert ticks(16_200) == [0, 100, 200, 400, 800, 1600, 2000, 4000, 8000, 12000, 16000, 16200]
    assert ticks(16_000) == [0, 100, 200, 400, 800, 1600, 2000, 4000, 8000, 12000, 16000]
    assert ticks(450) == [0, 100, 200, 400, 450]
    assert ticks(201) == [0, 100, 200, 201]
    assert ticks(200) == [0, 12, 25, 50, 100, 200]
    assert ticks(60) == [0, 12, 25, 50, 60]
    assert ticks(7) == [0, 7]
    assert ticks(0) == [0]


@given(
    sizes=st.lists(st.integers(0, 25), min_size=1, max_size=8).filter(any),
    share=st.floats(0, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_draws_are_distinct_nested_and_as_equal_as_can_be(
    sizes: list[int], share: float, seed: int
) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = round(share * y.size)
    drawn = balanced_draw(y, n, np.random.default_rng(seed))
    assert len(set(drawn.tolist())) == drawn.size == n
    taken = np.bincount(y[drawn], minlength=len(sizes))
    assert (taken <= sizes).all()
    # Every class with items left was drawn the most often, or once less.
    left = taken < np.array(sizes)
    assert (taken[left] >= taken.max() - 1).all()
    more = balanced_draw(y, y.size, np.random.default_rng(seed))
    np.testing.assert_array_equal(more[:n], drawn)


def test_draws_are_random_within_and_between_classes() -> None:
    y = np.repeat([0, 1, 2], 30)
    draws = [balanced_draw(y, 4, np.random.default_rng(seed)) for seed in range(200)]
    counts = np.bincount(np.concatenate(draws), minlength=90)
    assert counts.min() > 0
    assert counts.max() < 30
    doubled = [np.bincount(y[drawn], minlength=3).argmax() for drawn in draws]
    assert (np.bincount(doubled, minlength=3) > 40).all()
    with pytest.raises(UserError, match="Asked for 91 items, found 90"):
        balanced_draw(y, 91, np.random.default_rng(0))
    assert balanced_draw([], 0, np.random.default_rng(0)).size == 0


def test_cells_cover_both_studies() -> None:
    found = cells(make_items(130, 0), draws=5, seed=10)
    points = [0, 12, 25, 50, 100]
    expected = (
        {(system, None, 0) for system in SYSTEMS}
        | {
            (system, target, n)
            for system in ("MMP", "MMT", "SMT")
            for target in ("audio", "image")
            for n in points
        }
        | {(system, target, n) for system, target in ALONE for n in points[1:]}
    )
    assert {(cell.system, cell.target, cell.n_target) for cell in found} == expected
    assert len(set(found)) == len(found) == len(expected) * 5
    assert {cell.seed for cell in found} == set(range(10, 15))
    assert len({cell.name for cell in found}) == len(found)
    assert {cell.space for cell in found if cell.system == "MMT"} == {"translation"}


def test_the_items_of_a_cell_are_counted() -> None:
    train = make_items(130, 0)
    assert n_trained_on(Cell("SMA", 0), train) == 130
    assert n_trained_on(Cell("MMT", 0), train) == 130 + 131
    assert n_trained_on(Cell("MMT", 0, "audio", 12), train) == 131 + 12
    assert n_trained_on(Cell("MMP", 0, "image", 0), train) == 130


def test_a_whole_cell_is_tested_on_each_of_its_modalities() -> None:
    train, test = make_items(120, 0), make_items(60, 1)
    expected = {"SMA": {"audio": 120}, "SMI": {"image": 121}}
    for system in SYSTEMS:
        forest, outcomes = run_cell(Cell(system, 3), train, test, N_CLASSES, FEW_TREES)
        wanted = expected.get(system, {"audio": 120, "image": 121})
        assert {one.target: one.n_target for one in outcomes} == wanted
        for one in outcomes:
            items = test[one.cell.space][one.target]
            assert one.macro_f1 > 0.6
            assert one.macro_f1 == pytest.approx(
                f1_score(items.y, one.predicted, average="macro", labels=range(N_CLASSES))
            )
            assert one.macro_f1 == pytest.approx(one.f1.mean())
            counts = np.bincount(items.y, minlength=N_CLASSES)
            assert (one.confusion.sum(axis=1) == counts).all()
            assert one.proba.shape == (len(items), N_CLASSES)
            if forest:
                np.testing.assert_array_equal(forest.predict_proba(items.x), one.proba)
        assert (forest is None) == (system == "SMT")


def test_a_draw_of_all_items_gives_the_forest_of_the_whole_cell() -> None:
    train, test = make_items(130, 0), make_items(60, 1)
    forest, outcomes = run_cell(Cell("MMP", 4), train, test, N_CLASSES, FEW_TREES)
    mixed = Cell("MMP", 4, "image", 131)
    again, (outcome,) = run_cell(mixed, train, test, N_CLASSES, FEW_TREES, n_jobs=2)
    for name, array in forest.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    np.testing.assert_array_equal(outcome.proba, outcomes[1].proba)
    assert outcome.n_target == outcomes[1].n_target


def test_a_zero_shot_cell_trains_on_no_items_of_the_target() -> None:
    train, test = make_items(100, 0), make_items(50, 1)
    target = train["translation"]["image"]
    nonsense = Labelled(target.x, (target.y + 1) % N_CLASSES)
    other = {**train, "translation": {**train["translation"], "image": nonsense}}

    def confusion_of(n_target: int, items: forest_cells.Items) -> list[list[int]]:
        cell = Cell("MMT", 0, "image", n_target)
        return run_cell(cell, items, test, N_CLASSES, FEW_TREES)[1][0].confusion.tolist()

    assert confusion_of(0, other) == confusion_of(0, train)
    assert confusion_of(50, other) != confusion_of(50, train)


def test_the_spaces_decide_how_many_items_of_the_target_are_needed() -> None:
    outcomes = run_all(200, draws=3)

    def mean(system: str, target: str, n: int) -> float:
        found = [
            one.macro_f1
            for one in outcomes
            if (one.cell.system, one.target, one.n_target) == (system, target, n)
        ]
        assert len(found) == 3
        return float(np.mean(found))

    for target, single, n_all in (("audio", "SMA", 200), ("image", "SMI", 201)):
        assert mean("MMT", target, 0) > 0.75
        assert mean("MMP", target, 0) < 0.45
        assert mean("MMP", target, n_all) > mean("MMP", target, 0) + 0.3
        assert mean(single, target, n_all) > 0.75


def test_text_is_a_modality_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SYSTEMS, "MMG", System("generation", ("audio", "text")))
    train, test = make_items(60, 0), make_items(30, 1)
    for items in (train, test):
        items["generation"] = {"audio": items["pca"]["audio"], "text": items["pca"]["image"]}
    outcomes = run_cell(Cell("MMG", 0), train, test, N_CLASSES, FEW_TREES)[1]
    assert [(one.cell.space, one.target) for one in outcomes] == [
        ("generation", "audio"),
        ("generation", "text"),
    ]


def test_missing_items_are_named() -> None:
    train, test = make_items(60, 0), make_items(30, 1)
    cell = Cell("MMT", 0)
    few = {**test, "translation": {"audio": test["pca"]["audio"]}}
    with pytest.raises(UserError, match="no labelled image items in the space translation"):
        run_cell(cell, train, few, N_CLASSES)
    with pytest.raises(UserError, match="train subset holds no labelled audio items"):
        run_cell(cell, {}, test, N_CLASSES)
    empty = Labelled(np.zeros((0, 8), dtype=np.float32), np.zeros(0, dtype=int))
    with pytest.raises(UserError, match="test subset holds no labelled audio items"):
        run_cell(Cell("SMA", 0), train, {**test, "pca": {"audio": empty}}, N_CLASSES)
    with pytest.raises(UserError, match="Asked for 61 items, found 60"):
        run_cell(Cell("MMP", 0, "audio", 61), train, test, N_CLASSES)
    with pytest.raises(UserError, match="do not belong together"):
        Labelled(np.zeros((3, 2), dtype=np.float32), np.zeros(2, dtype=int))
    with pytest.raises(UserError, match="no labelled audio items in the space translation"):
        cells({"pca": train["pca"]})
    with pytest.raises(UserError, match="Found 0 draws"):
        cells(train, draws=0)
