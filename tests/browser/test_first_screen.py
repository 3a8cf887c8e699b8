"""The first screen in a real Chromium: a point is played, words and a sound are searched."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.study import Study
from tests.browser.conftest import Visitor, lonely_point
from tests.media_samples import sound_bytes, tone

pytestmark = pytest.mark.browser

ON = "(name) => location.pathname.endsWith(name)"
HAS_ITEM = "() => new URL(location).searchParams.has('item')"


def test_a_point_of_the_first_map_opens_its_item(visitor: Visitor, study: Study) -> None:
    page = visitor.open("")
    point = lonely_point(page)
    page.mouse.click(point["x"], point["y"])
    visitor.until(HAS_ITEM)
    (item_id,) = parse_qs(urlsplit(page.url).query)["item"]
    assert item_id in study.items().index
    assert item_id in page.locator("[class*='st-key-detail_']").first.inner_text()
    visitor.check()


def test_words_of_the_first_screen_are_searched(visitor: Visitor) -> None:
    page = visitor.open("")
    field = page.get_by_label("Words", exact=True)
    field.fill("the sound of drums")
    field.press("Enter")
    visitor.until(ON, "/retrieve")
    assert parse_qs(urlsplit(page.url).query)["words"] == ["the sound of drums"]
    assert page.locator("[class*='st-key-card_found_'] .jee-label").count() > 0
    visitor.check()


def test_a_sound_of_the_first_screen_is_searched(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "tone.wav"
    file.write_bytes(sound_bytes(tone(440.0, 2.0), 44_100, "wav"))
    page = visitor.open("")
    page.locator("input[type=file]").set_input_files(str(file))
    visitor.until(ON, "/retrieve")
    assert "tone.wav" in page.inner_text("body")
    assert "Second by second" in page.inner_text("body")
    visitor.check()
