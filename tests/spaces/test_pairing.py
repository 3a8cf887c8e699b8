"""Splits by clip, samplers and redrawn pairs."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.spaces import pairing
from core.spaces.pairing import Pairs, Pools

KIND = ("audio", "image")


def pairs_of(rows: list, clips: list, classes: list | None = None) -> Pairs:
    ids = np.array(clips, dtype=np.int64)
    if ids.ndim == 1:
        ids = np.stack([ids, ids], axis=1)
    labels = np.full(len(rows), pairing.UNKNOWN) if classes is None else np.array(classes)
    return Pairs(np.array(rows, dtype=np.int64), labels, ids)


def class_pairs(n_classes: int, n_audio: int, n_image: int) -> Pairs:
    """Every clip has one item; all audio × image of a class are pairs."""
    rows, clips, classes = [], [], []
    for c in range(n_classes):
        for i, j in itertools.product(range(n_audio), range(n_image)):
            rows.append((c * n_audio + i, c * n_image + j))
            clips.append((c * n_audio + i, 10_000 + c * n_image + j))
            classes.append(c)
    return pairs_of(rows, clips, classes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=40), st.integers(0, 9))
def test_no_clip_and_no_item_on_both_sides(quads: list, seed: int) -> None:
    pairs = pairs_of([q[:2] for q in quads], [(q[2], q[3]) for q in quads])
    train, held_out = pairing.split_pairs({KIND: pairs}, 0.3, np.random.default_rng(seed))
    assert len(train[KIND]) + len(held_out[KIND]) == len(pairs)
    assert len(train[KIND]) > 0
    assert not set(train[KIND].clips.ravel()) & set(held_out[KIND].clips.ravel())
    for side in (0, 1):
        assert not set(train[KIND].rows[:, side]) & set(held_out[KIND].rows[:, side])


def test_a_tenth_of_the_pairs_is_held_out() -> None:
    pairs = pairs_of([(i, i) for i in range(1000)], [i // 2 for i in range(1000)])
    _, held_out = pairing.split_pairs({KIND: pairs}, 0.1, np.random.default_rng(0))
    assert len(held_out[KIND]) == 100
    train, held_out = pairing.split_pairs({KIND: pairs}, 0.0, np.random.default_rng(0))
    assert (len(train[KIND]), len(held_out[KIND])) == (1000, 0)


def test_a_clip_stays_together_across_kinds() -> None:
    kinds = {
        ("audio", "image"): pairs_of([(i, i) for i in range(40)], list(range(40))),
        ("audio", "text"): pairs_of([(i + 40, i) for i in range(40)], list(range(40))),
    }
    train, held_out = pairing.split_pairs(kinds, 0.2, np.random.default_rng(1))
    out = {kind: set(part.clips[:, 0]) for kind, part in held_out.items()}
    assert out["audio", "image"] == out["audio", "text"]
    assert len(out["audio", "text"]) == 8
    assert not out["audio", "text"] & set(train["audio", "image"].clips[:, 0])


def test_pools_hold_out_items_of_every_class() -> None:
    pairs = class_pairs(6, n_audio=6, n_image=10)
    train, held_out = pairing.split_pools({KIND: pairs}, 0.1, np.random.default_rng(0))
    for side, n in ((0, 6), (1, 10)):
        for c in range(6):
            kept, out = (set(p[KIND].sides[side][c].tolist()) for p in (train, held_out))
            assert len(out) == 1
            assert len(kept) == n - 1
            assert not kept & out


def test_small_classes_keep_their_items_while_others_can_validate() -> None:
    big, small = class_pairs(2, 6, 6), class_pairs(1, 3, 6)
    rows = np.concatenate([big.rows, small.rows + 100])
    clips = np.concatenate([big.clips, small.clips + 1000])
    kinds = {KIND: Pairs(rows, np.append(big.classes, small.classes + 2), clips)}
    _, held_out = pairing.split_pools(kinds, 0.1, np.random.default_rng(0))
    assert {c: len(v) for c, v in held_out[KIND].sides[0].items()} == {0: 1, 1: 1}
    _, held_out = pairing.split_pools({KIND: small}, 0.1, np.random.default_rng(0))
    assert len(held_out[KIND].sides[0][0]) == 1


def test_windows_of_one_recording_are_held_out_together() -> None:
    rows = [(i, i % 20) for i in range(40)]
    pairs = pairs_of(rows, [(i // 4, 100 + i % 20) for i in range(40)], [0] * 40)
    train, held_out = pairing.split_pools({KIND: pairs}, 0.2, np.random.default_rng(0))
    recordings = [
        {row // 4 for row in part[KIND].sides[0][0].tolist()} for part in (train, held_out)
    ]
    assert not recordings[0] & recordings[1]
    assert len(recordings[1]) == 2


def test_a_class_with_one_item_is_not_held_out() -> None:
    pairs = pairs_of([(0, 0), (1, 1), (2, 2)], [(0, 10), (1, 11), (2, 12)], [0, 1, 1])
    train, held_out = pairing.split_pools({KIND: pairs}, 0.5, np.random.default_rng(0))
    assert train[KIND].sides[0][0].tolist() == [0]
    assert 0 not in held_out[KIND].sides[0]


def test_a_draw_of_pools_uses_every_item_within_its_class() -> None:
    sides = (
        {0: np.arange(3), 1: np.arange(3, 5), 2: np.array([9])},
        {0: np.arange(7), 1: np.array([7])},
    )
    pools = Pools(sides)
    rows, classes = pools.draw(np.random.default_rng(0))
    assert len(rows) == len(classes) == len(pools) == 3 + 7 + 2 + 1
    assert set(rows[:, 0]) == set(range(5))  # class 2 has no partner
    assert set(rows[:, 1]) == set(range(8))
    for (a, b), c in zip(rows, classes, strict=True):
        assert a in sides[0][c]
        assert b in sides[1][c]
    again, _ = pools.draw(np.random.default_rng(1))
    assert not np.array_equal(np.sort(rows, axis=0), np.sort(again, axis=0))


def test_balance_draws_classes_alike() -> None:
    classes = np.repeat([0, 1, 2], [900, 90, 10])
    chosen = pairing.balance(classes, np.random.default_rng(0))
    assert len(chosen) == 1000
    assert sorted(np.bincount(classes[chosen])) == [333, 333, 334]


def test_balance_repeats_no_pair_before_its_class_has_run_out() -> None:
    classes = np.repeat([0, 1, 2], [900, 90, 10])
    chosen = pairing.balance(classes, np.random.default_rng(0))
    times = np.bincount(chosen, minlength=1000)
    for c in range(3):
        assert np.ptp(times[classes == c]) <= 1
    assert times[classes == 0].max() == 1
    even = pairing.balance(np.repeat([0, 1], 50), np.random.default_rng(0))
    assert sorted(even) == list(range(100))
    again = pairing.balance(classes, np.random.default_rng(1))
    assert not np.array_equal(chosen, again)


@pytest.mark.parametrize("same_class", ["negative", "ignored"])
def test_copies_of_one_pair_are_not_negatives(same_class: str) -> None:
    rows = np.array([(0, 0), (1, 1), (0, 0), (0, 1), (2, 2)])
    unknown = np.full(5, pairing.UNKNOWN)
    numbers = pairing.no_negatives(rows, unknown, same_class)
    assert numbers is not None
    equal = numbers[:, None] == numbers[None, :]
    assert np.argwhere(np.triu(equal, 1)).tolist() == [[0, 2]]
    assert (numbers >= 0).all()


def test_pairs_of_a_known_class_are_not_negatives_if_it_is_ignored() -> None:
    rows = np.array([(0, 0), (1, 1), (2, 2), (3, 3)])
    classes = np.array([4, 4, 0, pairing.UNKNOWN])
    numbers = pairing.no_negatives(rows, classes, "ignored")
    assert numbers is not None
    assert len(set(numbers.tolist())) == 3
    assert numbers[0] == numbers[1]
    assert pairing.no_negatives(rows, classes, "negative") is None


def test_steps_cut_draws_into_like_batches() -> None:
    pairs = pairs_of([(i, i) for i in range(101)], list(range(101)))
    source = pairing.steps(pairs, 50, np.random.default_rng(0), balanced=False)
    first = [next(source)[0] for _ in range(3)]
    assert [len(rows) for rows in first] == [34, 34, 33]
    assert sorted(np.concatenate(first)[:, 0]) == list(range(101))
    second = np.concatenate([next(source)[0] for _ in range(3)])
    assert not np.array_equal(np.concatenate(first), second)


def test_texts_of_a_class_that_one_other_modality_lacks_can_be_split() -> None:
    """A class with pictures and texts, but without sounds, comes first."""
    with_image = class_pairs(2, 6, 6)
    sounds = class_pairs(1, 6, 6)
    with_audio = Pairs(
        np.column_stack([sounds.rows[:, 0] + 6, sounds.rows[:, 1]]),
        sounds.classes + 1,
        np.column_stack([sounds.clips[:, 0] + 6, sounds.clips[:, 1] + 2000]),
    )
    kinds = {("text", "audio"): with_audio, ("text", "image"): with_image}
    train, held_out = pairing.split_pools(kinds, 0.1, np.random.default_rng(0))
    assert set(train["text", "audio"].sides[1]) == {1}
    assert set(held_out["text", "image"].sides[1]) == {0, 1}
