"""Containers opened with PyAV (FFmpeg): their tracks and their sound.

FFmpeg reads hundreds of formats, some of which open other files or addresses. Here we name the
demuxer (`core.media.formats`), it reads one open file, every attempt to open another is refused,
and only the codecs named below are ever called. Time zero is the start of the container's first
stream, for sound and picture alike, so that second k of one belongs to second k of the other.
`core.media` is the public face of this module.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from core.media import limits
from core.media.picture import check_size
from core.media.source import MediaFile

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

# FFmpeg's decoder names, as its `codec_whitelist` takes them.
_SOUND = (
    "aac,aac_latm,alac,ac3,eac3,flac,mp1,mp1float,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,"
    "libvorbis,speex,wavpack,adpcm_ima_wav,adpcm_ima_qt,adpcm_ms,gsm,gsm_ms,pcm_alaw,pcm_mulaw,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,"
    "pcm_f32be,pcm_f64le,pcm_f64be"
)
_PICTURE = (
    "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,msmpeg4,msmpeg4v2,h263,"
    "mpeg1video,mpeg2video,mjpeg,theora,prores,prores_ks,dnxhd,ffv1,rawvideo,png,qtrle"
)
SOUND_CODECS, PICTURE_CODECS = frozenset(_SOUND.split(",")), frozenset(_PICTURE.split(","))

_OPEN_TIMEOUT_S = 30.0
_PREROLL_S = 0.5  # decoded before the wanted start: AAC and Opus need some frames to settle
# Nearer starts are decoded from the beginning (30 s of AAC in 0.1 s), so that a part equals exactly
# that part of the whole. After a seek AAC draws other noise and Opus settles again.
_SEEK_FROM_S = 30.0
_BLOCK_SAMPLES = 2**16  # frames of 1,024 or so are joined: each step costs the same
_GAP_S = 0.02  # a larger hole in the time stamps becomes silence; Matroska rounds to 1 ms
# Bounds on the work that a small file can cause: packets that decode to no frame, frames of a
# sample or two. Real files are far from both: their frames have at least 120 samples.
_MAX_IDLE_PACKETS = 2_000
_MIN_FRAME_SAMPLES, _N_FRAMES_JUDGED = 32, 2_000
# MP3 has no index: FFmpeg guesses the position of a second from the bit rate.
_INEXACT_SEEK = ("mp3",)


@contextmanager
def open_container(media: MediaFile) -> Iterator["InputContainer"]:
    """The container with its headers read."""
    import av

    media.file.seek(0)
    container = av.open(
        media.file,
        mode="r",
        format=media.format.demuxer,
        metadata_errors="replace",
        timeout=_OPEN_TIMEOUT_S,
        io_open=_refuse_to_open,
        options={"max_pixels": str(limits.MAX_VIDEO_SIDE_PX**2), "threads": "1"},
        container_options={"codec_whitelist": f"{_SOUND},{_PICTURE}"},
    )
    with container:
        yield container


def _refuse_to_open(url: str, flags: int, options: dict) -> NoReturn:
    raise PermissionError("a media file may not open other files")


def sound_stream(container: "InputContainer") -> "AudioStream | None":
    """The main sound track in one of our codecs, or None."""
    streams = [s for s in container.streams.audio if _codec_name(s) in SOUND_CODECS]
    best: Any = container.streams.best("audio")
    return best if best in streams else (streams[0] if streams else None)


def picture_stream(container: "InputContainer", media: MediaFile) -> "VideoStream | None":
    """The main picture track, its size checked, or None; cover art does not make a video."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if _codec_name(stream) not in PICTURE_CODECS or not stream.codec_context.width:
            continue
        check_video_size(stream.codec_context.width, stream.codec_context.height, media)
        if stream.frames > limits.MAX_FRAMES:
            raise media.refusal(
                f"has {stream.frames:,} frames, but at most {limits.MAX_FRAMES:,} are allowed",
                "cut it",
            )
        stream.codec_context.options = {"max_pixels": str(limits.MAX_VIDEO_SIDE_PX**2)}
        stream.thread_type = "AUTO"
        return stream
    return None


class StreamedSound:
    """The sound of an open container: a `core.media.sound.Track`.

    The first frame is decoded at once: its rate and channels are the true ones (the header of
    HE-AAC states half the rate).
    """

    def __init__(
        self, container: "InputContainer", stream: "AudioStream", media: MediaFile
    ) -> None:
        self._container, self._stream, self._media = container, stream, media
        self._zero_s = zero_of(container)
        stream.codec_context.thread_count = 1
        self._frames = decoded_frames(container, stream)
        first = next(self._frames, None)
        if first is None:
            raise media.refusal("has a sound track without samples", "record or export it again")
        self._first = first
        self.rate_hz: int = first.sample_rate
        self.n_channels: int = first.layout.nb_channels
        duration = container.duration
        self.n_frames = None if duration is None else round(duration / 1e6 * self.rate_hz)

    def blocks(self, start: int, n: int | None) -> Iterator[np.ndarray]:
        """(n_i,) float32 mono blocks from sample `start` on, `n` samples in all or to the end."""
        waiting: list[np.ndarray] = []
        n_waiting = 0
        for block in self._frame_by_frame(start, n):
            waiting.append(block)
            n_waiting += len(block)
            if n_waiting >= _BLOCK_SAMPLES:
                yield np.concatenate(waiting)
                waiting, n_waiting = [], 0
        if waiting:
            yield np.concatenate(waiting)

    def _frame_by_frame(self, start: int, n: int | None) -> Iterator[np.ndarray]:
        end = None if n is None else start + n
        frames, position = self._from(start)
        n_decoded = 0
        for i, frame in enumerate(frames, start=1):
            n_decoded += frame.samples
            if i > _N_FRAMES_JUDGED and n_decoded < i * _MIN_FRAME_SAMPLES:
                raise self._media.refusal(
                    "has its sound in pieces of a few samples, which takes too long to decode",
                    "export it again",
                )
            n_channels = frame.layout.nb_channels
            if frame.sample_rate != self.rate_hz or n_channels > limits.MAX_CHANNELS:
                raise self._media.refusal(
                    "changes its sample rate or channels midway", "export it again"
                )
            at = self._time_of(frame)
            if at is not None and (position is None or at - position > _GAP_S * self.rate_hz):
                hole_from = start if position is None else max(position, start)
                hole_to = at if end is None else min(at, end)
                yield from self._silence(hole_to - hole_from, at)
                position = at
            position = position or 0
            skip = max(0, start - position)
            stop = frame.samples if end is None else end - position
            if skip < min(frame.samples, stop):
                yield _to_mono(frame)[skip:stop]
            position += frame.samples
            if end is not None and position >= end:
                return

    def _silence(self, n: int, at: int) -> Iterator[np.ndarray]:
        if at > limits.MAX_SECONDS * self.rate_hz:
            raise self._media.refusal(
                f"has a time stamp at {at / self.rate_hz:,.0f} s, but at most "
                f"{limits.MAX_SECONDS:,.0f} s are allowed",
                "cut it or export it again",
            )
        for begin in range(0, n, 2**20):
            yield np.zeros(min(2**20, n - begin), np.float32)

    def _from(self, start: int) -> tuple[Iterator["AudioFrame"], int | None]:
        """Frames from some time before `start` on, and the position of the first if known."""
        import av

        start_s = start / self.rate_hz
        if start_s > _SEEK_FROM_S and self._container.format.name not in _INEXACT_SEEK:
            target = (start_s - _PREROLL_S + self._zero_s) / float(self._stream.time_base or 1)
            try:
                self._container.seek(int(target), stream=self._stream)
                frames = decoded_frames(self._container, self._stream)
                found = next(frames, None)
            except av.FFmpegError:  # no index to seek by
                found = None
            at = None if found is None else self._time_of(found)
            if found is not None and at is not None and at <= start:
                return itertools.chain([found], frames), self._on_grid(at, found.samples)
            self._container.seek(0)  # decode from the beginning instead
            return decoded_frames(self._container, self._stream), None
        return itertools.chain([self._first], self._frames), None

    def _time_of(self, frame: "AudioFrame") -> int | None:
        time_s = frame.time
        return None if time_s is None else round((time_s - self._zero_s) * self.rate_hz)

    def _on_grid(self, at: int, size: int) -> int:
        """The sample at which a frame found by seeking begins.

        The container rounds its time to 1 ms. Frames of one size form a grid; on the grid, a part
        found by seeking equals the same part of the whole.
        """
        origin = self._time_of(self._first)
        if not size or origin is None:
            return at
        origin += self._first.samples
        snapped = origin + round((at - origin) / size) * size
        return snapped if abs(snapped - at) <= 0.001 * self.rate_hz + 1 else at


def zero_of(container: "InputContainer") -> float:
    """The container's own time, in seconds, that counts as 0: the start of its first stream."""
    return max(container.start_time or 0, 0) / 1e6


def _codec_name(stream: Any) -> str:
    # A stream in a codec that this build of FFmpeg lacks has no codec context.
    return stream.codec_context.name if stream.codec_context is not None else ""


def decoded_frames(container: "InputContainer", stream: Any) -> Iterator[Any]:
    """Decoded frames from the current position on.

    Damaged packets are skipped, and a file that is cut short just ends: the callers check how much
    was decoded.
    """
    import av

    packets = container.demux(stream)
    n_idle = 0
    while n_idle < _MAX_IDLE_PACKETS:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            frames = []
        n_idle = 0 if frames else n_idle + 1
        yield from frames


_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


def _to_mono(frame: "AudioFrame") -> np.ndarray:
    """(n,) float32: the mean of the channels, full scale at 1."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:  # (1, n * channels), interleaved
        values = values.reshape(-1, frame.layout.nb_channels).T
    mono = np.add.reduce(values, axis=0, dtype=np.float64) / len(values)  # mean: 3 times as long
    kind = frame.format.name.removesuffix("p")
    if kind == "u8":
        mono -= 128.0
    return (mono / _FULL_SCALE[kind]).astype(np.float32)


def check_video_size(width: int, height: int, media: MediaFile) -> None:
    """Raises MediaError when frames of this size cost too much to decode."""
    if max(width, height) > limits.MAX_VIDEO_SIDE_PX:
        raise media.refusal(
            f"has {width:,} × {height:,} pixels, but sides of at most "
            f"{limits.MAX_VIDEO_SIDE_PX:,} are allowed",
            "make it smaller",
        )
    check_size(width, height, media)
