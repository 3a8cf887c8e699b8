"""core.media.video: the frame of second k has colour k, the sound of second k has tone k."""

import io
from pathlib import Path

import numpy as np
import pytest

from core.errors import MediaError
from core.media import kind_of, probe, read_audio, read_frame, read_image
from tests.media_samples import (
    SECOND_COLOURS,
    SECOND_TONES_HZ,
    VIDEO_FORMATS,
    frequency_of,
    picture_file,
    sound_bytes,
    tone,
    video_file,
)


@pytest.fixture(scope="module")
def videos() -> dict[str, bytes]:
    return {suffix: video_file(suffix) for suffix in VIDEO_FORMATS}


def colour_number(frame: np.ndarray) -> int:
    distance = np.abs(frame.mean((0, 1)) - np.array(SECOND_COLOURS)).max(axis=1)
    assert distance.min() < 12
    return int(np.argmin(distance))


@pytest.mark.parametrize("suffix", VIDEO_FORMATS)
def test_probe(videos: dict[str, bytes], suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"v.{suffix}"
    path.write_bytes(videos[suffix])
    for source in (videos[suffix], path):
        found = probe(source, path.name)
        assert (found.kind, found.width_px, found.height_px) == ("video", 64, 48)
        assert (found.rate_hz, found.n_channels) == (48000, 1)
        assert found.duration_s == pytest.approx(5.0, abs=0.05)
        assert found.has_audio
        assert found.has_video
        assert kind_of(source, path.name) == "video"


@pytest.mark.parametrize("suffix", VIDEO_FORMATS)
def test_frame_of_second_k_has_colour_k(videos: dict[str, bytes], suffix: str) -> None:
    for k in (0, 3, 1, 4, 2):
        for at_s in (k + 0.02, k + 0.5, k + 0.94):
            frame = read_frame(videos[suffix], "v", at_s)
            assert frame.shape == (48, 64, 3)
            assert frame.dtype == np.uint8
            assert colour_number(frame) == k
    assert colour_number(read_frame(videos[suffix], "v", 0.0)) == 0
    assert colour_number(read_frame(videos[suffix], "v", 0.99)) == 1  # 1.00 is nearer than 0.96
    assert colour_number(read_frame(videos[suffix], "v", 60.0)) == 4  # past the end: the last


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_frame_far_from_a_key_frame(suffix: str) -> None:
    data = video_file(suffix, gop=250)
    assert [colour_number(read_frame(data, "v", k + 0.5)) for k in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seek_from_s", [0.1, 30.0])
@pytest.mark.parametrize("suffix", VIDEO_FORMATS)
def test_sound_of_second_k_has_tone_k(
    videos: dict[str, bytes], suffix: str, seek_from_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.media.container._SEEK_FROM_S", seek_from_s)
    whole = read_audio(videos[suffix], "v")
    for k, wanted_hz in enumerate(SECOND_TONES_HZ):
        part = read_audio(videos[suffix], "v", start_s=k, duration_s=1.0, rate_hz=16000)
        assert len(part.samples) == 16000
        assert frequency_of(part.samples, 16000) == pytest.approx(wanted_hz, abs=1)
        # The border between two tones is within 10 ms of the second.
        for side_s, number in ((0.01, k), (0.94, k)):
            first = round((k + side_s) * whole.rate_hz)
            piece = whole.samples[first : first + round(0.05 * whole.rate_hz)]
            assert frequency_of(piece, whole.rate_hz) == pytest.approx(
                SECOND_TONES_HZ[number], abs=6
            )


@pytest.mark.parametrize("suffix", VIDEO_FORMATS)
def test_a_sought_part_is_near_that_part_of_the_whole(
    videos: dict[str, bytes], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_audio(videos[suffix], "v").samples
    monkeypatch.setattr("core.media.container._SEEK_FROM_S", 0.1)
    for start_s in (1.0, 2.3, 3.9):
        part = read_audio(videos[suffix], "v", start_s=start_s, duration_s=1.0).samples
        first = round(start_s * 48000)
        np.testing.assert_allclose(part, whole[first : first + 48000], atol=0.01)


def test_rotation_is_respected(videos: dict[str, bytes]) -> None:
    """A phone's upright video: frames lie on their side and the header says how to turn them."""
    plain = video_file_with_corner()
    at = plain.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of other fields
    unit, none = (0x10000).to_bytes(4, "big"), bytes(4)
    minus, w = (0xFFFF0000).to_bytes(4, "big"), (0x40000000).to_bytes(4, "big")
    assert plain[at : at + 4] == unit
    clockwise = none + unit + none + minus + none + none + none + none + w
    turned = plain[:at] + clockwise + plain[at + 36 :]
    upright, sideways = read_frame(plain, "v.mp4", 0.2), read_frame(turned, "v.mp4", 0.2)
    assert upright.shape == (48, 64, 3)
    assert upright[5, 5, 0] > 200  # the bright corner: top left
    np.testing.assert_array_equal(sideways, np.rot90(upright, -1))
    assert sideways[5, -6, 0] > 200  # a quarter clockwise: top right
    found = probe(turned, "v.mp4")
    assert (found.width_px, found.height_px) == (48, 64)


def video_file_with_corner() -> bytes:
    import av

    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[:16, :16] = 255
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(12):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = i
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_video_without_sound(videos: dict[str, bytes]) -> None:
    data = video_file("mp4", n_seconds=1, with_sound=False)
    found = probe(data, "v.mp4")
    assert (found.kind, found.has_audio, found.rate_hz) == ("video", False, None)
    with pytest.raises(MediaError, match=r"'v\.mp4' has no sound track"):
        read_audio(data, "v.mp4")


def test_kinds_are_not_mixed_up(videos: dict[str, bytes]) -> None:
    sound = sound_bytes(tone(440, 0.5), 44100, "m4a")
    picture = picture_file(np.zeros((8, 8, 3), np.uint8), "png")
    assert kind_of(sound, "an.mp4") == "audio"  # by content: no picture track
    assert kind_of(videos["mp4"], "an.m4a") == "video"
    with pytest.raises(MediaError, match="no picture track"):
        read_frame(sound, "an.mp4", 0.0)
    with pytest.raises(MediaError, match="PNG picture, but a video"):
        read_frame(picture, "a.mp4", 0.0)
    with pytest.raises(MediaError, match="PNG picture, but sound"):
        read_audio(picture, "a.wav")
    with pytest.raises(MediaError, match="MP4 or QuickTime file, but a picture"):
        read_image(videos["mp4"], "a.jpg")
    with pytest.raises(ValueError, match="at_s"):
        read_frame(videos["mp4"], "v.mp4", -1.0)


def test_a_browsers_recording_without_a_length(videos: dict[str, bytes]) -> None:
    """MediaRecorder writes webm as it goes: no duration, no index to seek by."""
    import av

    data = io.BytesIO()
    with (
        av.open(io.BytesIO(videos["webm"])) as source,
        av.open(data, "w", format="webm", options={"live": "1"}) as output,
    ):
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    with av.open(io.BytesIO(data.getvalue())) as check:
        assert check.duration is None
    assert probe(data.getvalue(), "v.webm").duration_s == pytest.approx(5.0, abs=0.05)
    for k in (3, 1):
        assert colour_number(read_frame(data.getvalue(), "v.webm", k + 0.5)) == k
        part = read_audio(data.getvalue(), "v.webm", start_s=k, duration_s=1.0)
        assert frequency_of(part.samples, 48000) == pytest.approx(SECOND_TONES_HZ[k], abs=1)


def test_cover_art_does_not_make_a_video() -> None:
    import av

    cover = picture_file(np.full((32, 32, 3), 90, np.uint8), "jpg")
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(sound_bytes(tone(440, 1.0), 44100, "m4a"))) as source,
        av.open(io.BytesIO(cover), format="mjpeg") as art,
        av.open(file, "w", format="mp4") as output,
    ):
        sound = output.add_stream_from_template(source.streams.audio[0])
        picture = output.add_stream_from_template(art.streams.video[0])
        picture.disposition = av.stream.Disposition.attached_pic
        for packet in [*source.demux(), *art.demux()]:
            if packet.dts is not None or (packet.stream.type == "video" and packet.size):
                packet.stream = sound if packet.stream.type == "audio" else picture
                output.mux(packet)
    found = probe(file.getvalue(), "song.m4a")
    assert (found.kind, found.has_video) == ("audio", False)
    assert found.duration_s == pytest.approx(1.0, abs=0.05)


def test_sound_that_begins_late_keeps_its_place(videos: dict[str, bytes]) -> None:
    """Sound and picture share one clock: a track that begins at 1 s has silence before it."""
    import av

    file = io.BytesIO()
    with (
        av.open(io.BytesIO(videos["webm"])) as source,
        av.open(file, "w", format="matroska") as output,
    ):
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts += round(1 / packet.time_base)
                packet.dts += round(1 / packet.time_base)
            packet.stream = streams[packet.stream.index]
            output.mux(packet)
    sound = read_audio(file.getvalue(), "v.webm").samples
    assert np.abs(sound[: round(0.97 * 48000)]).max() < 0.01
    for k in range(2):
        part = read_audio(file.getvalue(), "v.webm", start_s=k + 1, duration_s=1.0).samples
        assert frequency_of(part, 48000) == pytest.approx(SECOND_TONES_HZ[k], abs=1)
        assert colour_number(read_frame(file.getvalue(), "v.webm", k + 0.5)) == k
