"""The workspace: artefacts with manifests, atomic, resumable, content-addressed.

A stage writes into `WORKSPACE/<stage>/<digest>/`. The digest is of the *key*: the part of the
configuration that the stage depends on, the digests of its inputs and the stage's own version.
So the same key twice does no work, and a changed encoder recomputes only what hangs on it.

While a stage runs, its files lie in `<stage>/<digest>.partial/`. Every file is written under a
temporary name and renamed, so a file that is there is whole; a killed run is resumed by asking
`draft.has(name)`. `commit` writes `manifest.json` last and renames the folder: a folder
without a manifest is never taken for finished.

The root is a folder, or any URL that fsspec knows (`s3://...`, `memory://...`). An object store
has no rename: there a finished draft is copied, its manifest last, and then removed, so that a run
killed in between finds the whole draft again.

Formats: `.npy` vectors (memory-mapped when read from a folder), Parquet tables, safetensors
networks, JSON. Nothing is ever pickled.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import MissingArtefact, UserError
from core.files import Files

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
    """A finished artefact, read-only. `name` arguments are file names without a folder."""

    store: "Store"
    stage: str
    digest: str
    manifest: dict[str, Any]

    @property
    def folder(self) -> str:
        return f"{self.stage}/{self.digest}"

    def has(self, name: str) -> bool:
        return name in self.manifest["files"]

    def table(
        self, name: str, columns: list[str] | None = None, where: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """A table, or the rows of it that have the values of `where`."""
        return self.store.read_table(f"{self.folder}/{name}", columns, where)

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
    """An artefact being written. Whatever `has` says is there is whole and may be kept."""

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

    def write_table(
        self, name: str, frame: pd.DataFrame, row_group_size: int | None = None
    ) -> None:
        self.store.write_table(self.path(name), frame, row_group_size)

    def write_array(self, name: str, array: np.ndarray) -> None:
        self.store.write_array(self.path(name), array)

    def write_tensors(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        self.store.write_tensors(self.path(name), tensors)

    def write_json(self, name: str, value: Any) -> None:
        self.store.write_json(self.path(name), value)

    def write_bytes(self, name: str, data: bytes) -> None:
        self.store.write_bytes(self.path(name), data)

    def write_blocks(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]
    ) -> None:
        """An array of a known shape from blocks of its rows in order, one at a time in memory."""
        self.store.write_blocks(self.path(name), shape, dtype, blocks)

    def join_arrays(self, name: str, parts: Sequence[str]) -> None:
        """Concatenate `(n_i, d)` arrays of this draft into one, a part at a time in memory."""
        self.store.join_arrays(self.path(name), [self.path(part) for part in parts])

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        return self.store.read_table(self.path(name), columns)

    def array(self, name: str) -> np.ndarray:
        return self.store.read_array(self.path(name))

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        return self.store.read_tensors(self.path(name))

    def json(self, name: str) -> Any:
        return json.loads(self.store.read_bytes(self.path(name)))

    def remove(self, name: str) -> None:
        self.store.remove(self.path(name))

    def commit(self, **facts: Any) -> Artefact:
        """Write the manifest (with `facts`: row counts, weights' sha256, ...) and finish."""
        sizes = self.store.sizes(self.folder)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "code_version": CODE_VERSION,
            "stage": self.stage,
            "digest": self.digest,
            "key": json.loads(canonical(self.key)),
            "files": {name: size for name, size in sizes.items() if name != MANIFEST},
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "wall_s": round(time.time() - self.started, 3),
            **facts,
        }
        return self.store.finish(self, manifest)


class Store(Files):
    """A workspace: a folder or an object-store prefix.

    Parameters
    ----------
    root : str or Path
        A folder (made when absent) or an fsspec URL such as `s3://bucket/prefix`.
    """

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

    def need(self, stage: str, digest_: str) -> Artefact:
        """The finished artefact of this digest.

        Raises
        ------
        MissingArtefact
            It is not there, or not whole.
        """
        found = self.open(stage, digest_)
        if found is None:
            raise MissingArtefact(
                f"The artefact {stage}/{digest_} is gone: run the same command again."
            )
        return found

    def begin(self, stage: str, key: Mapping[str, Any]) -> Draft:
        """Start, or go on with, the artefact of this key."""
        return Draft(self, stage, digest(key), dict(key))

    def finish(self, draft: Draft, manifest: dict[str, Any]) -> Artefact:
        final = f"{draft.stage}/{draft.digest}"
        if self.local:
            self.write_bytes(f"{draft.folder}/{MANIFEST}", canonical(manifest).encode())
            self.rename_folder(draft.folder, final)
        else:
            for name in manifest["files"]:
                self.copy(f"{draft.folder}/{name}", f"{final}/{name}")
            self.write_bytes(f"{final}/{MANIFEST}", canonical(manifest).encode())
            self.remove(draft.folder)
        artefact = self.open(draft.stage, draft.digest)
        if artefact is None:
            raise UserError(
                f"The artefact {final} could not be read back after it was written: check the "
                "disk, then run the same command again."
            )
        return artefact

    # -- studies -----------------------------------------------------------------------------

    def write_json(self, name: str, value: Any) -> None:
        self.write_bytes(name, canonical(value).encode())

    def read_json(self, name: str) -> Any:
        return json.loads(self.read_bytes(name))

    def write_tensors(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        from safetensors.numpy import save

        whole = {key: np.asarray(value, order="C") for key, value in tensors.items()}
        self.write_bytes(name, save(whole))
