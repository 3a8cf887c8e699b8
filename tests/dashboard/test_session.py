"""The browser session: what a click or a lasso on a chart selects."""

import pytest
import streamlit as st

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
