"""The page Retrieve: uploads, items, blends, filters, long sounds, and the address."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from core import encoders
from core.errors import MissingWeights
from core.retrieval.query_inputs import QueryInput, WeightedInput
from core.retrieval.retriever import Retriever
from dashboard import state
from dashboard.views.retrieve import query_state
from dashboard.views.retrieve.upload import Upload
from tests.dashboard import tiny_items, workspace
from tests.dashboard.conftest import Open, retriever_of, text_of
from tests.dashboard.retrieve_page import (
    address,
    choose,
    click,
    found,
    notices,
    photograph,
    three_seconds,
    upload,
)

HOSTILE = '"><img src=x onerror=alert(1)>../../é.wav'


@pytest.fixture(scope="module")
def root(embedded_root: Path) -> Path:
    return embedded_root


@pytest.fixture(scope="module")
def retriever(root: Path) -> Retriever:
    return retriever_of(root)


# -- no query -----------------------------------------------------------------------------------


def test_without_a_query_there_are_examples_and_no_camera(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root)
    assert not page.exception
    assert "Nothing yet." in text_of(page)
    assert "or start with a sound of the collection" in text_of(page)
    assert not page.camera_input
    assert not page.audio_input
    assert choose(page, "query_source", "camera").camera_input
    assert choose(page, "query_source", "microphone").audio_input


def test_an_example_becomes_the_query(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root)
    click(page, "open_begin_0")
    assert len(found(page)) == 10
    assert len(address(page, "query")) == 1


def test_without_a_study_the_page_names_the_command(open_page: Open, tmp_path: Path) -> None:
    page = open_page("retrieve", tmp_path)
    assert not page.exception
    assert "python -m precompute all" in text_of(page)


# -- uploads -------------------------------------------------------------------------------------


def test_a_sound_finds_the_pictures_that_the_command_finds(
    open_page: Open,
    root: Path,
    retriever: Retriever,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from precompute import search

    page = upload(open_page("retrieve", root), ("horn.wav", tiny_items.wav(2)))
    assert not page.exception
    assert notices(page) == []
    file = tmp_path / "horn.wav"
    file.write_bytes(tiny_items.wav(2))
    wanted = search.Wanted([file], (), (), "image", 10, "translation_all")
    search.run(retriever.study, wanted, None, True, Console())
    printed = json.loads(capsys.readouterr().out)
    assert found(page) == [row["item_id"] for row in printed["results"]]
    assert all(row["labels"] == [tiny_items.CLASSES[2]] for row in printed["results"])
    text = text_of(page)
    assert f"{printed['results'][0]['score']:.2f}, above" in text
    assert f"{printed['gallery_size']}" in text
    assert "a random pair" in text
    for step in ("decode", "embed", "project", "search", "score", "classify", "place", "total"):
        assert f"<td>{step}</td>" in text or f"<b>{step}</b>" in text
    assert "placed by its nearest neighbours in the full space" in text


def test_a_picture_finds_sounds_and_the_choice_can_be_turned(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("a.png", tiny_items.png(1)))
    assert {name.rsplit("_", 1)[1] for name in found(page)} == {"a"}
    assert "find" not in page.query_params
    choose(page, "query_find", "image")
    assert {name.rsplit("_", 1)[1] for name in found(page)} == {"i"}
    assert address(page, "find") == ["image"]
    choose(page, "query_find", "audio")
    assert "find" not in page.query_params


def test_a_second_upload_replaces_the_first(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("a.wav", tiny_items.wav(0)))
    first = found(page)
    upload(page, ("b.wav", tiny_items.wav(3)))
    assert "b.wav" in text_of(page)
    assert "a.wav" not in text_of(page)
    assert not set(first) & set(found(page))


@pytest.mark.parametrize(
    "name, content",
    [
        ("empty.wav", b""),
        ("text.wav", b"this is no sound at all"),
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("cut.png", tiny_items.png(1)[:60]),
        (HOSTILE, b"nothing of ours"),
    ],
)
def test_a_bad_file_leaves_one_sentence_and_the_earlier_result(
    open_page: Open, root: Path, name: str, content: bytes
) -> None:
    page = upload(open_page("retrieve", root), ("good.wav", tiny_items.wav(0)))
    before = found(page)
    upload(page, (name, content))
    assert not page.exception
    assert len(notices(page)) == 1
    assert notices(page)[0].count(".") >= 1
    assert "Traceback" not in text_of(page)
    assert "<img src=x" not in text_of(page)
    assert found(page) == before
    upload(page, ("better.wav", tiny_items.wav(1)))  # the page goes on
    assert notices(page) == []
    assert found(page) != before


def test_a_hostile_name_is_shown_letter_by_letter(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), (HOSTILE, tiny_items.wav(0)))
    assert found(page)
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", text_of(page))
    assert "<img src=x" not in text_of(page)


def test_missing_weights_are_one_sentence(
    open_page: Open, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise MissingWeights("The weights of logmel are not here: put them there.")

    monkeypatch.setattr(encoders, "load", absent)
    page = upload(open_page("retrieve", root), ("a.wav", tiny_items.wav(0)))
    assert notices(page) == ["The weights of logmel are not here: put them there."]
    assert found(page) == []


def test_uploads_stay_in_their_session(open_page: Open, root: Path) -> None:
    one = upload(open_page("retrieve", root), ("mine.wav", tiny_items.wav(0)))
    other = open_page("retrieve", root)
    assert "mine.wav" in text_of(one)
    assert "mine.wav" not in text_of(other)
    assert found(other) == []
    one.get_by_key("clear").click()
    one.run(timeout=60)
    assert "mine.wav" not in text_of(one)
    assert not one.session_state[query_state.UPLOADS]


def test_a_session_is_bounded(open_page: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_state, "MAX_SESSION_BYTES", int(2.5 * len(tiny_items.wav(0))))
    files = [(f"{number}.wav", tiny_items.wav(number)) for number in range(4)]
    page = upload(open_page("retrieve", root), *files)
    assert [one.name for one in page.session_state[query_state.UPLOADS]] == ["2.wav", "3.wav"]
    assert "the oldest were removed" in notices(page)[0]


def test_recordings_and_photographs_come_in_like_uploads(open_page: Open, root: Path) -> None:
    page = choose(open_page("retrieve", root), "query_source", "microphone")
    page.audio_input[0].set_value(("any.wav", tiny_items.wav(1), "audio/wav"))
    page.run(timeout=60)
    assert "recording.wav" in text_of(page)
    assert len(found(page)) == 10
    choose(page, "query_source", "camera")
    page.camera_input[0].set_value(("any.jpg", photograph(), "image/jpeg"))
    page.run(timeout=60)
    assert "photograph.jpg" in text_of(page)
    assert {name.rsplit("_", 1)[1] for name in found(page)} == {"a"}


# -- items, blends, filters ----------------------------------------------------------------------


def test_an_address_can_hold_the_query(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query="clip2_03_a")
    assert not page.exception
    assert "same class" in text_of(page)
    assert "10 of 10" in text_of(page)
    assert "same class" in text_of(page)
    choose(page, "query_find", "audio")
    assert "clip2_03_a" not in found(page)  # it would find itself
    assert "without the query&#x27;s own clip" in text_of(page)


def test_an_unknown_item_is_left_out_with_a_sentence(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query=["nobody", "0.5~clip2_03_a"])
    assert "“nobody”, which this study does not have" in text_of(page)
    assert len(found(page)) == 10


def test_a_weight_below_0_keeps_results_away(
    open_page: Open, root: Path, retriever: Retriever
) -> None:
    page = open_page("retrieve", root, query=["clip0_03_a", "-0.7~clip1_03_a"])
    assert [slider.value for slider in page.slider] == [1.0, -0.7]
    query = [
        WeightedInput(retriever.embed_item("clip0_03_a")),
        WeightedInput(retriever.embed_item("clip1_03_a"), -0.7),
    ]
    assert found(page) == list(retriever.search(query, "image").results["item_id"])
    page.slider[0].set_value(-1.0)
    page.run(timeout=60)
    assert address(page, "query") == ["-1~clip0_03_a", "-0.7~clip1_03_a"]
    click(page, "remove_item_clip0_03_a")
    assert address(page, "query") == ["-0.7~clip1_03_a"]


def test_a_blend_that_cancels_out_is_one_sentence(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query=["0~clip0_03_a", "0~clip1_03_a"])
    assert not page.exception
    assert notices(page) == ["The parts of this query cancel out: change their weights."]


def test_files_brought_together_are_a_blend_with_weights(open_page: Open, root: Path) -> None:
    page = upload(
        open_page("retrieve", root), ("a.wav", tiny_items.wav(0)), ("b.png", tiny_items.png(3))
    )
    assert len(page.slider) == 2
    page.slider[1].set_value(-1.0)
    page.run(timeout=60)
    assert [one.weight for one in page.session_state[query_state.UPLOADS]] == [1.0, -1.0]
    assert not any(item_id.startswith("clip3") for item_id in found(page))
    page.get_by_key("query_blending").set_value(False)
    page.run(timeout=60)
    assert [one.name for one in page.session_state[query_state.UPLOADS]] == ["b.png"]
    assert not page.slider


def test_filters_by_class_and_subset(open_page: Open, root: Path, retriever: Retriever) -> None:
    page = open_page("retrieve", root, query="clip0_03_a", cls="banjo", subset="test")
    frame = retriever.study.items()
    chosen = frame.loc[found(page)]
    assert len(chosen)
    assert {label for labels in chosen["labels"] for label in labels} == {"banjo"}
    assert set(chosen["subset"]) == {"test"}
    empty = open_page("retrieve", root, query="clip0_03_a", cls="voice")  # has no pictures
    assert notices(empty) == ["No item of the collection matches these filters: remove some."]


@pytest.mark.parametrize("space", ["translation", "pca"])
def test_every_space_can_be_searched(open_page: Open, root: Path, space: str) -> None:
    page = open_page("retrieve", root, query="clip0_03_i", **{"in": space})
    assert not page.exception
    assert len(found(page)) == 10


def test_ready_vectors_are_searched_with_items_alone(open_page: Open, tmp_path: Path) -> None:
    workspace.build(tmp_path, encoders={"audio": ("ready_audio",), "image": ("ready_image",)})
    page = open_page("retrieve", tmp_path, query="clip0_03_a")
    assert not page.exception
    assert not page.file_uploader
    assert "came as ready vectors" in text_of(page)
    assert len(found(page)) == 10
    click(page, "query_any")
    assert address(page, "query") != ["clip0_03_a"]


# -- long sounds ---------------------------------------------------------------------------------


def test_a_click_on_a_second_searches_with_it_alone(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("long.wav", three_seconds(3, 0, 2)))
    assert "Second by second" in text_of(page)
    assert "most similar to 0:0" in text_of(page)
    whole = found(page)
    (mine,) = page.session_state[query_state.UPLOADS]
    mine.second = 1.0  # what a click on its bar sets
    page.run(timeout=60)
    assert {name[:5] for name in found(page)} == {"clip0"}
    assert "only the second at 0:01" in text_of(page)
    click(page, f"whole_{mine.key}")
    assert found(page) == whole


def test_the_window_of_a_second_is_the_nearest_one() -> None:
    sound = QueryInput("a.wav", "audio", np.zeros((3, 2), np.float32), np.arange(3.0), np.ones(3))
    file = Upload("key", "a.wav", "audio", b"")
    for second, window in ((None, None), (1.4, 1), (99.0, 2)):
        file.second = second
        assert file.window(sound) == window


# -- the address ---------------------------------------------------------------------------------


@given(
    st.text(min_size=1, max_size=30),
    st.integers(-10, 10).map(lambda tenths: tenths / 10),
)
def test_an_item_and_its_weight_survive_the_address(item_id: str, weight: float) -> None:
    assert state.split_weight(state.with_weight(item_id, weight)) == (item_id, weight)


def test_garbage_weights_are_part_of_the_name_or_bounded() -> None:
    assert state.split_weight("x~y") == ("x~y", 1.0)
    assert state.split_weight("9~y") == ("y", 1.0)
    assert state.split_weight("-9.5~y") == ("y", -1.0)
    assert state.with_weight("0.5~y") == "1~0.5~y"


def test_an_upload_is_answered_quickly(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("a.wav", tiny_items.wav(0)))
    started = time.perf_counter()
    upload(page, ("b.wav", three_seconds(0, 1, 2)))
    assert time.perf_counter() - started < 10  # a hang, not a benchmark
