"""Weights files of Keras (`.h5`, `.h5.gz`): layers by name, arrays by kind.

Two layouts are read: weights alone (`layer_names` at the top), and a whole model (the same inside
`model_weights`). Only arrays are read, never a model's configuration, without Keras. Anything wrong
with a file is one UserError.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import weights
from core.encoders.base import Card, Encoder, Refuse, checked, content_of, refusal
from core.encoders.torch_network import Forward, TorchEncoder, channels_last
from core.errors import UserError

GZIP = b"\x1f\x8b"
HDF5 = b"\x89HDF\r\n\x1a\n"
NORM = ("gamma", "beta", "moving_mean", "moving_variance")

Layer = Mapping[str, np.ndarray]  # by kind: kernel, bias, gamma, …


def loader(
    card: Card,
    prepare: Callable[[np.ndarray], np.ndarray],
    network: Callable[[Mapping[str, Layer], Refuse], Forward],
) -> Callable[[Path | None, int], Encoder]:
    """The function that loads an encoder from one file of Keras weights.

    prepare : one medium to `(height, width, channels)` float32
    network : a file's layers to the function from `(b, channels, height, width)` to `(b, dim)`
    """

    def load(weights_dir: Path | None, n_threads: int) -> Encoder:
        path = weights.find(card, weights_dir)
        refuse = refusal(path, card)
        forward = channels_last(network(read(path, refuse), refuse))
        return TorchEncoder(card, prepare, forward, weights.sha256(path), n_threads)

    return load


def read(path: Path, refuse: Refuse) -> dict[str, Layer]:
    """The layers that have weights, in the file's order, by name.

    Raises the error that `refuse` makes: the file cannot be read, is cut off, is of another kind.
    """
    try:
        import h5py
    except ImportError as error:
        raise UserError(
            "The package h5py, which reads .h5 weights, is not installed: run `make env`."
        ) from error
    content = _content(path, refuse)
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            root = file.get("model_weights", file)
            layers = {_text(name): _layer(root[_text(name)]) for name in root.attrs["layer_names"]}
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise refuse("is a cut-off or damaged file of Keras weights") from error
    return {name: layer for name, layer in layers.items() if layer}


def named(layers: Mapping[str, Layer], names: Sequence[str], refuse: Refuse) -> dict[str, Layer]:
    """The layers with these names, or all layers in the file's order under these names.

    Keras goes by order, and its names may count up over a session ("conv2d_43"). Raises the error
    of `refuse` when there are more or fewer layers than names.
    """
    if set(names) <= set(layers):
        return {name: layers[name] for name in names}
    if len(layers) != len(names):
        raise refuse(
            f"is another network: it has {len(layers)} layers with weights, expected {len(names)}"
        )
    return dict(zip(names, layers.values(), strict=True))


def conv(
    layers: Mapping[str, Layer], name: str, shape: tuple[int, int, int, int], refuse: Refuse
) -> list[np.ndarray]:
    """Weight `(out, in, h, w)` and bias `(out,)` of the layer whose kernel is `(h, w, in, out)`."""
    weight, bias = _take(layers, name, {"kernel": shape, "bias": shape[-1:]}, refuse)
    return [weight.transpose(3, 2, 0, 1), bias]


def norm(
    layers: Mapping[str, Layer], name: str, n_channels: int, refuse: Refuse
) -> list[np.ndarray]:
    """Gamma, beta, mean and variance, each `(n_channels,)`, of a batch normalisation."""
    return _take(layers, name, dict.fromkeys(NORM, (n_channels,)), refuse)


def _take(
    layers: Mapping[str, Layer], name: str, shapes: Mapping[str, tuple[int, ...]], refuse: Refuse
) -> list[np.ndarray]:
    arrays = {f"{kind} of {name}": array for kind, array in layers[name].items()}
    wanted = {f"{kind} of {name}": shape for kind, shape in shapes.items()}
    return list(checked(arrays, wanted, refuse).values())


def _content(path: Path, refuse: Refuse) -> bytes:
    content = content_of(path, refuse)
    if content.startswith(GZIP):
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise refuse("is a cut-off or damaged .gz file") from error
    if not content.startswith(HDF5):
        found = "is empty" if not content else f"begins with {content[:8]!r}"
        raise refuse(f"is no file of Keras weights: it {found}")
    return content


def _layer(group: Any) -> dict[str, np.ndarray]:
    """The arrays of an HDF5 group by kind: "conv2d_1/kernel:0" is its kernel."""
    names = [_text(name) for name in group.attrs["weight_names"]]
    return {n.rpartition("/")[2].partition(":")[0]: np.asarray(group[n]) for n in names}


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
