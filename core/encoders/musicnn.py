"""`musicnn`: the music tagger of Pons and Serra, trained on MagnaTagATune.

A musically motivated front end (two timbre filters, three filters along time) and three residual
layers. The vector joins two parts of equal length (`core.encoders.joined.join`): the layer before
the tags (200 numbers), and the mean over time of the front end and the three layers (753).

The definition is this project's own, for the weights of `MTT_musicnn` in the package `musicnn`. The
package is installed without its dependencies, read, and never run:

    .venv/bin/pip install --no-deps -r requirements-networks.txt

The same files in a weights folder (`MTT_musicnn/.index`, `MTT_musicnn/.data-00000-of-00001`) serve
as well.

The network hears 3 seconds. Windows of a longer sound are averaged, and a shorter sound is
repeated, as for `hcnn`; up to 2 seconds are repeated to 2 alone, which takes two thirds of the
time and finds as much (EXPERIMENTS.md). A sound is first scaled to a peak of 1, by 40 dB at most:
the network's log-mel depends on the level, and gain belongs to the recording. The published code
casts mel power to float16, which overflows at loud sounds; here it stays float32.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import joined, mel, recordings, tensorflow_checkpoint, weights
from core.encoders.base import Card, Encoder, WeightsFile, mean_of_parts
from core.encoders.packaged import Package
from core.encoders.torch_network import Forward, TorchEncoder, device, scale_and_shift

RATE_HZ = 16_000
HEARS_S = 30.0
N_WINDOW = 3 * RATE_HZ
N_SHORTEST = 2 * RATE_HZ
N_FFT = 512
HOP = 256
N_MELS = 96
MAX_GAIN = 10 ** (40 / 20)  # so that hiss and silence stay quiet
EPSILON = 1e-3

# Kernels (time, bands) and channels, in the order of the checkpoint.
TIMBRE = ((7, 38, 204), (7, 67, 204))
TEMPO = ((128, 1, 51), (64, 1, 51), (32, 1, 51))
N_FRONT = sum(channels for *_, channels in TIMBRE + TEMPO)
N_MIDDLE, N_LAYERS, MIDDLE_FRAMES = 64, 3, 7
N_POOLED = N_FRONT + N_LAYERS * N_MIDDLE
N_DENSE = 200
N_VECTOR = N_DENSE + N_POOLED
TAGS = (  # of MagnaTagATune, in the network's order
    *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast"),
    *("piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male"),
    *("singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman"),
    *("male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir"),
    *("voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello"),
    *("no voice", "weird", "country", "metal", "female voice", "choral"),
)
NORM = ("gamma", "beta", "moving_mean", "moving_variance")

PACKAGE = Package("musicnn", "musicnn/MTT_musicnn")


def _file(name: str, size: int, sha256: str) -> WeightsFile:
    return WeightsFile(
        name=f"MTT_musicnn/{name}",
        address="https://github.com/jordipons/musicnn",
        sha256=sha256,
        size=size,
        fetchable=False,
        caches=PACKAGE.caches(name),
    )


CARD = Card(
    name="musicnn",
    modality="audio",
    dim=N_VECTOR,
    title="musicnn (MagnaTagATune), the layer before the tags and the mean of those before it",
    licence="ISC (Music Technology Group, Universitat Pompeu Fabra)",
    citation=(
        "Pons, Serra, musicnn: Pre-trained Convolutional Neural Networks for Music Audio "
        "Tagging, ISMIR 2019 (late-breaking demo)"
    ),
    parameters=777_109,
    version=4,
    tags=TAGS,
    rate_hz=RATE_HZ,
    window_s=N_WINDOW / RATE_HZ,
    hears_s=HEARS_S,
    weights=(
        _file(
            ".index",
            4_948,
            "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
        ),
        _file(
            ".data-00000-of-00001",
            9_465_596,
            "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
        ),
    ),
)


def shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables: up to the vector, and the layer of the tags."""
    widths = (N_FRONT, *[N_MIDDLE] * (N_LAYERS - 1))
    kernels = [*TIMBRE, *TEMPO, *((MIDDLE_FRAMES, width, N_MIDDLE) for width in widths)]
    found: dict[str, tuple[int, ...]] = {}
    for n, (frames, bands, channels) in enumerate(kernels):
        found[_name("conv2d", n, "kernel")] = (frames, bands, 1, channels)
        found[_name("conv2d", n, "bias")] = (channels,)
    found |= {"dense/kernel": (2 * N_POOLED, N_DENSE), "dense/bias": (N_DENSE,)}
    found |= {"dense_1/kernel": (N_DENSE, len(TAGS)), "dense_1/bias": (len(TAGS),)}
    normed = [1, *(channels for *_, channels in kernels), 2 * N_POOLED, N_DENSE]
    for n, channels in enumerate(normed):
        found |= {_name("batch_normalization", n, part): (channels,) for part in NORM}
    return found


def _name(layer: str, number: int, part: str) -> str:
    return f"{layer}_{number}/{part}" if number else f"{layer}/{part}"


def levelled(samples: np.ndarray) -> np.ndarray:
    """float32: a sound scaled to a peak of 1, by 40 dB at most."""
    peak = float(np.abs(samples).max(initial=0))
    return samples.astype(np.float32, copy=False) / np.float32(max(peak, 1 / MAX_GAIN))


def windows(samples: np.ndarray) -> list[np.ndarray]:
    """The windows of a sound at 16 kHz, which is first scaled to a peak of 1: `(48000,)` float32,
    or one of `(32000,)` where it is no longer than that."""
    n_window = N_WINDOW if len(samples) > N_SHORTEST else N_SHORTEST
    return recordings.windows(levelled(samples), n_window, round(HEARS_S * RATE_HZ))


def log_mel(samples: np.ndarray) -> np.ndarray:
    """`(n // 256, 96)` float32 of `n` samples at 16 kHz: log10(10000 m + 1) of mel power `m`.

    The last frame is left out, as published: 3 seconds have 187.
    """
    bands, window = _filters()
    framed = mel.frames(np.pad(samples, N_FFT // 2), N_FFT, HOP)[: len(samples) // HOP]
    power = bands @ np.ascontiguousarray(mel.power(framed, window).T)
    return np.ascontiguousarray(np.log10(10_000 * power + 1).T)


@functools.cache
def _filters() -> tuple[Any, np.ndarray]:
    bands = mel.slaney_bands(RATE_HZ, N_FFT, N_MELS, 0, RATE_HZ / 2)
    return mel.sparse(bands), mel.hann(N_FFT)


class Musicnn(TorchEncoder):
    """The network, averaged over the windows of each sound."""

    def embed(self, media: Sequence[np.ndarray]) -> np.ndarray:
        """`(n, 953)` float32; see `core.encoders.base.Encoder.embed`."""
        return self.embed_and_tag(media)[0]

    def embed_and_tag(self, media: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """`(n, 953)` vectors and `(n, 50)` scores of `TAGS`, both float32."""
        cut = [windows(samples) for samples in media]
        raw = mean_of_parts(lambda parts: self.outputs(parts, N_VECTOR + len(TAGS)), cut)
        dense, pooled, scores = np.split(raw, [N_DENSE, N_VECTOR], axis=1)
        return joined.join([dense, pooled], (1.0, 1.0)), scores

    def outputs(self, media: Sequence[Any], n_columns: int) -> np.ndarray:
        """As the base class, for windows of two lengths."""
        lengths = np.array([len(samples) for samples in media])
        found = np.empty((len(media), n_columns), np.float32)
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            found[rows] = super().outputs([media[row] for row in rows.tolist()], n_columns)
        return found


def network(variables: Mapping[str, np.ndarray]) -> Forward:
    """The function from `(b, frames, 96)` to `(b, 1003)`: the vector's 953 numbers and 50 scores.

    `variables` are shaped as `shapes`.
    """
    import torch
    from torch.nn import functional

    def norm(number: int, n_axes: int) -> Forward:
        arrays = [variables[_name("batch_normalization", number, part)] for part in NORM]
        shape = (1, -1, 1, 1)[:n_axes]
        scale, shift = (each.reshape(shape) for each in scale_and_shift(arrays, EPSILON))
        return lambda x: x * scale + shift

    def weight(name: str, *order: int) -> torch.Tensor:
        return torch.from_numpy(variables[name].transpose(*order).copy()).to(device())

    def front(number: int) -> Forward:
        """`(b, 1, t, 96)` to `(b, channels, t)`: the highest of all bands."""
        kernel = weight(_name("conv2d", number, "kernel"), 3, 2, 0, 1)
        bias = weight(_name("conv2d", number, "bias"), 0)
        normed, n_frames = norm(number + 1, 4), kernel.shape[2]
        margins = (0, 0, (n_frames - 1) // 2, n_frames // 2)  # TensorFlow's `same` along time

        def forward(x: torch.Tensor) -> torch.Tensor:
            y = functional.conv2d(functional.pad(x, margins), kernel, bias)
            return normed(functional.relu_(y)).amax(3)

        return forward

    def middle(number: int) -> Forward:
        """`(b, n, t)` to `(b, 64, t)`: the published kernel spans all `n`."""
        kernel = weight(_name("conv2d", number, "kernel"), 3, 1, 0, 2)[..., 0].contiguous()
        bias = weight(_name("conv2d", number, "bias"), 0)
        normed = norm(number + 1, 3)
        return lambda x: normed(
            functional.relu_(functional.conv1d(x, kernel, bias, padding=MIDDLE_FRAMES // 2))
        )

    n_front = len(TIMBRE + TEMPO)
    entrance = norm(0, 4)
    fronts = [front(n) for n in range(n_front)]
    first, *others = (middle(n_front + n) for n in range(N_LAYERS))
    before_dense, after_dense = (norm(n_front + N_LAYERS + n, 2) for n in (1, 2))
    dense = weight("dense/kernel", 1, 0), weight("dense/bias", 0)
    tags = weight("dense_1/kernel", 1, 0), weight("dense_1/bias", 0)

    def forward(x: torch.Tensor) -> torch.Tensor:
        x = entrance(x[:, None])
        stacked = [torch.cat([one(x) for one in fronts], 1)]
        stacked.append(first(stacked[0]))
        for layer in others:
            stacked.append(layer(stacked[-1]) + stacked[-1])
        features = torch.cat(stacked, 1)
        mean = features.mean(2)
        pooled = torch.stack([features.amax(2), mean], 2).flatten(1)  # highest, mean, highest, ...
        hidden = functional.relu_(functional.linear(before_dense(pooled), *dense))
        normed = after_dense(hidden)
        scores = torch.sigmoid(functional.linear(normed, *tags))
        return torch.cat([normed, mean, scores], 1)

    return forward


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `musicnn` encoder.

    Raises MissingWeights when a file is absent, UserError when one is damaged or another network's.
    """
    index, data = PACKAGE.find_all(CARD, weights_dir)
    variables = tensorflow_checkpoint.read(index, data, CARD, shapes())
    sha256 = weights.sha256_of((index, data))
    return Musicnn(CARD, log_mel, network(variables), sha256, n_threads)
