"""Words in Retrieve: alone, blended with a sound, kept away from; good, empty, hostile."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Retriever
from core.store import Store
from core.study import open_study
from dashboard import data, state
from dashboard.views.retrieve import query_state
from tests.dashboard import tagged, workspace
from tests.dashboard.conftest import Open, text_of
from tests.dashboard.test_retrieve import address, choose, found, notices, upload

HOSTILE = "<img src=x onerror=alert(1)> **banjo** \u202egnitseretni\u202c 🎻"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typed")
    tagged.build(folder)
    return folder


@pytest.fixture(scope="module")
def retriever(root: Path) -> Retriever:
    return Retriever(open_study(Store(root)))


@pytest.fixture(autouse=True)
def _forget() -> None:
    data.retriever.clear()


def field(page: AppTest, start: str) -> object:
    return next(one for one in page.text_input if str(one.key).startswith(start))


def type_words(page: AppTest, words: str, away: bool = False) -> AppTest:
    """Type into the field for words, or the one for what to keep away from, and press Enter."""
    field(page, "ask_without" if away else "ask_words").set_value(words)  # type: ignore[attr-defined]
    page.run(timeout=60)
    assert not page.exception
    return page


def html_of(page: AppTest) -> str:
    """What the page draws as HTML or Markdown; code is shown letter by letter by itself."""
    bodies = [element.proto.body for element in page.get("html")]
    return "\n".join([*bodies, *(element.value for element in page.markdown)])


def test_words_find_the_sounds_of_their_class_and_pictures_too(
    open_page: Open, root: Path, retriever: Retriever
) -> None:
    page = type_words(open_page("retrieve", root), "  a  banjo ")
    assert notices(page) == []
    assert address(page, "words") == ["a banjo"]
    assert page.segmented_control(key="ask_find").value == "audio"
    wanted = retriever.search([WeightedInput(retriever.embed_text("a banjo"))], "audio", 10).results
    assert found(page) == list(wanted["item_id"])
    assert all("banjo" in labels for labels in wanted["labels"])
    text = text_of(page)
    assert "and the nearest pictures" in text
    assert "and the nearest texts" in text
    assert "typed words" in text
    assert field(page, "ask_words").value == ""  # type: ignore[attr-defined]


def test_captions_are_searched_as_text(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, words="someone plays the accordion", find="text")
    titles = found(page)
    frame = open_study(Store(root)).items()
    assert len(titles) == 10
    assert set(frame.loc[titles, "modality"]) == {"text"}
    assert set(frame.loc[titles, "class"]) == {"accordion"}
    assert "someone plays &lt;i&gt;the&lt;/i&gt; accordion, take" in text_of(page)


def test_the_same_list_as_the_command_line(
    open_page: Open, root: Path, retriever: Retriever, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from rich.console import Console

    from precompute import search

    page = type_words(open_page("retrieve", root), "banjo")
    page = type_words(page, "accordion", away=True)
    assert address(page, "words") == ["banjo", "-0.5~accordion"]
    wanted = search.Wanted([], ["banjo"], ["accordion"], "audio", 10, "translation_all")
    search.run(retriever.study, wanted, None, True, Console())
    printed = json.loads(capsys.readouterr().out)
    assert found(page) == [row["item_id"] for row in printed["results"]]
    code = "\n".join(element.value for element in page.code)
    assert "--text=banjo --without=accordion" in code


def test_a_sound_blended_with_words(open_page: Open, root: Path, retriever: Retriever) -> None:
    page = upload(open_page("retrieve", root), ("horn.wav", workspace.wav(2)))
    page = choose(page, "ask_blend", True)
    page = type_words(page, "banjo")
    assert notices(page) == []
    text = text_of(page)
    assert "horn.wav" in text
    assert address(page, "words") == ["banjo"]
    sound = retriever.embed(workspace.wav(2), "horn.wav")[0]
    parts = [WeightedInput(sound), WeightedInput(retriever.embed_text("banjo"))]
    wanted = retriever.search(parts, "image", 10).results
    assert found(page) == list(wanted["item_id"])
    assert "and the nearest" not in text  # a sound asks too: what is found is chosen
    slider = next(one for one in page.slider if str(one.key).startswith("weight_words_"))
    slider.set_value(-0.4)
    page.run(timeout=60)
    assert address(page, "words") == ["-0.4~banjo"]
    parts = [WeightedInput(sound), WeightedInput(retriever.embed_text("banjo"), -0.4)]
    assert found(page) == list(retriever.search(parts, "image", 10).results["item_id"])
    assert "to keep away from" in text_of(page)


def test_without_blend_words_replace_what_asked(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query="clip1_03_a")
    page = type_words(page, "accordion")
    assert address(page, "query") == []
    assert address(page, "words") == ["accordion"]
    page = type_words(page, "banjo")
    assert address(page, "words") == ["banjo"]


def test_a_suggestion_asks_with_the_collections_own_class(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root)
    page = choose(page, "ask_suggestion_0", f"the sound of {workspace.CLASSES[0]}")
    assert address(page, "words") == [f"the sound of {workspace.CLASSES[0]}"]
    assert len(found(page)) == 10


def test_words_are_removed_and_cleared(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, words=["banjo", "0.5~accordion"])
    assert len(found(page)) == 10
    page.get_by_key(f"remove_{query_state.key_of('accordion')}").click()
    page.run(timeout=60)
    assert address(page, "words") == ["banjo"]
    page.get_by_key("clear").click()
    page.run(timeout=60)
    assert address(page, "words") == []
    assert "Nothing yet." in text_of(page)


@pytest.mark.parametrize("typed", ["", "   ", "\t\n"])
def test_nothing_typed_asks_nothing(typed: str, open_page: Open, root: Path) -> None:
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
    page = type_words(page, "<script>alert(2)</script> accordion", away=True)
    assert "<script>" not in html_of(page)
    assert len(found(page)) == 10
    for button in [*page.button, *page.slider]:
        assert not re.search(r"(?<!\\)<(img|script)", button.label)


def test_words_that_no_caption_had_are_said(open_page: Open, root: Path) -> None:
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
