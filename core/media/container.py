"""Containers opened with PyAV (FFmpeg): their tracks, their length, their sound.

FFmpeg reads hundreds of formats, some of which open other files or addresses. Here the demuxer is
named by us (`core.media.formats`), it reads one open file, every attempt to open another is
refused, and only the codecs named below are ever called. Time zero is where the container's first
stream begins, for sound and picture alike, so that second k of one belongs to second k of the
other.
`core.media` is the public face of this module.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from core.media.formats import Limits, refusal
from core.media.picture import check_size

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
# Nearer starts are decoded from the beginning (30 s of AAC in 0.1 s): only so is a part exactly
# that part of the whole. After a seek AAC draws other noise and Opus settles anew.
_SEEK_FROM_S = 30.0
_BLOCK_SAMPLES = 2**16  # frames of 1,024 or so are handed on together: each step costs as much
_GAP_S = 0.02  # a larger hole in the time stamps becomes silence; Matroska rounds to 1 ms
# Work that a small file can make out of nothing: packets that decode to no frame, frames of a
# sample or two, packets only counted. Real ones lie far below: 120 samples a frame at least.
_MAX_IDLE_PACKETS = 2_000
_MIN_FRAME_SAMPLES, _N_FRAMES_JUDGED = 32, 2_000
_MAX_PACKETS_COUNTED = 2_000_000
# MP3 has no index: FFmpeg guesses where a second lies from the bit rate.
_INEXACT_SEEK = ("mp3",)


class Contents(NamedTuple):
    """What `probe` needs of a container; sizes are upright, None where there is no such stream."""

    duration_s: float | None
    rate_hz: int | None
    n_channels: int | None
    width_px: int | None
    height_px: int | None


@contextmanager
def open_container(file: BinaryIO, demuxer: str, limits: Limits) -> Iterator["InputContainer"]:
    """The container, its headers read; `demuxer` is FFmpeg's name of the one allowed format."""
    import av

    file.seek(0)
    container = av.open(
        file,
        mode="r",
        format=demuxer,
        metadata_errors="replace",
        timeout=_OPEN_TIMEOUT_S,
        io_open=_refuse_to_open,
        options={"max_pixels": str(limits.max_video_side_px**2), "threads": "1"},
        container_options={"codec_whitelist": f"{_SOUND},{_PICTURE}"},
    )
    with container:
        yield container


def _refuse_to_open(url: str, flags: int, options: dict) -> NoReturn:
    raise PermissionError("a media file may not open other files")


def sound_stream(container: "InputContainer") -> "AudioStream | None":
    """The main sound track in a codec we take, or None."""
    streams = [s for s in container.streams.audio if _codec_name(s) in SOUND_CODECS]
    best: Any = container.streams.best("audio")
    return best if best in streams else (streams[0] if streams else None)


def picture_stream(container: "InputContainer", name: str, limits: Limits) -> "VideoStream | None":
    """The main picture track, its size checked; cover art does not make a video. None if none."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if _codec_name(stream) not in PICTURE_CODECS or not stream.codec_context.width:
            continue
        check_video_size(stream.codec_context.width, stream.codec_context.height, name, limits)
        if stream.frames > limits.max_frames:
            raise refusal(
                name,
                f"has {stream.frames:,} frames where at most {limits.max_frames:,} are taken",
                "cut it",
            )
        stream.codec_context.options = {"max_pixels": str(limits.max_video_side_px**2)}
        stream.thread_type = "AUTO"
        return stream
    return None


def contents(file: BinaryIO, demuxer: str, name: str, limits: Limits) -> Contents:
    """What a container holds: its headers, one frame of each track, and packet times if needed."""
    with open_container(file, demuxer, limits) as container:
        picture, sound = picture_stream(container, name, limits), sound_stream(container)
        width = height = rate = n_channels = None
        if picture is not None:
            frame = next(decoded_frames(container, picture), None)
            if frame is not None:
                width, height = frame.width, frame.height
                check_video_size(width, height, name, limits)
                if frame.rotation % 180 == 90:
                    width, height = height, width
        if sound is not None:
            rate, n_channels = sound.codec_context.sample_rate, sound.codec_context.channels
        duration = None
        if demuxer != "mp3" and container.duration is not None:
            duration = container.duration / 1e6
        if (picture is None or width is None) and sound is None:
            raise refusal(
                name,
                "has neither a picture nor a sound track that could be decoded",
                "export it as mp4 with H.264 and AAC",
            )
    if duration is None:
        duration = _walked_duration(file, demuxer, limits)
    return Contents(duration, rate, n_channels, width, height)


def _walked_duration(file: BinaryIO, demuxer: str, limits: Limits) -> float | None:
    """Seconds from the packets' time stamps: for streams without a header (a browser's webm),
    and for MP3, whose length FFmpeg and libsndfile estimate from the bit rate. Reads no more
    than `max_seconds`."""
    import av

    end = 0.0
    with open_container(file, demuxer, limits) as container:
        zero = zero_of(container)
        try:
            for i, packet in enumerate(container.demux()):
                if packet.pts is not None and packet.time_base is not None:
                    last = (packet.pts + (packet.duration or 0)) * float(packet.time_base)
                    end = max(end, last - zero)
                if end > limits.max_seconds + 1 or i > _MAX_PACKETS_COUNTED:
                    break
        except av.FFmpegError:  # cut short: what came before counts
            pass
        # MP3 with a LAME header tells the padding at its end; other estimates are further off.
        if container.duration is not None and 0 < end - container.duration / 1e6 < 0.06:
            end = container.duration / 1e6
    return end or None


class StreamedSound:
    """The sound of an open container, as `core.media.sound` reads it: rate, channels and blocks.

    The first frame is decoded at once: its rate and channels are the true ones (the header of
    HE-AAC states half the rate).
    """

    def __init__(
        self, container: "InputContainer", stream: "AudioStream", name: str, limits: Limits
    ) -> None:
        self._container, self._stream = container, stream
        self._name, self._limits = name, limits
        self._zero_s = zero_of(container)
        stream.codec_context.thread_count = 1
        self._frames = decoded_frames(container, stream)
        first = next(self._frames, None)
        if first is None:
            raise refusal(
                name, "has a sound track that holds no samples", "record or export it again"
            )
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
                raise refusal(self._name, "is cut into pieces of a few samples", "export it again")
            if frame.sample_rate != self.rate_hz or frame.layout.nb_channels > (
                self._limits.max_channels
            ):
                raise refusal(
                    self._name, "changes its sample rate or channels midway", "export it again"
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
        if at > self._limits.max_seconds * self.rate_hz:
            raise refusal(
                self._name,
                f"has a time stamp at {at / self.rate_hz:,.0f} s where at most "
                f"{self._limits.max_seconds:,.0f} s are taken",
                "cut it or export it again",
            )
        for begin in range(0, n, 2**20):
            yield np.zeros(min(2**20, n - begin), np.float32)

    def _from(self, start: int) -> tuple[Iterator["AudioFrame"], int | None]:
        """Frames that reach `start` with some preroll, and the first one's position if known."""
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
                return _chain(found, frames), self._on_grid(at, found.samples)
            self._container.seek(0)  # decode from the beginning instead
            return decoded_frames(self._container, self._stream), None
        return _chain(self._first, self._frames), None

    def _time_of(self, frame: "AudioFrame") -> int | None:
        time_s = frame.time
        return None if time_s is None else round((time_s - self._zero_s) * self.rate_hz)

    def _on_grid(self, at: int, size: int) -> int:
        """The sample a sought frame begins at, where the container rounds its time to 1 ms.

        Frames of one size lie on a grid; on it, a part that was sought is equal to the same part
        of the whole.
        """
        origin = self._time_of(self._first)
        if not size or origin is None:
            return at
        origin += self._first.samples
        snapped = origin + round((at - origin) / size) * size
        return snapped if abs(snapped - at) <= 0.001 * self.rate_hz + 1 else at


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def zero_of(container: "InputContainer") -> float:
    """Seconds in the container's own time that count as 0: where its first stream begins."""
    return max(container.start_time or 0, 0) / 1e6


def _codec_name(stream: Any) -> str:
    # A stream in a codec that this build of FFmpeg lacks has no codec context.
    return stream.codec_context.name if stream.codec_context is not None else ""


def decoded_frames(container: "InputContainer", stream: Any) -> Iterator[Any]:
    """Decoded frames from where the container stands; damaged packets are skipped, and the end
    of a file that is cut short is an end like any other (the callers look at what came out)."""
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


def check_video_size(width: int, height: int, name: str, limits: Limits) -> None:
    if max(width, height) > limits.max_video_side_px:
        raise refusal(
            name,
            f"has {width:,} × {height:,} pixels where sides of at most "
            f"{limits.max_video_side_px:,} are taken",
            "make it smaller",
        )
    check_size(width, height, name, limits)
