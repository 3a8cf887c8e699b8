"""`yamnet`: YAMNet, a MobileNet V1 trained on AudioSet's sounds, as TensorFlow Hub publishes it.

The SavedModel holds the whole way from samples: 16 kHz in [-1, 1], 64 mel bands of 125 to 7,500 Hz,
windows of 25 ms every 10 ms, log(mel + 0.001), patches of 96 frames every 48, and the mean over the
last convolution's time and frequency as 1024 numbers a patch (`research/audioset/yamnet` of the
TensorFlow Model Garden).

A patch is 95 hops and one window long: 15,600 samples, 0.975 s. Of a second (16,000 samples) its
middle 15,600 are heard: exactly one patch, none of it silence that was put there. What is shorter
has zeros after it, as the published padding does.

The level is left as it is: that is the published preprocessing, and Wu et al. 2021 (section 3.2)
use it. `yamnet_lite`, for one's own recordings, levels the second first; see there for what that
is worth on sounds that are not AudioSet's.
"""

from pathlib import Path

import numpy as np

from core.encoders import savedmodel
from core.encoders.base import Card, Encoder, WeightsFile, fit_length

RATE_HZ = 16_000
N_SAMPLES = 15_600
HANDLE = "https://tfhub.dev/google/yamnet/1"

CARD = Card(
    name="yamnet",
    modality="audio",
    dim=1024,
    title="YAMNet",
    licence="Apache-2.0",
    citation=(
        "Plakal and Ellis, YAMNet, TensorFlow Model Garden 2019; Gemmeke et al., Audio Set: "
        "An ontology and human-labeled dataset for audio events, ICASSP 2017"
    ),
    parameters=3_195_456,
    rate_hz=RATE_HZ,
    window_s=N_SAMPLES / RATE_HZ,
    weights=(
        WeightsFile(
            name="yamnet_1",
            address=f"{HANDLE}?tf-hub-format=compressed",
            aliases=("google/yamnet/1",),
            caches=savedmodel.hub_caches(HANDLE, "google/yamnet/tensorFlow2/yamnet/1"),
            unpack="tar.gz",
        ),
    ),
)


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(15600,)` float32: the middle of a second at 16 kHz, at its own level."""
    return fit_length(samples, N_SAMPLES)


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `yamnet` encoder; raises as `core.encoders.savedmodel.load`."""
    return savedmodel.load(CARD, N_SAMPLES, prepare, weights_dir, n_threads)
