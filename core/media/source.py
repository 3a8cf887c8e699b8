"""The one way in which a file is opened: its format recognised, its errors made plain.

Uploads are hostile. A decoder is handed only the format that was recognised by content, never a
choice of its own: no playlist, script or drawing language is ever interpreted. Every error of a
decoder becomes one `MediaError` of one sentence. `core.media` is the public face of this module.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import MediaError
from core.media import limits
from core.media.formats import FORMATS, Format, Kind, refusal, sniff

Source = Path | bytes

_EXPECTED = {
    "audio": ("sound", "a wav, mp3, flac, ogg, opus, m4a, aiff, au or video file"),
    "image": ("a picture", "a jpg, png, webp, gif, bmp or tiff file"),
    "video": ("a video", "an mp4, webm, mov or mkv file"),
}


@dataclass(frozen=True)
class MediaFile:
    """An open file of a recognised format; `name` is only shown in errors."""

    file: BinaryIO
    name: str
    format: Format

    def refusal(self, found: str, todo: str) -> MediaError:
        """The error for this file: `found` says what was found and expected, `todo` what helps."""
        return refusal(self.name, found, todo)


@contextmanager
def opened(source: Source, name: str, kind: Kind | None = None) -> Iterator[MediaFile]:
    """A source open at its start; a path is opened once, unbuffered.

    Raises MediaError when it is missing, unreadable, no regular file, empty, too large, of an
    unknown format or of another `kind`, and when anything at all fails while it is open.
    """
    with _raw(source, name) as file:
        with _decoding(name, "a file"):
            found = FORMATS[sniff(file, name)]
        # A container may hold sound or a video: its reader looks.
        if kind not in (None, found.kind) and (found.kind is not None or kind == "image"):
            expected, files = _EXPECTED[kind]
            raise refusal(name, f"is {found.label}, but {expected} was expected", f"choose {files}")
        with _decoding(name, found.label):
            yield MediaFile(file, name, found)


@contextmanager
def _decoding(name: str, label: str) -> Iterator[None]:
    """Turns every error of a decoder into one MediaError."""
    try:
        yield
    except MediaError:
        raise
    except Exception as error:
        # Broad on purpose: broken content makes decoders raise OSError, SyntaxError, struct.error,
        # ValueError, MemoryError, av.FFmpegError and more; none of them may reach a person.
        raise refusal(
            name,
            f"starts like {label} but cannot be decoded, because it is cut short or damaged",
            "download or export it again",
        ) from error


class _QuietBytes(io.BytesIO):
    """Bytes in memory whose `seek` never raises.

    Broken headers make decoders seek before the start. As in C, this leaves the position unchanged;
    an exception inside libsndfile's callback would be printed as a traceback.
    """

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


@contextmanager
def _raw(source: Source, name: str) -> Iterator[BinaryIO]:
    """The source as a binary file of any content."""
    if isinstance(source, bytes):
        _check_bytes(len(source), name)
        with _QuietBytes(source) as memory:
            yield memory
        return
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(source, flags)
    except FileNotFoundError:
        raise refusal(name, "does not exist", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its path is not valid"
        raise refusal(name, f"cannot be opened ({reason})", "check its permissions") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refusal(name, "is a folder or device, but a file was expected", "name one file")
        _check_bytes(status.st_size, name)
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _check_bytes(n_bytes: int, name: str) -> None:
    if n_bytes == 0:
        raise refusal(
            name,
            "is empty (0 bytes), but sound, a picture or a video was expected",
            "choose another file",
        )
    if n_bytes > limits.MAX_BYTES:
        raise refusal(
            name,
            f"has {n_bytes / 2**20:,.0f} MB, but at most {limits.MAX_BYTES / 2**20:,.0f} MB are "
            "allowed",
            "cut it or compress it",
        )
