"""What every encoder is made of: its card, its protocol, and the preprocessing they share.

An encoder is a frozen function from decoded media to native vectors. It owns its preprocessing:
callers hand it seconds of sound or pictures and nothing else. *Same input, same vector*: alone or
in a batch, first call or tenth, from one thread or several.

    audio   (n,) float32 mono at the card's rate, about [-1, 1]: `hears_s` seconds of it, less when
            the recording is shorter
    image   (height, width, 3) uint8 RGB, any size
    text    str, any length

The steps here work on one thing at a time. That costs nothing beside the networks, and a vector
cannot depend on its neighbours in a batch.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

Modality = Literal["audio", "image", "text"]

N_BATCHES_AHEAD = 2  # prepared while the network works: one would do, were all equally quick


@dataclass(frozen=True)
class WeightsFile:
    """One file of weights.

    name : the file's name in a weights folder; where a network is several files, with the folder
        they share before it ("minilm/model.safetensors")
    address : where it comes from; the file itself when `fetchable`, else its publisher's page
    sha256 : of the build this encoder was checked with, None where unknown
    size : of that build, in bytes, None where unknown
    aliases : other names under which the same network is handed around
    fetchable : whether `address` is the file itself, so that it can be downloaded
    caches : where the publisher's own library keeps it, as patterns (`~/.keras/models/NAME`)
    md5 : where the publisher states that sum and no SHA-256 is known
    unpack : "tar.gz" where `address`, `sha256`, `md5` and `size` are an archive's, whose content
        becomes the folder `name`
    """

    name: str
    address: str
    sha256: str | None = None
    size: int | None = None
    aliases: tuple[str, ...] = ()
    fetchable: bool = True
    caches: tuple[str, ...] = ()
    md5: str | None = None
    unpack: Literal["tar.gz"] | None = None


@dataclass(frozen=True)
class Card:
    """What is known of an encoder without loading it.

    dim : length of its vectors
    parameters : how many trained numbers it has up to that vector, 0 when nothing is trained
    rate_hz, window_s : the sample rate it wants and the length of the window it looks at (audio)
    hears_s : how much of a recording one call of it is handed, in seconds (audio)
    size_px : side of the square it sees (image)
    joint : name of the space that it shares with other encoders as published, "" for none: the
        vectors of two encoders with the same `joint` can be compared as they are
    fitted : whether it is fitted on a study's own items, so that nothing can load it by name alone
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
    hears_s: float = 1.0
    size_px: int | None = None
    joint: str = ""
    fitted: bool = False
    weights: tuple[WeightsFile, ...] = ()
    version: int = 1


class Encoder(Protocol):
    """A loaded encoder: its card, the sum of its weights, and `embed`."""

    @property
    def card(self) -> Card: ...

    @property
    def weights_sha256(self) -> str | None: ...

    def embed(self, media: Sequence[Any]) -> np.ndarray:
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


def embed_batches(
    prepare: Callable[[Any], np.ndarray],
    forward: Callable[[np.ndarray], np.ndarray],
    media: Sequence[Any],
    dim: int,
    batch_size: int,
    n_threads: int,
) -> np.ndarray:
    """`(n, dim)` float32: batches of `media` through a network, in order.

    The next batches are prepared on `n_threads` threads while the network works on one.

    Parameters
    ----------
    prepare : one medium -> an array, of one shape for all; called from several threads
    forward : `(b, ...)`, `b` of those arrays, 1 <= b <= `batch_size` -> `(b, dim)`; called from
        the caller's thread alone, one batch after the other
    dim : of the vectors
    batch_size : how many media the network is handed at once
    n_threads : how many threads prepare

    Raises whatever `prepare` and `forward` raise; what was not yet begun is then not begun.
    """
    vectors = np.empty((len(media), dim), np.float32)
    batches = [
        range(start, min(start + batch_size, len(media)))
        for start in range(0, len(media), batch_size)
    ]
    if len(batches) == 1 and (len(media) == 1 or n_threads < 2):  # there is nothing to overlap
        vectors[:] = forward(np.stack([prepare(one) for one in media]))
        return vectors
    pool = ThreadPoolExecutor(max(1, n_threads))
    try:
        waiting: deque[list[Future[np.ndarray]]] = deque()
        for index in range(len(batches)):
            for ahead in batches[index + len(waiting) : index + 1 + N_BATCHES_AHEAD]:
                waiting.append([pool.submit(prepare, media[row]) for row in ahead])
            prepared = np.stack([each.result() for each in waiting.popleft()])
            vectors[batches[index].start : batches[index].stop] = forward(prepared)
    finally:
        pool.shutdown(cancel_futures=True)
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
