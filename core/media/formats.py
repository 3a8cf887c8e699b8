"""What may come in: limits, formats, and the one way a file is opened, recognised and refused.

Uploads are hostile. A source is bytes or a path; its `name` is only shown, or used as a hint when
the content alone does not tell. The format is decided by the first bytes (`sniff`), and a decoder
is handed only the format that was recognised, never a choice of its own: no playlist, script or
drawing language is ever interpreted. Whatever a decoder raises leaves as one `MediaError`, one
sentence (`decoding`). `core.media` is the public face of this module.
"""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from core.errors import MediaError

Source = Path | bytes
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
class Limits:
    """How large a file may be; checked in the header first, and again while decoding.

    Every number bounds memory or time that one upload can cost. A study of one's own files may
    raise them: `read_audio(..., limits=replace(LIMITS, max_seconds=7200))`.
    """

    max_bytes: int = 200 * 2**20  # Streamlit's own upload limit: 200 MB
    max_seconds: float = 30 * 60.0  # 30 min at 16 kHz are 115 MB of float32
    max_channels: int = 16  # third-order ambisonics; libsndfile itself would take 1024
    min_rate_hz: int = 1_000
    max_rate_hz: int = 384_000
    max_samples: int = 2**28  # decoded per file, all channels together: 1 GiB of float32
    max_pixels: int = 50_000_000  # a 50-megapixel camera: 150 MB of RGB
    max_video_side_px: int = 4_096  # cinema 4K; decoders hold some 16 frames at once
    max_aspect: float = 100.0  # a 1 x 50,000,000 strip explodes when its short side is resized
    max_frames: int = 30 * 60 * 120  # half an hour at 120 frames a second
    # Decoded to reach one picture: a minute of full HD at 60 a second; in proportion above full HD.
    max_frames_per_read: int = 3_600


LIMITS = Limits()


@dataclass(frozen=True)
class Format:
    """One recognised file format and who decodes it.

    `demuxer` is PyAV's (FFmpeg's) name; `sndfile` says that libsndfile is tried first, being
    about twice as fast. `kind` is None for containers that hold sound or video.
    """

    label: str
    kind: Kind | None
    demuxer: str = ""
    sndfile: bool = False


FORMATS = {
    "wav": Format("WAV sound", "audio", "wav", True),
    "aiff": Format("AIFF sound", "audio", "aiff", True),
    "au": Format("AU sound", "audio", "au", True),
    "flac": Format("FLAC sound", "audio", "flac", True),
    "ogg": Format("Ogg sound", "audio", "ogg", True),
    "mp3": Format("MP3 sound", "audio", "mp3", True),
    "mp4": Format("an MP4 or QuickTime file", None, "mov"),
    "matroska": Format("a WebM or Matroska file", None, "matroska"),
    "jpeg": Format("a JPEG picture", "image"),
    "png": Format("a PNG picture", "image"),
    "gif": Format("a GIF picture", "image"),
    "bmp": Format("a BMP picture", "image"),
    "webp": Format("a WebP picture", "image"),
    "tiff": Format("a TIFF picture", "image"),
}

# First bytes of ours; RIFF, ftyp and bare MPEG frames need a second look and follow in `sniff`.
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

# First bytes of what people send instead: named, so that they know what to do.
_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript drawing"),
    (b"8BPS", "a Photoshop file"),
    (b"MThd", "a MIDI file, which holds notes and no sound"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a Parquet table"),
    (b"\x30\x26\xb2\x75", "a Windows Media file"),
    (b"FLV\x01", "a Flash video"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"version https://git-lfs", "a Git LFS pointer in place of the media (run git lfs pull)"),
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
    """A file name as it may stand in a sentence: no folders, no control or invisible characters.

    At most 60 characters. Quotes and angle brackets stay: whoever makes HTML of it escapes it.
    """
    last = re.split(r"[/\\]", name[-1000:])[-1]
    clean = "".join(c for c in last if c.isprintable()).strip()
    if len(clean) > 60:
        clean = f"{clean[:40]}…{clean[-19:]}"
    return clean or "the file"


def refusal(name: str, found: str, todo: str) -> MediaError:
    """The error for one file: `found` names what is there and was expected, `todo` what helps."""
    return MediaError(f"'{shown(name)}' {found}: {todo}.")


@contextmanager
def decoding(name: str, label: str) -> Iterator[None]:
    """Turns whatever a decoder raises inside into one MediaError."""
    try:
        yield
    except MediaError:
        raise
    except Exception as error:
        # Broad by intent: broken content makes decoders raise OSError, SyntaxError, struct.error,
        # ValueError, MemoryError, av.FFmpegError and more; none of them may reach a person.
        raise refusal(
            name,
            f"begins like {label} but cannot be decoded, it is cut short or damaged",
            "download or export it again",
        ) from error


class _Bytes(io.BytesIO):
    """Bytes in memory whose seek never raises.

    Broken headers make decoders seek before the start; as in C, that leaves the position alone,
    where an exception inside libsndfile's callback would be printed as a traceback.
    """

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


@contextmanager
def opened(source: Source, name: str, limits: Limits = LIMITS) -> Iterator[BinaryIO]:
    """The source as a binary file at its start; a path is opened once, unbuffered.

    Raises MediaError when it is missing, unreadable, no regular file, empty or over `max_bytes`.
    """
    if isinstance(source, bytes):
        _check_size(len(source), name, limits)
        with _Bytes(source) as memory:
            yield memory
        return
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(source, flags)
    except FileNotFoundError:
        raise refusal(name, "is not there", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its path is not valid"
        raise refusal(name, f"cannot be opened ({reason})", "check the file's rights") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refusal(name, "is a folder or device where a file was expected", "name one file")
        _check_size(status.st_size, name, limits)
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _check_size(n_bytes: int, name: str, limits: Limits) -> None:
    if n_bytes == 0:
        raise refusal(
            name,
            "is empty (0 bytes) where sound, a picture or video was expected",
            "choose another file",
        )
    if n_bytes > limits.max_bytes:
        raise refusal(
            name,
            f"has {n_bytes / 2**20:,.0f} MB where at most {limits.max_bytes / 2**20:,.0f} MB "
            "are taken",
            "cut it or compress it",
        )


def sniff(file: BinaryIO, name: str) -> str:
    """The key in FORMATS of an open file, by its first bytes; leaves the file at its start.

    Raises MediaError naming what was found instead when it is none of ours.
    """
    with decoding(name, "a file"):
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        found = _recognise(head)
        if found == "id3":  # a tag that stands before MP3, and sometimes before FLAC
            length = 10 + sum((byte & 0x7F) << (21 - 7 * i) for i, byte in enumerate(head[6:10]))
            file.seek(length)
            found = "flac" if file.read(4) == b"fLaC" else "mp3"
        file.seek(0)
    if found is None:
        foreign = _describe(head)
        # Some MP3 files begin with zeros or junk: here, and only here, the suffix is believed.
        if foreign is None and name.lower().endswith(".mp3"):
            return "mp3"
        raise refusal(
            name,
            f"holds {foreign or 'data of an unknown format'} where sound, a picture or video "
            f"was expected",
            f"choose a file in one of the formats {KNOWN}",
        )
    return found


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
    """What a file that is none of ours seems to be; None when nothing fits."""
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
        if error.start < len(head) - 4:  # not merely a character cut at the end of the head
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
