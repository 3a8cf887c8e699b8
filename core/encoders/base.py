"""What every encoder is made of: its card, its protocol, and batches.

An encoder is a frozen function from decoded media to native vectors. It does its own preprocessing.
*Same input, same vector*: alone or in a batch, first call or tenth, from one thread or several.

    audio   (n,) float32 mono at the card's rate, about [-1, 1]: `hears_s` seconds, or fewer when
            the recording is shorter
    image   (height, width, 3) uint8 RGB, any size
    text    str, any length

Media are prepared one at a time. That costs little beside the networks, and a vector cannot depend
on its neighbours in a batch.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np

from core.errors import UserError

Modality = Literal["audio", "image", "text"]
Refuse = Callable[[str], UserError]
T = TypeVar("T")

N_BATCHES_AHEAD = 2  # prepared while the network works; more than one, as batches differ in cost


@dataclass(frozen=True)
class WeightsFile:
    """One file of weights.

    name : the file's name in a weights folder; files of a hub repository have its folder before it
        ("minilm/model.safetensors")
    address : the URL of the file when `fetchable`, else of its publisher's page
    sha256 : of the build this encoder was checked with, None if unknown
    size : of that build, in bytes, None if unknown
    aliases : other names under which the same network is distributed
    fetchable : whether `address` can be downloaded directly
    caches : where the publisher's own library keeps it, as patterns (`~/.keras/models/NAME`)
    md5 : given where the publisher states no SHA-256
    unpack : "tar.gz" where `address`, `sha256`, `md5` and `size` describe an archive, which is
        unpacked to the folder `name`
    tfhub_handle : the model's name for the library `tensorflow_hub`, "" for none
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
    tfhub_handle: str = ""


@dataclass(frozen=True)
class Card:
    """What is known of an encoder without loading it.

    dim : length of its vectors
    parameters : number of trained parameters up to that vector, 0 for none
    rate_hz, window_s : the sample rate and the length of the network's window (audio)
    hears_s : the longest sound that one call takes, in seconds (audio)
    size_px : side of the square that the network sees (image)
    joint : name of the space that it shares with other encoders as published, "" for none; vectors
        of encoders with the same `joint` can be compared directly
    fitted : whether it is fitted on a study's own items and so cannot be loaded by name alone
    weights : the files of the network
    repository : "ORGANISATION/NAME" on the Hugging Face Hub, if that is where all files come from
    version : raised whenever the same input gives another vector; part of cache keys
    tags : names of the tags that the network was trained to score and still scores, in its order
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
    repository: str = ""
    version: int = 1
    tags: tuple[str, ...] = ()


class Encoder(Protocol):
    """A loaded encoder."""

    @property
    def card(self) -> Card: ...

    @property
    def weights_sha256(self) -> str | None: ...

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        """`(n, dim)` float32, one row for each of the `n` media.

        May be called from several threads at once. Raises ValueError when a medium does not have
        the shape and type that this module's docstring gives.
        """
        ...


@runtime_checkable
class TaggingEncoder(Encoder, Protocol):
    """A loaded encoder whose network also scores tags of its own (`Card.tags`)."""

    def embed_and_tag(self, media: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """`(n, dim)` vectors and `(n, t)` scores of its tags within 0 and 1, both float32."""
        ...


@dataclass
class BatchEncoder:
    """An encoder that prepares media on threads and runs a network on batches of them.

    Parameters
    ----------
    card : Card
    prepare : callable
        One medium to an array, of one shape for all. Called from several threads.
    run : callable
        `(b, ...)`, `b` prepared media, to `(b, dim)`. Called from the caller's thread, one batch
        at a time. Where `prepare` already gives the vectors, leave it out.
    weights_sha256 : str, optional
    n_per_batch : int
        The most media that `run` gets at once.
    n_threads : int
        How many threads prepare; the next batches are prepared while the network works.
    """

    card: Card
    prepare: Callable[[Any], np.ndarray]
    run: Callable[[np.ndarray], np.ndarray] = lambda vectors: vectors
    weights_sha256: str | None = None
    n_per_batch: int = 16
    n_threads: int = 1

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        """`(n, dim)` float32; see `Encoder.embed`.

        Raises whatever `prepare` and `run` raise, and starts no further work then.
        """
        return self.outputs(media, self.card.dim)

    def outputs(self, media: Sequence[Any], n_columns: int) -> np.ndarray:
        """`(n, n_columns)` float32: what `run` gives for the media; raises as `embed`."""
        vectors = np.empty((len(media), n_columns), np.float32)
        starts = range(0, len(media), self.n_per_batch)
        batches = [range(start, min(start + self.n_per_batch, len(media))) for start in starts]
        if len(batches) == 1 and (len(media) == 1 or self.n_threads < 2):  # nothing to overlap
            vectors[:] = self.run(np.stack([self.prepare(one) for one in media]))
            return vectors
        parts = [media[batch.start : batch.stop] for batch in batches]
        with computed_ahead(self.prepare, parts, self.n_threads, N_BATCHES_AHEAD) as prepared:
            for batch, arrays in zip(batches, prepared, strict=True):
                vectors[batch.start : batch.stop] = self.run(np.stack(arrays))
        return vectors


@contextlib.contextmanager
def computed_ahead(
    function: Callable[[Any], T], batches: Sequence[Sequence[Any]], n_threads: int, n_ahead: int
) -> Iterator[Iterator[list[T]]]:
    """The results of a function for each batch; threads work on the next `n_ahead` meanwhile.

    When the block ends, also by an error, no further work is started.
    """
    pool = ThreadPoolExecutor(max(1, n_threads))

    def results() -> Iterator[list[T]]:
        waiting: deque[list[Future[T]]] = deque()
        for index in range(len(batches)):
            for batch in batches[index + len(waiting) : index + 1 + n_ahead]:
                waiting.append([pool.submit(function, one) for one in batch])
            yield [each.result() for each in waiting.popleft()]

    try:
        yield results()
    finally:
        pool.shutdown(cancel_futures=True)


def mean_of_parts(
    embed: Callable[[Sequence[Any]], np.ndarray], media: Sequence[Sequence[Any]]
) -> np.ndarray:
    """`(n, dim)` float32: for each of `n` media the mean of the vectors of its parts."""
    vectors = embed([part for parts in media for part in parts])
    if len(vectors) == len(media):
        return vectors
    counts = np.array([len(parts) for parts in media])
    first = np.cumsum(counts) - counts
    summed = np.add.reduceat(vectors.astype(np.float64), first, axis=0)
    return np.asarray(summed / counts[:, None], dtype=np.float32)


def refusal(path: Path, card: Card) -> Refuse:
    """A function that makes the one sentence about a file that is not the weights of a card."""
    same_name = [file for file in card.weights if Path(file.name).name == path.name]
    known = (same_name or card.weights)[0]
    expected = f"{known.name} from {known.address}"
    if card.repository:
        expected = f"the files of https://huggingface.co/{card.repository}"

    def refuse(found: str) -> UserError:
        return UserError(
            f"{path} {found}; {card.name} expects {expected}: put the right one in its place."
        )

    return refuse


def content_of(path: Path, refuse: Refuse) -> bytes:
    """The bytes of a weights file. Raises the error of `refuse` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise refuse(f"cannot be read ({error.strerror})") from error


def checked(
    arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], refuse: Refuse
) -> dict[str, np.ndarray]:
    """The arrays that `shapes` names, in its order.

    Raises the error of `refuse` when one is absent, of another shape, or not finite.
    """
    for name, shape in shapes.items():
        found = arrays[name].shape if name in arrays else None
        if found != shape:
            what, expected = (
                "absent" if each is None else "x".join(map(str, each)) or "one number"
                for each in (found, shape)
            )
            raise refuse(f"is another network: {name} is {what}, expected {expected}")
        if not np.isfinite(arrays[name]).all():
            raise refuse(f"is damaged: {name} holds numbers that are not finite")
    return {name: arrays[name] for name in shapes}


def fit_length(samples: np.ndarray, n_samples: int) -> np.ndarray:
    """`(n_samples,)` float32: the middle of a longer sound; a shorter one is followed by zeros.

    Raises ValueError when `samples` is not one-dimensional.
    """
    if samples.ndim != 1:
        raise ValueError(f"expected mono samples of shape (n,), found {samples.shape}")
    samples = samples.astype(np.float32, copy=False)
    spare = len(samples) - n_samples
    if spare < 0:
        return np.pad(samples, (0, -spare))
    return samples[spare // 2 : spare // 2 + n_samples]
