"""W's subsets: the sizes of the paper, in proportion for fewer clips, disjoint, seeded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.audioset import subsets
from core.errors import UserError
from core.items import SUBSETS


def draw(class_of: np.ndarray, wanted: subsets.Plan, seed: int = 0) -> np.ndarray:
    return subsets.draw(class_of, wanted, np.random.default_rng(seed))


def clips(counts: list[int], n_unclassed: int = 0) -> np.ndarray:
    """Class numbers of clips, shuffled; -1 for those without one class."""
    numbers = np.repeat(np.arange(len(counts)), counts)
    both = np.concatenate([numbers, np.full(n_unclassed, -1)])
    return np.random.default_rng(1).permutation(both)


def sizes(subset: np.ndarray) -> dict[str, int]:
    return {name: int((subset == number).sum()) for number, name in enumerate(SUBSETS)}


def test_at_full_scale_the_sizes_are_the_papers() -> None:
    counts = (2_000 + 1_000 * np.arange(18)).tolist()
    class_of = clips(counts, 60_000)
    assert len(class_of) > subsets.FULL_SIZE
    subset = draw(class_of, subsets.plan(class_of, 18))
    assert sizes(subset) == {
        "translation": 130_000,
        "crossmodal": 10_000,
        "train": 16_200,
        "test": 1_800,
    }
    for number in range(18):
        mine = subset[class_of == number]
        assert (mine == subsets.TEST).sum() == 100
        assert (mine == subsets.TRAIN).sum() == 900
    shares = [(subset[class_of == number] == subsets.TRANSLATION).sum() for number in range(18)]
    assert shares == sorted(shares)  # as skewed as the clips come


@pytest.mark.parametrize("n_pairs", [7_900, 15_800])
def test_with_fewer_clips_all_sizes_shrink_in_proportion(n_pairs: int) -> None:
    scale = n_pairs / 158_000
    class_of = clips([n_pairs // 36] * 18, n_pairs - 18 * (n_pairs // 36))
    assert sizes(draw(class_of, subsets.plan(class_of, 18))) == {
        "translation": round(130_000 * scale),
        "crossmodal": round(10_000 * scale),
        "train": round(16_200 * scale),
        "test": round(1_800 * scale),
    }
    assert subsets.plan(clips([2_000] * 18), 18, size=n_pairs) == subsets.plan(class_of, 18)


@given(
    st.lists(st.integers(0, 60), min_size=2, max_size=18),
    st.integers(0, 200),
    st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_any_clips(counts: list[int], n_unclassed: int, seed: int) -> None:
    class_of = clips(counts, n_unclassed)
    if sum(count >= 4 for count in counts) < 2:
        with pytest.raises(UserError, match="at least 2 classes"):
            subsets.plan(class_of, len(counts))
        return
    wanted = subsets.plan(class_of, len(counts))
    subset = draw(class_of, wanted, seed)
    np.testing.assert_array_equal(subset, draw(class_of, wanted, seed))
    assert (subset >= 0).all()  # below W's size every clip is used
    for number, count in enumerate(counts):
        mine = subset[class_of == number]
        n_train, n_test = ((mine == s).sum() for s in (subsets.TRAIN, subsets.TEST))
        if number in wanted.scored:
            assert (n_train + n_test, n_test) == (wanted.per_class, wanted.n_test_per_class)
            assert min(n_train, n_test) >= 1
            assert set(mine) == {0, 1, 2, 3} or count < 4
        else:
            assert n_train + n_test == 0
            assert count < 20  # a class that can give 10 always takes part
    assert len(wanted.scored) >= 2
    unclassed = subset[class_of < 0]
    assert set(unclassed) <= {subsets.TRANSLATION, subsets.CROSSMODAL}


@pytest.mark.parametrize(
    "counts, scored, per_class",
    [
        ([60] * 17 + [6], 17, 20),  # a rare class does not shrink the others
        ([60] * 17 + [24], 18, 12),  # one with enough clips does
        ([12] * 16 + [30] * 2, 18, 6),  # two large classes do not exclude the others
        ([4] * 18, 18, 2),
    ],
)
def test_which_classes_are_classified(counts: list[int], scored: int, per_class: int) -> None:
    wanted = subsets.plan(clips(counts), 18)
    assert (len(wanted.scored), wanted.per_class) == (scored, per_class)


def test_a_size_asked_for() -> None:
    class_of = clips([300] * 18, 2_000)
    subset = draw(class_of, subsets.plan(class_of, 18, size=400))
    assert sum(sizes(subset).values()) == 400
    assert all(set(subset[class_of == number]) >= {0, 1, 2, 3} for number in range(18))
    for size in (0, 71):
        with pytest.raises(UserError, match=rf"The size is {size} clips, .* expected 72 or more"):
            subsets.plan(class_of, 18, size=size)


def test_seeds_differ() -> None:
    class_of = clips([40] * 5, 50)
    wanted = subsets.plan(class_of, 5)
    assert (draw(class_of, wanted, 0) != draw(class_of, wanted, 1)).any()
