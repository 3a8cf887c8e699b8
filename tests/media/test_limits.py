"""core.media.limits: files that would cost too much, or have senseless values, are refused."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from core.errors import MediaError
from core.media import limits, probe, read_audio, read_frame, read_image
from tests.media.refusals import refused, sentence
from tests.media_samples import picture_file, sound_bytes, tone, video_file

SOUND = ("read_audio", "probe")


PICTURE = ("read_image", "probe")


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


def test_sound_without_samples() -> None:
    assert "contains no samples" in refused(wav(b""), "a.wav", readers=SOUND)
    for suffix in ("flac", "aiff"):
        data = sound_bytes(np.zeros(0, np.float32), 44100, suffix)
        refused(data, f"a.{suffix}", readers=SOUND)


def test_nan_and_infinite_samples() -> None:
    for value in (np.nan, np.inf, -np.inf):
        samples = np.zeros(8000, "<f4")
        samples[4000] = value
        data = wav(samples.tobytes(), bits=32, is_float=True)
        assert "contains NaN or infinite samples" in refused(data, "a.wav", readers=("read_audio",))
    everywhere = wav(np.full(8000, np.nan, "<f4").tobytes(), bits=32, is_float=True)
    refused(everywhere, "a.wav", readers=("read_audio",))
    loud = wav(np.full(8000, 1e30, "<f4").tobytes(), bits=32, is_float=True)
    assert "contains samples of 1e+30" in refused(loud, "a.wav", readers=("read_audio",))


def test_too_many_channels() -> None:
    data = wav(bytes(96 * 2 * 1000), channels=96)
    assert "has 96 channels, but at most 16 are allowed" in refused(data, "a.wav", readers=SOUND)


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
    assert "has 2,422 MB, but at most 200 MB are allowed" in refused(large, "large.wav")
    text = refused(small, "small.wav", readers=SOUND)
    assert "is 8.0 hours long, but at most 30.0 minutes are allowed" in text
    with pytest.raises(MediaError, match=r"8\.0 hours"):
        read_audio(small, "small.wav", start_s=1.0, duration_s=1.0)


def test_headers_that_lie_about_the_length_are_caught_while_decoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A FLAC that states no length, and limits that only decoding can reach."""
    data = bytearray(sound_bytes(tone(440, 5.0, 8000), 8000, "flac"))
    data[8 + 13] &= 0xF0  # STREAMINFO: total samples unknown
    data[8 + 14 : 8 + 18] = bytes(4)
    flac = bytes(data)
    assert read_audio(flac, "a.flac").duration_s == pytest.approx(5.0)
    for name, value in (("MAX_SECONDS", 2.0), ("MAX_SAMPLES", 10_000)):
        with monkeypatch.context() as patch:
            patch.setattr(limits, name, value)
            with pytest.raises(MediaError) as caught:
                read_audio(flac, "a.flac")
        sentence(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "reader"),
    [
        ("MAX_BYTES", 1_000, "read_audio"),
        ("MAX_SECONDS", 2.0, "read_audio"),
        ("MAX_RATE_HZ", 22_050, "read_audio"),
        ("MAX_SAMPLES", 44_100, "read_audio"),
        ("MAX_VIDEO_SIDE_PX", 50, "read_frame"),
        ("MAX_FRAMES", 20, "read_frame"),
        ("MAX_FRAMES_PER_READ", 3, "read_frame"),
        ("MAX_BYTES", 1_000, "read_frame"),
        ("MAX_SECONDS", 1.0, "probe"),
    ],
)
def test_every_limit_is_enforced(
    name: str, value: float, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = sound_bytes(tone(440, 3.0), 44100, "mp3")
    video = video_file("mp4", n_seconds=2)
    readers = {
        "read_audio": lambda: read_audio(sound, "a.mp3"),
        "read_frame": lambda: read_frame(video, "a.mp4", 1.9),
        "probe": lambda: probe(video, "a.mp4"),
    }
    readers[reader]()
    monkeypatch.setattr(limits, name, value)
    with pytest.raises(MediaError) as caught:
        readers[reader]()
    text = sentence(caught.value)
    if reader == "probe":
        assert "is 2.0 seconds long, but at most 1.0 seconds are allowed" in text


def test_enormous_pictures() -> None:
    text = refused(png_header(30_000, 30_000), "a.png", readers=PICTURE)
    assert "has 30,000 × 30,000 pixels, but at most 50 million are allowed" in text
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
