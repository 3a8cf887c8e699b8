"""`resnet50` and `vgg16`: the ImageNet networks of `keras.applications`, averaged over the picture.

The definitions are this project's own, for the files that Keras downloads, and give Keras's numbers
(tested against it with random weights that Keras saved). Keras itself takes 1.6 to 4 times as long,
four seconds to import in every worker (EXPERIMENTS.md), and one backend for a whole process.

Preprocessing is Keras's `preprocess_input` for these two ("caffe"): blue, green, red, minus the
mean colour of ImageNet, not scaled. Keras leaves resizing to its user, and the papers do not
describe it; here the whole picture is kept undistorted (`core.encoders.pictures.letterbox`, which
was measured with another ImageNet network).
"""

from collections.abc import Mapping

import numpy as np

from core.encoders import keras_h5
from core.encoders.base import Card, Refuse, WeightsFile
from core.encoders.packed import Convolution
from core.encoders.pictures import letterbox
from core.encoders.torch_network import Forward, folded

SIZE_PX = 224
MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications"


def _weights(name: str, folder: str, md5: str) -> tuple[WeightsFile, ...]:
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return (
        WeightsFile(
            file, f"{ADDRESS}/{folder}/{file}", md5=md5, caches=(f"~/.keras/models/{file}",)
        ),
    )


RESNET50 = Card(
    name="resnet50",
    modality="image",
    dim=2048,
    title="ResNet-50 (ImageNet, Keras), averaged over the picture",
    licence="MIT (weights of He et al., as Keras distributes them)",
    citation="He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016",
    parameters=23_587_712,
    size_px=SIZE_PX,
    weights=_weights("resnet50", "resnet", "4d473c1dd8becc155b73f8504c6f6626"),
)
VGG16 = Card(
    name="vgg16",
    modality="image",
    dim=512,
    title="VGG-16 (ImageNet, Keras), averaged over the picture",
    licence="CC BY 4.0 (weights of the Visual Geometry Group, as Keras distributes them)",
    citation=(
        "Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
        "ICLR 2015"
    ),
    parameters=14_714_688,
    size_px=SIZE_PX,
    weights=_weights("vgg16", "vgg16", "6d6bbae143d832006294945121d1f1fc"),
)

VGG16_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions
RESNET50_STACKS = ((64, 3), (128, 4), (256, 6), (512, 3))  # narrow channels, blocks
WIDENING = 4  # a block's output over its narrow channels
EPSILON = 1.001e-5  # of Keras's ResNet


def prepare(picture: np.ndarray) -> np.ndarray:
    """`(224, 224, 3)` float32: the whole picture, blue first, minus ImageNet's mean colour."""
    return letterbox(picture, SIZE_PX)[..., ::-1].astype(np.float32) - MEAN_BGR


def vgg16(layers: Mapping[str, keras_h5.Layer], refuse: Refuse) -> Forward:
    """VGG-16 up to its last pooling, as a function `(b, 3, h, w)` to `(b, 512)`."""
    from torch import Tensor
    from torch.nn import functional

    names = [f"block{b}_conv{c + 1}" for b, (_, n) in enumerate(VGG16_BLOCKS, 1) for c in range(n)]
    layers = keras_h5.named(layers, names, refuse)
    blocks: list[list[Convolution]] = []
    n_before = 3
    for block, (n_channels, n_convs) in enumerate(VGG16_BLOCKS, 1):
        blocks.append([])
        for conv in range(1, n_convs + 1):
            name = f"block{block}_conv{conv}"
            shape = (3, 3, n_before, n_channels)
            weight, bias = keras_h5.conv(layers, name, shape, refuse)
            blocks[-1].append(Convolution(weight, bias, padding=1))
            n_before = n_channels

    def forward(x: Tensor) -> Tensor:
        for block in blocks:
            for convolution in block:
                x = convolution(x)
            x = functional.max_pool2d(x, 2)
        return x.mean((2, 3))

    return forward


def resnet50(layers: Mapping[str, keras_h5.Layer], refuse: Refuse) -> Forward:
    """ResNet-50, `(b, 3, h, w)` to `(b, 2048)`; as in Keras, the first 1x1 convolution strides."""
    from torch import Tensor
    from torch.nn import functional

    named = keras_h5.named(layers, resnet50_names(), refuse)

    def take(
        stem: str, shape: tuple[int, int, int, int], stride: int = 1, relu: bool = True
    ) -> Convolution:
        weight, bias = keras_h5.conv(named, f"{stem}_conv", shape, refuse)
        norm = keras_h5.norm(named, f"{stem}_bn", shape[-1], refuse)
        weight, bias = folded(weight, bias, norm, EPSILON)
        return Convolution(weight, bias, stride=stride, padding=shape[0] // 2, relu=relu)

    entrance = take("conv1", (7, 7, 3, 64), stride=2)
    blocks: list[tuple[Convolution | None, Convolution, Convolution, Convolution]] = []
    n_before = 64
    for stack, (narrow, n_blocks) in enumerate(RESNET50_STACKS, 2):
        wide = WIDENING * narrow
        for block in range(1, n_blocks + 1):
            stem = f"conv{stack}_block{block}"
            stride = 2 if block == 1 and stack > 2 else 1
            shortcut = None
            if block == 1:
                shortcut = take(f"{stem}_0", (1, 1, n_before, wide), stride, relu=False)
            first = take(f"{stem}_1", (1, 1, n_before, narrow), stride)
            second = take(f"{stem}_2", (3, 3, narrow, narrow))
            third = take(f"{stem}_3", (1, 1, narrow, wide), relu=False)
            blocks.append((shortcut, first, second, third))
            n_before = wide

    def forward(x: Tensor) -> Tensor:
        x = functional.max_pool2d(entrance(x), 3, stride=2, padding=1)
        for shortcut, first, second, third in blocks:
            past = x if shortcut is None else shortcut(x)
            x = functional.relu_(third(second(first(x))).add_(past))
        return x.mean((2, 3))

    return forward


def resnet50_names() -> list[str]:
    """The layers with weights, as Keras names and orders them."""
    first = ["1_conv", "1_bn", "2_conv", "2_bn", "0_conv", "3_conv", "0_bn", "3_bn"]
    other = ["1_conv", "1_bn", "2_conv", "2_bn", "3_conv", "3_bn"]
    return ["conv1_conv", "conv1_bn"] + [
        f"conv{stack}_block{block}_{part}"
        for stack, (_, n_blocks) in enumerate(RESNET50_STACKS, 2)
        for block in range(1, n_blocks + 1)
        for part in (first if block == 1 else other)
    ]


load_resnet50 = keras_h5.loader(RESNET50, prepare, resnet50)
load_vgg16 = keras_h5.loader(VGG16, prepare, vgg16)
