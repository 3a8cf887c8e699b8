"""Files of the workspace, in a folder or an object store, whole or not there.

Every file is written under a temporary name and renamed, or sent as a whole, so a file that is
there is complete. Formats: `.npy` vectors (memory-mapped when read from a folder), Parquet
tables, safetensors networks. Nothing is ever pickled. `core.store` keeps artefacts in them.
"""

import contextlib
import io
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import fsspec
import numpy as np
import pandas as pd

from core.errors import MediaError, MissingArtefact, UserError


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


class Files:
    """The files below one root.

    Parameters
    ----------
    root : str or Path
        A folder (made when absent) or an fsspec URL such as `s3://bucket/prefix`.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        # What other machines write must be seen at once: no listing is kept.
        options = {"use_listings_cache": False} if "://" in self.root else {}
        try:
            self.fs, self.base = fsspec.core.url_to_fs(self.root, **options)
        except ImportError as error:
            if not self.root.startswith(("s3://", "s3a://")):
                raise UserError(
                    f"The workspace {self.root!r} cannot be opened ({error}): give a folder, or a "
                    "URL whose fsspec driver is installed."
                ) from error
            raise UserError(
                "s3fs is not installed, and the workspace is on S3: run "
                "`.venv/bin/pip install -r requirements-ray.txt`."
            ) from error
        except ValueError as error:
            raise UserError(
                f"The workspace {self.root!r} cannot be opened ({error}): give a folder, or a URL "
                "whose fsspec driver is installed."
            ) from error
        self.local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else ())

    def _at(self, name: str) -> str:
        return f"{self.base.rstrip('/')}/{name}"

    def address(self, name: str) -> str:
        """Where a file lies: its absolute path, or its URL."""
        return self._at(name) if self.local else str(self.fs.unstrip_protocol(self._at(name)))

    @contextlib.contextmanager
    def _reaching(self, name: str) -> Iterator[None]:
        """Every way in which a far workspace can fail, as one sentence; absence stays what it is.

        Drivers raise errors of their own kinds (botocore's, aiohttp's, ...), without a common base.
        """
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, UserError):
            raise
        except Exception as error:
            if self.local:
                raise
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise UserError(
                f"The workspace {self.root} does not give or take {name} ({reason}): check its "
                "address, the network and your credentials, then run the same command again; "
                "nothing finished is lost."
            ) from error

    def exists(self, name: str) -> bool:
        with self._reaching(name):
            return bool(self.fs.exists(self._at(name)))

    def names(self, folder: str) -> list[str]:
        """The names directly below a folder of the workspace, sorted; empty when absent."""
        try:
            with self._reaching(folder):
                found = self.fs.ls(self._at(folder), detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every finished file below a folder (temporaries left out)."""
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
            with self._reaching(folder):
                listing = self.fs.find(base, detail=True, refresh=True)
            start = len(self.fs._strip_protocol(base).rstrip("/")) + 1
            found = {path[start:]: entry["size"] for path, entry in listing.items()}
        return {name: size for name, size in sorted(found.items()) if ".tmp-" not in name}

    def read_bytes(self, name: str) -> bytes:
        with self._reading(name):
            return bytes(self.fs.cat_file(self._at(name)))

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Absence, too, as one sentence."""
        try:
            with self._reaching(name):
                yield
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
        """A file open for writing under a temporary name, renamed when the block ends well.

        For an object store it is a local one, sent as a whole in the end: closing a half-written
        remote file would publish it.
        """
        target = self._at(name)
        try:
            if not self.local:
                with tempfile.NamedTemporaryFile() as file:
                    yield file
                    file.flush()
                    with self._reaching(name):
                        self.fs.put_file(file.name, target)
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

    def rename_folder(self, source: str, target: str) -> None:
        """Give a folder of this machine its name, in place of a damaged one that bears it."""
        if os.path.isdir(self._at(target)):
            shutil.rmtree(self._at(target))
        os.replace(self._at(source), self._at(target))

    def copy(self, source: str, target: str) -> None:
        """Copy a file of an object store within it."""
        with self._reaching(source):
            self.fs.cp_file(self._at(source), self._at(target))

    def remove(self, name: str) -> None:
        """Delete a file or folder; nothing happens when it is absent."""
        if self.exists(name):
            with self._reaching(name):
                self.fs.rm(self._at(name), recursive=True)

    def read_table(
        self, name: str, columns: list[str] | None = None, where: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """A table; of `where` the rows with these values alone, by groups of rows, so that a
        part of a large table is read without the rest."""
        filters = [(column, "==", value) for column, value in (where or {}).items()]
        with self._reading(name), self.fs.open(self._at(name), "rb") as file:
            return pd.read_parquet(file, columns=columns, filters=filters or None)

    def write_table(
        self, name: str, frame: pd.DataFrame, row_group_size: int | None = None
    ) -> None:
        """A table; rows that are read together may be kept in groups of `row_group_size`."""
        with self._writing(name) as file:
            frame.to_parquet(file, index=False, row_group_size=row_group_size)

    def write_array(self, name: str, array: np.ndarray) -> None:
        with self._writing(name) as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    def write_blocks(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]
    ) -> None:
        """An array of a known shape from blocks of its rows in order, one at a time in memory.

        Raises `ValueError` when the blocks do not make up that array; nothing is written then.
        """
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        header = {"descr": descr, "fortran_order": False, "shape": tuple(shape)}
        n_rows = 0
        with self._writing(name) as file:
            np.lib.format.write_array_header_2_0(file, header)
            for block in blocks:
                if block.dtype != dtype or block.shape[1:] != tuple(shape[1:]):
                    raise ValueError(
                        f"{name}: a block of {block.dtype} {block.shape}, expected {dtype} {shape}"
                    )
                file.write(np.ascontiguousarray(block).tobytes())
                n_rows += len(block)
            if n_rows != shape[0]:
                raise ValueError(f"{name}: blocks of {n_rows} rows in all, expected {shape[0]}")

    def join_arrays(self, name: str, parts: Sequence[str]) -> None:
        arrays = [self.read_array(part) for part in parts]
        shape = (sum(len(array) for array in arrays), *arrays[0].shape[1:])
        self.write_blocks(name, shape, arrays[0].dtype, arrays)

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
