"""Downloading weights by encoder, and the table of all weights.

    python -m precompute weights                          # every encoder, present or absent
    python -m precompute weights --download NAME          # into --weights DIR, or a cache

Networks of the Hugging Face Hub come through `huggingface_hub` and, unless a folder is named, go
to its cache, which other programs share. It honours the hub's own settings (`HF_HUB_OFFLINE`,
`HF_ENDPOINT`, `HF_TOKEN`). `yamnet` and `vggish` come through `tensorflow_hub` and its cache in the
same way, where that is installed. All other files are fetched by `core.encoders.fetching`.
"""

import importlib.util
from pathlib import Path
from typing import Any

from core import encoders
from core.encoders import joined, savedmodel, weights
from core.encoders.base import Card, WeightsFile
from core.encoders.fetching import fetch
from core.errors import MissingWeights, UserError


def download(name: str, weights_dir: Path | None = None) -> None:
    """Download the weights that an encoder (or a joined one's parts) lacks, into `weights_dir` or a
    cache.

    Raises
    ------
    MissingWeights
        They cannot be downloaded now.
    UserError
        There is no encoder of that name, the files are not those of the card, or they cannot be
        written.
    """
    if joined.is_joined(name):
        for part in joined.parts(name):
            download(part.name, weights_dir)
        return
    card = encoders.card(name)
    if weights_dir is not None:
        weights_dir.mkdir(parents=True, exist_ok=True)
    located = weights.locate(card, weights_dir)
    if card.repository and None in located:
        _from_hugging_face(card, weights_dir)
        return
    for file, path in zip(card.weights, located, strict=True):
        if path is None and (weights_dir is not None or not _from_tensorflow_hub(file)):
            fetch(file, weights_dir or weights.cache_dir())


def _from_hugging_face(card: Card, weights_dir: Path | None) -> None:
    """All files of a repository, into one folder; those that are there already are kept."""
    from huggingface_hub import hf_hub_download

    names = [Path(file.name).name for file in card.weights]
    folder = weights_dir / Path(card.weights[0].name).parent if weights_dir else None
    try:
        paths = [Path(hf_hub_download(card.repository, name, local_dir=folder)) for name in names]
    except Exception as error:  # the library's, its HTTP client's, or the file system's
        if isinstance(error, OSError) and error.strerror:
            raise UserError(
                f"The weights of {card.name} cannot be written ({error.strerror}): make room, or "
                "name another folder with --weights DIR."
            ) from error
        raise _failed(card.name, f"https://huggingface.co/{card.repository}", error) from error
    for file, path in zip(card.weights, paths, strict=True):
        if file.sha256 and weights.sha256(path) != file.sha256:
            raise UserError(
                f"{path} is not {file.name} of {card.repository}: its SHA-256 is "
                f"{weights.sha256(path)}, expected {file.sha256}; delete it and get it by hand."
            )


def _from_tensorflow_hub(file: WeightsFile) -> bool:
    """Whether `tensorflow_hub` is installed and now has the model in its cache."""
    if not file.tfhub_handle or importlib.util.find_spec("tensorflow_hub") is None:
        return False
    savedmodel.start(1)  # without its messages
    try:
        import tensorflow_hub
    except ImportError:  # it needs setuptools < 82
        return False
    try:
        tensorflow_hub.resolve(file.tfhub_handle)
    except Exception as error:  # TensorFlow's, urllib's, tarfile's
        raise _failed(file.name, file.tfhub_handle, error) from error
    return True


def _failed(name: str, source: str, error: Exception) -> MissingWeights:
    reason = " ".join(str(error).split()).partition(". ")[0].rstrip(".:") or type(error).__name__
    return MissingWeights(
        f"The weights of {name} could not be downloaded from {source} ({reason}): run the same "
        "command again to continue, or get them by hand and name their folder with --weights DIR."
    )


def table(weights_dir: Path | None = None) -> list[dict[str, Any]]:
    """One row for each weights file of each encoder, and one for each encoder without any.

    Keys in order: name, modality, file, size (bytes; None if it is neither published nor here),
    licence, where_from, present. An encoder that needs no weights is present, with file and size
    None.
    """
    rows = []
    for name in encoders.names():
        card = encoders.card(name)
        shared = {"name": name, "modality": card.modality}
        if not card.weights:
            unneeded = {"where_from": "needs no weights", "present": True}
            rows.append(shared | {"file": None, "size": None, "licence": card.licence} | unneeded)
        for file, path in zip(card.weights, weights.locate(card, weights_dir), strict=True):
            rows.append(
                shared
                | {
                    "file": file.name,
                    "size": _size(file, path),
                    "licence": card.licence,
                    "where_from": file.address,
                    "present": path is not None,
                }
            )
    return rows


def _size(file: WeightsFile, path: Path | None) -> int | None:
    """The published size in bytes, else that of the file or folder here."""
    if file.size is not None or path is None:
        return file.size
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(each.stat().st_size for each in files if each.is_file())
