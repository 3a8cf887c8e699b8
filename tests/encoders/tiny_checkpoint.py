"""TensorFlow checkpoints, written without TensorFlow, and random weights of `musicnn` in one.

The layout is TensorFlow's: blocks of entries with shared starts of names, a block of blocks, a
footer. Checksums are zeros.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from core.encoders import musicnn

N_PER_BLOCK = 20
DTYPES = {"float32": 1, "int32": 3, "int64": 9}
HEADER = bytes([0x08, 0x01])  # one data file


def folder(path: Path) -> Path:
    """`path` filled with a random network for every encoder of a checkpoint."""
    save(path / "MTT_musicnn", musicnn_variables(np.random.default_rng(0)))
    return path


def save(path: Path, variables: Mapping[str, np.ndarray]) -> None:
    """Write `.index` and `.data-00000-of-00001` into the folder `path`."""
    path.mkdir(parents=True, exist_ok=True)
    data, entries = b"", [(b"", HEADER)]
    for name, array in sorted(variables.items()):
        entries.append((name.encode(), _entry(array, len(data))))
        data += array.tobytes()
    (path / ".index").write_bytes(_table(entries))
    (path / ".data-00000-of-00001").write_bytes(data)


def musicnn_variables(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What `musicnn.shapes` lists, and a counter."""
    found: dict[str, np.ndarray] = {}
    for name, shape in musicnn.shapes().items():
        if len(shape) > 1:
            values = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))
        elif name.endswith(("gamma", "variance")):
            values = rng.uniform(0.5, 1.5, shape)
        else:
            values = rng.normal(0, 0.2, shape)
        found[name] = values.astype(np.float32)
    found["global_step"] = np.array(7, np.int32)
    return found


def _entry(array: np.ndarray, offset: int) -> bytes:
    dimensions = b"".join(_field(2, _number(1, size)) for size in array.shape)
    return b"".join(
        [
            _number(1, DTYPES[array.dtype.name]),
            _field(2, dimensions),
            _number(4, offset) if offset else b"",
            _number(5, array.nbytes),
            b"\x35" + bytes(4),  # the checksum, of four bytes
        ]
    )


def _table(entries: list[tuple[bytes, bytes]]) -> bytes:
    table, handles = b"", []
    for start in range(0, len(entries), N_PER_BLOCK):
        part = entries[start : start + N_PER_BLOCK]
        block = _block(part)
        handles.append((part[-1][0], _varint(len(table)) + _varint(len(block))))
        table += block + bytes(5)
    footer = b""
    for block in (_block([]), _block(handles)):
        footer += _varint(len(table)) + _varint(len(block))
        table += block + bytes(5)
    return table + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")


def _block(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    block, before = b"", b""
    for key, value in entries:
        n_shared = next(
            (n for n, (a, b) in enumerate(zip(before, key, strict=False)) if a != b),
            min(len(before), len(key)),
        )
        block += _varint(n_shared) + _varint(len(key) - n_shared) + _varint(len(value))
        block += key[n_shared:] + value
        before = key
    return block + bytes(4) + (1).to_bytes(4, "little")  # one restart, at 0


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = b""
    while value >= 0x80:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])
