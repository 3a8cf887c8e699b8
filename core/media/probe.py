"""What a file holds, from its headers alone: kind, length, rate, channels, size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from core.errors import MediaError
from core.media.container import Contents, contents
from core.media.formats import (
    FORMATS,
    LIMITS,
    Format,
    Kind,
    Limits,
    Source,
    decoding,
    opened,
    sniff,
)
from core.media.picture import picture_size
from core.media.sound import check_duration, check_sound, open_sndfile


@dataclass(frozen=True)
class Probe:
    """What a file holds, from its headers; sizes are those of the upright picture.

    `duration_s` is None for pictures and for streams that do not tell.
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


def kind_of(source: Source, name: str, limits: Limits = LIMITS) -> Kind:
    """Whether it is sound, a picture or a video, by content; the suffix is no more than a hint.

    An mp4 or webm without a picture track is "audio". Raises MediaError for anything else.
    """
    with opened(source, name, limits) as file:
        kind = FORMATS[sniff(file, name)].kind
    return kind or probe(source, name, limits).kind


def probe(source: Source, name: str, limits: Limits = LIMITS) -> Probe:
    """Kind, length and sizes without decoding the whole; enforces the limits.

    Raises MediaError when the file is none of ours, over a limit, empty or damaged.
    """
    with opened(source, name, limits) as file:
        key = sniff(file, name)
        form = FORMATS[key]
        with decoding(name, form.label):
            if form.kind == "image":
                width, height = picture_size(file, key, name, limits)
                return Probe("image", width_px=width, height_px=height)
            if form.kind == "audio":
                found = _probe_sound(file, form, name, limits)
            else:
                found = contents(file, form.demuxer, name, limits)
            if found.rate_hz is not None and found.n_channels is not None:
                check_sound(found.rate_hz, found.n_channels, found.duration_s, name, limits)
            if found.duration_s is not None:
                check_duration(found.duration_s, name, limits)
            return Probe("audio" if found.width_px is None else "video", *found)


def _probe_sound(file: BinaryIO, form: Format, name: str, limits: Limits) -> Contents:
    # libsndfile only estimates the length of an MP3 from its size; FFmpeg's packets tell it.
    readers: list[Callable[[], Contents]] = [
        lambda: _sndfile_contents(file),
        lambda: contents(file, form.demuxer, name, limits),
    ]
    if form.demuxer == "mp3":
        readers.reverse()
    try:
        found = readers[0]()
        return found if found.duration_s is not None else readers[1]()
    except MediaError:
        raise
    except Exception:  # a codec that one of the two does not know; the second one's error counts
        return readers[1]()


def _sndfile_contents(file: BinaryIO) -> Contents:
    with open_sndfile(file) as sound:
        duration = None if sound.n_frames is None else sound.n_frames / sound.rate_hz
        return Contents(duration, sound.rate_hz, sound.n_channels, None, None)
