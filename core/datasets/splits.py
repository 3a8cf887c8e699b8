"""Subsets of a dataset, drawn by clip: at random by class, at random by group, or as given."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core import items
from core.datasets.base import Request
from core.errors import UserError

# For data without subsets of its own. Retrieval is then measured on clips that no space was
# fitted on.
SHARES = {"translation": 0.5, "train": 0.25, "test": 0.25}
SMALL_SET = 2_000  # items; a single random split of fewer says little, so several are drawn
SMALL_SET_SPLITS = 5
TRAINED, TESTED = "translation", "test"  # the two subsets of collections of sound and text


def n_splits(request: Request, n_items: int) -> int:
    """How many random splits: the number requested, or 5 for a small set and 1 otherwise."""
    if request.splits is None:
        return SMALL_SET_SPLITS if n_items < SMALL_SET else 1
    if request.splits < 1:
        raise UserError(f"The number of splits is {request.splits}: expected 1 or more.")
    return request.splits


def given(subset_of: Mapping[str, str], request: Request) -> list[Mapping[str, str]]:
    """The dataset's own `{clip_id: subset}`, the same in each split."""
    return [subset_of] * (request.splits or 1)


def drawn(class_of: Mapping[str, str], request: Request, n: int) -> list[dict[str, str]]:
    """`n` random `{clip_id: subset}` with the shares in `SHARES`, stratified by class."""
    return [
        items.split_by_clip(class_of, SHARES, seed=request.seed * 1_000 + split)
        for split in range(n)
    ]


def by_class(frame: pd.DataFrame, classes: Sequence[str], request: Request) -> pd.DataFrame:
    """Random splits of the clips of some classes, stratified by class and modality.

    Clips of other classes, or without exactly one label, are in no subset.
    """
    strata: dict[str, str] = {}
    single = items.single_labels(frame)
    for clip, name, modality in zip(frame["clip_id"], single, frame["modality"], strict=True):
        if name in classes:
            strata[clip] = f"{name}/{'both' if clip in strata else modality}"
    return items.split_table(drawn(strata, request, n_splits(request, len(frame))))


def by_group(
    group_of: Mapping[str, str], test_share: float, request: Request
) -> list[dict[str, str]]:
    """Random `{clip_id: subset}` in which the clips of a group (an artist) stay together.

    `test` gets its share of the clips as nearly as whole groups allow, and at least one group.
    """
    sizes = Counter(group_of.values())
    names = sorted(sizes)
    wanted = test_share * len(group_of)
    found = []
    for split in range(n_splits(request, 2 * len(group_of))):
        rng = np.random.default_rng([request.seed, split])
        tested: set[str] = set()
        n_tested = 0
        for name in (names[place] for place in rng.permutation(len(names))):
            n_then = n_tested + sizes[name]
            if len(tested) + 1 < len(names) and abs(n_then - wanted) < abs(n_tested - wanted):
                tested.add(name)
                n_tested = n_then
        if not tested and len(names) > 1:
            tested.add(min(names, key=lambda name: (sizes[name], name)))
        found.append({clip: TESTED if g in tested else TRAINED for clip, g in group_of.items()})
    return found
