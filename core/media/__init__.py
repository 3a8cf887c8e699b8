"""Media: bytes or a path -> mono float32 sound, RGB uint8 pictures and frames, one-second windows.

All files come in through this package; it is safe to hand it an upload.

    core.media.limits     how large a file may be
    core.media.formats    formats, how they are recognised
    core.media.source     how a file is opened, how errors are worded
    core.media.probe      what a file holds, from its headers
    core.media.sound      sound (libsndfile, PyAV), windows
    core.media.picture    pictures (Pillow)
    core.media.video      frames of videos (PyAV)
    core.media.apart      the same in a process of its own, bounded in time and memory
    core.media.container  tracks and sound of containers (PyAV)

`name` is only shown in errors, or a hint; bytes are read from `source` alone. Bad content raises
`MediaError` and nothing else, one sentence each. All functions may be called from many threads:
they share nothing, and the decoders release the interpreter lock.

    audio = media.read_audio(Path("clarinet.wav"), "clarinet.wav", rate_hz=16_000)
    starts_s, samples = media.windows(audio)   # (k,), (k, 16000)
"""

# ruff: noqa: F401 - the names are the package's public functions

from core.media import limits
from core.media.formats import AUDIO_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES, Kind
from core.media.picture import picture_bytes, read_image
from core.media.probe import Probe, kind_of, probe
from core.media.sound import Audio, flac_bytes, loudest_second, read_audio, wav_bytes, windows
from core.media.source import Source
from core.media.video import read_frame, read_frames
