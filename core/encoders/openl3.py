"""`openl3_audio`, `openl3_image` and their 512-d versions: OpenL3, music, 256 mel bands.

Two networks that learnt which second of sound and which picture come from one video (Cramer et
al., ICASSP 2019). Both are eight 3x3 convolutions; the vector is the last one's maximum over
a grid of fields: 4 x 3 or 4 x 4 of them for the full size, one for 512. The two 512-d vectors were
the inputs of one correspondence layer: they are Wu et al.'s baseline without a translation.

The definition is this project's own, over the weight files that the `openl3` package publishes
(0.4.x), and gives that package's numbers (tested against values made with it). Front end of the
sound, as the package's kapre layer: magnitudes of 199 Hann windows of 2,048 samples at 48 kHz, 242
apart, zeros after the end; Slaney mel; decibels of the magnitude, relative to the second's loudest
and 80 deep.

A picture is scaled so that its shorter side is 256 and cut to the middle 224; one of 224 x 224 is
taken as it is. Values are in [-1, 1], as the package documents; its code leaves a picture that it
had to scale in [0, 1], and takes none below 224.
"""

import functools
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.encoders import keras_h5, mel, weights
from core.encoders.base import Card, Encoder, Modality, WeightsFile, fit_length
from core.encoders.packed import Convolution
from core.encoders.torch_network import (
    Forward,
    TorchEncoder,
    folded,
    refusal,
    scale_and_shift,
)

RATE_HZ = 48_000
N_FFT = 2048
HOP = 242
N_FRAMES = -(-RATE_HZ // HOP)  # 199
N_MELS = 256
DEPTH_DB = 80.0
SILENCE = 1e-10  # mel magnitude below which nothing is heard
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
    import scipy.fft

    second = fit_length(samples, RATE_HZ)
    padded = np.pad(second, (0, (N_FRAMES - 1) * HOP + N_FFT - RATE_HZ))
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    filterbank, window = _filters()
    magnitude = np.abs(scipy.fft.rfft(frames * window, axis=1))
    bands = filterbank @ np.ascontiguousarray(magnitude.T)
    decibels = 10 * np.log10(np.maximum(bands, np.float32(SILENCE)))
    return np.maximum(decibels - decibels.max(), np.float32(-DEPTH_DB))[..., None]


@functools.cache
def _filters() -> tuple[np.ndarray, np.ndarray]:
    import scipy.sparse

    bands = mel.slaney_bands(RATE_HZ, N_FFT, N_MELS, 0.0, RATE_HZ / 2)
    filterbank = scipy.sparse.csr_array(bands.T.astype(np.float32))  # 98 % of it is zero
    return filterbank, np.hanning(N_FFT + 1)[:-1].astype(np.float32)  # periodic


def prepare_picture(picture: np.ndarray) -> np.ndarray:
    """`(224, 224, 3)` float32 in [-1, 1]: the middle of a picture whose shorter side is 256.

    Raises ValueError when `picture` is not `(height, width, 3)` uint8 with at least one pixel.
    """
    from PIL import Image

    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError(f"expected a picture of shape (h, w, 3), found {picture.shape}")
    if picture.dtype != np.uint8:
        raise ValueError(f"expected a picture of uint8, found {picture.dtype}")
    height, width = picture.shape[:2]
    if (height, width) != (SIZE_PX, SIZE_PX):
        side = min(height, width) * SIZE_PX / SHORTER_SIDE_PX
        x, y = (width - side) / 2, (height - side) / 2
        picture = np.asarray(
            Image.fromarray(np.ascontiguousarray(picture)).resize(
                (SIZE_PX, SIZE_PX),
                Image.Resampling.BILINEAR,  # widened when it shrinks: no aliases
                box=(x, y, x + side, y + side),
                reducing_gap=3.0,
            )
        )
    return picture.astype(np.float32) * np.float32(2 / 255) - 1


def network(
    layers: Mapping[str, keras_h5.Layer],
    n_inputs: int,
    fields: tuple[int, int],
    refuse: keras_h5.Refuse,
) -> Forward:
    """The function from `(b, n_inputs, height, width)` to `(b, dim)`, of a file's layers.

    Layers are taken in the file's order: their names count up over a session of Keras, and differ
    from file to file. Raises what `refuse` makes when they are not OpenL3's.
    """
    from torch import Tensor
    from torch.nn import functional

    # Norm 0 is the input's, norm n that of convolution n; the last convolution has none.
    last = len(N_CHANNELS)
    names = [f"{kind} {n + (kind == 'conv')}" for n in range(last) for kind in ("norm", "conv")]
    named = keras_h5.named(layers, names, refuse)
    entrance = scale_and_shift(keras_h5.norm(named, "norm 0", n_inputs, refuse), EPSILON)
    convolutions, after_relu = [], None
    for n, (n_before, n_channels) in enumerate(pairwise((n_inputs, *N_CHANNELS)), 1):
        weight, bias = keras_h5.conv(named, f"conv {n}", (3, 3, n_before, n_channels), refuse)
        if n == last:
            convolutions.append(Convolution(weight, bias, padding=1, rectified=False))
            continue
        norm = keras_h5.norm(named, f"norm {n}", n_channels, refuse)
        if n == 2 and n_inputs == 3:  # in the image network's first block: rectifier, then norm
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


def loader(card: Card) -> Callable[[Path | None, int], Encoder]:
    """What loads the encoder of a card: one of the four above."""

    def load(weights_dir: Path | None, n_threads: int) -> Encoder:
        path = weights.find(card, weights_dir)
        refuse = refusal(path, card)
        layers = keras_h5.read(path, refuse)
        is_audio = card.modality == "audio"
        forward = network(layers, 1 if is_audio else 3, FIELDS[card.name], refuse)
        prepare = front_end if is_audio else prepare_picture
        return TorchEncoder(card, prepare, forward, weights.sha256(path), n_threads)

    return load


load_audio = loader(AUDIO)
load_audio_512 = loader(AUDIO_512)
load_image = loader(IMAGE)
load_image_512 = loader(IMAGE_512)
