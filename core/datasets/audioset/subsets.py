"""W's disjoint subsets (W §3.1, table 2), drawn by clip from any number of clips.

W draws them from all qualifying clips, train and evaluation segments of AudioSet alike: 130,000
pairs to train translations, 10,000 for cross-modal retrieval, and for classification 1,000 clips
of each of 18 classes, a tenth of them for testing. With fewer clips all sizes shrink in proportion,
but to no less than 100 pairs for retrieval and 20 clips per class (5 of them for testing), as long
as that is at most a fifth of all clips and half of a class.

Classification is balanced: every class that takes part gives the same number of clips, at most
half of its own. The rest goes to the two other subsets, which are as skewed as the clips. Classes
too rare for classification are only in those two, so one rare class does not shrink all others to
its size. A class that can give 10 clips always takes part. Below that, the number of clips per
class is chosen by the largest product of that number and the squared number of classes, which
prefers more classes over more clips.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.items import SUBSETS

# W table 2, in clips
FULL_SIZES = {"translation": 130_000, "crossmodal": 10_000, "train": 16_200, "test": 1_800}
FULL_SIZE = sum(FULL_SIZES.values())
FULL_PER_CLASS = 1_000
TEST_SHARE = 0.1
LEAST_CROSSMODAL = 100
LEAST_PER_CLASS = 20
LEAST_TEST = 5
ALWAYS_ENOUGH = 10  # a class that can give this many clips takes part
FEWEST = 2  # clips of a class: one to train, one to test

TRANSLATION, CROSSMODAL, TRAIN, TEST = (SUBSETS.index(name) for name in FULL_SIZES)


@dataclass(frozen=True)
class Plan:
    """The sizes of the subsets, and the numbers of the classes that are classified."""

    n_pairs: int
    n_crossmodal: int
    per_class: int
    n_test_per_class: int
    scored: tuple[int, ...]


def plan(class_of: np.ndarray, n_classes: int, size: int | None = None) -> Plan:
    """The sizes for these clips.

    Parameters
    ----------
    class_of : (n,) int64, the class of each clip, -1 for none or several
    n_classes : int
    size : the largest number of clips to use; None for all, up to W's 158,000

    Raises
    ------
    UserError
        Fewer than two classes have the four clips needed to reach every subset, or the size is
        too small for the classes that do.
    """
    n_pairs = min(len(class_of), FULL_SIZE, FULL_SIZE if size is None else size)
    scale = n_pairs / FULL_SIZE
    counts = np.bincount(class_of[class_of >= 0], minlength=n_classes)
    n_reaching = int((counts >= 2 * FEWEST).sum())
    if n_reaching < 2:
        raise UserError(
            f"{len(class_of):,} clips can be used, but only {n_reaching} of the 18 classes reach "
            f"{2 * FEWEST} clips with no other class: expected at least 2 classes, so add clips."
        )
    if n_pairs < 2 * FEWEST * n_reaching:
        raise UserError(
            f"The size is {n_pairs} clips, too few for {n_reaching} classes in every subset: "
            f"expected {2 * FEWEST * n_reaching} or more."
        )
    wanted = max(round(FULL_PER_CLASS * scale), LEAST_PER_CLASS)
    wanted = min(wanted, n_pairs // (2 * n_reaching))
    can_give = np.minimum(counts // 2, wanted)
    per_class = _level(can_give)
    scored = np.flatnonzero(can_give >= per_class)
    others = n_pairs - per_class * len(scored)
    return Plan(
        n_pairs=n_pairs,
        n_crossmodal=max(
            round(FULL_SIZES["crossmodal"] * scale),
            min(LEAST_CROSSMODAL, n_pairs // 5),
            min(int((counts >= 2).sum()), others // 2),  # one of every class
        ),
        per_class=per_class,
        n_test_per_class=max(1, round(TEST_SHARE * per_class), min(LEAST_TEST, per_class // 3)),
        scored=tuple(scored.tolist()),
    )


def _level(can_give: np.ndarray) -> int:
    """The number of clips of each class that takes part; at least two classes do."""
    always = can_give[can_give >= ALWAYS_ENOUGH]
    most = min(int(np.sort(can_give)[-2]), int(always.min(initial=can_give.max())))
    levels = [level for level in np.unique(can_give).tolist() if FEWEST <= level <= most]
    return max(levels, key=lambda level: (level * int((can_give >= level).sum()) ** 2, level))


def draw(class_of: np.ndarray, wanted: Plan, rng: np.random.Generator) -> np.ndarray:
    """`(n,) int64`: each clip's position in `items.SUBSETS`, -1 if it is not used.

    Clips of a class that are not used for classification go to crossmodal and translation; every
    class reaches both if it has enough clips.
    """
    subset = np.full(len(class_of), -1, dtype=np.int64)
    for number in wanted.scored:
        chosen = rng.permutation(np.flatnonzero(class_of == number))[: wanted.per_class]
        subset[chosen] = TRAIN
        subset[chosen[: wanted.n_test_per_class]] = TEST
    n_left = wanted.n_pairs - int((subset >= 0).sum())
    order = _shuffled(class_of, subset < 0, rng, keep_one=True)
    subset[order[: wanted.n_crossmodal]] = CROSSMODAL
    order = _shuffled(class_of, subset < 0, rng, keep_one=False)
    subset[order[: n_left - wanted.n_crossmodal]] = TRANSLATION
    return subset


def _shuffled(
    class_of: np.ndarray, free: np.ndarray, rng: np.random.Generator, keep_one: bool
) -> np.ndarray:
    """The free rows in random order, but with one of every class first.

    With `keep_one`, one of every class comes last as well; a single one comes last.
    """
    order = rng.permutation(np.flatnonzero(free))
    classes = class_of[order]
    _, first = np.unique(classes, return_index=True)
    first = first[classes[first] >= 0]
    last = first[:0]
    if keep_one:
        _, from_end = np.unique(classes[::-1], return_index=True)
        last = len(order) - 1 - from_end
        last = last[classes[last] >= 0]
        first = np.setdiff1d(first, last)
    middle = np.delete(order, np.concatenate([first, last]))
    return np.concatenate([order[np.sort(first)], middle, order[np.sort(last)]])
