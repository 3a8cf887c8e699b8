"""The page Retrieve in tests: bring files, type words, read the results."""

import re

import numpy as np
from streamlit.testing.v1 import AppTest

from core import media
from tests.dashboard import tiny_items
from tests.dashboard.conftest import text_of


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Bring files through the uploader."""
    given = [(name, content, "application/octet-stream") for name, content in files]
    page.file_uploader[0].set_value(given)
    return page.run(timeout=60)


def words_field(page: AppTest, without: bool = False) -> object:
    start = "query_without" if without else "query_words"
    return next(field for field in page.text_input if str(field.key).startswith(start))


def type_words(page: AppTest, words: str, without: bool = False) -> AppTest:
    """Type into the field for words, or the one for words to keep away from, and press Enter."""
    words_field(page, without).set_value(words)  # type: ignore[attr-defined]
    page.run(timeout=60)
    assert not page.exception
    return page


def choose(page: AppTest, key: str, value: object) -> AppTest:
    """Choose a value of a segmented control."""
    page.get_by_key(key).set_value(value)
    return page.run(timeout=60)


def click(page: AppTest, key: str) -> AppTest:
    page.get_by_key(key).click()
    return page.run(timeout=60)


def found(page: AppTest) -> list[str]:
    """The item ids of the result cards, best first."""
    keys = [str(button.key) for button in page.button]
    n_cards = sum(key.startswith("open_found_") for key in keys)
    return re.findall(r'class="jee-label" title="([^"]+)"', text_of(page))[:n_cards]


def address(page: AppTest, name: str) -> list[str]:
    """The values of a parameter of the page's address."""
    value = page.query_params.get(name, [])
    return [value] if isinstance(value, str) else list(value)


def notices(page: AppTest) -> list[str]:
    return re.findall(r'class="jee-notice" role="status"><p>(.*?)</p>', text_of(page))


def html_of(page: AppTest) -> str:
    """What the page draws as HTML or Markdown; Streamlit escapes everything else."""
    bodies = [element.proto.body for element in page.get("html")]
    return "\n".join([*bodies, *(element.value for element in page.markdown)])


def photograph() -> bytes:
    return media.picture_bytes(media.read_image(tiny_items.png(1), "a.png"), 96)


def three_seconds(*numbers: int) -> bytes:
    """A WAV of one second of each class, in this order."""
    parts = [media.read_audio(tiny_items.wav(number), "a.wav").samples for number in numbers]
    return media.wav_bytes(media.Audio(np.concatenate(parts), tiny_items.RATE_HZ))
