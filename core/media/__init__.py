"""Media: bytes or a path -> mono float32 sound, RGB uint8 pictures and frames, one-second windows.

The one door through which files come in; everything behind it is safe to hand an upload to:

    core.media.probe      what a file holds, from its headers
    core.media.formats    limits, formats, how a file is opened, recognised and refused
    core.media.sound      sound (libsndfile, PyAV), windows
    core.media.picture    pictures (Pillow)
    core.media.video      frames of videos (PyAV)
    core.media.container  tracks, length and sound of containers (PyAV)

`name` is only shown in errors, or a hint; bytes are read from `source` alone. Bad content raises
`MediaError` and nothing else, one sentence each. All functions may be called from many threads:
they share nothing, and the decoders release the interpreter lock.
"""

from core.media.formats import (
    AUDIO_SUFFIXES,
    IMAGE_SUFFIXES,
    LIMITS,
    VIDEO_SUFFIXES,
    Kind,
    Limits,
    Source,
)
from core.media.picture import picture_bytes, read_image
from core.media.probe import Probe, kind_of, probe
from core.media.sound import Audio, flac_bytes, loudest_second, read_audio, wav_bytes, windows
from core.media.video import read_frame

__all__ = [
    "AUDIO_SUFFIXES",
    "IMAGE_SUFFIXES",
    "LIMITS",
    "VIDEO_SUFFIXES",
    "Audio",
    "Kind",
    "Limits",
    "Probe",
    "Source",
    "flac_bytes",
    "kind_of",
    "loudest_second",
    "picture_bytes",
    "probe",
    "read_audio",
    "read_frame",
    "read_image",
    "wav_bytes",
    "windows",
]
