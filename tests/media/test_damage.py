"""Damaged media: decoded as far as possible, or refused in one sentence; nothing else is raised."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import MediaError
from core.media import read_audio
from tests.media.refusals import READERS, refused, sentence
from tests.media_samples import EVERY_FORMAT, PICTURE_FORMATS, every_sample


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    return every_sample()


@pytest.mark.parametrize("suffix", PICTURE_FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_pictures_cut_short_are_refused(
    samples: dict[str, bytes], suffix: str, share: float
) -> None:
    data = samples[suffix]
    name = f"cut.{suffix}"
    text = refused(data[: int(share * len(data))], name, readers=("read_image",))
    assert "cut short or damaged" in text or "unknown format" in text


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "mp3", "webm", "mkv"])
def test_sound_cut_short_gives_what_is_there(samples: dict[str, bytes], suffix: str) -> None:
    whole = read_audio(samples[suffix], "x")
    part = read_audio(samples[suffix][: int(0.7 * len(samples[suffix]))], "x")
    assert 0.3 < part.duration_s < 0.95
    n = len(part.samples) // 2
    np.testing.assert_allclose(part.samples[:n], whole.samples[:n], atol=1e-4)


def test_mp3_cut_below_a_tenth_of_a_second(samples: dict[str, bytes]) -> None:
    text = refused(samples["mp3"][: len(samples["mp3"]) // 16], "a.mp3", readers=("read_audio",))
    assert "cut short or damaged" in text


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4a"])
def test_mp4_without_its_index(samples: dict[str, bytes], suffix: str) -> None:
    data = samples[suffix]
    assert data.index(b"mdat") < data.index(b"moov")  # the index comes last
    for share in (0.1, 0.5, 0.9):
        text = refused(data[: int(share * len(data))], f"a.{suffix}")
        assert "starts like an MP4 or QuickTime file but cannot be decoded" in text


@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_damage_anywhere_raises_nothing_else(
    samples: dict[str, bytes], suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Cut anywhere, bytes changed anywhere: decoded, or refused in a sentence."""
    rng = np.random.default_rng(1)
    for i in range(25):
        data = bytearray(samples[suffix])
        if i % 2:
            data = data[: rng.integers(1, len(data))]
        n_bad = int(rng.integers(1, 20))
        top = len(data) if i % 3 else min(len(data), 200)  # often in the header
        data_at = rng.integers(0, top, n_bad)
        for at in data_at:
            data[at] = rng.integers(0, 256)
        for reader in READERS.values():
            try:
                reader(bytes(data), f"a.{suffix}")
            except MediaError as error:
                sentence(error)
    assert "Traceback" not in capfd.readouterr().err


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    head=st.sampled_from(
        [b"", b"RIFF\0\1\0\0WAVEfmt ", b"fLaC\0\0\0\x22", b"OggS\0\2", b"ID3\4\0\0\0\0\0\0",
         b"\xff\xfb\x90\x64", b"FORM\0\0\1\0AIFFCOMM", b"\0\0\0\x18ftypisom", b"\0\0\0\x20moov",
         b"\x1a\x45\xdf\xa3", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a",
         b"RIFF\0\1\0\0WEBPVP8 ", b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", b"II*\0", b"MM\0+"]
    ),
    tail=st.binary(max_size=600),
    suffix=st.sampled_from(EVERY_FORMAT),
)  # fmt: skip
def test_random_bytes_raise_nothing_else(head: bytes, tail: bytes, suffix: str) -> None:
    for reader in READERS.values():
        try:
            reader(head + tail, f"a.{suffix}")
        except MediaError as error:
            sentence(error)
