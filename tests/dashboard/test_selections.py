"""Selections on the page Map: what distinguishes them, saved, listed, reopened by link."""

import base64
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.figures.map_files import bits_of_rows, rows_of_bits
from core.retrieval.retriever import Filters
from dashboard import data, session
from dashboard.page import Page
from dashboard.shared import map_panel, map_selection, saved_selections
from dashboard.state import Selection
from tests.dashboard import workspace
from tests.dashboard.conftest import Open, text_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace of one's own: selections are written to it."""
    workspace.build(tmp_path, n_splits=1)
    return tmp_path


def key_of(handle: data.Handle) -> data.MapKey:
    return data.MapKey(handle, workspace.ENCODER_SET, "pca", "umap", 2, 0)


def test_a_lasso_of_the_map_opens_its_items(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict = {}
    monkeypatch.setattr(session, "change", kept.update)
    monkeypatch.setattr(map_selection.st, "session_state", state := {})
    key = key_of(data.open_study(str(tiny)))
    ids = data.row_ids(key)
    rows = np.array([3, 50, 51, 125])
    bits = base64.b64encode(bits_of_rows(rows, len(ids))).decode()
    map_selection.select_bits(key, bits)
    assert state[map_selection.LASSO] == list(ids[rows])
    assert kept["items"] == tuple(ids[rows])
    map_selection.select_bits(key, base64.b64encode(b"other").decode())  # of another map: ignored
    assert state[map_selection.LASSO] == list(ids[rows])
    map_selection.select_bits(key, "")
    assert state[map_selection.LASSO] == []


def select(page: AppTest, handle: data.Handle, class_: str) -> list[str]:
    frame = data.items(handle)
    ids = list(frame.index[frame["class"] == class_])
    page.session_state[map_selection.LASSO] = ids
    page.query_params["item"] = list(map_selection.evenly(ids))
    page.run(timeout=60)
    return ids


def test_a_selection_says_what_distinguishes_it(open_page: Open, root: Path) -> None:
    page = open_page("map", root)
    ids = select(page, data.open_study(str(root)), "banjo")
    assert not page.exception
    text = text_of(page)
    assert "what distinguishes it" in text
    assert f"<td>class</td><td>banjo</td><td class='n'>{len(ids)} (100%)</td>" in text
    assert "sounds: most central, most remote" in text


def test_a_saved_selection_is_reopened_by_its_link(open_page: Open, root: Path) -> None:
    handle = data.open_study(str(root))
    page = open_page("map", root)
    ids = select(page, handle, "banjo")
    page.text_input[0].set_value("plucked <b>")
    next(one for one in page.button if one.label == "Save").click().run(timeout=60)
    (saved,) = data.saved(handle)
    assert (saved.name, saved.n_items) == ("plucked <b>", len(ids))
    other = open_page("map", root, saved=str(saved.number))
    assert not other.exception
    assert other.session_state[map_selection.LASSO] == ids
    assert f"24 of the {len(ids)} selected" in text_of(other)
    assert "plucked &lt;b&gt;" in text_of(other)
    assert (
        saved_selections.table_bytes(
            type("P", (), {"handle": handle, "encoder_set": workspace.ENCODER_SET})(),  # type: ignore[arg-type]
            saved.number,
            "csv",
        )
        .decode()
        .splitlines()[-1]
        == ids[-1]
    )


def test_a_link_to_a_deleted_selection_says_so(open_page: Open, root: Path) -> None:
    page = open_page("map", root, saved="77")
    assert not page.exception
    assert "There is no saved selection 77" in text_of(page)


def saved_class(root: Path, class_: str) -> tuple[int, set[str]]:
    """A saved selection of one class: its number and its items."""
    handle = data.open_study(str(root))
    frame = data.items(handle)
    ids = list(frame.index[frame["class"] == class_])
    return data.save_selection(handle, class_, ids, "", ()), set(ids)


@pytest.mark.parametrize(
    "page",
    ["overview", "map", "retrieve", "translation", "centroids", "classify", "tags", "compare"],
)
def test_a_saved_selection_filters_every_page(open_page: Open, root: Path, page: str) -> None:
    number, _ = saved_class(root, "banjo")
    shown = open_page(page, root, only=str(number))
    assert not shown.exception
    (box,) = [one for one in shown.selectbox if one.label == "Only the selection"]
    assert box.value == str(number)
    assert "Stored scores and intervals are over all items" in text_of(shown)


def test_only_the_selection_is_found(root: Path) -> None:
    number, ids = saved_class(root, "banjo")
    handle = data.open_study(str(root))
    page = Page(handle, workspace.ENCODER_SET, Selection(only=number))
    retriever = data.retriever(handle, workspace.ENCODER_SET)
    query = next(one for one in data.items(handle).index if one not in ids)
    found = retriever.neighbours(query, "image", 100, "translation", 0)
    pictures = {one for one in ids if data.items(handle).loc[one, "modality"] == "image"}
    allowed = retriever._allowed(found["item_id"].to_numpy(), Filters(items=page.only), 0)
    assert set(found["item_id"][allowed]) == pictures & set(found["item_id"])
    assert 0 < allowed.sum() < len(found)


def test_the_map_gets_the_rows_of_the_selection(root: Path) -> None:
    number, ids = saved_class(root, "banjo")
    handle = data.open_study(str(root))
    page = Page(handle, workspace.ENCODER_SET, Selection(only=number))
    told = map_panel.only(page, key_of(handle))
    assert told is not None
    rows = rows_of_bits(base64.b64decode(told["bits"]), len(data.row_ids(key_of(handle))))
    assert set(data.row_ids(key_of(handle))[rows]) == ids
    assert map_panel.only(Page(handle, workspace.ENCODER_SET, Selection()), key_of(handle)) is None


def test_the_confusions_are_those_of_the_selection(open_page: Open, root: Path) -> None:
    number, _ = saved_class(root, "banjo")
    whole = text_of(open_page("classify", root))
    kept = text_of(open_page("classify", root, only=str(number)))
    assert "the first seed, of the selection" in kept
    assert "of the selection" not in whole


def test_an_unknown_filter_is_ignored_with_a_sentence(open_page: Open, root: Path) -> None:
    page = open_page("map", root, only="77")
    assert not page.exception
    assert "The address names the saved selection 77, which has no items" in text_of(page)
    assert "only" not in page.query_params
