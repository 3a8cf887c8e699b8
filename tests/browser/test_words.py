"""Words in a real Chromium: typed and answered with sounds and pictures; tags; the moving map."""

from urllib.parse import parse_qs, urlsplit

import pytest

from core.retrieval.retriever import Retriever
from core.study import Study
from tests.browser.conftest import Visitor
from tests.browser.test_browser import IDS

pytestmark = pytest.mark.browser

PLACES = """() => {
  // Where every point of the moving map is drawn, by its item.
  const graph = document.querySelector('.st-key-epochs_map .js-plotly-plot');
  const found = {};
  for (const trace of graph._fullData) {
    if (!trace.customdata) continue;
    trace.customdata.forEach((name, row) => { found[name] = [trace.x[row], trace.y[row]]; });
  }
  return found;
}"""


FIRST = """() => {
  // The place of the first point of the moving map on the screen.
  const graph = document.querySelector('.st-key-epochs_map .js-plotly-plot');
  graph.scrollIntoView({ block: 'center' });
  const box = graph.getBoundingClientRect();
  const trace = graph._fullData.find((one) => one.customdata);
  const { xaxis, yaxis } = graph._fullLayout;
  return {
    x: box.left + xaxis._offset + xaxis.l2p(trace.x[0]),
    y: box.top + yaxis._offset + yaxis.l2p(trace.y[0]),
  };
}"""


def ids(visitor: Visitor, key: str) -> list[str]:
    """The item ids of the cards of a grid, in order."""
    return list(visitor.page.locator(f"[class*='st-key-card_{key}_'] .jee-label").evaluate_all(IDS))


def test_typed_words_show_sounds_and_pictures(visitor: Visitor, study: Study) -> None:
    page = visitor.open("retrieve")
    field = page.get_by_label("Words", exact=True)
    field.fill("someone plays a violin")
    field.press("Enter")
    visitor.until("() => document.querySelector('[data-testid=milliseconds]')")
    assert parse_qs(urlsplit(page.url).query)["words"] == ["someone plays a violin"]
    retriever = Retriever(study)
    query = retriever.query(texts=["someone plays a violin"])
    wanted = retriever.search(query, "audio", 10).results
    assert ids(visitor, "found") == list(wanted["item_id"])
    pictures = retriever.search(query, "image", 5).results
    assert ids(visitor, "also_image") == list(pictures["item_id"])
    visitor.until(
        """() => [...document.querySelectorAll("[class*='st-key-card_also_image_'] img")]
             .filter((picture) => picture.complete && picture.naturalWidth > 0).length === 5"""
    )
    away = page.get_by_label("Without", exact=True)
    away.fill("<b>drums</b>")
    away.press("Enter")
    visitor.until("() => new URL(location).searchParams.getAll('words').length === 2")
    assert page.locator(".jee-words b").count() == 0
    assert "<b>drums</b>" in page.inner_text("[data-testid=stMain]")
    visitor.check()
    visitor.keep("retrieve_words")


def test_typed_tags_are_scored_and_a_class_of_words_joins_the_matrix(visitor: Visitor) -> None:
    page = visitor.open("tags")
    field = page.get_by_role("textbox", name="Tags, one per line")
    field.fill("slow bowed strings\nviolin\n<img src=x onerror=alert(1)>")
    field.press("Control+Enter")
    visitor.until("() => new URL(location).searchParams.getAll('tag').length === 3")
    assert "× 3 tags" in page.inner_text("[data-testid=stMain]")
    assert len(ids(visitor, "tagged")) > 0
    classes = page.locator(".st-key-select_new_classes").get_by_role("combobox")
    classes.scroll_into_view_if_needed()  # a list that is open closes when the page scrolls
    visitor.until("() => [...document.images].every((picture) => picture.complete)")
    classes.focus()
    classes.press("ArrowDown")
    page.get_by_role("option", name="slow bowed strings").click()
    visitor.until("() => new URL(location).searchParams.get('new') === 'slow bowed strings'")
    assert "“slow bowed strings” took" in page.inner_text("[data-testid=stMain]")
    labels = page.locator(".st-key-confusion_tag_cell .xtick text").all_text_contents()
    assert labels[-1] == "+ slow bowed strings"
    visitor.check()
    visitor.keep("tags_typed")


def test_the_moving_map_moves(visitor: Visitor, study: Study) -> None:
    if not study.has(f"maps:{study.default_encoder_set}:epochs"):
        pytest.skip("this workspace has no generation space")
    page = visitor.open("map")
    before = page.evaluate(PLACES)
    stored = study.epochs(study.default_encoder_set)
    last = stored[stored["epoch"] == stored["epoch"].max()].set_index("item_id")
    page.locator(".st-key-epochs_map .updatemenu-button").first.click(force=True)
    n = int(stored["epoch"].nunique())
    visitor.page.wait_for_function(
        """([n]) => {
          const graph = document.querySelector('.st-key-epochs_map .js-plotly-plot');
          return graph._fullLayout.sliders[0].active === n - 1 && !graph._transitioning;
        }""",
        arg=[n],
    )
    after = page.evaluate(PLACES)
    assert set(before) == set(after) == set(last.index)
    moved = [name for name in before if before[name] != after[name]]
    assert len(moved) > len(before) / 2
    for name, (x, y) in after.items():
        assert (x, y) == pytest.approx(tuple(last.loc[name, ["x", "y"]]), abs=1e-3)
    point = page.evaluate(FIRST)
    page.mouse.click(point["x"], point["y"])
    visitor.until("() => document.querySelector('[class*=\"st-key-card_epochs_\"]')")
    assert len(page.locator("[class*='st-key-card_epochs_']").all()) >= 2  # it and its text
    assert page.evaluate(PLACES) == after  # meeting a point does not turn the epochs back
    visitor.check()
    visitor.keep("map_played")
