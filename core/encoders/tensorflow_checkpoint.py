"""TensorFlow checkpoints read with NumPy: an `.index` file and a `.data-00000-of-00001` file.

The index is an uncompressed table of LevelDB: a footer points to a block of blocks, which points to
blocks of entries. An entry is the name of a variable and a protocol buffer message
(`BundleEntryProto`): its type, its shape, and the place of its values in the data file. Variables
of other types than float32 are skipped.

    shapes = {"conv2d/kernel": (7, 38, 1, 204)}
    tensorflow_checkpoint.read(index, data, card, shapes)["conv2d/kernel"]  # float32
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from core.encoders.base import Card, checked, content_of, refusal

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")  # the last bytes of every table
FOOTER_BYTES = 48
TRAILER_BYTES = 5  # after each block: its compression (0 for none) and its checksum
FLOAT32 = 1  # `DT_FLOAT`
DTYPE, SHAPE, SHARD, OFFSET, SIZE = 1, 2, 3, 4, 5  # fields of a `BundleEntryProto`

Message = dict[int, list[int | bytes]]


def read(
    index: Path, data: Path, card: Card, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The float32 variables that `shapes` names; others are ignored.

    Raises UserError when one of the files cannot be read, is damaged or is another network's.
    """
    table, values = (content_of(path, refusal(path, card)) for path in (index, data))
    refuse = refusal(index, card)
    if len(table) < FOOTER_BYTES or not table.endswith(MAGIC):
        raise refuse("is no index of a TensorFlow checkpoint, or a cut-off one")
    try:
        entries = {name: entry for name, entry in _entries_of(table) if name in shapes}
        places = {name: place for name, entry in entries.items() if (place := _place(entry))}
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise refuse("is a damaged index of a TensorFlow checkpoint") from error
    found = {}
    for name, (start, n_bytes, shape) in places.items():
        if start + n_bytes > len(values):
            raise refusal(data, card)(
                f"is cut off: {name} ends at byte {start + n_bytes:,} of {len(values):,}"
            )
        found[name] = np.frombuffer(values, "<f4", n_bytes // 4, start).reshape(shape)
    return checked(found, shapes, refuse)


def _entries_of(table: bytes) -> Iterator[tuple[str, Message]]:
    """Names and messages of all variables."""
    footer = len(table) - FOOTER_BYTES
    *_, after_meta = _handle(table, footer)
    start, size, _ = _handle(table, after_meta)
    for _, handle in _pairs(_block(table, start, size)):
        start, size, _ = _handle(handle, 0)
        for name, entry in _pairs(_block(table, start, size)):
            if name:  # the empty name is that of the header
                yield name.decode(), _message(entry)


def _place(entry: Message) -> tuple[int, int, tuple[int, ...]] | None:
    """Start, bytes and shape of a variable in the data file; None if it is not float32."""
    if entry.get(DTYPE) != [FLOAT32]:
        return None
    start, n_bytes, shard = (_integer(entry, field) for field in (OFFSET, SIZE, SHARD))
    dimensions = _message(_bytes(entry.get(SHAPE, [b""])[0])).get(2, [])
    shape = tuple(_integer(_message(_bytes(each)), 1) for each in dimensions)
    if shard or n_bytes != 4 * math.prod(shape):
        raise ValueError("several data files, or a shape that does not fit its bytes")
    return start, n_bytes, shape


def _block(table: bytes, start: int, size: int) -> bytes:
    if start + size + TRAILER_BYTES > len(table) or table[start + size] != 0:
        raise ValueError("a block that is cut off or compressed")
    return table[start : start + size]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values; a key is stored without the start that it shares with the one before."""
    n_restarts = int.from_bytes(block[-4:], "little")
    end, position, key = len(block) - 4 - 4 * n_restarts, 0, b""
    while position < end:
        n_shared, position = _varint(block, position)
        n_own, position = _varint(block, position)
        n_value, position = _varint(block, position)
        if position + n_own + n_value > end:
            raise ValueError("an entry that is cut off")
        key = key[:n_shared] + block[position : position + n_own]
        position += n_own
        yield key, block[position : position + n_value]
        position += n_value


def _message(message: bytes) -> Message:
    """The values of a protocol buffer message by the number of their field."""
    found: Message = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = _varint(message, position)
            found.setdefault(number, []).append(value)
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            size, position = _varint(message, position)
        if position + size > len(message):
            raise ValueError("a field that is cut off")
        found.setdefault(number, []).append(message[position : position + size])
        position += size
    return found


def _integer(message: Message, number: int) -> int:
    """A field that is an integer; zero is not stored."""
    value = message.get(number, [0])[0]
    if not isinstance(value, int):
        raise TypeError("bytes in place of an integer")
    return value


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("an integer in place of bytes")
    return value


def _handle(table: bytes, position: int) -> tuple[int, int, int]:
    """Start and size of a block, and the position after them."""
    start, position = _varint(table, position)
    size, position = _varint(table, position)
    return start, size, position


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """An integer of 7 bits a byte, lowest first, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
