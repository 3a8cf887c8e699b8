"""Items: validation, subsets disjoint by clip, pairs of the right things."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import items
from core.errors import UserError
from core.items import Item


def sounds_and_pictures(n_sounds: int = 4, n_pictures: int = 6, name: str = "cello") -> list[Item]:
    return [Item(f"a{name}{i}", f"a{name}{i}", "audio", (name,)) for i in range(n_sounds)] + [
        Item(f"i{name}{i}", f"i{name}{i}", "image", (name,)) for i in range(n_pictures)
    ]


def test_a_table_has_the_columns_and_types() -> None:
    frame = items.table([Item("a", "c", "audio", ("cello",), "x.wav", 1.5)])
    assert tuple(frame.columns) == items.COLUMNS
    assert frame["start_s"].tolist() == [1.5]
    assert list(frame["labels"][0]) == ["cello"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([Item("a", "c", "audio"), Item("a", "d", "audio")], "item_id 'a' more than once"),
        ([Item("a", "c", "smell")], "modality 'smell'"),
        ([Item("a", "", "audio")], "empty clip_id"),
    ],
)
def test_bad_tables_are_refused(rows: list[Item], message: str) -> None:
    with pytest.raises(UserError, match=message):
        items.table(rows)


def test_single_labels() -> None:
    frame = items.table(
        [
            Item("a", "a", "audio", ("cello",)),
            Item("b", "b", "audio", ("cello", "flute")),
            Item("c", "c", "audio"),
        ]
    )
    assert items.single_labels(frame).tolist() == ["cello", "", ""]
    assert items.class_numbers(frame, ["flute", "cello"]).tolist() == [1, -1, -1]


clips = st.dictionaries(st.text("abcdef", min_size=1, max_size=5), st.sampled_from("xyz"))


@given(clips, st.integers(0, 5))
def test_every_clip_is_in_one_subset_and_shares_hold_by_class(
    clip_classes: dict[str, str], seed: int
) -> None:
    shares = {"translation": 0.5, "train": 0.25, "test": 0.25}
    subset_of = items.split_by_clip(clip_classes, shares, seed)
    assert set(subset_of) == set(clip_classes)
    for class_name in set(clip_classes.values()):
        mine = [clip for clip, name in clip_classes.items() if name == class_name]
        counts = Counter(subset_of[clip] for clip in mine)
        for subset, share in shares.items():
            assert abs(counts[subset] - share * len(mine)) < 1


@given(clips)
def test_a_split_depends_on_its_seed_and_on_nothing_else(clip_classes: dict[str, str]) -> None:
    shares = {"train": 0.5, "test": 0.5}
    turned = dict(reversed(clip_classes.items()))
    assert items.split_by_clip(clip_classes, shares, 3) == items.split_by_clip(turned, shares, 3)


def test_shares_must_sum_to_one() -> None:
    with pytest.raises(UserError, match=r"sum to 0.900"):
        items.split_by_clip({"a": "x"}, {"train": 0.9}, 0)


def test_pairs_by_clip_join_a_clip_with_itself() -> None:
    frame = items.table(
        [
            Item("a1", "c1", "audio", ("cello",)),
            Item("i1", "c1", "image", ("cello",)),
            Item("a2", "c2", "audio", ("flute", "cello")),
            Item("i2", "c2", "image", ("flute", "cello")),
            Item("a3", "c3", "audio", ("flute",)),
        ]
    )
    found = items.pairs(frame, "audio", "image", "clip")
    assert found[["a_item", "b_item", "class"]].to_numpy().tolist() == [
        ["a1", "i1", "cello"],
        ["a2", "i2", ""],
    ]


@given(st.integers(1, 12), st.integers(1, 12))
def test_pairs_by_class_use_everything_evenly(n_sounds: int, n_pictures: int) -> None:
    rows = sounds_and_pictures(n_sounds, n_pictures) + sounds_and_pictures(2, 3, "flute")
    frame = items.table(rows)
    found = items.pairs(frame, "audio", "image", "class", seed=1)
    label_of = dict(zip(frame["item_id"], items.single_labels(frame), strict=True))
    assert (found["a_item"].map(label_of) == found["b_item"].map(label_of)).all()
    assert set(found["a_item"]) | set(found["b_item"]) == set(frame["item_id"])
    for side, prefix in (("a_item", "acello"), ("b_item", "icello")):
        used = Counter(item for item in found[side] if item.startswith(prefix))
        assert max(used.values()) - min(used.values()) <= 1


def test_classes_with_one_modality_have_no_pairs() -> None:
    frame = items.table(sounds_and_pictures(3, 0) + sounds_and_pictures(0, 3, "flute"))
    found = items.pairs(frame, "audio", "image", "class")
    assert found.empty
    assert list(found.columns) == ["a_item", "b_item", "a_clip", "b_clip", "class"]


def test_subsets_come_from_the_chosen_split_and_the_rest_is_unpaired() -> None:
    frame = items.table(sounds_and_pictures(2, 0))
    splits = items.split_table([{"acello0": "train"}, {"acello0": "test", "acello1": "train"}])
    assert items.with_subset(frame, splits, 0)["subset"].tolist() == ["train", items.UNPAIRED]
    assert items.with_subset(frame, splits, 1)["subset"].tolist() == ["test", "train"]
    assert isinstance(splits, pd.DataFrame)
