"""`dinov2`: DINOv2 ViT-B/14, trained on 142 million pictures without captions or labels.

Picture: shorter side to 256 px (bicubic), the middle 224 x 224, ImageNet's mean and std (the
repository's `preprocessor_config.json`; `BitImageProcessor`). The 768 numbers are the class token
after the last layer norm. The network interpolates its position embeddings, learned at 518 px.
"""

from typing import Any

import numpy as np

from core.encoders import hub
from core.encoders.base import Card
from core.encoders.pictures import IMAGENET, centre_crop, normalised

REPOSITORY = "facebook/dinov2-base"
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
    repository=REPOSITORY,
    weights=hub.files(REPOSITORY, "config.json", "model.safetensors"),
)

SPEC = hub.HubSpec(
    architecture="Dinov2Model",
    model_type="dinov2",
    expected={"patch_size": 14, "hidden_size": CARD.dim},
)


def prepare(picture: np.ndarray) -> np.ndarray:
    """`(3, 224, 224)` float32: the middle of a picture, with ImageNet's mean and std."""
    return normalised(centre_crop(picture, SHORT_PX, SIZE_PX), IMAGENET)


def _last_layer_of_class_token(network: hub.HubNetwork) -> None:
    last = network.module.encoder.layer[-1]
    hub.first_token_only(last.attention.o_proj, last.norm2)


def _class_token(module: Any, pictures: Any) -> Any:
    return module(pixel_values=pictures).pooler_output


load = hub.loader(CARD, SPEC, prepare, _class_token, _last_layer_of_class_token)
