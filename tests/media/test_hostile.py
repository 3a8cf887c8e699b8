"""core.media: whatever is handed in, bad content is one clean sentence and nothing else."""

import io
import os
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import MediaError, UserError
from core.media import LIMITS, Source, kind_of, probe, read_audio, read_frame, read_image
from tests.media_samples import (
    PICTURE_FORMATS,
    SOUND_FORMATS,
    VIDEO_FORMATS,
    picture_file,
    sound_bytes,
    tone,
    video_file,
)

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


def wav(
    data: bytes, *, channels: int = 1, rate_hz: int = 8000, bits: int = 16, is_float: bool = False
) -> bytes:
    return wav_header(len(data), channels, rate_hz, bits, is_float) + data


def wav_header(
    n_bytes: int, channels: int, rate_hz: int, bits: int, is_float: bool = False
) -> bytes:
    frame = channels * bits // 8
    form = struct.pack(
        "<HHIIHH", 3 if is_float else 1, channels, rate_hz, rate_hz * frame, frame, bits
    )
    return b"RIFF%sWAVEfmt %s%sdata%s" % (
        struct.pack("<I", 36 + n_bytes), struct.pack("<I", 16), form, struct.pack("<I", n_bytes)
    )  # fmt: skip


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000), 9)  # unpacks to a thousand times its size
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


SOUND = ("read_audio", "probe")
PICTURE = ("read_image", "probe")


def test_empty_file(tmp_path: Path) -> None:
    assert "'a.wav' is empty (0 bytes)" in refused(b"", "a.wav")
    path = tmp_path / "a.wav"
    path.touch()
    assert "is empty" in refused(path, "a.wav")


def test_text_named_wav() -> None:
    text = refused("Größe: 3, pitch: 440 Hz\n".encode() * 500, "notes.wav")
    assert text.startswith("'notes.wav' holds text where sound, a picture or video was expected:")
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
    assert f"'{name}' holds {what}" in refused(data, name)


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
    assert "is not there" in refused(tmp_path / "none.wav", "none.wav")
    assert "is a folder" in refused(tmp_path, "folder.wav")
    refused(tmp_path / "a\0b.wav", "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is a folder or device" in refused(tmp_path / "pipe.wav", "pipe.wav")
    assert "is a folder or device" in refused(Path("/dev/zero"), "zero.wav")


def test_sound_without_samples() -> None:
    assert "holds no samples" in refused(wav(b""), "a.wav", readers=SOUND)
    for suffix in ("flac", "aiff"):
        data = sound_bytes(np.zeros(0, np.float32), 44100, suffix)
        refused(data, f"a.{suffix}", readers=SOUND)


def test_nan_and_infinite_samples() -> None:
    for value in (np.nan, np.inf, -np.inf):
        samples = np.zeros(8000, "<f4")
        samples[4000] = value
        data = wav(samples.tobytes(), bits=32, is_float=True)
        assert "holds NaN or infinite samples" in refused(data, "a.wav", readers=("read_audio",))
    everywhere = wav(np.full(8000, np.nan, "<f4").tobytes(), bits=32, is_float=True)
    refused(everywhere, "a.wav", readers=("read_audio",))
    loud = wav(np.full(8000, 1e30, "<f4").tobytes(), bits=32, is_float=True)
    assert "holds samples of 1e+30" in refused(loud, "a.wav", readers=("read_audio",))


def test_too_many_channels() -> None:
    data = wav(bytes(96 * 2 * 1000), channels=96)
    assert "has 96 channels where at most 16 are taken" in refused(data, "a.wav", readers=SOUND)


def test_too_low_and_too_high_rates() -> None:
    for rate_hz in (1, 500, 1_000_000, 2**31 - 1):
        data = wav(bytes(2000), rate_hz=rate_hz)
        assert f"{rate_hz:,} Hz" in refused(data, "a.wav", readers=SOUND)


def test_eight_hours(tmp_path: Path) -> None:
    """Sparse files: they cost no disk. One is over the byte limit, one only over the length."""
    large, small = tmp_path / "large.wav", tmp_path / "small.wav"
    for path, rate_hz, bits in ((large, 44100, 16), (small, 4000, 8)):
        n_bytes = 8 * 3600 * rate_hz * bits // 8
        with path.open("wb") as file:
            file.write(wav_header(n_bytes, 1, rate_hz, bits))
            file.truncate(44 + n_bytes)
    assert "has 2,422 MB where at most 200 MB are taken" in refused(large, "large.wav")
    text = refused(small, "small.wav", readers=SOUND)
    assert "lasts 8.0 hours where at most 30.0 minutes are taken" in text
    with pytest.raises(MediaError, match=r"8\.0 hours"):
        read_audio(small, "small.wav", start_s=1.0, duration_s=1.0)


def test_headers_that_lie_about_the_length_are_caught_while_decoding() -> None:
    """A FLAC that states no length, and limits that only decoding can reach."""
    data = bytearray(sound_bytes(tone(440, 5.0, 8000), 8000, "flac"))
    data[8 + 13] &= 0xF0  # STREAMINFO: total samples unknown
    data[8 + 14 : 8 + 18] = bytes(4)
    flac = bytes(data)
    assert read_audio(flac, "a.flac").duration_s == pytest.approx(5.0)
    for limits in (replace(LIMITS, max_seconds=2.0), replace(LIMITS, max_samples=10_000)):
        with pytest.raises(MediaError) as caught:
            read_audio(flac, "a.flac", limits=limits)
        sentence(caught.value)


def test_limits_are_the_callers_to_set() -> None:
    sound = sound_bytes(tone(440, 3.0), 44100, "mp3")
    for limits in (
        replace(LIMITS, max_bytes=1000),
        replace(LIMITS, max_seconds=2.0),
        replace(LIMITS, max_rate_hz=22050),
        replace(LIMITS, max_samples=44100),
    ):
        with pytest.raises(MediaError) as caught:
            read_audio(sound, "a.mp3", limits=limits)
        sentence(caught.value)
    video = video_file("mkv", n_seconds=2)
    for limits in (
        replace(LIMITS, max_video_side_px=50),
        replace(LIMITS, max_frames_per_read=3),
        replace(LIMITS, max_bytes=1000),
    ):
        with pytest.raises(MediaError) as caught:
            read_frame(video, "a.mkv", 1.9, limits)
        sentence(caught.value)
    with pytest.raises(MediaError, match=r"lasts 2\.0 seconds where at most 1\.0"):
        probe(video, "a.mkv", replace(LIMITS, max_seconds=1.0))


def test_enormous_pictures() -> None:
    text = refused(png_header(30_000, 30_000), "a.png", readers=PICTURE)
    assert "has 30,000 × 30,000 pixels where at most 50 million are taken" in text
    refused(png_header(2**31 - 1, 2**31 - 1), "a.png", readers=PICTURE)
    refused(png_header(0, 10), "a.png", readers=PICTURE)
    assert "is a strip" in refused(png_header(1, 40_000_000), "a.png", readers=PICTURE)
    gif = (
        b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\2"
    )
    refused(gif, "a.gif", readers=PICTURE)
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2
    refused(webp, "a.webp", readers=PICTURE)


def test_a_decompression_bomb_within_the_pixel_limit() -> None:
    """One idle row repeated: what does not fill the picture is cut short, not waited for."""
    refused(png_header(6000, 6000), "a.png", readers=("read_image",))


def test_a_large_run_length_bmp() -> None:
    head = struct.pack("<IiiHHIIiiII", 40, 5000, 5000, 1, 8, 1, 0, 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + head + bytes(1024) + bytes(100)
    assert "run-length" in refused(data, "a.bmp", readers=("read_image", "probe"))


def test_a_jpeg_of_endless_scans() -> None:
    data = picture_file(np.zeros((64, 64, 3), np.uint8), "jpg", progressive=True)
    assert read_image(data, "a.jpg").shape == (64, 64, 3)
    last = data.rindex(b"\xff\xda")
    refused(data[:-2] + data[last:-2] * 200 + b"\xff\xd9", "a.jpg", readers=PICTURE)


def test_codecs_that_are_not_named_are_not_decoded() -> None:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mov") as output:
        stream = output.add_stream("svq1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv410p"
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts = i
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as check:
        assert next(check.decode(video=0)).width == 64  # FFmpeg itself would decode it
    assert "neither a picture nor a sound track" in refused(
        file.getvalue(), "a.mov", readers=("probe", "kind_of")
    )
    refused(file.getvalue(), "a.mov", readers=("read_frame", "read_audio"))


def test_sound_in_pieces_of_one_sample_is_not_waited_for() -> None:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        for i in range(4000):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1), np.int16), layout="mono")
            frame.sample_rate, frame.pts = 8000, i
            output.mux(stream.encode(frame))
    text = refused(file.getvalue(), "a.mkv", readers=("read_audio",))
    assert "pieces of a few samples" in text


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    noise = np.clip(rng.normal(0, 0.2, 48000), -1, 1).astype(np.float32)
    rgb = rng.integers(0, 256, (64, 80, 3), np.uint8)
    return {
        **{s: sound_bytes(noise, 48000, s) for s in SOUND_FORMATS},
        **{s: picture_file(rgb, s) for s in PICTURE_FORMATS},
        **{s: video_file(s, n_seconds=1) for s in VIDEO_FORMATS},
    }


EVERY_FORMAT = (*SOUND_FORMATS, *PICTURE_FORMATS, *VIDEO_FORMATS)


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
        assert "begins like an MP4 or QuickTime file but cannot be decoded" in text


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
