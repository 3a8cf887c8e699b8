"""Studies with text: all three modalities, and sound with text alone; without a browser."""

from pathlib import Path

import pytest

from core.figures import theme
from dashboard import data, state
from dashboard.page import Page
from dashboard.shared import thumbnails
from dashboard.state import Selection
from dashboard.views.overview import examples
from tests.dashboard import tiny_items, workspace
from tests.dashboard.conftest import Open, text_of

THREE = {"audio": ("logmel",), "image": ("hog",), "text": ("ready_text",)}
TWO = {"audio": ("logmel",), "text": ("ready_text",)}
PAGES = ["overview", "map", "retrieve", "translation", "centroids", "classify", "compare"]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("three")
    workspace.build(root, n_splits=1, encoders=THREE)
    return root


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two")
    workspace.build(root, n_splits=1, encoders=TWO)
    return root


def checked(text: str) -> str:
    assert "could not be drawn" not in text
    assert "Traceback" not in text
    assert "<i>the</i>" not in text  # the words of the test's items hold markup
    return text


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_three_modalities(name: str, open_page: Open, three: Path) -> None:
    page = open_page(name, three)
    assert not page.exception
    text = checked(text_of(page))
    assert "jee-notice" not in text
    assert "<dt>encoders</dt><dd>logmel × hog × ready_text</dd>" in text


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_sound_and_text_alone(name: str, open_page: Open, two: Path) -> None:
    page = open_page(name, two)
    assert not page.exception
    text = checked(text_of(page))
    stored = name not in ("classify", "centroids")
    assert ("jee-notice" in text) == (not stored)
    assert "picture" not in text.split('class="jee-footer"')[0].lower() or name == "overview"


def test_a_text_is_on_its_card(open_page: Open, three: Path) -> None:
    text = checked(text_of(open_page("map", three, item="clip1_03_t")))
    assert "someone plays &lt;i&gt;the&lt;/i&gt; banjo, take 3" in text
    for plural in ("sounds", "pictures", "texts"):
        assert f"nearest {plural} in the translated space" in text


def test_texts_can_be_searched_with_and_found(open_page: Open, three: Path) -> None:
    page = open_page("retrieve", three, query="clip1_03_t")
    assert page.segmented_control(key="query_find").value == "audio"
    page = open_page("retrieve", three, query="clip1_03_a", find="text")
    assert page.segmented_control(key="query_find").value == "text"
    assert "Nearest texts" in [element.value for element in page.subheader]


def test_a_modality_that_the_study_does_not_have_is_not_searched(
    open_page: Open, two: Path
) -> None:
    page = open_page("retrieve", two, query="clip1_03_a", find="image")
    assert not page.exception
    assert page.segmented_control(key="query_find").value == "text"


def test_a_stored_direction_replaces_one_that_is_not(open_page: Open, two: Path) -> None:
    page = open_page("translation", two)
    assert page.segmented_control(key="select_direction").value == "audio_to_text"
    assert "No query is stored" not in text_of(page)


def test_points_are_joined_across_all_modalities(open_page: Open, three: Path) -> None:
    text = text_of(open_page("map", three, webgl=False, lines="1"))
    n_paired = len(tiny_items.PAIRED) * tiny_items.N_CLIPS
    assert f"{3 * n_paired} pairs joined" in text


def test_an_example_has_one_item_of_each_modality(three: Path) -> None:
    handle = data.open_study(str(three))
    page = Page(handle, data.encoder_set_names(handle)[0], Selection())
    frame = data.items(handle)
    found = examples.examples(page, seed=1)
    assert found
    for drawn in found:
        assert tuple(drawn) == ("audio", "image", "text")
        assert frame.loc[list(drawn.values()), "clip_id"].nunique() == 1
        assert list(frame.loc[list(drawn.values()), "modality"]) == list(drawn)


def test_texts_are_escaped_and_cut_and_keep_their_direction() -> None:
    assert "&lt;script&gt;" in thumbnails.words_html("<script>alert(1)</script>")
    long = thumbnails.words_html("word " * 100_000)
    assert "…</p>" in long
    assert len(long) < 4_000
    assert 'dir="auto"' in thumbnails.words_html("שלום 🎻")
    assert "empty" in thumbnails.words_html("  \n ")


def test_every_modality_has_a_marker_and_every_direction_a_name() -> None:
    assert len(set(theme.MARKERS.values())) == len(theme.MARKERS) == 3
    assert set(theme.DIRECTION_NAMES) == set(state.CHOICES["direction"])
    assert theme.DIRECTION_NAMES["text_to_audio"] == "text to sound"
    assert theme.in_words(("audio", "image", "text")) == "sounds, pictures and texts"
    assert theme.in_words(("text",)) == "texts"
