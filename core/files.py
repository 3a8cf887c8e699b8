"""Files of the workspace, in a folder or an object store, whole or absent.

Every file is written under a temporary name and then renamed, or sent in one piece, so a file
that exists is complete. Formats: `.npy` vectors (memory-mapped when read from a folder), Parquet
tables, safetensors networks, JSON. Nothing is pickled.

`ReadableFiles` and `Files` are the files below one folder. The workspace and every artefact
(`core.store`) are such folders; names are relative to them.
"""

import contextlib
import io
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
import numpy as np
import pandas as pd
import xxhash

from core.errors import MediaError, MissingArtefact, UserError, shown

BLOCK = 1 << 20  # bytes read at a time for a checksum
MAX_ADDRESS = 2_000  # characters of a workspace's address


def leaves_root(path: str) -> bool:
    """Whether a path, meant to be below a dataset's root, is absolute or climbs out of it."""
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


def canonical(value: Any) -> str:
    """One JSON text per value: sorted keys, no spaces, dataclasses as their fields."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


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


def _encodable(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


@dataclass(frozen=True)
class Root:
    """A workspace's address, opened: `address` as given, `base` as its file system `fs` writes it.

    `local` is True for a folder of this machine.
    """

    address: str
    fs: Any
    base: str
    local: bool


def open_root(address: str | Path) -> Root:
    """Open a folder or an fsspec URL such as `s3://bucket/prefix`.

    Raises
    ------
    UserError
        The URL's driver is unknown or not installed.
    """
    address = str(address)
    if "\0" in address or len(address) > MAX_ADDRESS or not _encodable(address):
        raise UserError(
            f"The workspace {shown(address)} cannot be an address: expected a folder or a URL of "
            f"at most {MAX_ADDRESS:,} characters in UTF-8."
        )
    # No listing is cached, so files that other machines write are seen at once.
    options = {"use_listings_cache": False} if "://" in address else {}
    try:
        fs, base = fsspec.core.url_to_fs(address, **options)
    except (ImportError, ValueError) as error:
        if isinstance(error, ImportError) and address.startswith(("s3://", "s3a://")):
            raise UserError(
                "s3fs is not installed, and the workspace is on S3: run "
                "`.venv/bin/pip install -r requirements-ray.txt`."
            ) from error
        raise UserError(
            f"The workspace {address!r} cannot be opened ({error}): give a folder, or a URL whose "
            "fsspec driver is installed."
        ) from error
    local = "file" in (fs.protocol if isinstance(fs.protocol, tuple) else ())
    return Root(address, fs, base.rstrip("/"), local)


class ReadableFiles:
    """The files below one folder of a workspace, to read.

    Parameters
    ----------
    opened : Root
        The workspace.
    folder : str
        A folder in it; "" for the workspace itself.
    """

    def __init__(self, opened: Root, folder: str = "") -> None:
        self._opened = opened
        self.folder = folder
        self.root, self.local = opened.address, opened.local

    def path(self, name: str) -> str:
        """A file's name relative to the workspace."""
        return "/".join(part for part in (self.folder, name) if part)

    def address(self, name: str) -> str:
        """A file's absolute path, or its URL."""
        at = self._at(name)
        return at if self.local else str(self._opened.fs.unstrip_protocol(at))

    def _at(self, name: str) -> str:
        return f"{self._opened.base}/{self.path(name)}"

    def has(self, name: str) -> bool:
        with self._reaching(name):
            return bool(self._opened.fs.exists(self._at(name)))

    def names(self, folder: str) -> list[str]:
        """The names directly below a folder, sorted; empty when it is absent."""
        try:
            with self._reaching(folder):
                found = self._opened.fs.ls(self._at(folder), detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every finished file below a folder; temporary files are left out."""
        base = self._at(folder)
        if self.local:
            paths = (os.path.join(at, name) for at, _, names in os.walk(base) for name in names)
            found = {os.path.relpath(path, base): os.path.getsize(path) for path in paths}
        else:
            fs = self._opened.fs
            with self._reaching(folder):
                listing = fs.find(base, detail=True, refresh=True)
            start = len(fs._strip_protocol(base).rstrip("/")) + 1
            found = {path[start:]: entry["size"] for path, entry in listing.items()}
        return {name: size for name, size in sorted(found.items()) if ".tmp-" not in name}

    def read_bytes(self, name: str) -> bytes:
        with self._reading(name):
            return bytes(self._opened.fs.cat_file(self._at(name)))

    def checksum(self, name: str) -> str:
        """XXH3 (128 bits) of a file's content, in hexadecimal.

        It finds accidents, not forgery. It reads 4 GB/s where SHA-256 reads 1 (EXPERIMENTS.md).
        """
        found = xxhash.xxh3_128()
        with self._reaching(name), self._binary(name) as file:
            while block := file.read(BLOCK):
                found.update(block)
        return str(found.hexdigest())

    def _binary(self, name: str) -> IO[bytes]:
        opened = open if self.local else self._opened.fs.open
        file: IO[bytes] = opened(self._at(name), "rb")
        return file

    def json(self, name: str) -> Any:
        with self._reading(name):
            return json.loads(self.read_bytes(name))

    def table(
        self, name: str, columns: list[str] | None = None, where: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """A table, or only its rows with the values of `where`.

        Groups of rows without these values are not read.
        """
        filters = [(column, "==", value) for column, value in (where or {}).items()]
        with self._reading(name), self._binary(name) as file:
            return pd.read_parquet(file, columns=columns, filters=filters or None)

    def array(self, name: str) -> np.ndarray:
        """An array; memory-mapped and read-only when the workspace is a folder."""
        with self._reading(name):
            if self.local:
                array: np.ndarray = np.load(self._at(name), mmap_mode="r", allow_pickle=False)
                return array
            return np.asarray(np.load(io.BytesIO(self.read_bytes(name)), allow_pickle=False))

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        from safetensors.numpy import load

        with self._reading(name):
            return dict(load(self.read_bytes(name)))

    @contextlib.contextmanager
    def _reaching(self, name: str) -> Iterator[None]:
        """Turn every error of a remote workspace into one sentence, except that of absence.

        Drivers raise errors of their own kinds (botocore's, aiohttp's, …) with no common base.
        """
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, FileExistsError, UserError):
            raise
        except Exception as error:
            if self.local:
                raise
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise UserError(
                f"The workspace {self.root} cannot read or write {self.path(name)} ({reason}): "
                "check its address, the network and your credentials, then run the same command "
                "again; no finished work is lost."
            ) from error

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turn absence into one sentence too."""
        try:
            with self._reaching(name):
                yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingArtefact(
                f"The workspace {self.root} has no {self.path(name)}: run `python -m precompute "
                f"all --workspace {self.root}` to make it."
            ) from error


class Files(ReadableFiles):
    """The files below one folder of a workspace, to read and write."""

    def remove(self, name: str) -> None:
        """Delete a file or folder; nothing happens when it is absent."""
        if self.has(name):
            with self._reaching(name):
                self._opened.fs.rm(self._at(name), recursive=True)

    def write_bytes(self, name: str, data: bytes) -> None:
        if self.local:
            with self._writing(name) as file:
                file.write(data)
            return
        with self._saying_why(name), self._reaching(name):
            # Unlike `put_file`, this shows no driver's readers an empty or half-written file.
            self._opened.fs.pipe_file(self._at(name), data)

    def write_json(self, name: str, value: Any) -> None:
        self.write_bytes(name, canonical(value).encode())

    def create_json(self, name: str, value: Any) -> bool:
        """Write a file unless there is one; whether it was written. Of two writers one succeeds."""
        data, target = canonical(value).encode(), self._at(name)
        if not self.local:
            try:
                with self._reaching(name):
                    self._opened.fs.pipe_file(target, data, mode="create")
            except FileExistsError:
                return False
            return True
        whole = f"{name}.tmp-{uuid.uuid4().hex[:8]}"
        self.write_bytes(whole, data)
        try:
            os.link(self._at(whole), target)
        except FileExistsError:
            return False
        finally:
            os.unlink(self._at(whole))
        return True

    def write_table(
        self, name: str, frame: pd.DataFrame, row_group_size: int | None = None
    ) -> None:
        """A table; rows that are read together can be kept in groups of `row_group_size`."""
        with self._writing(name) as file:
            frame.to_parquet(file, index=False, row_group_size=row_group_size)

    def write_tensors(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        from safetensors.numpy import save

        whole = {key: np.asarray(value, order="C") for key, value in tensors.items()}
        self.write_bytes(name, save(whole))

    def write_array(self, name: str, array: np.ndarray) -> None:
        with self._writing(name) as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    def write_blocks(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]
    ) -> None:
        """Write an array from blocks of its rows in order, with one block in memory at a time.

        Raises
        ------
        ValueError
            The blocks do not add up to an array of this shape and dtype; nothing is written.
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
        """Concatenate `(n_i, d)` arrays into one, with one part in memory at a time."""
        arrays = [self.array(part) for part in parts]
        shape = (sum(len(array) for array in arrays), *arrays[0].shape[1:])
        self.write_blocks(name, shape, arrays[0].dtype, arrays)

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[IO[bytes]]:
        """A file open for writing under a temporary name, renamed when the block ends well.

        For an object store it is a local file, sent in one piece at the end: closing a
        half-written remote file would publish it.
        """
        target = self._at(name)
        with self._saying_why(name):
            if not self.local:
                with tempfile.NamedTemporaryFile() as file:
                    yield file
                    file.flush()
                    with self._reaching(name):
                        self._opened.fs.put_file(file.name, target)
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

    @contextlib.contextmanager
    def _saying_why(self, name: str) -> Iterator[None]:
        """Turn a failed write into one sentence."""
        try:
            yield
        except OSError as error:
            raise UserError(
                f"The workspace file {self.path(name)} could not be written "
                f"({error.strerror or error}): make room or check the permissions, then run the "
                "same command again; no finished work is lost."
            ) from error
