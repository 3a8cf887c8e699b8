"""The selection: defaults, addresses, invalid values, and parts that a study does not have."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import state
from dashboard.state import Selection

KNOWN = state.Known(
    studies=["aabbccdd"],
    encoder_sets=["a+b", "c+d"],
    n_splits=2,
    classes=["banjo", "cello"],
    modalities=["audio", "image"],
    subsets=["train", "test"],
    item_ids={"x", "y"},
)


def test_the_default_selection_has_an_empty_address() -> None:
    assert state.to_params(Selection()) == {}
    assert state.parse({}) == Selection()


def test_a_selection_survives_its_address() -> None:
    selection = Selection(
        study="aabbccdd",
        encoder_set="c+d",
        split=1,
        method="tsne",
        dims=3,
        spaces=("pca",),
        classes=("cello", "banjo"),
        modalities=("image",),
        subsets=("test",),
        lines=True,
        items=("x", "y"),
        direction="image_to_audio",
        order="cluster",
        scale="normalised",
        system="SMA",
        target="audio",
        cell="banjo~cello",
        top=25,
        picture="svg",
    )
    assert state.parse(state.to_params(selection)) == selection


@pytest.mark.parametrize(
    "params",
    [
        {"dims": ["4"]},
        {"dims": ["two"]},
        {"dims": ["²"]},
        {"dims": ["-2"]},
        {"split": ["99999999999999999999"]},
        {"split": ["1e9"]},
        {"top": ["0"]},
        {"method": ["<script>"]},
        {"lines": ["yes"]},
        {"show": ["nothing"]},
        {"modality": ["smell"]},
        {"class": [""]},
        {"unknown": ["x"]},
        {"study": []},
    ],
)
def test_an_invalid_value_becomes_the_default(params: dict[str, list[str]]) -> None:
    assert state.parse(params) == Selection()


@given(
    st.dictionaries(
        st.sampled_from([state.parameter(field.name) for field in fields(Selection)]),
        st.lists(st.text(max_size=400), max_size=60),
    )
)
def test_no_address_fails_and_reading_is_stable(params: dict[str, list[str]]) -> None:
    read = state.parse(params)
    again = state.parse(state.to_params(read))
    assert again == read
    fitted, notes = state.fit(read, KNOWN)
    assert state.fit(fitted, KNOWN) == (fitted, [])
    assert (fitted != read) == bool(notes)


def test_an_address_is_bounded() -> None:
    read = state.parse({"item": [f"item {n}" for n in range(1000)], "class": ["x" * 10_000]})
    assert len(read.items) == state.MAX_ITEMS
    assert len(read.classes[0]) == state.MAX_LENGTH


def test_parts_that_the_study_does_not_have_are_dropped_and_named() -> None:
    asked = Selection(
        study="feed",
        encoder_set="e+f",
        split=2,
        classes=("banjo", "kazoo"),
        items=("x", "z"),
        cell="banjo~kazoo",
    )
    fitted, notes = state.fit(asked, KNOWN)
    assert fitted == Selection(classes=("banjo",), items=("x",))
    assert len(notes) == 6
    assert any("“kazoo”" in note for note in notes)


def test_a_study_is_named_by_the_start_of_its_digest() -> None:
    assert state.fit(Selection(study="aabb"), KNOWN) == (Selection(study="aabb"), [])


def test_the_confusion_cell() -> None:
    assert Selection(cell=state.cell("a", "b")).truth_and_predicted == ("a", "b")
    for text in ("", "a", "a~", "~b", "~"):
        assert Selection(cell=text).truth_and_predicted is None
