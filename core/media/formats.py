"""File formats: which there are, and how the format of a file is recognised.

Uploads are hostile. The first bytes decide the format (`sniff`); the name is only shown, or used
as a hint when the content is not enough. `core.media` is the public face of this module.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO, Literal

from core.errors import MediaError

Kind = Literal["audio", "image", "video"]

AUDIO_SUFFIXES = frozenset(
    {".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aiff", ".aif", ".aifc", ".au"}
)
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tiff", ".tif"})
VIDEO_SUFFIXES = frozenset({".mp4", ".webm", ".mov", ".mkv"})

KNOWN = (
    "wav, mp3, flac, ogg, opus, m4a, aiff, au, jpg, png, webp, gif, bmp, tiff, mp4, webm, mov, mkv"
)


@dataclass(frozen=True)
class Format:
    """A file format and its decoder.

    `plugin` is the prefix of Pillow's plugin, `demuxer` PyAV's (FFmpeg's) name. `sndfile`:
    libsndfile is tried first; it is about twice as fast. `kind` is None for containers, which hold
    sound or video.
    """

    label: str
    kind: Kind | None
    demuxer: str = ""
    sndfile: bool = False
    plugin: str = ""


FORMATS = {
    "wav": Format("WAV sound", "audio", "wav", sndfile=True),
    "aiff": Format("AIFF sound", "audio", "aiff", sndfile=True),
    "au": Format("AU sound", "audio", "au", sndfile=True),
    "flac": Format("FLAC sound", "audio", "flac", sndfile=True),
    "ogg": Format("Ogg sound", "audio", "ogg", sndfile=True),
    "mp3": Format("MP3 sound", "audio", "mp3", sndfile=True),
    "mp4": Format("an MP4 or QuickTime file", None, "mov"),
    "matroska": Format("a WebM or Matroska file", None, "matroska"),
    "jpeg": Format("a JPEG picture", "image", plugin="Jpeg"),
    "png": Format("a PNG picture", "image", plugin="Png"),
    "gif": Format("a GIF picture", "image", plugin="Gif"),
    "bmp": Format("a BMP picture", "image", plugin="Bmp"),
    "webp": Format("a WebP picture", "image", plugin="WebP"),
    "tiff": Format("a TIFF picture", "image", plugin="Tiff"),
}

# First bytes of our formats; `_recognise` handles RIFF, ftyp and bare MPEG frames.
_OURS = (
    (b"fLaC", "flac"),
    (b".snd", "au"),
    (b"OggS", "ogg"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)

# First bytes of other files that people send; they are named, so that it is clear what to do.
_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript drawing"),
    (b"8BPS", "a Photoshop file"),
    (b"MThd", "a MIDI file (notes without sound)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a Parquet table"),
    (b"\x30\x26\xb2\x75", "a Windows Media file"),
    (b"FLV\x01", "a Flash video"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"version https://git-lfs", "a Git LFS pointer (run git lfs pull to get the file)"),
    (b"#EXTM3U", "a playlist"),
)

_HEAD_BYTES = 4096
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_STILL_BRANDS = {
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"avif": "AVIF",
}


def shown(name: str) -> str:
    """A file name for use in a sentence: no folders, no control or invisible characters.

    At most 60 characters. Quotes and angle brackets stay: code that makes HTML must escape them.
    """
    last = re.split(r"[/\\]", name[-1000:])[-1]
    clean = "".join(c for c in last if c.isprintable()).strip()
    if len(clean) > 60:
        clean = f"{clean[:40]}…{clean[-19:]}"
    return clean or "the file"


def refusal(name: str, found: str, todo: str) -> MediaError:
    """The error for one file: `found` says what was found and expected, `todo` what helps."""
    return MediaError(f"'{shown(name)}' {found}: {todo}.")


def sniff(file: BinaryIO, name: str) -> str:
    """The key in FORMATS of an open file, by its first bytes; leaves the file at its start.

    Raises MediaError when the format is none of ours.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    found = _recognise(head)
    if found == "id3":  # a tag before MP3, and sometimes before FLAC
        length = 10 + sum((byte & 0x7F) << (21 - 7 * i) for i, byte in enumerate(head[6:10]))
        file.seek(length)
        found = "flac" if file.read(4) == b"fLaC" else "mp3"
    file.seek(0)
    if found is not None:
        return found
    foreign = _describe(head)
    # Some MP3 files start with zeros or junk: only here is the suffix trusted.
    if foreign is None and name.lower().endswith(".mp3"):
        return "mp3"
    raise refusal(
        name,
        f"contains {foreign or 'data of an unknown format'}, but sound, a picture or a video was "
        "expected",
        f"choose a file in one of the formats {KNOWN}",
    )


def _recognise(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RF64", b"BW64", b"RIFX"):
        return {b"WAVE": "wav", b"WEBP": "webp"}.get(head[8:12])
    if head[:4] == b"FORM":
        return "aiff" if head[8:12] in (b"AIFF", b"AIFC") else None
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILL_BRANDS else "mp4"
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mp4"
    if head[:3] == b"ID3":
        return "id3"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    if _is_mpeg_frame(head):
        return "mp3"
    return next((key for magic, key in _OURS if head.startswith(magic)), None)


def _is_mpeg_frame(head: bytes) -> bool:
    """A plausible MPEG audio frame header, layer II or III (ISO 11172-3 §2.4.1.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    return version != 1 and layer in (1, 2) and bitrate not in (0, 15) and rate != 3


def _describe(head: bytes) -> str | None:
    """What a file of another format seems to be; None when nothing fits."""
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "an AVI video"
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return f"a picture in {_STILL_BRANDS[head[8:12]]} format"
    for magic, label in _FOREIGN:
        if head.startswith(magic):
            return label
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # more than a character cut at the end of the head
            return None
        text = head[: error.start].decode("utf-8-sig")
    if any(ord(c) < 32 and c not in "\t\n\r\f\x1b" for c in text):
        return None
    lower = text.lower()
    if "<svg" in lower:
        return "an SVG drawing"
    if "<html" in lower or "<!doctype html" in lower:
        return "an HTML page"
    return "text"
