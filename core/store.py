"""The workspace: artefacts with manifests, atomic, resumable, content-addressed.

A stage writes into `WORKSPACE/<stage>/<digest>/`. The digest is of the *key*: the part of the
configuration that the artefact depends on, the digests of its inputs and the stage's version. The
same key twice costs nothing, and a changed encoder recomputes only what depends on it.

    draft = store.begin("extract", key)         # an earlier draft of this key is continued
    if not draft.has("vectors.npy"): draft.write_array("vectors.npy", vectors)
    artefact = draft.commit(n_items=len(vectors))
    store.find("extract", key).array("vectors.npy")

The manifest has the size and the checksum of every file. A file is checked when a process opens it
for the first time; what does not agree raises `Damaged`. The manifest has a checksum of itself.

A draft is the folder `<stage>/<digest>.partial/`. `commit` writes `manifest.json` last and renames
the folder; a folder without a manifest is never taken for finished. An object store has no
rename: there the draft is copied, with the manifest last, and then removed. If a run is killed in
between, the next run finds the whole draft again.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import Damaged, MissingArtefact, UserError, shown
from core.files import Files, ReadableFiles, canonical, open_root

SCHEMA_VERSION = 1
CODE_VERSION = "0.1.0"
MANIFEST = "manifest.json"
PARTIAL = ".partial"  # the end of a draft's folder
SUM = "sum"  # of a JSON file, in itself


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with a checksum of themselves; `read_sealed` reads them back."""
    return {**values, SUM: digest(values)}


def read_sealed(store: "Store", name: str) -> dict[str, Any]:
    """The values of a sealed JSON file. Without a checksum (written earlier) they are taken as is.

    Raises
    ------
    MissingArtefact
        There is no such file.
    Damaged
        It is not what was written.
    """
    content = store.read_bytes(name)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise damaged(store, name, "it is not a JSON object")
    if values.pop(SUM, None) not in (None, digest(values)):
        raise damaged(store, name, "its content is not what was written")
    return values


def damaged(store: ReadableFiles, file: str, what: str) -> Damaged:
    """The error about a file of the workspace, with the command that mends it."""
    return Damaged(
        f"{file} in the workspace {store.root} is damaged ({what}): run "
        f"`python -m precompute check --workspace {store.root} --repair` to make it again."
    )


_sound: dict[str, tuple[Any, ...]] = {}  # files checked by this process: address -> sum and state


class Artefact(ReadableFiles):
    """A finished artefact, read-only."""

    def __init__(self, store: "Store", stage: str, digest: str, manifest: dict[str, Any]) -> None:
        super().__init__(store._opened, f"{stage}/{digest}")
        self.store, self.stage, self.digest, self.manifest = store, stage, digest, manifest

    def has(self, name: str) -> bool:
        return name in self.manifest["files"]

    def check(self, name: str) -> None:
        """Compare a file with its checksum, unless this process has done so since it was changed.

        Raises
        ------
        Damaged
            The file is absent or not what was written.
        """
        expected = self.manifest.get("sums", {}).get(name)
        if expected is None:
            return
        address = self.address(name)
        try:
            state = (expected, *self._state(name))
            if _sound.get(address) == state:
                return
            found = self.checksum(name)
        except FileNotFoundError as error:
            raise damaged(self, self.path(name), "it is missing") from error
        if found != expected:
            raise damaged(self, self.path(name), "its content is not what was written")
        _sound[address] = state

    def problems(self) -> dict[str, str]:
        """What is wrong with its files, by name; every file is read."""
        found = {}
        for name in self.manifest["files"]:
            try:
                self.check(name)
            except Damaged as error:
                found[name] = str(error)
        return found

    def _state(self, name: str) -> tuple[int, ...]:
        if not self.local:
            return ()
        found = os.stat(self._at(name))
        return found.st_size, found.st_mtime_ns, found.st_ino

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Check the file first; what cannot be read although it should be there is damage."""
        known = self.has(name)
        self.check(name)
        try:
            with super()._reading(name):
                yield
        except MissingArtefact as error:
            raise (damaged(self, self.path(name), "it is missing") if known else error) from error
        except UserError:
            raise
        except Exception as error:  # the readers of four formats raise errors of many kinds
            raise damaged(
                self, self.path(name), f"it cannot be read: {shown(str(error))}"
            ) from error


class Draft(Files):
    """An artefact being written. Every file that `has` finds is complete and can be kept."""

    def __init__(self, store: "Store", stage: str, key: Mapping[str, Any]) -> None:
        self.store, self.stage, self.key, self.digest = store, stage, dict(key), digest(key)
        self.started = time.monotonic()
        super().__init__(store._opened, f"{stage}/{self.digest}{PARTIAL}")

    def commit(self, **facts: Any) -> Artefact:
        """Write the manifest with `facts` (row counts, the weights' sha256, …) and finish.

        Raises
        ------
        UserError
            The finished artefact cannot be read back.
        """
        sizes = self.sizes("")
        names = [name for name in sizes if name != MANIFEST]
        values = {
            "schema_version": SCHEMA_VERSION,
            "code_version": CODE_VERSION,
            "stage": self.stage,
            "digest": self.digest,
            "key": json.loads(canonical(self.key)),
            "files": {name: sizes[name] for name in names},
            "sums": {name: self.checksum(name) for name in names},
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "wall_s": round(time.monotonic() - self.started, 3),
            **facts,
        }
        manifest = sealed(json.loads(canonical(values)))
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
        """The finished artefact of this key, or None when it is absent or damaged.

        In a folder the content of its files is checked, on an object store their sizes.
        """
        try:
            found = self.open(stage, digest(key))
            if found is not None and self.local:
                for name in found.manifest["files"]:
                    found.check(name)
        except Damaged:
            return None
        return found

    def open(self, stage: str, digest_: str) -> Artefact | None:
        """The finished artefact of this digest, or None when it is absent.

        Raises
        ------
        Damaged
            Its manifest is absent or damaged, or a file has another size.
        """
        folder = f"{stage}/{digest_}"
        at = f"{folder}/{MANIFEST}"
        present = self.sizes(folder)
        if MANIFEST not in present:
            if present and self.local:  # a copy into an object store ends with the manifest
                raise damaged(self, at, "it is missing")
            return None
        manifest = read_sealed(self, at)
        if manifest.get("schema_version") != SCHEMA_VERSION:
            return None
        if not isinstance(manifest.get("files"), dict) or manifest.get("digest") != digest_:
            raise damaged(self, at, "it is not the manifest of this artefact")
        for name, size in manifest["files"].items():
            if present.get(name) != size:
                what = f"it has {present[name]:,} bytes, not {size:,}" if name in present else ""
                raise damaged(self, f"{folder}/{name}", what or "it is missing")
        return Artefact(self, stage, digest_, manifest)

    def sums(self, stage: str, digest_: str) -> dict[str, str] | None:
        """The checksums in an artefact's manifest; None if it is damaged or has none."""
        try:
            sums = read_sealed(self, f"{stage}/{digest_}/{MANIFEST}").get("sums")
        except (MissingArtefact, Damaged):
            return None
        return sums if isinstance(sums, dict) else None

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
