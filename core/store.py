"""The workspace: artefacts with manifests, atomic, resumable, content-addressed.

A stage writes into ``WORKSPACE/<stage>/<digest>/``. The digest is of the *key*: the part of the
configuration that the stage depends on, the digests of its inputs and the stage's own version.
So the same key twice does no work, and a changed encoder recomputes only what hangs on it.

While a stage runs, its files lie in ``<stage>/<digest>.partial/``. Every file is written under a
temporary name and renamed, so a file that is there is whole; a killed run is resumed by asking
``draft.has(name)``. ``commit`` writes ``manifest.json`` last and renames the folder: a folder
without a manifest is never taken for finished.

The root is a folder, or any URL that fsspec knows (``s3://...``, ``memory://...``); there a
rename is not atomic, and the manifest, which comes last, is what makes an artefact.

Formats: ``.npy`` vectors (memory-mapped when read from a folder), Parquet tables, safetensors
networks, JSON. Nothing is ever pickled.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
import numpy as np
import pandas as pd

from core.errors import MediaError, MissingArtefact, UserError

SCHEMA_VERSION = 1
CODE_VERSION = "0.1.0"
MANIFEST = "manifest.json"


def canonical(value: Any) -> str:
    """One JSON text per value: sorted keys, no spaces, dataclasses as their fields."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a key or manifest")


@dataclass(frozen=True)
class Artefact:
    """A finished artefact, read-only. ``name`` arguments are file names without a folder."""

    store: "Store"
    stage: str
    digest: str
    manifest: dict[str, Any]

    @property
    def folder(self) -> str:
        return f"{self.stage}/{self.digest}"

    def has(self, name: str) -> bool:
        return name in self.manifest["files"]

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        return self.store.read_table(f"{self.folder}/{name}", columns)

    def array(self, name: str) -> np.ndarray:
        return self.store.read_array(f"{self.folder}/{name}")

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        return self.store.read_tensors(f"{self.folder}/{name}")

    def json(self, name: str) -> Any:
        return json.loads(self.store.read_bytes(f"{self.folder}/{name}"))

    def bytes(self, name: str) -> bytes:
        return self.store.read_bytes(f"{self.folder}/{name}")


@dataclass
class Draft:
    """An artefact being written. Whatever ``has`` says is there is whole and may be kept."""

    store: "Store"
    stage: str
    digest: str
    key: dict[str, Any]
    started: float = field(default_factory=time.time)

    @property
    def folder(self) -> str:
        return f"{self.stage}/{self.digest}.partial"

    def has(self, name: str) -> bool:
        return self.store.exists(f"{self.folder}/{name}")

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        self.store.write_table(self.path(name), frame)

    def write_array(self, name: str, array: np.ndarray) -> None:
        self.store.write_array(self.path(name), array)

    def write_tensors(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        from safetensors.numpy import save

        whole = {key: np.asarray(value, order="C") for key, value in tensors.items()}
        self.store.write_bytes(self.path(name), save(whole))

    def write_json(self, name: str, value: Any) -> None:
        self.store.write_json(self.path(name), value)

    def write_bytes(self, name: str, data: bytes) -> None:
        self.store.write_bytes(self.path(name), data)

    def join_arrays(self, name: str, parts: Sequence[str]) -> None:
        """Concatenate ``(n_i, d)`` arrays of this draft into one, a part at a time in memory."""
        self.store.join_arrays(self.path(name), [self.path(part) for part in parts])

    def table(self, name: str) -> pd.DataFrame:
        return self.store.read_table(self.path(name))

    def array(self, name: str) -> np.ndarray:
        return self.store.read_array(self.path(name))

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        return self.store.read_tensors(self.path(name))

    def json(self, name: str) -> Any:
        return json.loads(self.store.read_bytes(self.path(name)))

    def remove(self, name: str) -> None:
        self.store.remove(self.path(name))

    def commit(self, **facts: Any) -> Artefact:
        """Write the manifest (with ``facts``: row counts, weights' sha256, ...) and finish."""
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "code_version": CODE_VERSION,
            "stage": self.stage,
            "digest": self.digest,
            "key": json.loads(canonical(self.key)),
            "files": self.store.sizes(self.folder),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "wall_s": round(time.time() - self.started, 3),
            **facts,
        }
        return self.store.finish(self, manifest)


def leaves_root(path: str) -> bool:
    """Whether a path that should lie below a dataset's root is absolute or climbs out of it."""
    return path.startswith(("/", "\\")) or ".." in Path(path).parts


def media_source(root: str, path: str) -> Path | bytes:
    """A media file below a dataset's root: its path on this machine, or its bytes from a URL."""
    if "://" not in root:
        return Path(root, path)
    try:
        with fsspec.open(f"{root}/{path}") as file:
            return bytes(file.read())
    except OSError as error:
        raise MediaError(f"{path} cannot be read from {root}: {error}.") from error


class Store:
    """A workspace: a folder or an object-store prefix.

    Parameters
    ----------
    root : str or Path
        A folder (made when absent) or an fsspec URL such as ``s3://bucket/prefix``.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        try:
            self.fs, self.base = fsspec.core.url_to_fs(self.root)
        except (ImportError, ValueError) as error:
            raise UserError(
                f"The workspace {self.root!r} cannot be opened ({error}): give a folder, or a URL "
                "whose fsspec driver is installed."
            ) from error
        self.local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else ())

    # -- artefacts ---------------------------------------------------------------------------

    def find(self, stage: str, key: Mapping[str, Any]) -> Artefact | None:
        """The finished artefact of this key, or None."""
        return self.open(stage, digest(key))

    def open(self, stage: str, digest_: str) -> Artefact | None:
        """The finished artefact of this digest, or None when it is absent or unfinished."""
        where = f"{stage}/{digest_}"
        try:
            manifest = json.loads(self.read_bytes(f"{where}/{MANIFEST}"))
        except (FileNotFoundError, MissingArtefact):
            return None
        except json.JSONDecodeError:
            return None
        if manifest.get("schema_version") != SCHEMA_VERSION:
            return None
        present = self.sizes(where)
        if any(present.get(name) != size for name, size in manifest["files"].items()):
            return None
        return Artefact(self, stage, digest_, manifest)

    def begin(self, stage: str, key: Mapping[str, Any]) -> Draft:
        """Start, or go on with, the artefact of this key."""
        return Draft(self, stage, digest(key), dict(key))

    def finish(self, draft: Draft, manifest: dict[str, Any]) -> Artefact:
        final = f"{draft.stage}/{draft.digest}"
        if self.local:
            self.write_bytes(f"{draft.folder}/{MANIFEST}", canonical(manifest).encode())
            self._rename_folder(draft.folder, final)
        else:
            for name in manifest["files"]:
                self.fs.mv(self._at(f"{draft.folder}/{name}"), self._at(f"{final}/{name}"))
            self.write_bytes(f"{final}/{MANIFEST}", canonical(manifest).encode())
        artefact = self.open(draft.stage, draft.digest)
        if artefact is None:
            raise UserError(
                f"The artefact {final} could not be read back after it was written: check the "
                "disk, then run the same command again."
            )
        return artefact

    def _rename_folder(self, source: str, target: str) -> None:
        if os.path.isdir(self._at(target)):  # damaged: a whole one would have been found
            shutil.rmtree(self._at(target))
        os.replace(self._at(source), self._at(target))

    # -- plain files -------------------------------------------------------------------------

    def _at(self, name: str) -> str:
        return f"{self.base.rstrip('/')}/{name}"

    def address(self, name: str) -> str:
        """Where a file lies: its absolute path, or its URL."""
        return self._at(name) if self.local else str(self.fs.unstrip_protocol(self._at(name)))

    def exists(self, name: str) -> bool:
        return bool(self.fs.exists(self._at(name)))

    def names(self, folder: str) -> list[str]:
        """The names directly below a folder of the workspace, sorted; empty when absent."""
        try:
            found = self.fs.ls(self._at(folder), detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every finished file below a folder (manifest and temporaries left out)."""
        base = self._at(folder)
        if self.local:
            found = {
                os.path.relpath(os.path.join(at, name), base): os.path.getsize(
                    os.path.join(at, name)
                )
                for at, _, names in os.walk(base)
                for name in names
            }
        else:
            listing = self.fs.find(base, detail=True, refresh=True)
            start = len(self.fs._strip_protocol(base).rstrip("/")) + 1
            found = {path[start:]: entry["size"] for path, entry in listing.items()}
        return {
            name: size
            for name, size in sorted(found.items())
            if name != MANIFEST and ".tmp-" not in name
        }

    def read_bytes(self, name: str) -> bytes:
        try:
            return bytes(self.fs.cat_file(self._at(name)))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingArtefact(
                f"The workspace {self.root} has no {name}: run `python -m precompute all "
                f"--workspace {self.root}` to make it."
            ) from error

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file whole or not at all."""
        with self._writing(name) as file:
            file.write(data)

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[IO[bytes]]:
        """A file open for writing under a temporary name, renamed when the block ends well."""
        target = self._at(name)
        try:
            if not self.local:
                with self.fs.open(target, "wb") as file:
                    yield file
                return
            os.makedirs(os.path.dirname(target), exist_ok=True)
            temporary = f"{target}.tmp-{uuid.uuid4().hex[:8]}"
            try:
                with open(temporary, "wb") as file:
                    yield file
                os.replace(temporary, target)
            except BaseException:
                if os.path.exists(temporary):
                    os.unlink(temporary)
                raise
        except OSError as error:
            raise UserError(
                f"The workspace file {name} could not be written ({error.strerror or error}): "
                "make room or check the permissions, then run the same command again; nothing "
                "finished is lost."
            ) from error

    def remove(self, name: str) -> None:
        """Delete a file or folder; nothing happens when it is absent."""
        if self.exists(name):
            self.fs.rm(self._at(name), recursive=True)

    def read_table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        return pd.read_parquet(io.BytesIO(self.read_bytes(name)), columns=columns)

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        with self._writing(name) as file:
            frame.to_parquet(file, index=False)

    def write_array(self, name: str, array: np.ndarray) -> None:
        with self._writing(name) as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    def join_arrays(self, name: str, parts: Sequence[str]) -> None:
        shapes = [self.read_array(part).shape for part in parts]
        header = {
            "descr": np.lib.format.dtype_to_descr(self.read_array(parts[0]).dtype),
            "fortran_order": False,
            "shape": (sum(shape[0] for shape in shapes), *shapes[0][1:]),
        }
        with self._writing(name) as file:
            np.lib.format.write_array_header_2_0(file, header)
            for part in parts:
                file.write(np.ascontiguousarray(self.read_array(part)).tobytes())

    def read_array(self, name: str) -> np.ndarray:
        """An array; memory-mapped read-only when the workspace is a folder."""
        if self.local:
            if not self.exists(name):
                self.read_bytes(name)  # raises MissingArtefact with its sentence
            array: np.ndarray = np.load(self._at(name), mmap_mode="r", allow_pickle=False)
            return array
        return np.asarray(np.load(io.BytesIO(self.read_bytes(name)), allow_pickle=False))

    def read_tensors(self, name: str) -> dict[str, np.ndarray]:
        from safetensors.numpy import load

        return dict(load(self.read_bytes(name)))

    # -- studies -----------------------------------------------------------------------------

    def write_json(self, name: str, value: Any) -> None:
        self.write_bytes(name, canonical(value).encode())

    def read_json(self, name: str) -> Any:
        return json.loads(self.read_bytes(name))
