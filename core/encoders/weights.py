"""Weights files: where they are looked for, how they are fetched, the table of all of them.

A file is looked for in the folder a person names (`--weights DIR`), then in the user's cache
folder: `JEE_WEIGHTS`, or `~/.cache/joint-embedding-explorer/weights`. Nothing is downloaded
unless asked for:

    python -m precompute weights                          # every encoder, present or absent
    python -m precompute weights --download NAME          # into --weights DIR, or the cache

A download is written to `NAME.part`, goes on where it was cut off, and takes its name only when
size and SHA-256 are right.
"""

import functools
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.encoders.base import Card, WeightsFile
from core.errors import MissingWeights, UserError

CACHE_VARIABLE = "JEE_WEIGHTS"
TIMEOUT_S = 30.0
_CHUNK = 2**18
_NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
)

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all if known


def cache_dir() -> Path:
    """The user's folder of weights; it need not exist."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path.home() / ".cache" / "joint-embedding-explorer" / "weights"


def find(
    wanted: Card | WeightsFile, weights_dir: Path | None = None, *, download: bool = False
) -> Path:
    """The path of a weights file, or of a card's only one.

    Parameters
    ----------
    wanted : the file, or a card with exactly one
    weights_dir : looked in first, before the cache folder
    download : fetch it when it is in neither

    Raises
    ------
    MissingWeights
        It is nowhere (and, when it was to be fetched, could not be).
    UserError
        `weights_dir` is no folder, or what was fetched has the wrong sum.
    """
    file = _only_file(wanted)
    found = _look(file, weights_dir)
    if found is not None:
        return found
    if download:
        return fetch(file, weights_dir or cache_dir())
    place = f"{weights_dir} or" if weights_dir else "a folder named with --weights DIR, or in"
    raise MissingWeights(
        f"The weights file {file.name} is not on this machine: get it from {file.address} and put "
        f"it in {place} {cache_dir()}."
    )


def download(name: str, weights_dir: Path | None = None, progress: Progress | None = None) -> None:
    """Fetch what an encoder lacks into `weights_dir`, or the cache folder; nothing if it is here.

    `progress` is called with (bytes so far, bytes in all or None); a bar is drawn without it.
    Raises UserError for an unknown encoder, else as `fetch`.
    """
    from core import encoders

    for file in encoders.card(name).weights:
        if _look(file, weights_dir, must_exist=False) is None:
            fetch(file, weights_dir or cache_dir(), progress)


def table(weights_dir: Path | None = None) -> list[dict[str, Any]]:
    """One row for each weights file of each encoder, and one for each encoder without any.

    Keys in order: name, modality, file, size (bytes), licence, where_from, present. An encoder
    that needs no weights is present, with file and size None.
    """
    from core import encoders

    rows = []
    for name, entry in encoders.REGISTRY.items():
        card = entry.card
        for file in card.weights or (None,):
            rows.append(
                {
                    "name": name,
                    "modality": card.modality,
                    "file": file.name if file else None,
                    "size": file.size if file else None,
                    "licence": card.licence,
                    "where_from": file.address if file else "needs no weights",
                    "present": file is None or _look(file, weights_dir) is not None,
                }
            )
    return rows


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex; remembered as long as path, size and time stay the same."""
    state = path.stat()
    return _sha256(str(path.resolve()), state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(file: WeightsFile, folder: Path, progress: Progress | None = None) -> Path:
    """Download a file into a folder, going on with what an earlier try left.

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
    target, part = folder / file.name, folder / f"{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if progress is None:
            with _Bar(file.name) as bar:
                _transfer(file, part, bar.update)
        else:
            _transfer(file, part, progress)
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        ConnectionError,
        TimeoutError,
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise MissingWeights(
            f"The weights file {file.name} could not be downloaded from {file.address} ({reason}): "
            f"run the same again to go on, or put the file in {folder} by hand."
        ) from error
    except OSError as error:
        raise UserError(
            f"The weights file {file.name} cannot be written to {folder} ({error.strerror}): make "
            "room there, or name another folder with --weights DIR."
        ) from error
    if file.sha256 is not None:
        found = sha256(part)
        if found != file.sha256:
            part.unlink()
            raise UserError(
                f"What came from {file.address} is not {file.name}: its SHA-256 is {found}, "
                f"expected {file.sha256}; it was not kept, get the file by hand."
            )
    part.replace(target)
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


def _only_file(wanted: Card | WeightsFile) -> WeightsFile:
    if isinstance(wanted, WeightsFile):
        return wanted
    (file,) = wanted.weights
    return file


def _look(file: WeightsFile, weights_dir: Path | None, *, must_exist: bool = True) -> Path | None:
    """The first place that has the file under any of its names."""
    if weights_dir is not None and must_exist and not weights_dir.is_dir():
        raise UserError(
            f"The weights folder {weights_dir} does not exist: expected a folder of weights files "
            "after --weights."
        )
    for folder in (weights_dir, cache_dir()):
        for name in (file.name, *file.aliases):
            if folder is not None and (folder / name).is_file():
                return folder / name
    return None
