"""`clip_image` and `clip_text`: OpenAI's CLIP, ViT-B/32, trained on 400 million captioned pictures.

Picture: shorter side to 224 px (bicubic), the middle 224 x 224, CLIP's mean and std (openai/CLIP
`clip.py`; `CLIPImageProcessor`). Text: byte-pair tokens, at most 77, the vector at the end mark.
Both are projected to 512 numbers and scaled to unit length, as CLIP's loss compares them: the two
share one space as published (`joint`).
"""

import dataclasses
from typing import Any

import numpy as np

from core.encoders import hub, hub_text
from core.encoders.base import Card
from core.encoders.pictures import CLIP, centre_crop, normalised

SIZE_PX = 224
MAX_TOKENS = 77
REPOSITORY = "openai/clip-vit-base-patch32"

IMAGE_CARD = Card(
    name="clip_image",
    modality="image",
    dim=512,
    title="CLIP ViT-B/32, pictures",
    licence="MIT",
    citation=(
        "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, "
        "ICML 2021"
    ),
    parameters=87_849_216,
    size_px=SIZE_PX,
    joint="clip",
    repository=REPOSITORY,
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin"),
)

TEXT_CARD = dataclasses.replace(
    IMAGE_CARD,
    name="clip_text",
    modality="text",
    title="CLIP ViT-B/32, text",
    parameters=63_428_096,
    size_px=None,
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin", "tokenizer.json"),
)

IMAGE_SPEC = hub.HubSpec(
    architecture="CLIPVisionModelWithProjection",
    model_type="clip",
    unused=("text_model.", "text_projection.", "logit_scale"),
    expected={"image_size": SIZE_PX, "projection_dim": IMAGE_CARD.dim},
)

TEXT_SPEC = hub.HubSpec(
    architecture="CLIPTextModelWithProjection",
    model_type="clip",
    unused=("vision_model.", "visual_projection.", "logit_scale"),
    expected={"max_position_embeddings": MAX_TOKENS, "projection_dim": TEXT_CARD.dim},
)


def prepare(picture: np.ndarray) -> np.ndarray:
    """`(3, 224, 224)` float32: the middle of a picture, with CLIP's mean and std."""
    return normalised(centre_crop(picture, SIZE_PX, SIZE_PX), CLIP)


def _of_pictures(module: Any, pictures: Any) -> Any:
    return hub.unit(module(pixel_values=pictures).image_embeds)


load_image = hub.loader(IMAGE_CARD, IMAGE_SPEC, prepare, _of_pictures)
load_text = hub_text.loader(TEXT_CARD, TEXT_SPEC, hub_text.projected, MAX_TOKENS)
