"""Fetching weights: resumed where they were cut off, checked, and unpacked where they are packed.

A download is written to `NAME.part`. It takes its name only when its size and its sum are right;
a `.tar.gz` (`WeightsFile.unpack`) when all of it has been unpacked beside it, with nothing that
leaves the folder. What is wrong is one UserError, and what was there before stays.

    python -m precompute weights --download NAME          # into --weights DIR, or the cache
"""

import gzip
import hashlib
import http.client
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path

from core.encoders.base import WeightsFile
from core.errors import MissingWeights, UserError

TIMEOUT_S = 30.0
_CHUNK = 2**18
_NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
)
# gzip.BadGzipFile is an OSError too: ask for these before asking for OSError.
_ARCHIVE_ERRORS = (tarfile.TarError, gzip.BadGzipFile, zlib.error)

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all if known


def fetch(file: WeightsFile, folder: Path, progress: Progress | None = None) -> Path:
    """Download a file into a folder, going on with what an earlier try left; its path there.

    `progress` is called with (bytes so far, bytes in all or None); a bar is drawn without it.

    Raises
    ------
    MissingWeights
        There is no direct address, or no connection, or it broke off (what came is kept).
    UserError
        What came is not the file of the card (it is not kept), or cannot be written.
    """
    if not file.fetchable:
        raise MissingWeights(
            f"The weights file {file.name} has no direct address: get it from {file.address} by "
            f"hand and put it in {folder}."
        )
    target = folder / file.name
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if progress is None:
            with _Bar(file.name) as bar:
                _transfer(file, part, bar.update)
        else:
            _transfer(file, part, progress)
        _check_sum(file, part)
        if file.unpack is None:
            part.replace(target)
        else:
            _unpack(file, part, target)
    except _NETWORK_ERRORS as error:
        reason = getattr(error, "reason", None) or error
        what = f"unpacked folder {file.name}" if file.unpack else "file"
        raise MissingWeights(
            f"The weights file {file.name} could not be downloaded from {file.address} ({reason}): "
            f"run the same again to go on, or put the {what} in {folder} by hand."
        ) from error
    except OSError as error:
        raise UserError(
            f"The weights file {file.name} cannot be written to {folder} ({error.strerror}): make "
            "room there, or name another folder with --weights DIR."
        ) from error
    return target


def _transfer(file: WeightsFile, part: Path, progress: Progress) -> None:
    """Bytes to `part`, from where it ends; ConnectionError when fewer come than were promised."""
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None and have >= file.size:
        if have == file.size:
            return  # all came, and the name was not yet given
        have = 0
    request = urllib.request.Request(file.address)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        part.unlink()  # longer than what is there now: from the start
        response = urllib.request.urlopen(file.address, timeout=TIMEOUT_S)
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else file.size
        with open(part, "ab" if resumed else "wb") as out:
            while chunk := response.read(_CHUNK):
                out.write(chunk)
                done += len(chunk)
                progress(done, total)
    if total is not None and done < total:
        raise ConnectionError(f"cut off after {done:,} of {total:,} bytes")


def _check_sum(file: WeightsFile, part: Path) -> None:
    """Remove `part` and raise UserError when the sum that is known is not its sum."""
    for label, expected in (("sha256", file.sha256), ("md5", file.md5)):
        if expected is None:
            continue
        with open(part, "rb") as content:
            found = hashlib.file_digest(content, label).hexdigest()
        if found != expected:
            part.unlink()
            named = {"sha256": "SHA-256", "md5": "MD5"}[label]
            raise UserError(
                f"What came from {file.address} is not {file.name}: its {named} is {found}, "
                f"expected {expected}; it was not kept, get the file by hand."
            )
        return


def _unpack(file: WeightsFile, part: Path, target: Path) -> None:
    """The archive `part` as the folder `target`, all of it or nothing; `part` is gone after it."""
    unpacked = target.with_name(f"{target.name}.unpacking")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        unpacked.mkdir()
        with gzip.open(part) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(unpacked, filter="data")
            while stream.read(_CHUNK):  # the checksum stands at the very end
                pass
        inside = sorted(unpacked.iterdir())
        if not inside:
            raise tarfile.TarError("it is empty")
        # Some are packed with their own folder around them, some without.
        content = inside[0] if len(inside) == 1 and inside[0].is_dir() else unpacked
        if target.exists():
            shutil.rmtree(target)
        content.replace(target)
    except EOFError as error:
        raise ConnectionError("the archive ends too early") from error
    except _ARCHIVE_ERRORS as error:
        part.unlink()
        raise UserError(
            f"What came from {file.address} is no sound .{file.unpack} archive of {file.name} "
            f"({error}): it was not kept, get it by hand and unpack it as {target}."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    part.unlink()


class _Bar:
    """A download's progress bar on standard error."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(name, total=None)

    def update(self, done: int, total: int | None) -> None:
        self._progress.update(self._task, completed=done, total=total)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()
