"""The workspace: artefacts with manifests, atomic, resumable, content-addressed.

A stage writes into `WORKSPACE/<stage>/<digest>/`. The digest is of the *key*: the part of the
configuration that the artefact depends on, the digests of its inputs and the stage's version. The
same key twice costs nothing, and a changed encoder recomputes only what depends on it.

    draft = store.begin("extract", key)         # an earlier draft of this key is continued
    if not draft.has("vectors.npy"): draft.write_array("vectors.npy", vectors)
    artefact = draft.commit(n_items=len(vectors))
    store.find("extract", key).array("vectors.npy")

A draft is the folder `<stage>/<digest>.partial/`. `commit` writes `manifest.json` last and renames
the folder; a folder without a manifest is never taken for finished. An object store has no
rename: there the draft is copied, with the manifest last, and then removed. If a run is killed in
between, the next run finds the whole draft again.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import MissingArtefact, UserError
from core.files import Files, ReadableFiles, canonical, open_root

SCHEMA_VERSION = 1
CODE_VERSION = "0.1.0"
MANIFEST = "manifest.json"


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


class Artefact(ReadableFiles):
    """A finished artefact, read-only."""

    def __init__(self, store: "Store", stage: str, digest: str, manifest: dict[str, Any]) -> None:
        super().__init__(store._opened, f"{stage}/{digest}")
        self.store, self.stage, self.digest, self.manifest = store, stage, digest, manifest

    def has(self, name: str) -> bool:
        return name in self.manifest["files"]


class Draft(Files):
    """An artefact being written. Every file that `has` finds is complete and can be kept."""

    def __init__(self, store: "Store", stage: str, key: Mapping[str, Any]) -> None:
        self.store, self.stage, self.key, self.digest = store, stage, dict(key), digest(key)
        self.started = time.time()
        super().__init__(store._opened, f"{stage}/{self.digest}.partial")

    def commit(self, **facts: Any) -> Artefact:
        """Write the manifest with `facts` (row counts, the weights' sha256, …) and finish.

        Raises
        ------
        UserError
            The finished artefact cannot be read back.
        """
        sizes = self.sizes("")
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
        final = Files(self._opened, f"{self.stage}/{self.digest}")
        if self.local:
            self.write_json(MANIFEST, manifest)
            if os.path.isdir(final._at("")):  # a damaged artefact of the same key
                shutil.rmtree(final._at(""))
            os.replace(self._at(""), final._at(""))
        else:
            for name in manifest["files"]:
                with self._reaching(name):
                    self._opened.fs.cp_file(self._at(name), final._at(name))
            final.write_json(MANIFEST, manifest)
            self.store.remove(self.folder)
        artefact = self.store.open(self.stage, self.digest)
        if artefact is None:
            raise UserError(
                f"The artefact {final.folder} could not be read back after it was written: check "
                "the disk, then run the same command again."
            )
        return artefact


class Store(Files):
    """A workspace: a folder or an object-store prefix.

    Parameters
    ----------
    root : str or Path
        A folder (made when absent) or an fsspec URL such as `s3://bucket/prefix`.

    Raises
    ------
    UserError
        The URL's driver is unknown or not installed.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(open_root(root))

    def below(self, folder: str) -> Files:
        """The files below a folder, for instance of a draft that another process writes."""
        return Files(self._opened, folder)

    def find(self, stage: str, key: Mapping[str, Any]) -> Artefact | None:
        """The finished artefact of this key, or None."""
        return self.open(stage, digest(key))

    def open(self, stage: str, digest_: str) -> Artefact | None:
        """The finished artefact of this digest, or None when it is absent or unfinished."""
        folder = f"{stage}/{digest_}"
        try:
            manifest = self.json(f"{folder}/{MANIFEST}")
        except (MissingArtefact, json.JSONDecodeError):
            return None
        if manifest.get("schema_version") != SCHEMA_VERSION:
            return None
        present = self.sizes(folder)
        if any(present.get(name) != size for name, size in manifest["files"].items()):
            return None
        return Artefact(self, stage, digest_, manifest)

    def need(self, stage: str, digest_: str) -> Artefact:
        """The finished artefact of this digest.

        Raises
        ------
        MissingArtefact
            It is absent or incomplete.
        """
        found = self.open(stage, digest_)
        if found is None:
            raise MissingArtefact(
                f"The artefact {stage}/{digest_} is gone: run the same command again."
            )
        return found

    def begin(self, stage: str, key: Mapping[str, Any]) -> Draft:
        """Start or continue the artefact of this key."""
        return Draft(self, stage, key)
