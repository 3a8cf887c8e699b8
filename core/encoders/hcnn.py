"""`hcnn`: the Harmonic CNN of Won et al. 2020, the audio encoder of Seth 2022.

A music tagger whose front end stacks, for each of 128 notes (half semitones from C1 up), six
triangular filters: at the note and at its harmonics. The vector is the hidden layer before the
tags: 256 numbers after ReLU.

The definition is this project's own, for the authors' weights (`best_model.pth`, a state dict;
names and shapes in `shapes`). They are loaded with `weights_only`: nothing in the file is run. The
authors trained it on several sets of tagged music; Seth does not say which weights were used, and
all are accepted. The card's address is MagnaTagATune's: with it, tags of that set are new to the
text side of a study, but not to this encoder.

The network hears 5 seconds. A longer sound is covered by as few windows as possible, the first at
its start, the last at its end, and its vector is their mean (the published evaluation also averages
evenly spaced windows). Of more than 30 s the middle 30 s are used. A sound shorter than 5 s is
repeated until it fills them: with silence instead, most of the input would be silent, and the
network was trained on continuous music.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.encoders import mel, recordings, state_dict, weights
from core.encoders.base import Card, Encoder, WeightsFile, mean_of_parts, refusal
from core.encoders.packed import Convolution
from core.encoders.torch_network import (
    Forward,
    TorchEncoder,
    channels_last,
    folded,
    scale_and_shift,
)

RATE_HZ = 16_000
HEARS_S = 30.0
N_WINDOW = 5 * RATE_HZ
N_FFT = 512
HOP = 256
N_HARMONICS = 6
N_NOTES = 128
LOWEST_MIDI = 24.0  # C1
NOTES_PER_SEMITONE = 2
BANDWIDTH = (0.1079, 24.7)  # of the ear at f: 0.1079 f + 24.7 Hz, divided by the learned Q
SILENCE = 1e-10  # lowest power
N_CHANNELS = 128
DIM = 256
EPSILON = 1e-5
# Kind of layer, channels after it, and how its output is pooled (notes, time).
LAYERS = (
    ("plain", N_CHANNELS, (2, 2)),
    ("residual", N_CHANNELS, (2, 2)),
    ("residual", N_CHANNELS, (2, 2)),
    ("residual", N_CHANNELS, (2, 2)),
    ("plain", 2 * N_CHANNELS, (2, 2)),
    ("residual", 2 * N_CHANNELS, (2, 3)),
    ("residual", 2 * N_CHANNELS, (2, 3)),
)

CARD = Card(
    name="hcnn",
    modality="audio",
    dim=DIM,
    title="Harmonic CNN, the layer before the tags",
    licence="MIT (Music Technology Group, Universitat Pompeu Fabra)",
    citation=(
        "Won, Chun, Nieto, Serra, Data-Driven Harmonic Filters for Audio Representation Learning, "
        "ICASSP 2020"
    ),
    parameters=3_618_701,
    rate_hz=RATE_HZ,
    window_s=N_WINDOW / RATE_HZ,
    hears_s=HEARS_S,
    weights=(
        WeightsFile(
            name="hcnn.pth",
            address=(
                "https://github.com/minzwon/sota-music-tagging-models/raw/master/models/mtat/hcnn/"
                "best_model.pth"
            ),
            aliases=("best_model.pth",),
        ),
    ),
)


def shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published state dict, without the tags' layer (`dense2`)."""
    found: dict[str, tuple[int, ...]] = {"hstft.bw_Q": (1,)}

    def norm(name: str, n_channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{name}.{part}"] = (n_channels,)

    norm("hstft_bn", N_HARMONICS)
    n_before = N_HARMONICS
    for number, (kind, n_channels, _) in enumerate(LAYERS, 1):
        for suffix in ("",) if kind == "plain" else ("_1", "_2"):
            found[f"layer{number}.conv{suffix}.weight"] = (n_channels, n_before, 3, 3)
            found[f"layer{number}.conv{suffix}.bias"] = (n_channels,)
            norm(f"layer{number}.bn{suffix}", n_channels)
            n_before = n_channels
    found |= {"dense1.weight": (DIM, DIM), "dense1.bias": (DIM,)}
    norm("bn", DIM)
    return found


def harmonic_filters(q: float) -> np.ndarray:
    """`(257, 6 * 128)`: over STFT bins, a triangle for each harmonic of each note.

    Its half width is half the ear's bandwidth at its centre (Glasberg and Moore's line), divided
    by `q`. Columns are ordered by harmonic, then by note.
    """
    midi = LOWEST_MIDI + np.arange(N_NOTES) / NOTES_PER_SEMITONE
    hz = 440 * 2 ** ((midi - 69) / 12)
    centres = (np.arange(1, N_HARMONICS + 1)[:, None] * hz).ravel()
    slope, least = BANDWIDTH
    width = (slope * centres + least) / q
    bins = np.linspace(0, RATE_HZ / 2, N_FFT // 2 + 1)[:, None]
    rising, falling = 2 * (bins - centres) / width, 2 * (centres - bins) / width
    return np.maximum(0, 1 + np.minimum(rising, falling))


class FrontEnd:
    """Harmonic spectrograms through the filters of one learned Q."""

    def __init__(self, q: float) -> None:
        self.filters_ = mel.sparse(harmonic_filters(q))
        self.window_ = mel.hann(N_FFT)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """`(128, 313, 6)` float32 decibels (notes, time, harmonics) of 80,000 samples at 16 kHz."""
        framed = mel.frames(np.pad(samples, N_FFT // 2, mode="reflect"), N_FFT, HOP)
        power = np.ascontiguousarray(mel.power(framed, self.window_).T)
        decibels = 10 * np.log10(np.maximum(self.filters_ @ power, np.float32(SILENCE)))
        stacked = decibels.reshape(N_HARMONICS, N_NOTES, -1)
        return np.ascontiguousarray(stacked.transpose(1, 2, 0))


windows = functools.partial(
    recordings.windows, n_window=N_WINDOW, n_longest=round(HEARS_S * RATE_HZ)
)


class HarmonicCnn(TorchEncoder):
    """The network, averaged over the windows of each sound."""

    def embed(self, media: Sequence[np.ndarray]) -> np.ndarray:
        """`(n, 256)` float32; see `core.encoders.base.Encoder.embed`."""
        return mean_of_parts(super().embed, [windows(samples) for samples in media])


def network(state: Mapping[str, np.ndarray]) -> Forward:
    """The function from `(b, 6, 128, time)` to `(b, 256)` of a state dict shaped as `shapes`."""
    from torch import Tensor
    from torch.nn import functional

    def norm(name: str) -> list[np.ndarray]:
        return [
            state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        ]

    def conv(number: int, suffix: str, relu: bool = True) -> Convolution:
        name = f"layer{number}.conv{suffix}"
        normed = norm(f"layer{number}.bn{suffix}")
        weight, bias = folded(state[f"{name}.weight"], state[f"{name}.bias"], normed, EPSILON)
        return Convolution(weight, bias, padding=1, relu=relu)

    layers = [
        ([conv(n, "")] if kind == "plain" else [conv(n, "_1"), conv(n, "_2", False)], pool)
        for n, (kind, _, pool) in enumerate(LAYERS, 1)
    ]
    entrance = scale_and_shift(norm("hstft_bn"), EPSILON)
    dense = Convolution(
        *folded(state["dense1.weight"][..., None, None], state["dense1.bias"], norm("bn"), EPSILON)
    )

    def forward(x: Tensor) -> Tensor:
        scale, shift = entrance
        x = x * scale + shift
        for convolutions, pool in layers:
            y = convolutions[0](x)
            if len(convolutions) == 2:
                y = functional.relu_(convolutions[1](y).add_(x))
            x = functional.max_pool2d(y, pool)
        return dense(x.amax((2, 3), keepdim=True)).flatten(1)

    return forward


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `hcnn` encoder.

    Raises MissingWeights when the file is absent, UserError when it is another network.
    """
    path = weights.find(CARD, weights_dir)
    state = state_dict.read(path, shapes(), refusal(path, CARD))
    front_end = FrontEnd(float(state["hstft.bw_Q"][0]))
    forward = channels_last(network(state))
    return HarmonicCnn(CARD, front_end, forward, weights.sha256(path), n_threads)
