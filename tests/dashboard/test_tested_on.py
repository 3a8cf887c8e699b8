"""Pages of a study seen through one of its test datasets."""

from pathlib import Path

import pytest

from tests import tested_runs
from tests.conftest import MadeOnce
from tests.dashboard.conftest import Open, text_of

PAGES = ["overview", "map", "translation", "centroids", "classify", "compare", "retrieve"]


@pytest.fixture(scope="module")
def tested(made_once: MadeOnce) -> Path:
    return made_once("tested", tested_runs.compute) / "w"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("test_set", ["same", "other", "heard"])
def test_every_page_shows_a_test_dataset(
    name: str, test_set: str, open_page: Open, tested: Path
) -> None:
    page = open_page(name, tested, tested_on=test_set)
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" not in text
    assert f"All items are of {test_set}, which nothing was trained on." in text


def test_the_choice_is_offered_and_leads_back_to_the_study_s_own(
    open_page: Open, tested: Path
) -> None:
    page = open_page("overview", tested)
    chooser = next(one for one in page.selectbox if one.label == "Tested on")
    assert chooser.options == ["its own dataset", "heard", "other", "same"]
    page = chooser.select("same").run(timeout=60)
    assert "same, tested in the spaces of" in text_of(page)
    chooser = next(one for one in page.selectbox if one.label == "Tested on")
    page = chooser.select("").run(timeout=60)
    assert "tested in the spaces of" not in text_of(page)


def test_the_lab_trains_and_so_shows_the_study_s_own(open_page: Open, tested: Path) -> None:
    text = text_of(open_page("lab", tested, tested_on="same"))
    assert "could not be drawn" not in text
    assert "which nothing was trained on" not in text


def test_an_unknown_test_dataset_is_ignored_and_said(open_page: Open, tested: Path) -> None:
    text = text_of(open_page("overview", tested, tested_on="gtzan"))
    assert "test dataset “gtzan”, which this study does not have: ignored" in text
