"""A grid of encoder sets: figure 2, the encoder set of every page, the paper's findings."""

import textwrap
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.encoder_sets import spaced
from core.references import counterparts
from dashboard import data
from dashboard.page import Page
from dashboard.shared import paper, widgets
from dashboard.state import Selection
from dashboard.views.translation import ranking
from tests.dashboard import workspace
from tests.dashboard.conftest import Open, text_of

ENCODERS = {"audio": ("logmel", "yamnet_lite"), "image": ("hog", "mobilenet_v2_lite")}
OTHER = "yamnet_lite+mobilenet_v2_lite"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("grid")
    workspace.build(root, n_splits=1, encoders=ENCODERS)
    return root


def test_all_encoder_sets_are_drawn_and_the_chosen_one_is_named(
    open_page: Open, grid: Path
) -> None:
    page = open_page("translation", grid, encoder_set=OTHER)
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" not in text
    assert "The encoder set of all pages, yamnet_lite × mobilenet_v2_lite, is shaded" in text
    assert "12 queries in a gallery of 12, in every direction" in text


def clicked(names: list[str], event: object) -> AppTest:
    """The page after a selection event of the figure."""
    script = f"""
        import streamlit as st
        from dashboard import session
        from dashboard.views.translation import ranking

        ranking.select_encoder_set("figure", {names!r})
        st.text(session.current().encoder_set)
    """
    page = AppTest.from_string(textwrap.dedent(script))
    page.session_state["figure"] = event
    return page.run(timeout=30)


def test_a_click_on_a_mark_chooses_its_encoder_set(grid: Path) -> None:
    names = data.encoder_set_names(data.open_study(str(grid)))
    page = clicked(names, {"selection": {"points": [{"customdata": [OTHER]}]}})
    assert page.text[0].value == OTHER
    assert page.query_params["encoder_set"] in (OTHER, [OTHER])


@pytest.mark.parametrize(
    "event", [None, {"selection": {"points": []}}, {"selection": {"points": [{"customdata": "x"}]}}]
)
def test_a_click_beside_all_marks_changes_nothing(event: object, grid: Path) -> None:
    page = clicked(data.encoder_set_names(data.open_study(str(grid))), event)
    assert page.text[0].value == ""
    assert "encoder_set" not in page.query_params


@pytest.mark.parametrize("name", ["overview", "map", "centroids", "classify", "compare"])
def test_every_page_shows_the_encoder_set_of_the_address(
    name: str, open_page: Open, grid: Path
) -> None:
    page = open_page(name, grid, encoder_set=OTHER)
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" not in text
    assert f"<dt>encoders</dt><dd>{spaced(OTHER)}</dd>" in text
    assert page.selectbox(key="choose_encoder_set").value == OTHER


def test_each_encoder_set_has_its_own_numbers(grid: Path) -> None:
    handle = data.open_study(str(grid))
    values = {
        name: tuple(data.measurements(handle, name, study="ranking", metric="ndcg@30")["value"])
        for name in data.encoder_set_names(handle)
    }
    assert len(set(values.values())) == 4
    rows = data.measurements(handle, study="ranking", metric="ndcg@30")
    assert sum(map(len, values.values())) == len(rows)
    assert list(dict.fromkeys(data.encoder_set_of(rows))) == sorted(values)


def test_baselines_are_the_random_order_and_the_untranslated(grid: Path) -> None:
    rows = data.measurements(data.open_study(str(grid)), study="ranking", metric="ndcg@30")
    rows = rows[rows["class"] == ""]
    native = rows[rows["space"] == "pca"].head(2)
    native = native.assign(space="native", audio="openl3_audio_512", image="openl3_image_512")

    def names(table: pd.DataFrame) -> list[str]:
        named = table.assign(encoder_set=data.encoder_set_of(table))
        return [one.name for one in ranking.baselines(named)]

    assert names(rows) == ["random order"]
    assert names(pd.concat([rows, native], ignore_index=True)) == [
        "random order",
        "openl3_audio_512 × openl3_image_512, untranslated",
    ]


@pytest.mark.parametrize(
    ("name", "figure"),
    [("translation", "figure 2"), ("classify", "figure 3"), ("centroids", "figure 4")],
)
def test_the_paper_is_compared_below_its_figures(
    name: str, figure: str, open_page: Open, grid: Path
) -> None:
    text = text_of(open_page(name, grid))
    assert f"Wu et al. 2021, {figure}, compared with this study" in text
    assert "the studies differ: other data (tiny, not audioset); other encoders" in text


def test_the_zero_shot_share_is_shown_with_that_of_the_paper(open_page: Open, grid: Path) -> None:
    assert "W: almost 70%" in text_of(open_page("classify", grid))


def test_exports_name_the_reported_value_and_the_differences(grid: Path) -> None:
    handle = data.open_study(str(grid))
    page = Page(handle, OTHER, Selection())
    found = counterparts.mix_in(data.measurements(handle, OTHER, study="mix_in"))
    facts = paper.facts(page, found)
    share = facts["reported: Zero-shot MMT, share of the best system"]
    assert share.startswith("almost 70% (Wu et al. 2021, §4.2 and abstract, stated in the text)")
    assert "; here " in share
    lines = widgets.csv_bytes(pd.DataFrame({"a": [1]}), dict(facts)).decode().splitlines()
    assert any(line.startswith("# reported, compared: For orientation only") for line in lines)
    assert paper.facts(page, []) == {}


def test_a_number_can_be_compared_only_without_any_difference() -> None:
    assert paper.comparability([], [[], []]).endswith("of the paper: the numbers can be compared.")
    assert paper.comparability(["other data"], [[], []]).startswith("For orientation only")
    assert "difference beside them" in paper.comparability([], [["a gallery of 36"], []])


def test_differences_of_one_finding_stand_beside_its_value(open_page: Open, grid: Path) -> None:
    shown = text_of(open_page("translation", grid))
    assert "not audioset)" in shown
    assert "training pairs, not 130,000" in shown
