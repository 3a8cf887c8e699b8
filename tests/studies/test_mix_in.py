"""Mix-in curves: ticks, balanced draws, cells on their own, the zero-shot share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UserError
from core.studies import classification, mix_in
from core.studies.classification import Labelled
from core.studies.forests import ForestConfig
from core.studies.mix_in import Cell, balanced_draw, cells, run_cell, study, ticks, zero_shot_share
from tests.studies.test_classification import N_CLASSES, items

FEW_TREES = ForestConfig(n_trees=8)


def test_ticks_are_those_below_what_there_is_and_all() -> None:
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
    # Every class that has items left was given the most, or one less.
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


def test_cells_cover_the_figure() -> None:
    train = items(130, 0)
    found = cells(train, draws=5, seed=10)
    assert len(set(found)) == len(found) == 2 * (5 + 2 * len(ticks(130)) * 5)
    assert {(cell.system, cell.space) for cell in found} == {
        ("SMA", "pca"), ("SMI", "pca"), ("MMP", "pca"), ("MMT", "translation"),
    }  # fmt: skip
    for cell in found:
        n_all = {"audio": 130, "image": 131}[cell.target]
        single = cell.system in ("SMA", "SMI")
        assert cell.n_target in ([n_all] if single else ticks(n_all))
        assert cell.system != {"audio": "SMI", "image": "SMA"}[cell.target]
        assert 10 <= cell.seed < 15


def test_a_cell_on_its_own_is_the_studys_row() -> None:
    train, test = items(130, 0), items(60, 1)
    told: list[tuple[int, int]] = []
    rows = study(
        train,
        test,
        N_CLASSES,
        draws=2,
        seed=4,
        progress=lambda done, n: told.append((done, n)),
        config=FEW_TREES,
    )
    wanted = cells(train, 2, 4)
    assert told == [(done, len(wanted)) for done in range(1, len(wanted) + 1)]
    # Another order, one thread, as after a stop: the same numbers.
    late = [run_cell(cell, train, test, N_CLASSES, FEW_TREES, n_jobs=1) for cell in wanted[::-1]]
    assert late[::-1] == rows
    assert list(rows[0]) == [
        "space", "system", "target", "n_target", "seed", "metric", "class", "value",
    ]  # fmt: skip
    assert all(0 <= row["value"] <= 1 and row["class"] is None for row in rows)


def test_curves_show_what_the_spaces_are() -> None:
    # Shared places: zero-shot works. Places of one's own: chance, until the target is mixed in.
    rows = study(items(200, 0), items(100, 1), N_CLASSES, draws=3, config=FEW_TREES)

    def mean(system: str, target: str, n: int) -> float:
        found = [
            row["value"]
            for row in rows
            if (row["system"], row["target"], row["n_target"]) == (system, target, n)
        ]
        assert len(found) == 3
        return float(np.mean(found))

    for target, single, n_all in (("audio", "SMA", 200), ("image", "SMI", 201)):
        assert mean("MMT", target, 0) > 0.75
        assert mean("MMP", target, 0) < 0.45
        assert mean("MMP", target, n_all) > mean("MMP", target, 0) + 0.3
        assert mean(single, target, n_all) > 0.75
    share = zero_shot_share(rows)
    assert set(share) == {"audio", "image"}
    assert all(0.7 < value <= 1 for value in share.values())


def test_zero_items_of_the_target_are_trained_on_at_zero() -> None:
    train, test = items(100, 0), items(50, 1)
    cell = Cell("translation", "MMT", "image", 0, 0)
    row = run_cell(cell, train, test, N_CLASSES, FEW_TREES)
    own = train["translation"]["image"]
    nonsense = Labelled(own.x, (own.y + 1) % N_CLASSES)
    other = {**train, "translation": {**train["translation"], "image": nonsense}}
    assert run_cell(cell, other, test, N_CLASSES, FEW_TREES) == row
    mixed = Cell("translation", "MMT", "image", 50, 0)
    assert run_cell(mixed, other, test, N_CLASSES, FEW_TREES) != run_cell(
        mixed, train, test, N_CLASSES, FEW_TREES
    )


def test_zero_shot_share_by_hand() -> None:
    def row(system: str, n: int, seed: int, value: float, metric: str = "macro_f1") -> dict:
        return {
            "system": system, "target": "image", "n_target": n, "seed": seed,
            "metric": metric, "value": value,
        }  # fmt: skip

    rows = [
        row("MMT", 0, 0, 0.5),
        row("MMT", 0, 1, 0.7),
        row("MMT", 9, 0, 0.7),
        row("MMP", 9, 0, 0.9),  # the best single draw, in a mean of 0.75
        row("MMP", 9, 1, 0.6),
        row("SMI", 9, 0, 0.8),
        row("SMI", 9, 0, 1.0, metric="f1"),
    ]
    assert zero_shot_share(rows) == {"image": pytest.approx(0.6 / 0.8)}
    assert zero_shot_share([row("MMP", 0, 0, 0.5)]) == {}
    assert zero_shot_share([row("MMT", 0, 0, 0.0)]) == {"image": 0.0}
    assert zero_shot_share([]) == {}


def test_missing_parts_are_named() -> None:
    train, test = items(60, 0), items(30, 1)
    with pytest.raises(UserError, match=r"one modality alone \(audio\)"):
        cells({space: {"audio": found["audio"]} for space, found in train.items()})
    with pytest.raises(UserError, match="no labelled audio items in the space translation"):
        cells({"pca": train["pca"]})
    with pytest.raises(UserError, match="Found 0 draws"):
        cells(train, draws=0)
    with pytest.raises(UserError, match="Asked for 61 items, found 60"):
        run_cell(Cell("pca", "MMP", "audio", 61, 0), train, test, N_CLASSES)
    assert mix_in.cells({}) == []


def test_the_last_tick_is_the_number_of_the_classification_study() -> None:
    train, test = items(130, 0), items(60, 1)
    curves = study(train, test, N_CLASSES, draws=1, seed=4, config=FEW_TREES)
    outcomes = classification.study(train, test, N_CLASSES, seeds=[4], config=FEW_TREES).outcomes
    for outcome in outcomes:
        (row,) = (
            row
            for row in curves
            if (row["system"], row["target"], row["n_target"])
            == (outcome.system, outcome.target, outcome.n_target)
        )
        assert row["value"] == outcome.macro_f1


def test_what_classification_has_fitted_need_not_be_fitted_again() -> None:
    train, test = items(130, 0), items(60, 1)
    wanted = cells(train, draws=2, seed=4)
    outcomes = classification.study(train, test, N_CLASSES, seeds=[4, 5], config=FEW_TREES).outcomes
    found = mix_in.known(outcomes, train)
    # Of two draws: both single-modality lines, and the last tick of two curves a target.
    assert len(found) == 2 * (2 + 2 * 2)
    assert set(found) <= set(wanted)
    for cell, row in found.items():
        assert row == run_cell(cell, train, test, N_CLASSES, FEW_TREES)


def test_a_system_of_other_modalities_says_nothing_of_the_curves() -> None:
    train, test = items(130, 0), items(60, 1)
    alone = {"MMT": classification.System("translation", ("audio",))}
    study_ = classification.study(train, test, N_CLASSES, [4], alone, FEW_TREES)
    assert mix_in.known(study_.outcomes, train, alone) == {}
