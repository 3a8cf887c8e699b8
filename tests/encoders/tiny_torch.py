"""Weights of the torch networks, random, in the published files' own layouts.

At full width they are as large as the published ones (100 MB); `narrow` makes a loader expect, and
the writers here write, networks of few channels whose vectors have the right length.
"""

import contextlib
import gzip
import io
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import torch

from core.encoders import efficientnet_lite, hcnn, keras_images, openl3

NARROW = "narrow"  # a file of this name in a weights folder says that its networks are
NARROW_VARIANTS = {
    "efficientnet_lite0": efficientnet_lite.Variant((1, 2, 1, 1, 1, 1, 1), (8, 8, 8, 8, 8, 8, 16)),
    "efficientnet_lite2": efficientnet_lite.Variant((1, 1, 2, 1, 1, 1, 1), (8, 8, 8, 8, 8, 8, 16)),
}
Layers = dict[str, dict[str, np.ndarray]]


@contextlib.contextmanager
def narrow(folder: Path | None) -> Iterator[None]:
    """Loaders and writers agree on few channels, where `folder` is one of `folder_of_narrow`."""
    if folder is None or not (folder / NARROW).exists():
        yield
        return
    layers = [(kind, min(8, n) if n == 128 else n, pool) for kind, n, pool in hcnn.LAYERS]
    with (
        mock.patch.object(openl3, "N_CHANNELS", (4, 4, 4, 4, 8, 8, 8, 512)),
        mock.patch.object(keras_images, "VGG16_BLOCKS", ((4, 2), (4, 2), (4, 3), (4, 3), (512, 1))),
        mock.patch.object(keras_images, "RESNET50_STACKS", ((4, 2), (4, 1), (4, 1), (512, 1))),
        mock.patch.object(hcnn, "LAYERS", tuple(layers)),
        mock.patch.dict(efficientnet_lite.VARIANTS, NARROW_VARIANTS),
    ):
        yield


def folder_of_narrow(folder: Path) -> Path:
    """Put narrow networks of every torch encoder into a folder."""
    (folder / NARROW).touch()
    rng = np.random.default_rng(0)
    with narrow(folder):
        for card, n_inputs in ((openl3.AUDIO, 1), (openl3.IMAGE, 3)):
            (folder / card.weights[0].name).write_bytes(
                gzip.compress(h5(openl3_layers(rng, n_inputs)))
            )
        for card, layers in (
            (keras_images.RESNET50, resnet50_layers(rng)),
            (keras_images.VGG16, vgg16_layers(rng)),
        ):
            (folder / card.weights[0].name).write_bytes(h5(layers))
        torch.save(hcnn_state(rng), folder / hcnn.CARD.weights[0].name)
        for card in (efficientnet_lite.LITE0, efficientnet_lite.LITE2):
            state = efficientnet_lite_state(rng, efficientnet_lite.VARIANTS[card.name])
            torch.save(state, folder / card.weights[0].name)
    return folder


def h5(layers: Mapping[str, Mapping[str, np.ndarray]]) -> bytes:
    """A file of weights alone, as Keras 2 wrote it, with layers without weights in between."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        names = ["input_7", *(name for layer in layers for name in (layer, f"{layer}_relu"))]
        file.attrs["layer_names"] = np.array(names, dtype="S")
        file.attrs["backend"] = np.bytes_("tensorflow")
        for name in names:
            arrays = layers.get(name, {})
            paths = {f"{name}/{kind}:0": array for kind, array in arrays.items()}
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array(list(paths), dtype="S")
            for path, array in paths.items():
                group[path] = array
    return buffer.getvalue()


def conv(rng: np.random.Generator, size: int, n_before: int, n_after: int) -> dict[str, np.ndarray]:
    scale = np.sqrt(2 / (size * size * n_before))
    kernel = rng.standard_normal((size, size, n_before, n_after), np.float32) * np.float32(scale)
    return {"kernel": kernel, "bias": rng.normal(0, 0.1, n_after).astype(np.float32)}


def norm(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Every part matters: a forgotten mean or a wrong order shows."""
    return {
        "gamma": rng.uniform(0.5, 1.5, n).astype(np.float32),
        "beta": rng.normal(0, 0.2, n).astype(np.float32),
        "moving_mean": rng.normal(0, 0.2, n).astype(np.float32),
        "moving_variance": rng.uniform(0.5, 1.5, n).astype(np.float32),
    }


def openl3_layers(rng: np.random.Generator, n_inputs: int) -> Layers:
    """Sixteen layers, with names that count up from an arbitrary number, as Keras does."""
    widths = (n_inputs, *openl3.N_CHANNELS)
    layers = {"batch_normalization_48": norm(rng, n_inputs)}
    for n, (before, after) in enumerate(pairwise(widths)):
        if n == len(widths) - 2:
            layers["audio_embedding_layer"] = conv(rng, 3, before, after)
        else:
            layers[f"conv2d_{42 + n}"] = conv(rng, 3, before, after)
            layers[f"batch_normalization_{49 + n}"] = norm(rng, after)
    return layers


def vgg16_layers(rng: np.random.Generator) -> Layers:
    layers, before = {}, 3
    for block, (after, n_convs) in enumerate(keras_images.VGG16_BLOCKS, 1):
        for number in range(1, n_convs + 1):
            layers[f"block{block}_conv{number}"] = conv(rng, 3, before, after)
            before = after
    return layers


def resnet50_layers(rng: np.random.Generator) -> Layers:
    shapes, before = {"conv1": (7, 3, 64)}, 64
    for stack, (narrow_, n_blocks) in enumerate(keras_images.RESNET50_STACKS, 2):
        for block in range(1, n_blocks + 1):
            stem = f"conv{stack}_block{block}"
            if block == 1:
                shapes[f"{stem}_0"] = (1, before, 4 * narrow_)
            shapes[f"{stem}_1"] = (1, before, narrow_)
            shapes[f"{stem}_2"] = (3, narrow_, narrow_)
            shapes[f"{stem}_3"] = (1, narrow_, 4 * narrow_)
            before = 4 * narrow_
    layers = {}
    for stem, shape in shapes.items():
        layers[f"{stem}_conv"] = conv(rng, *shape)
        layers[f"{stem}_bn"] = norm(rng, shape[-1])
    return layers


def hcnn_state(rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """The whole published state dict: what `hcnn.shapes` lists, the tags' layer and buffers."""
    state = {"hstft.spec.window": torch.hann_window(512)} | random_state(rng, hcnn.shapes())
    state["hstft.bw_Q"] = torch.tensor([1.3])
    # Decibels as the front end gives them, about -60 to 40, brought to about one.
    state["hstft_bn.running_mean"] = torch.full((6,), -20.0)
    state["hstft_bn.running_var"] = torch.full((6,), 400.0)
    state["dense2.weight"] = torch.zeros(50, 256)
    state["dense2.bias"] = torch.zeros(50)
    return state


def efficientnet_lite_state(
    rng: np.random.Generator, variant: efficientnet_lite.Variant
) -> dict[str, torch.Tensor]:
    """The whole published state dict: the convolutions, their norms, and the classifier."""
    state = random_state(rng, efficientnet_lite.shapes(variant))
    state["_fc.weight"] = torch.zeros(1000, 1280)
    state["_fc.bias"] = torch.zeros(1000)
    return state


def random_state(
    rng: np.random.Generator, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, torch.Tensor]:
    """Convolutions that keep the size of what they get, and norms with their counters."""
    state = {}
    for name, shape in shapes.items():
        is_scale = name.endswith("running_var") or (".weight" in name and len(shape) == 1)
        if len(shape) > 1:
            values = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        else:
            values = rng.uniform(0.5, 1.5, shape) if is_scale else rng.normal(0, 0.2, shape)
        state[name] = torch.from_numpy(values.astype(np.float32))
        if name.endswith("running_var"):
            state[name.replace("running_var", "num_batches_tracked")] = torch.tensor(7)
    return state
