"""core.media.apart: the same values and sentences, within bounds, from processes that leave."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from core import media
from core.errors import MediaError
from core.media import apart
from tests.media_samples import every_sample, picture_file, sound_bytes, tone, video_file

GONE_S = 20


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    return every_sample()


@pytest.fixture
def decoder() -> Iterator[apart.Decoder]:
    with apart.Decoder() as made:
        yield made


def video_of_one_key_frame(n_frames: int, width: int, height: int) -> bytes:
    """A small file that costs much: every frame is decoded to reach the last."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = n_frames
        stream.options = {"preset": "ultrafast", "sc_threshold": "0"}
        picture = np.zeros((height, width, 3), np.uint8)
        for number in range(n_frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_every_format_has_the_same_values(
    decoder: apart.Decoder, samples: dict[str, bytes]
) -> None:
    for suffix, content in samples.items():
        name = f"a.{suffix}"
        kind = decoder.kind_of(content, name)
        assert kind == media.kind_of(content, name)
        assert decoder.probe(content, name) == media.probe(content, name)
        if kind == "image":
            mine = decoder.read_image(content, name)
            np.testing.assert_array_equal(mine, media.read_image(content, name))
            continue
        heard = decoder.read_audio(content, name, rate_hz=16_000)
        plain = media.read_audio(content, name, rate_hz=16_000)
        np.testing.assert_array_equal(heard.samples, plain.samples)
        if kind == "video":
            (mine,) = decoder.read_frames(content, name, [0.5])
            np.testing.assert_array_equal(mine, media.read_frame(content, name, 0.5))


def test_a_path_is_read_where_it_is(decoder: apart.Decoder, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(sound_bytes(tone(440, 1.0), 44_100, "wav"))
    assert decoder.read_audio(path, path.name).duration_s == pytest.approx(1.0)
    with pytest.raises(MediaError, match="does not exist"):
        decoder.read_audio(tmp_path / "b.wav", "b.wav")


@pytest.mark.parametrize("content", [b"", b"no media at all", b"RIFF____WAVEfmt "])
def test_the_sentence_of_a_bad_file_is_the_same(decoder: apart.Decoder, content: bytes) -> None:
    with pytest.raises(MediaError) as plain:
        media.read_audio(content, "bad.wav")
    with pytest.raises(MediaError) as mine:
        decoder.read_audio(content, "bad.wav")
    assert str(mine.value) == str(plain.value)


@pytest.mark.parametrize("gop", [12, 1_000])
def test_several_frames_are_those_of_single_reads(gop: int) -> None:
    content = video_file("mp4", gop=gop)
    times = [0.0, 0.02, 0.5, 1.4, 1.41, 2.99, 3.0, 4.9, 50.0]
    for mine, at_s in zip(media.read_frames(content, "a.mp4", times), times, strict=True):
        np.testing.assert_array_equal(mine, media.read_frame(content, "a.mp4", at_s))


def test_times_go_forward(decoder: apart.Decoder) -> None:
    with pytest.raises(ValueError, match="ascending"):
        media.read_frames(video_file("mp4"), "a.mp4", [2.0, 1.0])


def test_a_video_that_costs_too_much_is_refused_and_the_next_file_is_read() -> None:
    content = video_of_one_key_frame(300, 1280, 720)
    assert len(content) < 300_000
    started = time.monotonic()
    with apart.Decoder(seconds=0.02) as decoder:
        with pytest.raises(
            MediaError, match=r"more than 0\.02 s of processor to decode: make it sh"
        ):
            decoder.read_frames(content, "huge.mp4", [float(k) for k in range(10)])
        with pytest.raises(MediaError, match=r"more than 0\.02 s"):  # the budget is spent
            decoder.kind_of(content, "huge.mp4")
    assert time.monotonic() - started < apart.WALL_S
    with apart.Decoder() as decoder:
        assert decoder.kind_of(video_file("mp4"), "a.mp4") == "video"


def test_a_decoder_that_crashes_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = apart.Worker()
    monkeypatch.setattr(apart, "_take", lambda: worker)
    monkeypatch.setattr(apart, "_give_back", lambda worker: None)
    worker.process.send_signal(signal.SIGSEGV)
    with apart.Decoder() as decoder, pytest.raises(MediaError, match="crash"):
        decoder.kind_of(b"anything", "a.wav")
    assert worker.process.returncode is not None


def test_a_large_picture_costs_the_server_the_picture_alone(decoder: apart.Decoder) -> None:
    resource = pytest.importorskip("resource")
    content = picture_file(np.full((4000, 4000, 4), 9, np.uint8), "webp", lossless=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MediaError, match="all of it is empty"):
        decoder.read_image(content, "a.webp")
    decoder.read_image(content + bytes(50_000), "a.webp")
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 2.5 * 48  # the 48 MB of its pixels, on their way


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc on this system")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(how: signal.Signals) -> None:
    script = "from core.media import apart; apart.warm(); w = apart._IDLE.get(); "
    script += "print(w.process.pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=apart.REPO,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        os.kill(parent.pid, how)
    end = time.monotonic() + GONE_S
    while is_running(child):
        assert time.monotonic() < end, "the process lives on"
        time.sleep(0.1)
