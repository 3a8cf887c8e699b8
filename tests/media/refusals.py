"""Readers of media under test, and the refusals they may raise: one clean sentence each."""

from collections.abc import Callable

import pytest

from core.errors import MediaError, UserError
from core.media import Source, kind_of, probe, read_audio, read_frame, read_image

READERS: dict[str, Callable[[Source, str], object]] = {
    "read_audio": read_audio,
    "read_image": read_image,
    "read_frame": lambda source, name: read_frame(source, name, 0.3),
    "probe": probe,
    "kind_of": kind_of,
}


def sentence(error: UserError) -> str:
    """The message, checked to be one clean sentence."""
    text = str(error)
    assert text.isprintable()
    assert len(text) < 300
    assert text.startswith("'")
    assert text.endswith(".")
    assert ": " in text  # what was found and expected: what to do
    assert "Traceback" not in text
    assert "0x" not in text
    return text


def refused(source: Source, name: str, *, readers: tuple[str, ...] = tuple(READERS)) -> str:
    """Every reader refuses it; the sentence of the first one."""
    found = []
    for reader in readers:
        with pytest.raises(MediaError) as caught:
            READERS[reader](source, name)
        found.append(sentence(caught.value))
    return found[0]
