"""The files of a WebGL map: coordinates, classes and columns as small numbers, for a browser.

A file has a header of 32 bytes, its SHA-256 digest, and then its arrays, little-endian. Row i is
the same item in all files of one set of items. The rows are shuffled once (`shuffled`), so that
the first k of them are a fair sample and no class or modality covers another.

=========  ===========================================================  ======================
file       arrays                                                       bytes per point
=========  ===========================================================  ======================
`places`   (n, 2 or 3) uint16, 0 to 65535 along the longest axis        4 or 6
`items`    class uint8 (uint16 of more than 255 classes), 0 for none;   2 or 3
           kind uint8: modality + 4 x subset
`column`   (n,) uint8 or uint16: the row in `values`, or a number from  1 or 2
           0 to 254 on the scale, 255 for none
`rows`     uint32 row numbers, for pairs                                4 a row
=========  ===========================================================  ======================
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.figures.map_points import MapPoints

TOP = 65_535
STEPS = 255  # of a scale of numbers; the code 255 means no value
MOST_VALUES = 200  # of a column of names: further ones are called "other"


@dataclass(frozen=True)
class MapFile:
    """Bytes for a browser, and their digest in hexadecimal."""

    content: bytes
    digest: str


@dataclass(frozen=True)
class Column:
    """A column as codes: a name for each code (`values`), or numbers from `low` to `high`."""

    file: MapFile
    wide: bool
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0


def shuffled(n: int) -> np.ndarray:
    """`(n,) int64`: the rows of n points in the order of the files, the same at every call."""
    return np.random.default_rng(0).permutation(n)


def pack(*arrays: np.ndarray, also: bytes = b"") -> MapFile:
    """A file of these arrays; `also` changes its digest, but is not in it."""
    body = b"".join(np.ascontiguousarray(one).tobytes() for one in arrays)
    head = hashlib.sha256(body + also).digest()
    return MapFile(head + body, head.hex()[:24])


def places(points: MapPoints) -> tuple[MapFile, list[float]]:
    """The coordinates, and how far they extend along each axis, of 1 along the longest."""
    xyz = points.xyz[shuffled(len(points))].astype(np.float64)
    low = xyz.min(axis=0) if len(xyz) else np.zeros(points.n_dims)
    extent = (xyz.max(axis=0) - low) if len(xyz) else np.ones(points.n_dims)
    longest = max(float(extent.max()), 1e-9)
    found = np.round((xyz - low) / longest * TOP).astype("<u2")
    return pack(found), np.maximum(extent / longest, 1e-3).tolist()


def on_map(points: MapPoints, place: np.ndarray) -> list[float]:
    """A place `(n_dims,)` of the stored map in the units of `places`, 0 to 1."""
    bounds = points.bounds
    if bounds is None:
        return [0.5] * points.n_dims
    return ((np.asarray(place, dtype=float) - bounds[0]) * on_map_scale(points)).tolist()


def on_map_scale(points: MapPoints) -> float:
    """How many units of `places` a unit of the stored map is."""
    bounds = points.bounds
    return 1.0 / max(float((bounds[1] - bounds[0]).max()), 1e-9) if bounds is not None else 1.0


def items(points: MapPoints, modalities: Sequence[str], subsets: Sequence[str]) -> MapFile:
    """Class, modality and subset of every point; the digest depends on the items too.

    `modalities` (at most 4) and `subsets` (at most 32) name the codes.
    """
    order = shuffled(len(points))
    wide = is_wide(int(points.class_row.max(initial=0)) + 1)
    kind = pd.Index(modalities).get_indexer(points.modality) + 4 * pd.Index(subsets).get_indexer(
        points.subset
    )
    return pack(
        (points.class_row[order] + 1).astype("<u2" if wide else "u1"),
        kind[order].astype("u1"),
        also=hashlib.sha256("\n".join(points.item_ids).encode()).digest(),
    )


def is_wide(most: int) -> bool:
    """Whether codes up to `most` need two bytes."""
    return most > TOP >> 8


def column(values: pd.Series) -> Column:
    """A column in the order of the points: numbers on a scale, everything else by name."""
    order = shuffled(len(values))
    numbers = pd.to_numeric(values, errors="coerce") if not _is_bool(values) else None
    if numbers is not None and numbers.notna().sum() == values.notna().sum() > 0:
        low, high = float(numbers.min()), float(numbers.max())
        if numbers.nunique() > 2:
            share = (numbers.to_numpy(dtype=float) - low) / max(high - low, 1e-12)
            codes = np.where(np.isnan(share), STEPS, np.round(share * (STEPS - 1)))
            return Column(pack(codes[order].astype("u1")), wide=False, low=low, high=high)
    text = values.map(lambda value: "none" if _is_missing(value) else str(value))
    names = list(text.value_counts().index)
    if len(names) > MOST_VALUES:
        names = [*names[:MOST_VALUES], "other"]
    codes = pd.Index(names).get_indexer(text)
    codes = np.where(codes < 0, len(names) - 1, codes)
    return Column(pack(codes[order].astype("u1")), wide=False, values=tuple(names))


def _is_bool(values: pd.Series) -> bool:
    return bool(values.map(lambda value: isinstance(value, bool)).any())


def _is_missing(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def row_pairs(item_ids: np.ndarray, one: Sequence[str], other: Sequence[str]) -> np.ndarray:
    """`(k, 2) uint32`: the rows of both items of each pair, of pairs with both on the map.

    The pairs are shuffled too.
    """
    index = pd.Index(item_ids[shuffled(len(item_ids))])
    rows = np.stack([index.get_indexer(pd.Index(one)), index.get_indexer(pd.Index(other))], axis=1)
    rows = rows[(rows >= 0).all(axis=1)]
    return rows[shuffled(len(rows))].astype("<u4")


def rows_of_bits(bits: bytes, n: int) -> np.ndarray:
    """The rows with a 1 in a packed mask, the first row in the highest bit of the first byte.

    Raises `ValueError` where the mask is not of n rows.
    """
    packed = np.frombuffer(bits, dtype=np.uint8)
    if len(packed) != -(-n // 8):
        raise ValueError(f"{len(packed)} bytes: expected {-(-n // 8)} for {n} rows")
    return np.flatnonzero(np.unpackbits(packed, count=n))


def bits_of_rows(rows: np.ndarray, n: int) -> bytes:
    """The packed mask of n rows with a 1 at these."""
    mask = np.zeros(n, dtype=np.uint8)
    mask[rows] = 1
    return np.packbits(mask).tobytes()
