"""TensorFlow SavedModels as encoders of sound: the one place that imports TensorFlow.

A SavedModel of TensorFlow Hub takes one waveform, `(n,)` float32, and gives a row for each patch it
fits into it. Here every window is one patch long, and a whole batch of windows is one run of one
graph: `tf.vectorized_map` rewrites the loaded function for a batch, whatever is inside it. With
the layers of YAMNet and VGGish and random weights, 64 seconds on two cores took 0.21 s and 1.0 s
so, 0.78 s and 2.9 s as one call each. Where it cannot be rewritten, or the rewritten one gives
other vectors, the windows go through the graph one by one (`tf.map_fn`).

A folder is looked at before it is believed: the file that makes it a SavedModel, a trial run, the
length of its vectors. What is wrong is one UserError.

TensorFlow's threads are those of the process: the first network loaded decides how many. Memory
of a GPU is taken as it is needed. `tensorflow-hub` is not used: it is a resolver of addresses.
"""

import contextlib
import hashlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import weights
from core.encoders.base import Card, embed_batches
from core.errors import UserError

N_PER_BATCH = 64
_starting = threading.Lock()


def hub_caches(handle: str, kaggle: str) -> tuple[str, ...]:
    """Where `tensorflow_hub` and `kagglehub` keep a model once it is fetched, as patterns.

    handle : its address on tfhub.dev, without query
    kaggle : its name there: owner/model/framework/variation/version
    """
    folder = hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return (
        f"$TFHUB_CACHE_DIR/{folder}",
        f"{tempfile.gettempdir()}/tfhub_modules/{folder}",
        f"~/.cache/kagglehub/models/{kaggle}",
    )


class _NoVectors(Exception):
    """None of a model's outputs is shaped like vectors of the length expected."""


class Network:
    """A checked SavedModel: `(b, n_samples)` float32 windows to `(b, dim)` float32 vectors."""

    def __init__(self, path: Path, card: Card, n_samples: int, n_threads: int) -> None:
        self._refuse = _refusal(path, card)
        if not (path / "saved_model.pb").is_file():
            raise self._refuse("is no SavedModel: it has no file saved_model.pb")
        self._tf = start(n_threads)
        self._n_samples = n_samples
        self._vector_of = self._loaded(path, card.dim)
        trial = np.zeros((2, n_samples), np.float32)
        trial[1] = np.random.default_rng(0).uniform(-0.5, 0.5, n_samples)
        alone = self._tried(card.dim, trial)
        self._run = self._batched("vectorized_map")
        if not self._agrees(trial, alone):
            self._run = self._batched("map_fn")
            if not self._agrees(trial, alone):
                raise self._refuse("cannot be run on a batch of windows")

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """From any thread. `windows` is C-contiguous float32."""
        return np.asarray(self._run(self._tf.constant(windows)).numpy(), np.float32)

    def _loaded(self, path: Path, dim: int) -> Callable[[Any], Any]:
        """The function of the model from one window to the vector of its first patch."""
        tf = self._tf
        from google.protobuf.message import DecodeError

        try:
            model = tf.saved_model.load(str(path))
        except (*_FAILURES, tf.errors.OpError, DecodeError) as error:
            raise self._refuse("is a cut-off or damaged SavedModel") from error
        function = model if callable(model) else model.signatures.get("serving_default")
        if function is None:
            raise self._refuse("is another network: it offers no function of a waveform")
        # A list, a dict or one tensor: the vectors are what is `(p, dim)`.
        self._keep = model  # its variables live as long as it does

        def vector_of(window: Any) -> Any:
            for output in tf.nest.flatten(function(window)):
                if output.shape.rank == 2 and output.shape[-1] == dim:
                    return output[0]
            raise _NoVectors

        return vector_of

    def _tried(self, dim: int, windows: np.ndarray) -> list[np.ndarray]:
        """The vector of each window, each in a call of its own."""
        tf = self._tf
        try:
            vectors = [self._vector_of(tf.constant(window)).numpy() for window in windows]
        except _NoVectors:
            raise self._refuse(
                f"is another network: none of its outputs is one row of {dim} numbers a patch"
            ) from None
        except (*_FAILURES, tf.errors.OpError) as error:
            raise self._refuse(
                f"is another network: it gives nothing for a window of {self._n_samples:,} samples"
            ) from error
        if not np.isfinite(vectors).all():
            raise self._refuse("gives vectors that are not finite")
        return vectors

    def _batched(self, mapping: str) -> Callable[[Any], Any]:
        tf = self._tf
        over = getattr(tf, mapping)
        return tf.function(
            lambda windows: over(self._vector_of, windows),
            input_signature=[tf.TensorSpec([None, self._n_samples], tf.float32)],
            autograph=False,
        )

    def _agrees(self, windows: np.ndarray, alone: list[np.ndarray]) -> bool:
        """Whether a batch can be run, and gives what each window gives alone."""
        logger = logging.getLogger("tensorflow")
        before, logger.disabled = logger.disabled, True  # it logs pages when it cannot rewrite
        try:
            found = self(windows)
        except Exception:  # whatever it is: this way of running a batch is not open
            return False
        finally:
            logger.disabled = before
        tolerance = 1e-4 * max(1e-6, float(np.abs(alone).max()))
        return found.shape == np.shape(alone) and bool(np.abs(found - alone).max() <= tolerance)


class SavedModelEncoder:
    """A network, what is cut out of a sound before it, and what is done to its vectors after it."""

    def __init__(
        self,
        card: Card,
        network: Network,
        prepare: Callable[[np.ndarray], np.ndarray],
        finish: Callable[[np.ndarray], np.ndarray],
        weights_sha256: str,
        n_threads: int,
    ) -> None:
        self.card = card
        self.network = network
        self.prepare = prepare
        self.finish = finish
        self.n_per_batch = N_PER_BATCH
        self.n_threads = n_threads
        self.weights_sha256: str | None = weights_sha256

    def embed(self, media: Sequence[np.ndarray]) -> np.ndarray:
        """`(n, dim)` float32; see `core.encoders.base.Encoder.embed`."""
        return embed_batches(
            self.prepare, self.run, media, self.card.dim, self.n_per_batch, self.n_threads
        )

    def run(self, windows: np.ndarray) -> np.ndarray:
        """`(b, dim)` float32 of `b` prepared windows: the bare network and what follows it."""
        return self.finish(self.network(windows))


def load(
    card: Card,
    n_samples: int,
    prepare: Callable[[np.ndarray], np.ndarray],
    weights_dir: Path | None,
    n_threads: int,
    finish: Callable[[np.ndarray], np.ndarray] = lambda vectors: vectors,
) -> SavedModelEncoder:
    """The encoder of a card whose first weights file is a SavedModel's folder.

    prepare : `(n,)` samples -> the `(n_samples,)` float32 window that the network hears
    finish : `(b, dim)` vectors -> `(b, dim)`

    Raises MissingWeights when files are nowhere, UserError when the SavedModel is not the network
    expected or TensorFlow is not installed.
    """
    paths = weights.find_all(card, weights_dir)
    network = Network(paths[0], card, n_samples, n_threads)
    return SavedModelEncoder(
        card, network, prepare, finish, weights.sha256_of(paths), max(1, n_threads)
    )


def start(n_threads: int) -> Any:
    """The module `tensorflow`, quiet, with that many threads where it has not begun to run.

    Raises UserError when it is not installed.
    """
    with _starting, _quiet():
        try:
            import tensorflow as tf
        except ImportError as error:
            raise UserError(
                "The package tensorflow, which runs SavedModel networks, is not installed: "
                "run `.venv/bin/pip install -r requirements-tensorflow.txt`."
            ) from error
        with contextlib.suppress(RuntimeError):  # it runs already: the first has decided
            tf.config.threading.set_intra_op_parallelism_threads(max(1, n_threads))
            tf.config.threading.set_inter_op_parallelism_threads(max(1, n_threads))
        for gpu in tf.config.list_physical_devices("GPU"):
            with contextlib.suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.constant(0.0)  # the devices are looked for here, with words to standard error
    return tf


# What a graph that does not fit, or a file that is damaged, raises, beside TensorFlow's own.
_FAILURES = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's words about CUDA and oneDNN off the terminal, and Keras out of it.

    C++ writes them to file descriptor 2 before any setting is read. Importing TensorFlow imports
    Keras, which settles Keras's backend for the process and costs 2 s: it does not where it is
    told to use the old one, which is not installed.
    """
    if sys.modules.get("tensorflow") is not None:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    terminal: int | None = None
    with contextlib.suppress(OSError):  # there may be no standard error at all
        terminal = os.dup(2)
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        if terminal is not None:
            os.dup2(terminal, 2)
            os.close(terminal)
        if before is None:
            del os.environ["TF_USE_LEGACY_KERAS"]
        else:
            os.environ["TF_USE_LEGACY_KERAS"] = before


def _refusal(path: Path, card: Card) -> Callable[[str], UserError]:
    known = card.weights[0]

    def refuse(found: str) -> UserError:
        return UserError(
            f"{path} {found}; {card.name} expects {known.name} from {known.address}: "
            "put that SavedModel's folder in its place."
        )

    return refuse
