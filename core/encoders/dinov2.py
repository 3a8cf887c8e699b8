"""`dinov2`: DINOv2 ViT-B/14, trained on 142 million pictures without captions or labels.

Picture: shorter side to 256 px (bicubic), the middle 224 x 224, ImageNet's mean and deviation (the
repository's own `preprocessor_config.json`; `BitImageProcessor`). Its 768 numbers are the class
token after the last layer norm; the position embeddings, learned at 518 px, are interpolated by the
network.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import hub
from core.encoders.base import Card, Encoder
from core.encoders.crops import IMAGENET, centre_crop, normalised

SHORT_PX = 256
SIZE_PX = 224

CARD = Card(
    name="dinov2",
    modality="image",
    dim=768,
    title="DINOv2 ViT-B/14",
    licence="Apache-2.0",
    citation="Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, TMLR 2024",
    parameters=86_580_480,
    size_px=SIZE_PX,
    weights=hub.files("facebook/dinov2-base", "config.json", "model.safetensors"),
)

NETWORK = hub.Network(
    architecture="Dinov2Model",
    model_type="dinov2",
    expected={"patch_size": 14, "hidden_size": CARD.dim},
)


def prepare(picture: np.ndarray) -> np.ndarray:
    """`(3, 224, 224)` float32: the middle of a picture, with ImageNet's mean and deviation."""
    return normalised(centre_crop(picture, SHORT_PX, SIZE_PX), IMAGENET)


def load(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `dinov2` encoder; raises as `core.encoders.hub.Loaded`."""
    loaded = hub.Loaded(CARD, NETWORK, weights_dir)
    last = loaded.module.encoder.layer[-1]
    hub.first_token_alone(last.attention.o_proj, last.norm2)
    encoder = hub.HubEncoder(loaded, prepare, _class_token, n_threads)
    hub.try_out(loaded, encoder, np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8))
    return encoder


def _class_token(module: Any, pictures: Any) -> Any:
    return module(pixel_values=pictures).pooler_output
