"""What every encoder is made of: its card, its protocol, and the preprocessing they share.

An encoder is a frozen function from decoded media to native vectors. It owns its preprocessing:
callers hand it seconds of sound or pictures and nothing else. *Same input, same vector*: alone or
in a batch, first call or tenth, from one thread or several.

    audio   (rate_hz,) float32 mono, one second at the card's rate, about [-1, 1]
    image   (height, width, 3) uint8 RGB, any size

The steps here work on one thing at a time. That costs nothing beside the networks, and a vector
cannot depend on its neighbours in a batch.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

Modality = Literal["audio", "image", "text"]


@dataclass(frozen=True)
class WeightsFile:
    """One file of weights.

    name : the file's name in a weights folder
    address : where it comes from; the file itself when `fetchable`, else its publisher's page
    sha256 : of the build this encoder was checked with, None where unknown
    size : of that build, in bytes, None where unknown
    aliases : other names under which the same network is handed around
    fetchable : whether `address` is the file itself, so that it can be downloaded
    """

    name: str
    address: str
    sha256: str | None = None
    size: int | None = None
    aliases: tuple[str, ...] = ()
    fetchable: bool = True


@dataclass(frozen=True)
class Card:
    """What is known of an encoder without loading it.

    dim : length of its vectors
    parameters : how many trained numbers it has up to that vector, 0 when nothing is trained
    rate_hz, window_s : the sample rate it wants and how much of a second it hears (audio)
    size_px : side of the square it sees (image)
    version : raised whenever the same input gives another vector; part of cache keys
    """

    name: str
    modality: Modality
    dim: int
    title: str
    licence: str
    citation: str
    parameters: int
    rate_hz: int | None = None
    window_s: float | None = None
    size_px: int | None = None
    weights: tuple[WeightsFile, ...] = ()
    version: int = 1


class Encoder(Protocol):
    """A loaded encoder: its card, the sum of its weights, and `embed`."""

    @property
    def card(self) -> Card: ...

    @property
    def weights_sha256(self) -> str | None: ...

    def embed(self, media: Sequence[np.ndarray]) -> np.ndarray:
        """`(n, dim)` float32, one row for each of the `n` media, `(0, dim)` for none.

        May be called from several threads at once. Raises ValueError when something is not
        shaped as this module's docstring says.
        """
        ...


def embed_each(
    vector_of: Callable[[np.ndarray], np.ndarray],
    media: Sequence[np.ndarray],
    dim: int,
    n_threads: int,
) -> np.ndarray:
    """`(n, dim)` float32: `vector_of` each of `media`, on `n_threads` threads, in order."""
    vectors = np.empty((len(media), dim), np.float32)

    def fill(rows: range) -> None:
        for row in rows:
            vectors[row] = vector_of(media[row])

    n_workers = min(n_threads, len(media))
    if n_workers < 2:
        fill(range(len(media)))
    else:
        shares = [range(start, len(media), n_workers) for start in range(n_workers)]
        with ThreadPoolExecutor(n_workers) as pool:
            list(pool.map(fill, shares))
    return vectors


def fit_length(samples: np.ndarray, n_samples: int) -> np.ndarray:
    """`(n_samples,)` float32: the middle of a longer sound; a shorter one with zeros after it.

    Raises ValueError when `samples` is not one-dimensional.
    """
    if samples.ndim != 1:
        raise ValueError(f"expected mono samples of shape (n,), found {samples.shape}")
    samples = samples.astype(np.float32, copy=False)
    spare = len(samples) - n_samples
    if spare < 0:
        return np.pad(samples, (0, -spare))
    return samples[spare // 2 : spare // 2 + n_samples]


def letterbox(picture: np.ndarray, size_px: int) -> np.ndarray:
    """`(size_px, size_px, 3)` uint8: the whole picture, undistorted, its edge pixels carried on.

    Nothing is cut off (the bell of a trombone is at the rim of the frame), nothing is squeezed,
    and the carried-on edge draws no line that the picture does not have. With MobileNet V2, 30
    photographs of 12 instruments that are not square had a nearest neighbour, among 360, of their
    own instrument for 0.97; with grey bars 0.90, cropped to the middle 0.93, squeezed 0.83.

    Raises ValueError when `picture` is not `(height, width, 3)` uint8 with at least one pixel.
    """
    from PIL import Image

    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"expected a picture of shape (h, w, 3), found {picture.shape}")
    if picture.dtype != np.uint8:
        raise ValueError(f"expected a picture of uint8, found {picture.dtype}")
    height, width = picture.shape[:2]
    scale = size_px / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(picture))
    resized = np.asarray(image.resize(inner, Image.Resampling.BILINEAR, reducing_gap=3.0))
    x, y = size_px - inner[0], size_px - inner[1]
    if not (x or y):
        return resized
    margins = ((y // 2, y - y // 2), (x // 2, x - x // 2), (0, 0))
    return np.pad(resized, margins, mode="edge")
