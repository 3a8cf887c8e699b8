"""Words on the page Retrieve: alone, blended with a sound, kept away from; empty and hostile."""

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Retriever
from dashboard import state
from dashboard.views.retrieve import query_state
from precompute import search
from tests.dashboard import tiny_items
from tests.dashboard.conftest import Open, retriever_of, text_of
from tests.dashboard.retrieve_page import (
    address,
    choose,
    click,
    found,
    html_of,
    notices,
    type_words,
    upload,
    words_field,
)

HOSTILE = "<img src=x onerror=alert(1)> **banjo** \u202egnitseretni\u202c 🎻"


@pytest.fixture(scope="module")
def root(tagged_root: Path) -> Path:
    return tagged_root


@pytest.fixture(scope="module")
def retriever(root: Path) -> Retriever:
    return retriever_of(root)


def test_words_find_the_sounds_of_their_class_and_pictures_too(
    open_page: Open, root: Path, retriever: Retriever
) -> None:
    page = type_words(open_page("retrieve", root), "  a  banjo ")
    assert notices(page) == []
    assert address(page, "words") == ["a banjo"]
    assert page.segmented_control(key="query_find").value == "audio"
    wanted = retriever.search(retriever.query(texts=["a banjo"]), "audio", 10).results
    assert found(page) == list(wanted["item_id"])
    assert all("banjo" in labels for labels in wanted["labels"])
    text = text_of(page)
    assert "and the nearest pictures" in text
    assert "and the nearest texts" in text
    assert "typed words" in text
    assert words_field(page).value == ""  # type: ignore[attr-defined]


def test_captions_are_searched_as_text(open_page: Open, root: Path, retriever: Retriever) -> None:
    page = open_page("retrieve", root, words="someone plays the accordion", find="text")
    titles = found(page)
    frame = retriever.study.items()
    assert len(titles) == 10
    assert set(frame.loc[titles, "modality"]) == {"text"}
    assert set(frame.loc[titles, "class"]) == {"accordion"}
    assert "someone plays &lt;i&gt;the&lt;/i&gt; accordion, take" in text_of(page)


def test_the_same_list_as_the_command_line(
    open_page: Open, root: Path, retriever: Retriever, capsys: pytest.CaptureFixture[str]
) -> None:
    page = type_words(open_page("retrieve", root), "banjo")
    page = type_words(page, "accordion", without=True)
    assert address(page, "words") == ["banjo", "-0.5~accordion"]
    wanted = search.Wanted([], ["banjo"], ["accordion"], "audio", 10, "translation_all")
    search.run(retriever.study, wanted, None, True, Console())
    printed = json.loads(capsys.readouterr().out)
    assert found(page) == [row["item_id"] for row in printed["results"]]
    code = "\n".join(element.value for element in page.code)
    assert "--text=banjo --without=accordion" in code


def test_a_sound_blended_with_words(open_page: Open, root: Path, retriever: Retriever) -> None:
    page = upload(open_page("retrieve", root), ("horn.wav", tiny_items.wav(2)))
    page = choose(page, "query_blending", True)
    page = type_words(page, "banjo")
    assert notices(page) == []
    text = text_of(page)
    assert "horn.wav" in text
    assert address(page, "words") == ["banjo"]
    sound = retriever.embed(tiny_items.wav(2), "horn.wav")[0]
    query = [WeightedInput(sound), WeightedInput(retriever.embed_text("banjo"))]
    wanted = retriever.search(query, "image", 10).results
    assert found(page) == list(wanted["item_id"])
    assert "and the nearest" not in text  # the query has a sound too
    slider = next(one for one in page.slider if str(one.key).startswith("weight_words_"))
    slider.set_value(-0.4)
    page.run(timeout=60)
    assert address(page, "words") == ["-0.4~banjo"]
    query = [WeightedInput(sound), WeightedInput(retriever.embed_text("banjo"), -0.4)]
    assert found(page) == list(retriever.search(query, "image", 10).results["item_id"])
    assert "to keep away from" in text_of(page)


def test_without_blend_words_replace_the_query(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query="clip1_03_a")
    page = type_words(page, "accordion")
    assert address(page, "query") == []
    assert address(page, "words") == ["accordion"]
    page = type_words(page, "banjo")
    assert address(page, "words") == ["banjo"]


def test_a_suggestion_searches_with_a_class_of_the_collection(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root)
    page = choose(page, "query_suggestion_0", f"the sound of {tiny_items.CLASSES[0]}")
    assert address(page, "words") == [f"the sound of {tiny_items.CLASSES[0]}"]
    assert len(found(page)) == 10


def test_words_are_removed_and_cleared(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, words=["banjo", "0.5~accordion"])
    assert len(found(page)) == 10
    click(page, f"remove_{query_state.words_key('accordion')}")
    assert address(page, "words") == ["banjo"]
    click(page, "clear")
    assert address(page, "words") == []
    assert "Nothing yet." in text_of(page)


@pytest.mark.parametrize("typed", ["", "   ", "\t\n"])
def test_empty_words_search_nothing(typed: str, open_page: Open, root: Path) -> None:
    page = type_words(open_page("retrieve", root), typed)
    assert notices(page) == []
    assert "Nothing yet." in text_of(page)


def test_100_000_characters_are_one_sentence(open_page: Open, root: Path) -> None:
    page = type_words(open_page("retrieve", root), "banjo " * 20_000)
    assert notices(page) == [
        "The text has 119,999 characters: expected 1,000 at most, a few sentences."
    ]
    assert address(page, "words") == []


def test_hostile_words_come_out_letter_by_letter(open_page: Open, root: Path) -> None:
    page = type_words(open_page("retrieve", root), HOSTILE)
    text = html_of(page)
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt; **banjo**" in text
    assert 'dir="auto"' in text
    assert address(page, "words") == [HOSTILE]
    page = type_words(page, "<script>alert(2)</script> accordion", without=True)
    assert "<script>" not in html_of(page)
    assert len(found(page)) == 10
    for button in [*page.button, *page.slider]:
        assert not re.search(r"(?<!\\)<(img|script)", button.label)


def test_words_that_no_caption_has_are_named(open_page: Open, root: Path) -> None:
    page = type_words(open_page("retrieve", root), "zither sousaphone")
    (said,) = notices(page)
    assert "The text encoder lsa knows none of these words" in said
    page = type_words(page, "banjo sousaphone")
    assert notices(page) == []
    assert "not known: sousaphone" in text_of(page)


def test_a_garbage_address_of_words(open_page: Open, root: Path) -> None:
    words = ["9~banjo", "~", "-7.5~accordion", "x" * 3_000, *(f"banjo {n}" for n in range(40))]
    page = open_page("retrieve", root, words=words)
    assert not page.exception
    assert "could not be drawn" not in text_of(page)
    assert len(address(page, "words")) <= state.MAX_PARTS


def test_a_study_without_a_text_encoder_has_no_field(open_page: Open, tiny: Path) -> None:
    page = open_page("retrieve", tiny, words="banjo")
    assert not page.text_input
    assert "has no text encoder" in " ".join(notices(page))


def test_words_of_an_address_give_back_their_weights() -> None:
    for words, weight in (("slow strings", 1.0), ("0.5~loud", 1.0), ("drums", -0.5), ("a~b", 0.3)):
        assert state.split_weight(state.with_weight(words, weight)) == (words, weight)
    params = state.to_params(state.Selection(words=("a banjo", "-0.5~drums")))
    assert params == {"words": ["a banjo", "-0.5~drums"]}
    assert state.parse(params).words == ("a banjo", "-0.5~drums")
