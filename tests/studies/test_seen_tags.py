"""Seen and unseen tags: words, synonyms, plurals, and words inside others."""

import numpy as np
import pytest

from core.studies import seen_tags


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("violin", "A fiddle plays slowly."),
        ("violin", "two violins"),
        ("hip hop", "slow hip-hop, at night"),
        ("hiphop", "a rap track"),
        ("drums", "a drum"),
        ("female vocal", "with female vocals"),
        ("male_voice", "a male singer"),
        ("new age", "New Age music"),
        ("Cello", "the CELLIST"),
        ("bass", "double bass"),
    ],
)
def test_a_tag_is_seen_by_its_words_or_a_synonym(tag: str, text: str) -> None:
    assert seen_tags.named([tag], ["nothing of it", text]) == [True]


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("rock", "rocket engines"),
        ("new age", "a new song for every age"),
        ("horn", "thorn"),
        ("cello", "a violin"),
        ("new age", "something new"),
        ("bass", ""),
    ],
)
def test_other_words_do_not_make_a_tag_seen(tag: str, text: str) -> None:
    assert seen_tags.named([tag], [text]) == [False]


def test_words_are_not_joined_across_texts() -> None:
    assert seen_tags.named(["new age"], ["something new", "age of men"]) == [False]


def test_groups_are_there_only_if_both_are() -> None:
    assert seen_tags.groups([]) == {}
    assert seen_tags.groups([True, True]) == {}
    assert seen_tags.groups([False]) == {}
    found = seen_tags.groups([True, False, True])
    assert np.array_equal(found["seen"], [True, False, True])
    assert np.array_equal(found["unseen"], [False, True, False])
