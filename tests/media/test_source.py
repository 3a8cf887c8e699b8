"""core.media.source and formats: a file is opened by its content, its name is never trusted."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import MediaError
from core.media import read_audio
from tests.media.refusals import READERS, refused, sentence
from tests.media_samples import (
    EVERY_FORMAT,
    SOUND_FORMATS,
    every_sample,
    sound_bytes,
    tone,
    video_file,
)


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    return every_sample()


def test_empty_file(tmp_path: Path) -> None:
    assert "'a.wav' is empty (0 bytes)" in refused(b"", "a.wav")
    path = tmp_path / "a.wav"
    path.touch()
    assert "is empty" in refused(path, "a.wav")


def test_text_named_wav() -> None:
    text = refused("Größe: 3, pitch: 440 Hz\n".encode() * 500, "notes.wav")
    assert text.startswith(
        "'notes.wav' contains text, but sound, a picture or a video was expected:"
    )
    assert "wav, mp3, flac" in text


@pytest.mark.parametrize(
    "data, what",
    [
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"<!DOCTYPE html><html><script>alert(1)</script></html>", "an HTML page"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "a playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "a Git LFS pointer"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript drawing"),
        (b"8BPS\0\1" + bytes(60), "a Photoshop file"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"MThd\0\0\0\6\0\1", "a MIDI file"),
        (b"PK\x03\x04" + bytes(60), "a zip archive"),
        (b"\xff\xfeh\0e\0l\0l\0o\0", "UTF-16 text"),
        (b"RIFF\x10\0\0\0AVI LIST", "an AVI video"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "a picture in HEIC format"),
        (bytes(5000), "data of an unknown format"),
        (b"BM" + bytes(60), "data of an unknown format"),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.mp4", "a.wav"])
def test_other_formats_under_our_suffixes(data: bytes, what: str, name: str) -> None:
    assert f"'{name}' contains {what}" in refused(data, name)


def test_a_playlist_never_reads_another_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(sound_bytes(tone(440, 1.0), 44100, "wav"))
    lists = (
        f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
        f"<MPD><BaseURL>{secret}</BaseURL></MPD>",
    )
    for text in lists:
        for name in ("a.mp3", "a.mp4", str(secret), secret.name):
            refused(text.encode(), name)


def test_a_name_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real.wav").write_bytes(sound_bytes(tone(440, 1.0), 44100, "wav"))
    refused(b"no sound at all", "real.wav")
    (tmp_path / "real.mkv").write_bytes(video_file("mkv", n_seconds=1))
    refused(b"\x1a\x45\xdf\xa3 no video at all", "real.mkv")


def test_names_are_shown_harmlessly() -> None:
    for name, expected in {
        "../../etc/passwd": "'passwd'",
        "..\\..\\boot.ini": "'boot.ini'",
        "a\nb\x00c\x1b[31m\u202e.wav": "'abc[31m.wav'",
        'it\'s "so".wav': "'it's \"so\".wav'",
        "<img src=x onerror=alert(1)>.png": "'<img src=x onerror=alert(1)>.png'",
        "": "'the file'",
        "\udcff\u2028.wav": "'.wav'",
        "x" * 100_000 + ".wav": "'" + "x" * 40 + "…" + "x" * 15 + ".wav'",
    }.items():
        assert refused(b"text", name).startswith(expected)


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=120))
def test_any_name_gives_a_clean_sentence(name: str) -> None:
    refused(b"text", name, readers=("probe",))


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "none.wav", "none.wav")
    assert "is a folder" in refused(tmp_path, "folder.wav")
    refused(tmp_path / "a\0b.wav", "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is a folder or device" in refused(tmp_path / "pipe.wav", "pipe.wav")
    assert "is a folder or device" in refused(Path("/dev/zero"), "zero.wav")


def test_nothing_is_left_open(samples: dict[str, bytes], tmp_path: Path) -> None:
    for suffix in EVERY_FORMAT:
        (tmp_path / f"good.{suffix}").write_bytes(samples[suffix])
        (tmp_path / f"bad.{suffix}").write_bytes(samples[suffix][:300])
    n_open, n_threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for path in sorted(tmp_path.iterdir()):
        for reader in READERS.values():
            try:
                reader(path, path.name)
            except MediaError as error:
                sentence(error)
    assert len(os.listdir("/proc/self/fd")) == n_open
    assert threading.active_count() == n_threads


def test_bytes_and_path_give_the_same(samples: dict[str, bytes], tmp_path: Path) -> None:
    for suffix in SOUND_FORMATS:
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(samples[suffix])
        np.testing.assert_array_equal(
            read_audio(path, path.name, rate_hz=16000).samples,
            read_audio(samples[suffix], "x", rate_hz=16000).samples,
        )
