"""What a file holds, from its headers alone: kind, length, rate, channels, size."""

from dataclasses import dataclass

from core.errors import MediaError
from core.media import limits
from core.media.container import (
    check_video_size,
    decoded_frames,
    open_container,
    picture_stream,
    sound_stream,
    zero_of,
)
from core.media.formats import Kind
from core.media.picture import picture_size
from core.media.sound import check_duration, check_sound, open_sndfile
from core.media.source import MediaFile, Source, opened

_MAX_PACKETS_COUNTED = 2_000_000


@dataclass(frozen=True)
class Probe:
    """What a file holds, from its headers; sizes are those of the upright picture.

    `duration_s` is None for pictures and for streams that do not state it.
    """

    kind: Kind
    duration_s: float | None = None
    rate_hz: int | None = None
    n_channels: int | None = None
    width_px: int | None = None
    height_px: int | None = None

    @property
    def has_audio(self) -> bool:
        return self.rate_hz is not None

    @property
    def has_video(self) -> bool:
        return self.kind == "video"


def kind_of(source: Source, name: str) -> Kind:
    """Whether it is sound, a picture or a video, by content; the suffix is only a hint.

    An mp4 or webm without a picture track is "audio". Raises MediaError for anything else.
    """
    with opened(source, name) as media:
        kind = media.format.kind
    return kind or probe(source, name).kind


def probe(source: Source, name: str) -> Probe:
    """Kind, length and sizes without decoding the whole; enforces the limits.

    Raises MediaError when the format is unknown, or the file over a limit, empty or damaged.
    """
    with opened(source, name) as media:
        if media.format.kind == "image":
            width, height = picture_size(media)
            return Probe("image", width_px=width, height_px=height)
        found = _probe_sound(media) if media.format.sndfile else _probe_container(media)
        if found.rate_hz is not None and found.n_channels is not None:
            check_sound(found.rate_hz, found.n_channels, found.duration_s, media)
        if found.duration_s is not None:
            check_duration(found.duration_s, media)
        return found


def _probe_sound(media: MediaFile) -> Probe:
    readers = [_probe_sndfile, _probe_container]
    if media.format.demuxer == "mp3":
        # libsndfile only estimates the length of an MP3 from its size; FFmpeg's packets tell it.
        readers.reverse()
    try:
        found = readers[0](media)
    except MediaError:
        raise
    except Exception:  # a codec that this library does not know; the other one's error counts
        return readers[1](media)
    return found if found.duration_s is not None else readers[1](media)


def _probe_sndfile(media: MediaFile) -> Probe:
    with open_sndfile(media) as sound:
        duration = None if sound.n_frames is None else sound.n_frames / sound.rate_hz
        return Probe("audio", duration, sound.rate_hz, sound.n_channels)


def _probe_container(media: MediaFile) -> Probe:
    """From the headers, one frame of the picture, and packet times if needed."""
    with open_container(media) as container:
        picture, sound = picture_stream(container, media), sound_stream(container)
        width = height = rate = n_channels = None
        frame = None if picture is None else next(decoded_frames(container, picture), None)
        if frame is not None:
            width, height = frame.width, frame.height
            check_video_size(width, height, media)
            if frame.rotation % 180 == 90:
                width, height = height, width
        if sound is not None:
            rate, n_channels = sound.codec_context.sample_rate, sound.codec_context.channels
        if width is None and sound is None:
            raise media.refusal(
                "has neither a picture nor a sound track that can be decoded",
                "export it as mp4 with H.264 and AAC",
            )
        duration = None
        if media.format.demuxer != "mp3" and container.duration is not None:
            duration = container.duration / 1e6
    if duration is None:
        duration = _walked_duration(media)
    return Probe("audio" if width is None else "video", duration, rate, n_channels, width, height)


def _walked_duration(media: MediaFile) -> float | None:
    """Seconds from the packets' time stamps, at most a little over `MAX_SECONDS`.

    For streams without a header (a browser's webm), and for MP3, whose length FFmpeg and libsndfile
    estimate from the bit rate.
    """
    import av

    end = 0.0
    with open_container(media) as container:
        zero = zero_of(container)
        try:
            for i, packet in enumerate(container.demux()):
                if packet.pts is not None and packet.time_base is not None:
                    last = (packet.pts + (packet.duration or 0)) * float(packet.time_base)
                    end = max(end, last - zero)
                if end > limits.MAX_SECONDS + 1 or i > _MAX_PACKETS_COUNTED:
                    break
        except av.FFmpegError:  # cut short: the packets before count
            pass
        # MP3 with a LAME header states the padding at its end; other estimates are further off.
        if container.duration is not None and 0 < end - container.duration / 1e6 < 0.06:
            end = container.duration / 1e6
    return end or None
