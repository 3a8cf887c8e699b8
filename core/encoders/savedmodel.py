"""TensorFlow SavedModels as encoders of sound: the one module that imports TensorFlow.

YAMNet and VGGish on TensorFlow Hub take one waveform at 16 kHz, `(n,)` float32, and return a row
for each patch of 0.975 s (96 frames of a log-mel spectrum). Of each second the middle 15,600
samples are used: exactly one patch, without padding. A batch of windows is one run of one graph:
`tf.vectorized_map` rewrites the loaded function for a batch, three times as fast as one call each
(EXPERIMENTS.md). If the function cannot be rewritten, or the result differs, the windows go through
the graph one by one (`tf.map_fn`).

A folder is checked when it is loaded: its file `saved_model.pb`, a trial run, the length of its
vectors. Anything wrong is one UserError.

TensorFlow's threads belong to the process: the first network loaded decides how many. Memory of a
GPU is taken as needed.
"""

import contextlib
import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import weights
from core.encoders.base import BatchEncoder, Card, Encoder, WeightsFile, fit_length, refusal
from core.encoders.quiet import silent_stderr
from core.errors import UserError
from core.once import LOADING, library

RATE_HZ = 16_000
N_SAMPLES = 15_600  # one patch
N_PER_BATCH = 64


def hub_file(name: str) -> WeightsFile:
    """The SavedModel `google/NAME/1` of TensorFlow Hub.

    It is also found where the libraries `tensorflow_hub` and `kagglehub` keep it.
    """
    handle = f"https://tfhub.dev/google/{name}/1"
    folder = hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return WeightsFile(
        name=f"{name}_1",
        address=f"{handle}?tf-hub-format=compressed",
        aliases=(f"google/{name}/1",),
        caches=(
            f"$TFHUB_CACHE_DIR/{folder}",
            f"{tempfile.gettempdir()}/tfhub_modules/{folder}",
            f"~/.cache/kagglehub/models/google/{name}/tensorFlow2/{name}/1",
        ),
        unpack="tar.gz",
        tfhub_handle=handle,
    )


class _NoVectors(Exception):
    """No output of a model has the shape of its vectors."""


class SavedModelNetwork:
    """A checked SavedModel: `(b, 15600)` float32 windows to `(b, dim)` float32 vectors."""

    def __init__(self, path: Path, card: Card, n_threads: int) -> None:
        self._refuse = refusal(path, card)
        if not (path / "saved_model.pb").is_file():
            raise self._refuse("is no SavedModel: it has no file saved_model.pb")
        self._tf = start(n_threads)
        self._vector_of = self._loaded(path, card.dim)
        trial = np.zeros((2, N_SAMPLES), np.float32)
        trial[1] = np.random.default_rng(0).uniform(-0.5, 0.5, N_SAMPLES)
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
        self._keep = model  # its variables live as long as it does

        def vector_of(window: Any) -> Any:
            # The output is a list, a dict or one tensor; the vectors are the one `(p, dim)`.
            for output in tf.nest.flatten(function(window)):
                if output.shape.rank == 2 and output.shape[-1] == dim:
                    return output[0]
            raise _NoVectors

        return vector_of

    def _tried(self, dim: int, windows: np.ndarray) -> list[np.ndarray]:
        """The vector of each window, one call each."""
        tf = self._tf
        try:
            vectors = [self._vector_of(tf.constant(window)).numpy() for window in windows]
        except _NoVectors:
            raise self._refuse(
                f"is another network: none of its outputs is one row of {dim} numbers a patch"
            ) from None
        except (*_FAILURES, tf.errors.OpError) as error:
            raise self._refuse(
                f"is another network: it gives nothing for a window of {N_SAMPLES:,} samples"
            ) from error
        if not np.isfinite(vectors).all():
            raise self._refuse("gives vectors that are not finite")
        return vectors

    def _batched(self, mapping: str) -> Callable[[Any], Any]:
        tf = self._tf
        over = getattr(tf, mapping)
        return tf.function(
            lambda windows: over(self._vector_of, windows),
            input_signature=[tf.TensorSpec([None, N_SAMPLES], tf.float32)],
            autograph=False,
        )

    def _agrees(self, windows: np.ndarray, alone: list[np.ndarray]) -> bool:
        """Whether a batch can be run and gives the vectors of its windows alone."""
        logger = logging.getLogger("tensorflow")
        before, logger.disabled = logger.disabled, True  # it logs at length when it cannot rewrite
        try:
            found = self(windows)
        except Exception:  # of any kind: this way of running a batch does not work here
            return False
        finally:
            logger.disabled = before
        tolerance = 1e-4 * max(1e-6, float(np.abs(alone).max()))
        return found.shape == np.shape(alone) and bool(np.abs(found - alone).max() <= tolerance)


def load(
    card: Card,
    weights_dir: Path | None,
    n_threads: int,
    finish: Callable[[np.ndarray], np.ndarray] = lambda vectors: vectors,
) -> Encoder:
    """The encoder of a card whose first weights file is a SavedModel's folder.

    `finish` turns the network's `(b, dim)` vectors into those of the encoder.

    Raises MissingWeights when files are absent, UserError when the SavedModel is another network or
    TensorFlow is not installed.
    """
    paths = weights.find_all(card, weights_dir)
    network = SavedModelNetwork(paths[0], card, n_threads)
    return BatchEncoder(
        card,
        prepare,
        lambda windows: finish(network(windows)),
        weights.sha256_of(paths),
        N_PER_BATCH,
        n_threads,
    )


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(15600,)` float32: the middle of a second at 16 kHz, at its own level."""
    return fit_length(samples, N_SAMPLES)


def start(n_threads: int) -> Any:
    """The module `tensorflow`, without its messages, with `n_threads` unless it runs already.

    Raises UserError when it is not installed.
    """
    with LOADING, _quiet():
        try:
            tf = library("tensorflow")
        except ImportError as error:
            raise UserError(
                "The package tensorflow, which runs SavedModel networks, is not installed: "
                "run `.venv/bin/pip install -r requirements-tensorflow.txt`."
            ) from error
        with contextlib.suppress(RuntimeError):  # it runs already
            tf.config.threading.set_intra_op_parallelism_threads(max(1, n_threads))
            tf.config.threading.set_inter_op_parallelism_threads(max(1, n_threads))
        for gpu in tf.config.list_physical_devices("GPU"):
            with contextlib.suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.constant(0.0)  # this looks for devices, and prints messages
    return tf


# Raised, besides TensorFlow's own errors, by damaged files and by graphs that do not fit.
_FAILURES = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's messages about CUDA and oneDNN off the terminal, and do not import Keras.

    C++ writes them to file descriptor 2 before any setting is read. Importing TensorFlow imports
    Keras, which fixes Keras's backend for the process and costs 2 s. TensorFlow skips this if it is
    set to use the older `tf_keras` and that package cannot be imported.
    """
    if sys.modules.get("tensorflow") is not None:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    sys.modules.setdefault("tf_keras", None)  # type: ignore[arg-type]  # cannot be imported
    try:
        with silent_stderr():
            yield
    finally:
        if sys.modules["tf_keras"] is None:
            del sys.modules["tf_keras"]
        del os.environ["TF_USE_LEGACY_KERAS"]
        if before is not None:
            os.environ["TF_USE_LEGACY_KERAS"] = before
