"""Fetching one weights file: resumed after a cut, checked, unpacked where it is an archive.

A download is written to `NAME.part`. It gets its name when its size and its sum are right; a
`.tar.gz` (`WeightsFile.unpack`) when all of it has been unpacked beside it, without leaving the
folder. Anything wrong is one UserError, and an older file of that name stays.
"""

import contextlib
import gzip
import hashlib
import http.client
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
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
# gzip.BadGzipFile is an OSError too, so these are caught before OSError.
_ARCHIVE_ERRORS = (tarfile.TarError, gzip.BadGzipFile, zlib.error)

_Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all if known


def fetch(file: WeightsFile, folder: Path) -> Path:
    """Download a file into a folder, continuing an earlier try, with a progress bar.

    Returns
    -------
    Path
        The file, or the folder that the archive was unpacked to.

    Raises
    ------
    MissingWeights
        There is no direct address, or no connection, or it broke off (the part is kept).
    UserError
        The download is not the file of the card (it is not kept), or cannot be written.
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
        with _bar(file.name) as progress:
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
            f"run the same command again to continue, or put the {what} in {folder} by hand."
        ) from error
    except OSError as error:
        raise UserError(
            f"The weights file {file.name} cannot be written to {folder} ({error.strerror}): make "
            "room there, or name another folder with --weights DIR."
        ) from error
    return target


def _transfer(file: WeightsFile, part: Path, progress: _Progress) -> None:
    """Append to `part` from its end; ConnectionError when fewer bytes come than promised."""
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None and have >= file.size:
        if have == file.size:
            return  # complete, but not renamed yet
        have = 0
    request = urllib.request.Request(file.address)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        part.unlink()  # longer than the file is now: start again
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
    """Remove `part` and raise UserError when it does not have the known sum."""
    label, expected = ("SHA-256", file.sha256) if file.sha256 else ("MD5", file.md5)
    if expected is None:
        return
    with open(part, "rb") as content:
        found = hashlib.file_digest(content, label.replace("-", "").lower()).hexdigest()
    if found != expected:
        part.unlink()
        raise UserError(
            f"The download from {file.address} is not {file.name}: its {label} is {found}, "
            f"expected {expected}; it was not kept, get the file by hand."
        )


def _unpack(file: WeightsFile, part: Path, target: Path) -> None:
    """Unpack the archive `part` to the folder `target`, all or nothing, and remove `part`."""
    unpacked = target.with_name(f"{target.name}.unpacking")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        unpacked.mkdir()
        with gzip.open(part) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(unpacked, filter="data")
            while stream.read(_CHUNK):  # the checksum is at the very end
                pass
        inside = sorted(unpacked.iterdir())
        if not inside:
            raise tarfile.TarError("it is empty")
        # Some archives hold one folder with the files, some the files themselves.
        content = inside[0] if len(inside) == 1 and inside[0].is_dir() else unpacked
        if target.exists():
            shutil.rmtree(target)
        content.replace(target)
    except EOFError as error:
        raise ConnectionError("the archive ends too early") from error
    except _ARCHIVE_ERRORS as error:
        part.unlink()
        raise UserError(
            f"The download from {file.address} is not a valid .{file.unpack} archive of "
            f"{file.name} ({error}): it was not kept, get it by hand and unpack it as {target}."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    part.unlink()


@contextlib.contextmanager
def _bar(name: str) -> Iterator[_Progress]:
    """A progress bar on standard error."""
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
