"""Fewer pairs, and pairs that are wrong on purpose."""

import numpy as np
import pytest

from core.spaces import pair_changes
from core.spaces.pairing import Pairs, Pools

KIND = ("audio", "image")


def pairs(n: int = 60, per_clip: int = 2) -> Pairs:
    rows = np.stack([np.arange(n), np.arange(n)], axis=1)
    clips = np.stack([np.arange(n) // per_clip] * 2, axis=1)
    return Pairs(rows, np.arange(n) % 3, clips)


def test_a_smaller_share_is_part_of_a_larger_one() -> None:
    kept = {
        share: set(pair_changes.thinned({KIND: pairs()}, share, 3)[KIND].rows[:, 0].tolist())
        for share in (0.1, 0.5, 1.0)
    }
    assert [len(rows) for rows in kept.values()] == [6, 30, 60]
    assert kept[0.1] < kept[0.5] < kept[1.0]


def test_the_smallest_share_still_has_a_pair() -> None:
    assert len(pair_changes.thinned({KIND: pairs()}, 0.001, 0)[KIND]) == 1


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_wrong_pairs_join_items_of_two_clips(share: float) -> None:
    before = pairs()
    after = pair_changes.mismatched({KIND: before}, share, 0)[KIND]
    assert isinstance(after, Pairs)
    changed = after.rows[:, 1] != before.rows[:, 1]
    assert changed.sum() == round(share * 60)
    assert (after.clips[changed, 0] != after.clips[changed, 1]).all()
    assert (after.clips[:, 1] == after.rows[:, 1] // 2).all()  # clips travel with their items
    assert sorted(after.rows[:, 1]) == sorted(before.rows[:, 1])
    assert (after.rows[:, 0] == before.rows[:, 0]).all()
    assert (before.rows[:, 1] == np.arange(60)).all()  # the argument is unchanged


def test_pairs_that_are_wrong_at_ten_percent_are_wrong_at_fifty() -> None:
    wrong = []
    for share in (0.1, 0.5):
        after = pair_changes.mismatched({KIND: pairs()}, share, 0)[KIND]
        assert isinstance(after, Pairs)
        wrong.append(set(np.flatnonzero(after.rows[:, 1] != np.arange(60)).tolist()))
    assert wrong[0] < wrong[1]


def test_items_that_are_paired_by_class_exchange_their_classes() -> None:
    sides = [{c: np.arange(10) + 10 * c for c in range(3)} for _ in range(2)]
    after = pair_changes.mismatched({KIND: Pools((sides[0], sides[1]))}, 0.4, 0)[KIND]
    assert isinstance(after, Pools)
    assert all((after.sides[0][c] == sides[0][c]).all() for c in range(3))
    wrong = sum((after.sides[1][c] // 10 != c).sum() for c in range(3))
    assert wrong == 12
    assert sorted(np.concatenate(list(after.sides[1].values()))) == list(range(30))


def test_nothing_changes_without_a_share_to_change() -> None:
    kinds = {KIND: pairs()}
    assert pair_changes.mismatched(kinds, 0.0, 0) is kinds
    assert pair_changes.thinned(kinds, 1.0, 0) is kinds
    one = {KIND: pairs(1)}
    assert (pair_changes.mismatched(one, 1.0, 0)[KIND].rows == one[KIND].rows).all()
