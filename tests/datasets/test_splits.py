"""Random and given subsets: by class, by group, and how many splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import items
from core.datasets import splits
from core.datasets.base import Request, Spec
from core.errors import UserError


def request(n_splits: int | None = None, seed: int = 0) -> Request:
    return Request(Spec("x", ""), None, seed, n_splits)


def test_the_number_of_splits() -> None:
    assert splits.n_splits(request(), splits.SMALL_SET - 1) == 5
    assert splits.n_splits(request(), splits.SMALL_SET) == 1
    assert splits.n_splits(request(3), 10**6) == 3
    with pytest.raises(UserError, match="The number of splits is 0: expected 1 or more"):
        splits.n_splits(request(0), 10)


@given(st.dictionaries(st.integers(0, 99).map(str), st.sampled_from("abcdefg"), min_size=1))
def test_groups_stay_together_and_one_is_tested(group_of: dict[str, str]) -> None:
    for subset_of in splits.by_group(group_of, 0.2, request(2)):
        assert subset_of.keys() == group_of.keys()
        sides = {(group_of[clip], subset) for clip, subset in subset_of.items()}
        assert len(sides) == len(set(group_of.values()))
        n_groups = len(sides)
        assert (splits.TESTED in subset_of.values()) == (n_groups > 1)
        assert splits.TRAINED in subset_of.values()


def test_by_class_leaves_out_other_classes_and_several_labels() -> None:
    rows = [items.Item(f"a{n}", f"c{n}", "audio", ("x",)) for n in range(8)]
    rows += [items.Item("b", "b", "audio", ("y",)), items.Item("d", "d", "audio", ("x", "y"))]
    found = splits.by_class(items.table(rows), ["x"], request())
    assert set(found["clip_id"]) == {f"c{n}" for n in range(8)}
    counts = found[found["split"] == 0]["subset"].value_counts().to_dict()
    assert counts == {"translation": 4, "train": 2, "test": 2}
    other = splits.by_class(items.table(rows), ["x"], request(seed=1))
    assert not found.equals(other)
