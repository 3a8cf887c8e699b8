"""Lab in Chromium: a live run, a cancelled one, a link, two people at once, a phone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from core.lab import runs
from core.store import Store
from tests.browser.conftest import SCREENSHOTS, Server, Visitor, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SMALL = ["max_epochs=3", "points=0,12", "draws=2", "n_bootstrap=100"]
LONG_MS = 240_000  # libraries load and compile at the first run of a machine


def address(*settings: str) -> str:
    return f"lab?{urlencode({'set': list(settings)}, doseq=True)}"


@pytest.fixture(scope="module")
def lab(browser: Any, own_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(own_demo, tmp_path_factory.mktemp("server") / "log.txt") as running:
        yield running


@pytest.fixture
def visit(browser: Any, lab: Server) -> Iterator[Any]:
    opened: list[Visitor] = []

    def one(**options: Any) -> Visitor:
        visitor = Visitor(browser, lab.url, **options)
        visitor.context.set_default_timeout(LONG_MS)
        opened.append(visitor)
        return visitor

    yield one
    for visitor in opened:
        visitor.check()
        visitor.context.close()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_run_shows_its_loss_and_then_its_numbers_and_a_link_opens_them(
    visit: Any, own_demo: Path
) -> None:
    ada = visit()
    page = ada.open(address(*SMALL))
    press(page, "Run")
    page.get_by_test_id("stProgress").wait_for()
    page.get_by_text("made in").wait_for()
    page.get_by_text("zero-shot F1, pictures").first.wait_for()
    ada.rest()
    page.screenshot(path=SCREENSHOTS / "lab.png", full_page=True)
    (made,) = runs.runs(Store(own_demo))
    bob = visit(color_scheme="dark")
    other = bob.open(page.url)
    assert f"Run {made.id[:8]}" in other.inner_text("body")
    other.screenshot(path=SCREENSHOTS / "lab_dark.png", full_page=True)
    other.get_by_role("link", name="Open on Classify").click()
    other.wait_for_url("**/classify**")
    bob.rest()
    assert made.id in other.get_by_test_id("provenance").inner_text()
    assert "From zero-shot to all data" in other.inner_text("body")


def test_a_cancelled_run_ends_within_a_second(visit: Any) -> None:
    ada = visit()
    page = ada.open(address("max_epochs=90000", "patience=90000"))
    press(page, "Run")
    page.get_by_test_id("stProgress").get_by_text(re.compile("Checked|Training")).wait_for()
    press(page, "Cancel")
    page.get_by_text("The run was cancelled").wait_for()
    ada.rest()


def test_a_question_runs_with_one_click(visit: Any, own_demo: Path) -> None:
    ada = visit()
    page = ada.open(address(*SMALL))
    press(page, "… a tenth of the pairs were wrong?")
    page.get_by_test_id("stProgress").wait_for()
    page.wait_for_url("**set=mismatched*")
    page.get_by_text("made in").wait_for()
    ada.rest()
    assert any(one.changes == {"translation.mismatched": 0.1} for one in runs.runs(Store(own_demo)))


def test_two_people_wait_for_each_other(visit: Any, own_demo: Path) -> None:
    ada, bob = visit(), visit()
    first = ada.open(address("max_epochs=90000", "patience=90000"))
    second = bob.open(address(*SMALL, "margin=0.7"))
    press(first, "Run")
    first.get_by_test_id("stProgress").wait_for()
    press(second, "Run")
    second.get_by_text("Waiting: 1 run is before this one").wait_for()
    press(first, "Cancel")
    second.get_by_text("made in").wait_for()
    bob.rest()
    assert any(one.changes.get("translation.margin") == 0.7 for one in runs.runs(Store(own_demo)))


def test_a_sweep_on_a_phone(visit: Any) -> None:
    ada = visit()
    ada.page.set_viewport_size({"width": 390, "height": 844})
    page = ada.open(f"{address(*SMALL)}&{urlencode({'sweep': 'share=0.5,1'})}")
    press(page, "Run the sweep")
    page.get_by_role("heading", name="Sweep over share").wait_for()
    ada.rest()
    page.screenshot(path=SCREENSHOTS / "lab_phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
