"""`mobilenet_v2_lite`: MobileNet V2, trained on ImageNet, 8-bit, as a `.tflite` file.

The picture is letterboxed to 224 px (see `core.encoders.pictures.letterbox`), uint8 RGB; the 1280
numbers are the average pool before the classifier, dequantised.
"""

import numpy as np

from core.encoders import litert
from core.encoders.base import Card, WeightsFile
from core.encoders.pictures import letterbox

SIZE_PX = 224

CARD = Card(
    name="mobilenet_v2_lite",
    modality="image",
    dim=1280,
    title="MobileNet V2 1.0 224, 8-bit (TFLite)",
    licence="Apache-2.0",
    citation="Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
    parameters=2_223_872,
    size_px=SIZE_PX,
    weights=(
        WeightsFile(
            name="mobilenet_v2_1.0_224_quant.tflite",
            address=(
                "https://github.com/google-coral/test_data/raw/master/"
                "mobilenet_v2_1.0_224_quant.tflite"
            ),
            sha256="51e8256b05665529f8836fe6e8eeed41b2fc75a900d8eebda338d70a6726f8da",
            size=3_577_952,
        ),
    ),
)

SIGNATURE = litert.Signature(
    input_shape=(1, SIZE_PX, SIZE_PX, 3),
    input_dtype=np.uint8,
    tensor="MobilenetV2/Logits/AvgPool",
)


def prepare(picture: np.ndarray) -> np.ndarray:
    """`(224, 224, 3)` uint8: the whole picture, letterboxed."""
    return letterbox(picture, SIZE_PX)


load = litert.loader(CARD, SIGNATURE, prepare)
