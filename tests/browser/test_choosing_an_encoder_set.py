"""A grid of encoder sets in a real Chromium: a click in figure 2 chooses the set of all pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.encoder_sets import spaced
from tests.browser.conftest import Server, Visitor, serve
from tests.dashboard import workspace

pytestmark = pytest.mark.browser

ENCODERS = {"audio": ("logmel", "yamnet_lite"), "image": ("hog", "mobilenet_v2_lite")}
MARKS = """() => {
  // The place of each mark on the screen, and its encoder set.
  const graph = document.querySelector('.js-plotly-plot');
  const box = graph.getBoundingClientRect();
  const found = [];
  for (const trace of graph._fullData.filter((one) => one.customdata)) {
    const xaxis = graph._fullLayout[`xaxis${trace.xaxis.slice(1)}`];
    const yaxis = graph._fullLayout[`yaxis${trace.yaxis.slice(1)}`];
    trace.x.forEach((x, row) => found.push({
      encoder_set: String(trace.customdata[row]),
      space: trace.name,
      x: box.left + xaxis._offset + xaxis.l2p(x),
      y: box.top + yaxis._offset + yaxis.l2p(trace.y[row]),
    }));
  }
  return found;
}"""
SET_IS = "(name) => new URL(location).searchParams.get('encoder_set') === name"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard on a small study of four encoder sets."""
    root: Path = tmp_path_factory.mktemp("grid")
    workspace.build(root, n_splits=1, encoders=ENCODERS)
    with serve(root, tmp_path_factory.mktemp("server") / "log.txt") as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_click_on_a_mark_chooses_the_encoder_set_of_every_page(
    browser: Any, grid: Server, scheme: str
) -> None:
    visitor = Visitor(browser, grid.url, color_scheme=scheme)
    try:
        page = visitor.open("translation")
        for encoder_set in ("yamnet_lite+hog", "logmel+mobilenet_v2_lite", "yamnet_lite+hog"):
            mark = next(
                one
                for one in page.evaluate(MARKS)
                if one["encoder_set"] == encoder_set and one["space"] == "Translation"
            )
            page.mouse.click(mark["x"], mark["y"])
            visitor.until(SET_IS, encoder_set)
            assert f"{spaced(encoder_set)}, is shaded" in page.inner_text("body")
        visitor.keep(f"grid_{scheme}")
        page.locator("[data-testid=stSidebarNav]").get_by_text("Centroids").click()
        visitor.until("() => location.pathname.endsWith('centroids')")
        assert parse_qs(urlsplit(page.url).query)["encoder_set"] == ["yamnet_lite+hog"]
        assert spaced("yamnet_lite+hog") in page.get_by_test_id("provenance").inner_text()
        visitor.check()
        assert "Traceback" not in grid.written
    finally:
        visitor.context.close()
