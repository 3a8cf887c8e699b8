"""Filters of the map that only the browser knows stay when widgets run the page."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import BOARD, Visitor

pytestmark = pytest.mark.browser


def test_a_filter_outlives_widgets_of_the_page(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page: Any = visitor.open("map")
    chosen = page.evaluate(f"{BOARD}.maps[0].items.classes[2].name")
    page.locator(".legend button", has_text=chosen).first.click()
    visitor.rest()
    n_shown = page.evaluate(f"{BOARD}.maps[0].items.nVisible")
    assert 0 < n_shown < page.evaluate(f"{BOARD}.maps[0].items.n")
    kept = "(name) => new URLSearchParams(location.search).getAll('class').includes(name)"
    for name in ("t-SNE", "3-D"):
        page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True).click()
        wanted = 3 if name == "3-D" else 2
        visitor.until(
            f"([nDims, name]) => {BOARD}.maps[0].nDims === nDims && location.search.includes(name)",
            [wanted, "tsne"],
        )
        assert page.evaluate(f"{BOARD}.maps[0].items.nVisible") == n_shown
        visitor.until(kept, chosen)
    # An event of the map brings the filters to the server, and a new page begins with them.
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
    visitor.rest()
    visitor.check()


def test_pictures_take_the_place_of_points_where_one_zooms_in(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    page: Any = visitor.open("map")
    page.evaluate(
        f"""(() => {{
          const board = {BOARD};
          const map = board.maps[0];
          const {{ items, places }} = map;
          const row = items.kind.findIndex((one) => items.modalities[one & 3].name === "image");
          map.camera.pan = [places[row * 2] / 65535, places[row * 2 + 1] / 65535];
          board.zoom(map, map.cell.width / 2, map.cell.height / 2, 30);
        }})()"""
    )
    visitor.until(f"() => {BOARD}.maps[0].pictures?.length > 0")
    assert "as pictures" in page.locator(".titles").inner_text()
    visitor.keep("map_zoomed_with_pictures", whole=False)
    visitor.check()
