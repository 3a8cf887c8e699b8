"""The browser session: what a click or a lasso on a chart selects."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import session


def event(*customdata: object) -> dict:
    return {"selection": {"points": [{"customdata": value} for value in customdata]}}


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})


@pytest.mark.parametrize(
    "nothing",
    [None, {}, {"selection": None}, {"selection": {"points": []}}, event(None, []), event({})],
)
def test_a_click_beside_all_points_selects_nothing(nothing: object) -> None:
    st.session_state["chart"] = nothing
    assert session.selected("chart") == []
    assert session.clicked("chart") == ""


def test_selected_points_are_listed_once_in_their_order() -> None:
    st.session_state["chart"] = event("b", ["a", "more"], ("b",), None)
    assert session.selected("chart") == ["b", "a"]
    assert session.clicked("chart") == "b"


def test_a_number_is_selected_but_is_no_name() -> None:
    st.session_state["chart"] = event(0.0)
    assert session.selected("chart") == [0.0]
    assert session.clicked("chart") == ""


def page_with_a_button() -> None:
    import streamlit as st

    from dashboard import session

    session.begin("map")
    st.button("open", on_click=session.change, kwargs={"items": ("a",)})


@pytest.mark.parametrize(
    ("filters", "kept"), [(["violin", "cello"], ["violin", "cello"]), ([""], [])]
)
def test_a_change_keeps_the_filters_that_the_browser_has_written_to_the_address(
    filters: list[str], kept: list[str]
) -> None:
    page = AppTest.from_function(page_with_a_button)
    page.query_params["class"] = ["organ"]
    page.run()
    page.query_params["class"] = filters
    page.button[0].click().run()
    assert list(page.query_params.get("class", [])) == kept
    assert list(page.query_params["item"]) == ["a"]
