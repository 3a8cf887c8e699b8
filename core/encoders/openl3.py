"""`openl3_audio`, `openl3_image` and their 512-d versions: OpenL3, music, 256 mel bands.

Two networks trained to tell whether a second of sound and a picture come from one video (Cramer et
al., ICASSP 2019). Both are eight 3x3 convolutions; the vector is the maximum of the last one over a
grid of fields: 4 x 3 or 4 x 4 of them for the full size, one for 512. The two 512-d vectors were
the inputs of one correspondence layer: they are Wu et al.'s baseline without a translation.

The definition is this project's own, for the weight files of the `openl3` package (0.4.x), and
gives that package's numbers (tested against values made with it). Front end of the sound, as the
package's kapre layer: magnitudes of 199 Hann windows of 2,048 samples at 48 kHz, 242 apart, with
zeros after the end; Slaney mel; decibels of the magnitude, relative to the second's loudest,
clipped at -80.

A picture is scaled so that its shorter side is 256 and cut to the middle 224; one of 224 x 224 is
not scaled. Values are in [-1, 1], as the package documents; its code leaves a scaled picture in
[0, 1], and refuses pictures below 224.
"""

import functools
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import keras_h5, mel
from core.encoders.base import Card, Encoder, Modality, Refuse, WeightsFile, fit_length
from core.encoders.packed import Convolution
from core.encoders.pictures import as_image
from core.encoders.torch_network import Forward, folded, scale_and_shift

RATE_HZ = 48_000
N_FFT = 2048
HOP = 242
N_FRAMES = -(-RATE_HZ // HOP)  # 199
N_MELS = 256
DEPTH_DB = 80.0
SILENCE = 1e-10  # lowest mel magnitude
SIZE_PX = 224
SHORTER_SIDE_PX = 256

N_CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512)
POOLED_AFTER = (2, 4, 6)  # of the convolutions, counted from 1
EPSILON = 1e-3
# Fields over which the maximum is taken: (height, width) of the last convolution's output.
FIELDS = {
    "openl3_audio": (8, 8),
    "openl3_audio_512": (32, 24),
    "openl3_image": (7, 7),
    "openl3_image_512": (28, 28),
}
N_PARAMETERS = {"audio": 4_689_860, "image": 4_691_020}
# Table 1 of Wu et al. says 9M for the sound: kapre kept the Fourier and mel matrices as weights.
N_FRONT_END = 2 * N_FFT * (N_FFT // 2 + 1) + (N_FFT // 2 + 1) * N_MELS


def _card(modality: Modality, dim: int) -> Card:
    stem = f"openl3_{modality}_mel256_music"
    published = f"{stem}-v0_4_0.h5.gz"
    file = WeightsFile(
        name=f"{stem}.h5.gz",
        address=f"https://github.com/marl/openl3/raw/models/{published}",
        aliases=(f"{stem}.h5", published, published.removesuffix(".gz")),
    )
    is_audio = modality == "audio"
    return Card(
        name=f"openl3_{modality}" + ("_512" if dim == 512 else ""),
        modality=modality,
        dim=dim,
        title=f"OpenL3 ({modality}, music, mel256), {dim:,}-d",
        licence="CC BY 4.0 (weights), MIT (the openl3 package)",
        citation=(
            "Cramer, Wu, Salamon, Bello, Look, Listen and Learn More: Design Choices for Deep "
            "Audio Embeddings, ICASSP 2019"
        ),
        parameters=N_PARAMETERS[modality],
        joint="openl3_512" if dim == 512 else "",
        rate_hz=RATE_HZ if is_audio else None,
        window_s=1.0 if is_audio else None,
        size_px=None if is_audio else SIZE_PX,
        weights=(file,),
    )


AUDIO = _card("audio", 6144)
AUDIO_512 = _card("audio", 512)
IMAGE = _card("image", 8192)
IMAGE_512 = _card("image", 512)


def front_end(samples: np.ndarray) -> np.ndarray:
    """`(256, 199, 1)` float32 decibels of a second at 48 kHz: 0 is its loudest, -80 the floor.

    Raises ValueError when `samples` is not one-dimensional.
    """
    filterbank, window = _filters()
    second = fit_length(samples, RATE_HZ)
    padded = np.pad(second, (0, (N_FRAMES - 1) * HOP + N_FFT - RATE_HZ))
    magnitude = np.abs(mel.spectra(mel.frames(padded, N_FFT, HOP), window))
    bands = filterbank @ np.ascontiguousarray(magnitude.T)
    decibels = 10 * np.log10(np.maximum(bands, np.float32(SILENCE)))
    return np.maximum(decibels - decibels.max(), np.float32(-DEPTH_DB))[..., None]


@functools.cache
def _filters() -> tuple[Any, np.ndarray]:
    bands = mel.slaney_bands(RATE_HZ, N_FFT, N_MELS, 0.0, RATE_HZ / 2)
    return mel.sparse(bands), mel.hann(N_FFT)


def prepare_picture(picture: np.ndarray) -> np.ndarray:
    """`(224, 224, 3)` float32 in [-1, 1]: the middle of a picture whose shorter side is 256.

    Raises ValueError as `core.encoders.pictures.as_image`.
    """
    from PIL import Image

    image = as_image(picture)
    width, height = image.size
    if (height, width) != (SIZE_PX, SIZE_PX):
        side = min(height, width) * SIZE_PX / SHORTER_SIDE_PX
        x, y = (width - side) / 2, (height - side) / 2
        image = image.resize(
            (SIZE_PX, SIZE_PX),
            Image.Resampling.BILINEAR,  # a wider filter when it shrinks: no aliases
            box=(x, y, x + side, y + side),
            reducing_gap=3.0,
        )
    return np.asarray(image).astype(np.float32) * np.float32(2 / 255) - 1


def network(
    layers: Mapping[str, keras_h5.Layer],
    n_inputs: int,
    fields: tuple[int, int],
    refuse: Refuse,
) -> Forward:
    """The function from `(b, n_inputs, height, width)` to `(b, dim)` of a file's layers.

    Layers are taken in the file's order, as their names differ from file to file. Raises the error
    of `refuse` when they are not OpenL3's.
    """
    from torch import Tensor
    from torch.nn import functional

    # Norm 0 is for the input, norm n for convolution n; the last convolution has none.
    last = len(N_CHANNELS)
    names = [f"{kind} {n + (kind == 'conv')}" for n in range(last) for kind in ("norm", "conv")]
    named = keras_h5.named(layers, names, refuse)
    entrance = scale_and_shift(keras_h5.norm(named, "norm 0", n_inputs, refuse), EPSILON)
    convolutions, after_relu = [], None
    for n, (n_before, n_channels) in enumerate(pairwise((n_inputs, *N_CHANNELS)), 1):
        weight, bias = keras_h5.conv(named, f"conv {n}", (3, 3, n_before, n_channels), refuse)
        if n == last:
            convolutions.append(Convolution(weight, bias, padding=1, relu=False))
            continue
        norm = keras_h5.norm(named, f"norm {n}", n_channels, refuse)
        if n == 2 and n_inputs == 3:  # in the image network's first block: ReLU, then norm
            after_relu = scale_and_shift(norm, EPSILON)
        else:
            weight, bias = folded(weight, bias, norm, EPSILON)
        convolutions.append(Convolution(weight, bias, padding=1))

    def forward(x: Tensor) -> Tensor:
        scale, shift = entrance
        x = x * scale + shift
        for n, convolution in enumerate(convolutions, 1):
            x = convolution(x)
            if n == 2 and after_relu is not None:
                scale, shift = after_relu
                x = x.mul_(scale).add_(shift)
            if n in POOLED_AFTER:
                x = functional.max_pool2d(x, 2)
        return functional.max_pool2d(x, fields).permute(0, 2, 3, 1).flatten(1)

    return forward


def _loader(card: Card) -> Callable[[Path | None, int], Encoder]:
    is_audio = card.modality == "audio"
    n_inputs, prepare = (1, front_end) if is_audio else (3, prepare_picture)
    return keras_h5.loader(
        card,
        prepare,
        lambda layers, refuse: network(layers, n_inputs, FIELDS[card.name], refuse),
    )


load_audio = _loader(AUDIO)
load_audio_512 = _loader(AUDIO_512)
load_image = _loader(IMAGE)
load_image_512 = _loader(IMAGE_512)
