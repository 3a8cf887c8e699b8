"""Weights on this machine: where they are looked for, and their sums.

A file is looked for in the folder named with `--weights DIR`, then in the user's cache folder
(`JEE_WEIGHTS`, or `~/.cache/joint-embedding-explorer/weights`), then where its publisher's own
library keeps it (Hugging Face Hub, TensorFlow Hub, Kaggle, Keras). Nothing here downloads:
`core.encoders.downloads` does, on request.

The files of a hub repository are in one folder, and always all taken from the same one.
"""

import functools
import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.encoders.base import Card, WeightsFile
from core.errors import MissingWeights, UserError

CACHE_VARIABLE = "JEE_WEIGHTS"


def cache_dir() -> Path:
    """The user's folder of weights; it may not exist yet."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path.home() / ".cache" / "joint-embedding-explorer" / "weights"


def find(card: Card, weights_dir: Path | None = None) -> Path:
    """The path of a card's only weights file; raises as `find_all`."""
    (path,) = find_all(card, weights_dir)
    return path


def find_all(card: Card, weights_dir: Path | None = None) -> tuple[Path, ...]:
    """The path of every weights file of a card, in its order; of an archive its folder.

    Parameters
    ----------
    card : Card
    weights_dir : Path, optional
        Searched before the cache folder and the publisher's library.

    Raises
    ------
    MissingWeights
        A file is absent; the message names it and where to get it.
    UserError
        `weights_dir` is not a folder.
    """
    paths = []
    for file, path in zip(card.weights, locate(card, weights_dir), strict=True):
        if path is None:
            raise missing(file, weights_dir)
        paths.append(path)
    return tuple(paths)


def folder(card: Card, weights_dir: Path | None = None) -> Path:
    """The folder with all the files of a hub repository; raises as `find_all`."""
    return find_all(card, weights_dir)[0].parent


def locate(card: Card, weights_dir: Path | None = None) -> list[Path | None]:
    """The path of every weights file of a card, None for those that are absent.

    The files of a hub repository are taken from one folder: the first that has all, or most.
    """
    if weights_dir is not None and not weights_dir.is_dir():
        raise UserError(
            f"The weights folder {weights_dir} does not exist: expected a folder of weights files "
            "after --weights."
        )
    if not card.repository:
        return [_first(file, weights_dir) for file in card.weights]
    found = [[_inside(file, root) for file in card.weights] for root in _roots(card, weights_dir)]
    return max(found, key=lambda paths: len(paths) - paths.count(None))


def missing(file: WeightsFile, weights_dir: Path | None) -> MissingWeights:
    """The error that names an absent file, where to get it and where to put it."""
    place = f"{weights_dir} or" if weights_dir else "a folder named with --weights DIR, or in"
    unpacked = f", unpacked as the folder {file.name}," if file.unpack else ""
    return MissingWeights(
        f"The weights file {file.name} is not on this machine: get it from {file.address} and "
        f"put it{unpacked} in {place} {cache_dir()}."
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex; cached until its path, size or time changes."""
    state = path.stat()
    return _sha256(str(path.resolve()), state.st_size, state.st_mtime_ns)


def sha256_of(paths: Sequence[Path]) -> str:
    """One SHA-256, in hex, over several files or folders, in their order.

    For one file it is the file's own; for a folder it covers the names (relative to it) and sums of
    its files, sorted by name. Where the files are does not matter.
    """
    sums = [_sha256_of_folder(path) if path.is_dir() else sha256(path) for path in paths]
    return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def _sha256_of_folder(path: Path) -> str:
    inside = {each.relative_to(path).as_posix(): each for each in path.rglob("*") if each.is_file()}
    lines = [f"{sha256(inside[name])}  {name}" for name in sorted(inside)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@functools.lru_cache(maxsize=256)
def _sha256(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first(file: WeightsFile, weights_dir: Path | None) -> Path | None:
    """The first place that has the file under any of its names."""
    for place in (weights_dir, cache_dir()):
        for name in (file.name, *file.aliases):
            if place is not None and _is_there(file, place / name):
                return place / name
    return next(iter(_cached(file)), None)


def _is_there(file: WeightsFile, path: Path) -> bool:
    return path.is_file() if file.unpack is None else path.is_dir()


def _cached(file: WeightsFile) -> Iterator[Path]:
    """Where the publisher's library keeps the file: the newest match of each pattern first.

    In the folder of temporary files, where anybody may write, only the user's own files count.
    """
    for pattern in file.caches:
        expanded = os.path.expandvars(os.path.expanduser(pattern))
        found = [Path(each) for each in glob.glob(expanded) if _is_there(file, Path(each))]
        if Path(expanded).is_relative_to(tempfile.gettempdir()) and hasattr(os, "getuid"):
            found = [each for each in found if each.stat().st_uid == os.getuid()]
        yield from sorted(found, key=_modified, reverse=True)


def _roots(card: Card, weights_dir: Path | None) -> Iterator[Path]:
    """Every folder that may hold the files of a hub repository, in the order of search."""
    from huggingface_hub import constants

    for place in (weights_dir, cache_dir()):
        if place is not None:
            yield place / Path(card.weights[0].name).parent
    stored = Path(constants.HF_HUB_CACHE, f"models--{card.repository.replace('/', '--')}")
    yield from sorted(stored.glob("snapshots/*"), key=_modified, reverse=True)
    for file in card.weights:
        for path in _cached(file):
            yield path.parent


def _inside(file: WeightsFile, root: Path) -> Path | None:
    """The path of a hub repository's file in `root`, under any of its names."""
    paths = [root / Path(name).name for name in (file.name, *file.aliases)]
    return next((path for path in paths if path.is_file()), None)


def _modified(path: Path) -> int:
    return path.stat().st_mtime_ns
