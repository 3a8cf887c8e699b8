"""Weights: where they are looked for, and the table of all of them.

A file is looked for in the folder a person names (`--weights DIR`), then in the user's cache
folder (`JEE_WEIGHTS`, or `~/.cache/joint-embedding-explorer/weights`), then where its publisher's
own library keeps it. Nothing is downloaded unless asked for:

    python -m precompute weights                          # every encoder, present or absent
    python -m precompute weights --download NAME          # into --weights DIR, or the cache

The files of a network that is several files lie in one folder, which their names carry
("minilm/config.json", "minilm/model.safetensors"): they are taken all from one place, never some
from here and some from there.
"""

import functools
import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from core.encoders.base import Card, WeightsFile
from core.encoders.fetching import Progress, fetch
from core.errors import MissingWeights, UserError

CACHE_VARIABLE = "JEE_WEIGHTS"


def cache_dir() -> Path:
    """The user's folder of weights; it need not exist."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path.home() / ".cache" / "joint-embedding-explorer" / "weights"


def find(
    wanted: Card | WeightsFile, weights_dir: Path | None = None, *, download: bool = False
) -> Path:
    """The path of a weights file, or of a card's only one; of a folder where it is unpacked.

    Parameters
    ----------
    wanted : the file, or a card with exactly one
    weights_dir : looked in first, before the cache folder and the publisher's library's own
    download : fetch it when it is nowhere

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
    raise _missing(file, weights_dir)


def find_all(card: Card, weights_dir: Path | None = None) -> tuple[Path, ...]:
    """The path of every file of a card, in the card's order.

    Files whose names share their first part are taken from one `folder`. Raises MissingWeights for
    the first that is absent, and as `find`.
    """
    if _shared_part(card) is None:
        return tuple(find(file, weights_dir) for file in card.weights)
    root = folder(card, weights_dir)
    return tuple(_inside(file, root) or root / _rest(file.name) for file in card.weights)


def folder(card: Card, weights_dir: Path | None = None) -> Path:
    """The one folder that holds all the files of a card whose names share their first part.

    "minilm/config.json" and "minilm/model.safetensors" are found in DIR/minilm, in minilm of the
    cache folder, or beside a file that one of `WeightsFile.caches` matches; in each only if all of
    them are there. Raises MissingWeights, naming the first file that is absent, and as `find`.
    """
    _check(weights_dir)
    roots = list(_roots(card, weights_dir))
    lacking = [_lacking(card, root) for root in roots]
    for root, absent in zip(roots, lacking, strict=True):
        if not absent:
            return root
    # Where some are there and some not, those that are not are what a person has to find.
    fewest = min(lacking, key=len, default=list(card.weights))
    raise _missing(fewest[0], weights_dir)


def download(name: str, weights_dir: Path | None = None, progress: Progress | None = None) -> None:
    """Fetch what an encoder lacks into `weights_dir`, or the cache folder; nothing if it is here.

    `progress` is called with (bytes so far, bytes in all or None); a bar is drawn without it.
    Raises UserError for an unknown encoder, else as `core.encoders.fetching.fetch`.
    """
    from core import encoders

    card = encoders.card(name)
    target = weights_dir or cache_dir()
    if _shared_part(card) is None:
        wanted = [f for f in card.weights if _look(f, weights_dir, must_exist=False) is None]
    elif any(not _lacking(card, root) for root in _roots(card, weights_dir)):
        wanted = []
    else:  # all of them in one place: what lies elsewhere is fetched again
        wanted = [f for f in card.weights if not _is_there(f, target / f.name)]
    for file in wanted:
        fetch(file, target, progress)


def table(weights_dir: Path | None = None) -> list[dict[str, Any]]:
    """One row for each weights file of each encoder, and one for each encoder without any.

    Keys in order: name, modality, file, size (bytes; None where it is neither known nor here),
    licence, where_from, present. An encoder that needs no weights is present, with file and size
    None.
    """
    from core import encoders

    rows = []
    for name, entry in encoders.REGISTRY.items():
        card = entry.card
        for file in card.weights or (None,):
            found = _look(file, weights_dir) if file else None
            rows.append(
                {
                    "name": name,
                    "modality": card.modality,
                    "file": file.name if file else None,
                    "size": _size(file, found) if file else None,
                    "licence": card.licence,
                    "where_from": file.address if file else "needs no weights",
                    "present": file is None or found is not None,
                }
            )
    return rows


def _size(file: WeightsFile, found: Path | None) -> int | None:
    """The published size in bytes, or that of what is here."""
    if file.size is not None or found is None:
        return file.size
    files = found.rglob("*") if found.is_dir() else (found,)
    return sum(each.stat().st_size for each in files if each.is_file())


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex; remembered as long as path, size and time stay the same."""
    state = path.stat()
    return _sha256(str(path.resolve()), state.st_size, state.st_mtime_ns)


def sha256_of(paths: Sequence[Path]) -> str:
    """One SHA-256, in hex, over several files or folders, in their order.

    Of one file it is the file's own. Of a folder it is that of its files' names (relative to it)
    and sums, in the names' order. Where the files lie, and a file's other names, do not matter.
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


# -- looking ---------------------------------------------------------------------------------


def _only_file(wanted: Card | WeightsFile) -> WeightsFile:
    if isinstance(wanted, WeightsFile):
        return wanted
    (file,) = wanted.weights
    return file


def _look(file: WeightsFile, weights_dir: Path | None, *, must_exist: bool = True) -> Path | None:
    """The first place that has the file under any of its names."""
    if must_exist:
        _check(weights_dir)
    for place in (weights_dir, cache_dir()):
        for name in (file.name, *file.aliases):
            if place is not None and _is_there(file, place / name):
                return place / name
    return next(iter(_cached(file)), None)


def _check(weights_dir: Path | None) -> None:
    if weights_dir is not None and not weights_dir.is_dir():
        raise UserError(
            f"The weights folder {weights_dir} does not exist: expected a folder of weights files "
            "after --weights."
        )


def _missing(file: WeightsFile, weights_dir: Path | None) -> MissingWeights:
    place = f"{weights_dir} or" if weights_dir else "a folder named with --weights DIR, or in"
    unpacked = f", unpacked as the folder {file.name}," if file.unpack else ""
    return MissingWeights(
        f"The weights file {file.name} is not on this machine: get it from {file.address} and "
        f"put it{unpacked} in {place} {cache_dir()}."
    )


def _is_there(file: WeightsFile, path: Path) -> bool:
    return path.is_file() if file.unpack is None else path.is_dir()


def _cached(file: WeightsFile) -> Iterator[Path]:
    """Where the publisher's library keeps the file: the newest first of each pattern.

    Anybody may write to the folder of temporary files: there only what is the user's own counts.
    """
    for pattern in file.caches:
        expanded = os.path.expandvars(os.path.expanduser(pattern))
        found = [Path(each) for each in glob.glob(expanded) if _is_there(file, Path(each))]
        if Path(expanded).is_relative_to(tempfile.gettempdir()) and hasattr(os, "getuid"):
            found = [each for each in found if each.stat().st_uid == os.getuid()]
        yield from sorted(found, key=lambda each: each.stat().st_mtime_ns, reverse=True)


def _rest(name: str) -> Path:
    """A name without its first part."""
    return Path(*PurePosixPath(name).parts[1:])


def _shared_part(card: Card) -> str | None:
    """The first part of the names of a card's files, where they are in one folder."""
    parts = [PurePosixPath(file.name).parts for file in card.weights]
    shared = {each[0] for each in parts}
    return shared.pop() if len(shared) == 1 and all(len(each) > 1 for each in parts) else None


def _roots(card: Card, weights_dir: Path | None) -> Iterator[Path]:
    """Every folder in which the files of a card may lie together, in the order of looking."""
    part = _shared_part(card)
    if part is None:
        raise ValueError(f"the files of {card.name} are not named in one folder")
    for place in (weights_dir, cache_dir()):
        if place is not None:
            yield place / part
    for file in card.weights:
        for path in _cached(file):
            yield path.parents[len(_rest(file.name).parts) - 1]


def _lacking(card: Card, root: Path) -> list[WeightsFile]:
    """The files of a card that `root` has not."""
    return [file for file in card.weights if _inside(file, root) is None]


def _inside(file: WeightsFile, root: Path) -> Path | None:
    """Where `root` has a file of a card's folder, under any of its names."""
    paths = [root / _rest(name) for name in (file.name, *file.aliases)]
    return next((path for path in paths if _is_there(file, path)), None)
