"""Retrieve: what comes in, what is found, what is refused, what stays in its session."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from streamlit.testing.v1 import AppTest

from core import encoders, media
from core.errors import MissingWeights
from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Retriever
from core.retrieval.timeline import best_windows, by_second
from core.store import Store
from core.study import open_study
from dashboard import data, state
from dashboard.views.retrieve import query_state
from tests.dashboard import embedded, workspace
from tests.dashboard.conftest import Open, text_of

HOSTILE = '"><img src=x onerror=alert(1)>../../é.wav'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which new media can be embedded."""
    folder = tmp_path_factory.mktemp("embedded")
    embedded.build(folder)
    return folder


@pytest.fixture(scope="module")
def retriever(root: Path) -> Retriever:
    return Retriever(open_study(Store(root)))


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    data.retriever.clear()


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Bring files through the uploader."""
    given = [(name, content, "application/octet-stream") for name, content in files]
    page.file_uploader[0].set_value(given)
    return page.run(timeout=60)


def found(page: AppTest) -> list[str]:
    """The item ids of the result cards, best first."""
    ids = []
    for number in range(100):
        cards = [button for button in page.button if button.key == f"open_found_{number}"]
        if not cards:
            break
        ids.append(str(cards[0].proto.id))
    titles = re.findall(r'class="jee-label" title="([^"]+)"', text_of(page))
    return titles[: len(ids)]


def address(page: AppTest, name: str) -> list[str]:
    """The values of a parameter of the page's address."""
    value = page.query_params.get(name, [])
    return [value] if isinstance(value, str) else list(value)


def notices(page: AppTest) -> list[str]:
    return re.findall(r'class="jee-notice" role="status"><p>(.*?)</p>', text_of(page))


def choose(page: AppTest, key: str, value: object) -> AppTest:
    """Choose a value of a segmented control."""
    page.get_by_key(key).set_value(value)
    return page.run(timeout=60)


def photograph() -> bytes:
    return media.picture_bytes(media.read_image(workspace.png(1), "a.png"), 96)


def three_seconds(*numbers: int) -> bytes:
    """A WAV of one second of each class, in this order."""
    parts = [media.read_audio(workspace.wav(number), "a.wav").samples for number in numbers]
    return media.wav_bytes(media.Audio(np.concatenate(parts), workspace.RATE_HZ))


# -- nothing asked -------------------------------------------------------------------------------


def test_before_anything_is_asked_there_are_examples_and_no_camera(
    open_page: Open, root: Path
) -> None:
    page = open_page("retrieve", root)
    assert not page.exception
    assert "Nothing yet." in text_of(page)
    assert "or begin with a sound of the collection" in text_of(page)
    assert not page.camera_input
    assert not page.audio_input
    assert choose(page, "ask_source", "camera").camera_input
    assert choose(page, "ask_source", "microphone").audio_input


def test_an_example_asks(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root)
    page.get_by_key("open_begin_0").click()
    page.run(timeout=60)
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

    page = upload(open_page("retrieve", root), ("horn.wav", workspace.wav(2)))
    assert not page.exception
    assert notices(page) == []
    file = tmp_path / "horn.wav"
    file.write_bytes(workspace.wav(2))
    wanted = search.Wanted([file], (), (), "image", 10, "translation_all")
    search.run(retriever.study, wanted, None, True, Console())
    printed = json.loads(capsys.readouterr().out)
    assert found(page) == [row["item_id"] for row in printed["results"]]
    assert all(row["labels"] == [workspace.CLASSES[2]] for row in printed["results"])
    text = text_of(page)
    assert f"{printed['results'][0]['score']:.2f}, above" in text
    assert f"{printed['gallery_size']}" in text
    assert "a random pair" in text
    for step in ("decode", "embed", "project", "search", "score", "classify", "place", "total"):
        assert f"<td>{step}</td>" in text or f"<b>{step}</b>" in text
    assert "placed by its nearest neighbours in the full space" in text


def test_a_picture_finds_sounds_and_the_choice_can_be_turned(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("a.png", workspace.png(1)))
    assert {name.rsplit("_", 1)[1] for name in found(page)} == {"a"}
    assert "find" not in page.query_params
    choose(page, "ask_find", "image")
    assert {name.rsplit("_", 1)[1] for name in found(page)} == {"i"}
    assert address(page, "find") == ["image"]
    choose(page, "ask_find", "audio")
    assert "find" not in page.query_params


def test_a_second_upload_replaces_the_first(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("a.wav", workspace.wav(0)))
    first = found(page)
    upload(page, ("b.wav", workspace.wav(3)))
    assert "b.wav" in text_of(page)
    assert "a.wav" not in text_of(page)
    assert not set(first) & set(found(page))


@pytest.mark.parametrize(
    "name, content",
    [
        ("empty.wav", b""),
        ("text.wav", b"this is no sound at all"),
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("cut.png", workspace.png(1)[:60]),
        (HOSTILE, b"nothing of ours"),
    ],
)
def test_a_bad_file_leaves_one_sentence_and_the_earlier_result(
    open_page: Open, root: Path, name: str, content: bytes
) -> None:
    page = upload(open_page("retrieve", root), ("good.wav", workspace.wav(0)))
    before = found(page)
    upload(page, (name, content))
    assert not page.exception
    assert len(notices(page)) == 1
    assert notices(page)[0].count(".") >= 1
    assert "Traceback" not in text_of(page)
    assert "<img src=x" not in text_of(page)
    assert found(page) == before
    upload(page, ("better.wav", workspace.wav(1)))  # the page goes on
    assert notices(page) == []
    assert found(page) != before


def test_a_hostile_name_is_shown_letter_by_letter(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), (HOSTILE, workspace.wav(0)))
    assert found(page)
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", text_of(page))
    assert "<img src=x" not in text_of(page)


def test_missing_weights_are_one_sentence(
    open_page: Open, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise MissingWeights("The weights of logmel are not here: put them there.")

    monkeypatch.setattr(encoders, "load", absent)
    page = upload(open_page("retrieve", root), ("a.wav", workspace.wav(0)))
    assert notices(page) == ["The weights of logmel are not here: put them there."]
    assert found(page) == []


def test_uploads_stay_in_their_session(open_page: Open, root: Path) -> None:
    one = upload(open_page("retrieve", root), ("mine.wav", workspace.wav(0)))
    other = open_page("retrieve", root)
    assert "mine.wav" in text_of(one)
    assert "mine.wav" not in text_of(other)
    assert found(other) == []
    one.get_by_key("clear").click()
    one.run(timeout=60)
    assert "mine.wav" not in text_of(one)
    assert not one.session_state[query_state.UPLOADS]


def test_a_session_is_bounded(open_page: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_state, "MAX_SESSION_BYTES", int(2.5 * len(workspace.wav(0))))
    files = [(f"{number}.wav", workspace.wav(number)) for number in range(4)]
    page = upload(open_page("retrieve", root), *files)
    assert [one.name for one in page.session_state[query_state.UPLOADS]] == ["2.wav", "3.wav"]
    assert "the oldest gave way" in notices(page)[0]


def test_recordings_and_photographs_come_in_like_uploads(open_page: Open, root: Path) -> None:
    page = choose(open_page("retrieve", root), "ask_source", "microphone")
    page.audio_input[0].set_value(("any.wav", workspace.wav(1), "audio/wav"))
    page.run(timeout=60)
    assert "recording.wav" in text_of(page)
    assert len(found(page)) == 10
    choose(page, "ask_source", "camera")
    page.camera_input[0].set_value(("any.jpg", photograph(), "image/jpeg"))
    page.run(timeout=60)
    assert "photograph.jpg" in text_of(page)
    assert {name.rsplit("_", 1)[1] for name in found(page)} == {"a"}


# -- items, blends, filters ----------------------------------------------------------------------


def test_an_item_asks_by_its_address(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query="clip2_03_a")
    assert not page.exception
    assert "of its class" in text_of(page)
    assert "10 of 10" in text_of(page)
    assert "same class" in text_of(page)
    choose(page, "ask_find", "audio")
    assert "clip2_03_a" not in found(page)  # it would find itself
    assert "without the query&#x27;s own clip" in text_of(page)


def test_an_unknown_item_is_left_out_with_a_sentence(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query=["nobody", "0.5~clip2_03_a"])
    assert "“nobody”, which is not in this study" in text_of(page)
    assert len(found(page)) == 10


def test_a_blend_leads_towards_and_away(open_page: Open, root: Path, retriever: Retriever) -> None:
    page = open_page("retrieve", root, query=["clip0_03_a", "-0.7~clip1_03_a"])
    assert [slider.value for slider in page.slider] == [1.0, -0.7]
    parts = [
        WeightedInput(retriever.embed_item("clip0_03_a")),
        WeightedInput(retriever.embed_item("clip1_03_a"), -0.7),
    ]
    assert found(page) == list(retriever.search(parts, "image").results["item_id"])
    page.slider[0].set_value(-1.0)
    page.run(timeout=60)
    assert address(page, "query") == ["-1~clip0_03_a", "-0.7~clip1_03_a"]
    page.get_by_key("remove_item_clip0_03_a").click()
    page.run(timeout=60)
    assert address(page, "query") == ["-0.7~clip1_03_a"]


def test_a_blend_that_cancels_out_is_one_sentence(open_page: Open, root: Path) -> None:
    page = open_page("retrieve", root, query=["0~clip0_03_a", "0~clip1_03_a"])
    assert not page.exception
    assert notices(page) == ["The parts of this query cancel out: change their weights."]


def test_files_brought_together_are_a_blend_with_weights(open_page: Open, root: Path) -> None:
    page = upload(
        open_page("retrieve", root), ("a.wav", workspace.wav(0)), ("b.png", workspace.png(3))
    )
    assert len(page.slider) == 2
    page.slider[1].set_value(-1.0)
    page.run(timeout=60)
    assert [one.weight for one in page.session_state[query_state.UPLOADS]] == [1.0, -1.0]
    assert not any(item_id.startswith("clip3") for item_id in found(page))
    page.get_by_key("ask_blend").set_value(False)
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


def test_ready_vectors_ask_with_items_alone(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "PAIR", ("ready_audio", "ready_image"))
    monkeypatch.setattr(workspace, "NAME", "ready_audio+ready_image")
    workspace.build(tmp_path)
    page = open_page("retrieve", tmp_path, query="clip0_03_a")
    assert not page.exception
    assert not page.file_uploader
    assert "came as ready vectors" in text_of(page)
    assert len(found(page)) == 10
    page.get_by_key("ask_any").click()
    page.run(timeout=60)
    assert address(page, "query") != ["clip0_03_a"]


# -- long sounds ---------------------------------------------------------------------------------


def test_each_second_of_a_long_sound_asks_for_itself(retriever: Retriever) -> None:
    (thing,) = retriever.embed(three_seconds(3, 0, 2), "long.wav")
    seconds = by_second(retriever, thing, "image")
    wanted = [workspace.CLASSES[number] for number in (3, 0, 2)]
    assert list(seconds["start_s"]) == [0.0, 1.0, 2.0]
    labels = retriever.study.items().loc[seconds["item_id"], "labels"]
    assert [names[0] for names in labels] == wanted
    assert list(seconds["class"]) == wanted
    one = retriever.search([WeightedInput(thing, window=1)], "image", 1)
    assert one.results["item_id"].iloc[0] == seconds["item_id"].iloc[1]
    assert one.results["score"].iloc[0] == pytest.approx(seconds["score"].iloc[1], abs=1e-6)
    assert list(best_windows(retriever, thing, list(seconds["item_id"]), "image", "pca")) != []
    rows = best_windows(retriever, thing, list(seconds["item_id"]), "image", "translation_all")
    assert list(rows) == [0, 1, 2]


def test_a_click_on_a_second_asks_with_it_alone(open_page: Open, root: Path) -> None:
    page = upload(open_page("retrieve", root), ("long.wav", three_seconds(3, 0, 2)))
    assert "Second by second" in text_of(page)
    assert "most like 0:0" in text_of(page)
    whole = found(page)
    (mine,) = page.session_state[query_state.UPLOADS]
    mine.second = 1.0  # what a click on its bar sets
    page.run(timeout=60)
    assert {name[:5] for name in found(page)} == {"clip0"}
    assert "its second 0:01 asks" in text_of(page)
    page.get_by_key(f"whole_{mine.key}").click()
    page.run(timeout=60)
    assert found(page) == whole


def test_the_window_of_a_second_is_the_nearest_one(retriever: Retriever) -> None:
    (thing,) = retriever.embed(three_seconds(0, 1, 2), "long.wav")
    assert query_state.window_at(thing, None) is None
    assert query_state.window_at(thing, 1.4) == 1
    assert query_state.window_at(thing, 99.0) == 2


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
    page = upload(open_page("retrieve", root), ("a.wav", workspace.wav(0)))
    started = time.perf_counter()
    upload(page, ("b.wav", three_seconds(0, 1, 2)))
    assert time.perf_counter() - started < 10  # a hang, not a benchmark
