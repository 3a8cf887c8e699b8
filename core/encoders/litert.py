"""LiteRT networks (`.tflite` files) as encoders: the one module that uses `ai_edge_litert`.

The vector is an inner tensor of a classifier, read through `experimental_preserve_all_tensors`;
the XNNPACK kernels stay on with it, and it costs a few MB. Networks this small are fastest with one
thread, so several threads need several interpreters: an interpreter is not thread-safe, but
`invoke` lets other Python threads run. They come from a pool of at most as many as there are cores.

A file is checked when it is loaded: the flatbuffer identifier, the sum if it has the size of the
known build, input, tensor, and one trial run. Anything wrong is one UserError.
"""

import contextlib
import hashlib
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.cpu import n_cores
from core.encoders import weights
from core.encoders.base import BatchEncoder, Card, Encoder, content_of, refusal
from core.encoders.quiet import silent_stderr
from core.errors import UserError

IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every TFLite flatbuffer
_first = threading.Lock()  # taken for good by the first interpreter, which prints a line


@dataclass(frozen=True)
class Signature:
    """The input that a file must have, and the tensor with the vector."""

    input_shape: tuple[int, ...]
    input_dtype: type[np.generic]
    tensor: str  # the end of the name of the tensor with the vector


class TfliteNetwork:
    """A checked `.tflite` file and a pool of interpreters that run it."""

    def __init__(self, path: Path, card: Card, signature: Signature) -> None:
        self._refuse = refusal(path, card)
        self._content = self._read(path)
        self.sha256 = hashlib.sha256(self._content).hexdigest()
        known = card.weights[0]
        if known.sha256 and len(self._content) == known.size and self.sha256 != known.sha256:
            raise self._refuse(f"has the right size and the wrong sum ({self.sha256[:12]}…)")
        self._idle: list[Any] = []
        self._slots = threading.BoundedSemaphore(max(2, n_cores()))
        first = self._interpreter()
        self._input, self._output = self._find_ends(first, card, signature)
        self._idle.append(first)
        try:
            trial = self(np.zeros(signature.input_shape, signature.input_dtype))
        except (ValueError, RuntimeError) as error:
            raise self._refuse("cannot be run") from error
        if not np.isfinite(trial).all():
            raise self._refuse("gives no finite vector for an empty input")

    def __call__(self, value: np.ndarray) -> np.ndarray:
        """The `(dim,)` float32 vector of one input; from any thread."""
        with self._slots:
            try:
                interpreter = self._idle.pop()  # atomic
            except IndexError:
                interpreter = self._interpreter()
            try:
                interpreter.set_tensor(self._input["index"], value.reshape(self._input["shape"]))
                interpreter.invoke()
                raw = interpreter.get_tensor(self._output["index"]).ravel()  # a copy
            finally:
                self._idle.append(interpreter)
        scale, zero_point = self._output["quantization"]
        if scale == 0.0:  # not quantised
            return raw.astype(np.float32, copy=False)
        return np.float32(scale) * (raw.astype(np.float32) - np.float32(zero_point))

    def _read(self, path: Path) -> bytes:
        content = content_of(path, self._refuse)
        if content[4:8] != IDENTIFIER:
            found = "is empty" if not content else f"begins with {content[:8]!r}"
            raise self._refuse(f"is no TFLite network: it {found}")
        return content

    def _interpreter(self) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise UserError(
                "The package ai-edge-litert, which runs .tflite networks, is not installed: "
                "run `make env`."
            ) from error
        is_first = _first.acquire(blocking=False)
        with warnings.catch_warnings(), silent_stderr() if is_first else contextlib.nullcontext():
            # It warns that keeping inner tensors is for debugging; measured, it is no slower.
            warnings.simplefilter("ignore", UserWarning)
            try:
                interpreter = Interpreter(
                    model_content=self._content,
                    num_threads=1,
                    experimental_preserve_all_tensors=True,
                )
                interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise self._refuse("is a cut-off or damaged TFLite network") from error
        return interpreter

    def _find_ends(
        self, interpreter: Any, card: Card, signature: Signature
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The details of the input tensor and of the tensor with the vector."""
        inputs = interpreter.get_input_details()
        size = int(np.prod(signature.input_shape))
        taken = inputs[0]
        if (
            len(inputs) != 1
            or int(np.prod(taken["shape"])) != size
            or taken["dtype"] is not signature.input_dtype
        ):
            shape = "x".join(str(n) for n in taken["shape"])
            raise self._refuse(
                f"is another network: it takes {shape} {np.dtype(taken['dtype'])}, "
                f"expected {'x'.join(map(str, signature.input_shape))} "
                f"{np.dtype(signature.input_dtype)}"
            )
        found = find_tensor(interpreter.get_tensor_details(), signature.tensor, card.dim)
        if found is None:
            raise self._refuse(
                f"is another network: it has no tensor {signature.tensor} of {card.dim} numbers"
            )
        return taken, found


def find_tensor(details: list[dict[str, Any]], ending: str, dim: int) -> dict[str, Any] | None:
    """The tensor of `dim` numbers whose name has this ending, or the only one `(1, …, 1, dim)`.

    Builds of one network differ in names: a name may be several joined by `;`, or made up by the
    converter. None when neither way finds exactly one.
    """
    sized = [each for each in details if tuple(each["shape"][-1:]) == (dim,)]
    vectors = [each for each in sized if len(each["shape"]) > 1 and np.prod(each["shape"]) == dim]
    named = [each for each in vectors if any(n.endswith(ending) for n in each["name"].split(";"))]
    for candidates in (named, vectors):
        if len(candidates) == 1:
            return candidates[0]
    return None


def loader(
    card: Card, signature: Signature, prepare: Callable[[np.ndarray], np.ndarray]
) -> Callable[[Path | None, int], Encoder]:
    """The function that loads the encoder of a card whose weights are one `.tflite` file."""

    def load(weights_dir: Path | None, n_threads: int) -> Encoder:
        """Raises MissingWeights when the file is absent, UserError when it is another network."""
        network = TfliteNetwork(weights.find(card, weights_dir), card, signature)
        return BatchEncoder(
            card,
            lambda medium: network(prepare(medium)),
            weights_sha256=network.sha256,
            n_threads=n_threads,
        )

    return load
