"""Damage to bytes and values, drawn by a seeded generator."""

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


# Values that a cell or a field may have by mistake or by malice.
ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1.5, 10**18, 10**400, 1e308, -1e308, float("nan"), float("inf")),
    *("", " ", "0:01", "1,5", "abc", "1e999", "nan", "true", "'", '"', "|", "a|b|a", "{tag}"),
    *("\0", "a\0b", "a" * 300, "a" * 5_000, "é" * 200, "../x", "/etc/passwd", "~", "~nobody/x"),
    *(
        "\ud800",
        "שלום \u202e",
        "<img src=x onerror=alert(1)>",
        "\x1b[31m",
        "audio",
        "text",
        "train",
    ),
    *([], {}, [1], ["a", "b"], ["a", ["b"]], [None], {"a": 1}, {"a": {"b": []}}, [1, "a"]),
    *(b"bytes", datetime.date(2026, 1, 1), decimal.Decimal("1.5"), 1 + 2j, nested(50)),
)


def pick(rng: Rng, values: Sequence[Any]) -> Any:
    return values[int(rng.integers(len(values)))]


def odd(rng: Rng) -> Any:
    return pick(rng, ODD)


def damaged(rng: Rng, content: bytes) -> bytes:
    """The bytes with one to three places cut, flipped, zeroed, doubled or filled with noise."""
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(content) + 1))
        size = int(pick(rng, (1, 2, 8, 64, 1024)))
        content = pick(rng, CHANGES)(rng, content, at, size)
    return content


CHANGES: tuple[Callable[[Rng, bytes, int, int], bytes], ...] = (
    lambda rng, content, at, size: content[:at],
    lambda rng, content, at, size: content[:at] + content[at + size :],
    lambda rng, content, at, size: content[:at] + bytes(size) + content[at + size :],
    lambda rng, content, at, size: content[:at] + rng.bytes(size) + content[at + size :],
    lambda rng, content, at, size: (
        content[:at] + content[at : at + size] * 3 + content[at + size :]
    ),
    lambda rng, content, at, size: content + rng.bytes(size),
    lambda rng, content, at, size: _flipped(content, at, int(rng.integers(8))),
    lambda rng, content, at, size: b"\xff" * min(size, len(content)),
)


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    if at >= len(content):
        return content
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]
