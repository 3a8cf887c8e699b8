"""`yamnet`: YAMNet, a MobileNet V1 trained on AudioSet's sounds, from TensorFlow Hub.

The SavedModel starts from samples: 16 kHz in [-1, 1], 64 mel bands of 125 to 7,500 Hz, windows of
25 ms every 10 ms, log(mel + 0.001), patches of 96 frames every 48, and the mean over the last
convolution's time and frequency as 1024 numbers a patch (`research/audioset/yamnet` of the
TensorFlow Model Garden). It hears one patch of each second (`core.encoders.savedmodel`).

The level is not changed: that is the published preprocessing, and Wu et al. 2021 (section 3.2) use
it. `yamnet_lite`, meant for own recordings, levels the second first; its docstring has measurements
on sounds that are not from AudioSet.
"""

from pathlib import Path

from core.encoders import savedmodel
from core.encoders.base import Card, Encoder

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
    rate_hz=savedmodel.RATE_HZ,
    window_s=savedmodel.N_SAMPLES / savedmodel.RATE_HZ,
    weights=(savedmodel.hub_file("yamnet"),),
)


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `yamnet` encoder; raises as `core.encoders.savedmodel.load`."""
    return savedmodel.load(CARD, weights_dir, n_threads)
