"""`yamnet_lite`: YAMNet, a MobileNet V1 trained on AudioSet's sounds, as a `.tflite` file.

The network hears the middle 15,600 samples of the second at 16 kHz (one patch of 96 frames). The
1024 numbers are the mean over the last convolution's time and frequency.

The second is first scaled to -26 dB RMS, by 40 dB at most, so that a recording's gain is not part
of its vector: YAMNet's log-mel depends on it, and instrument recordings are not levelled as
AudioSet's clips are. On recordings of sources that were not trained on, this level was the best of
five (EXPERIMENTS.md): precision@10 0.47 and 0.59, as recorded 0.38 and 0.45.
"""

import dataclasses

import numpy as np

from core.encoders import litert, yamnet
from core.encoders.base import WeightsFile, fit_length
from core.encoders.savedmodel import N_SAMPLES

LEVEL_RMS = 10 ** (-26 / 20)
MAX_GAIN = 10 ** (40 / 20)  # so that hiss and silence stay quiet

CARD = dataclasses.replace(
    yamnet.CARD,
    name="yamnet_lite",
    title="YAMNet (TFLite)",
    weights=(
        WeightsFile(
            name="yamnet_classification_tfhub.tflite",
            address="https://www.kaggle.com/models/google/yamnet",
            sha256="687f226c147a2caab4706fbbab5e9cecb14b9a368264bf61108078b1fddf68f5",
            size=3_959_752,
            aliases=("yamnet.tflite",),
            fetchable=False,
        ),
    ),
)

SIGNATURE = litert.Signature(
    input_shape=(N_SAMPLES,),
    input_dtype=np.float32,
    tensor="global_average_pooling2d/Mean",
)


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(15600,)` float32: the middle of a second at 16 kHz, at -26 dB RMS."""
    middle = fit_length(samples, N_SAMPLES)
    rms = float(np.sqrt(np.mean(np.square(middle, dtype=np.float64))))
    return middle * np.float32(min(MAX_GAIN, LEVEL_RMS / max(rms, 1e-12)))


load = litert.loader(CARD, SIGNATURE, prepare)
