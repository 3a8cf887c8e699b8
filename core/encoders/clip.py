"""`clip_image` and `clip_text`: OpenAI's CLIP, ViT-B/32, trained on 400 million captioned pictures.

Picture: shorter side to 224 px (bicubic), the middle 224 x 224, CLIP's mean and deviation
(openai/CLIP `clip.py`; `CLIPImageProcessor`). Text: byte-pair tokens, at most 77, the vector at the
end mark. Both are projected to 512 numbers and brought to unit length, as CLIP's loss compares
them: the two share one space as published (`joint`).
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import hub, hub_text
from core.encoders.base import Card, Encoder
from core.encoders.crops import CLIP, centre_crop, normalised

SIZE_PX = 224
MAX_TOKENS = 77
REPOSITORY = "openai/clip-vit-base-patch32"
CITATION = (
    "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, "
    "ICML 2021"
)

IMAGE_CARD = Card(
    name="clip_image",
    modality="image",
    dim=512,
    title="CLIP ViT-B/32, pictures",
    licence="MIT",
    citation=CITATION,
    parameters=87_849_216,
    size_px=SIZE_PX,
    joint="clip",
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin"),
)

TEXT_CARD = Card(
    name="clip_text",
    modality="text",
    dim=512,
    title="CLIP ViT-B/32, text",
    licence="MIT",
    citation=CITATION,
    parameters=63_428_096,
    joint="clip",
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin", "tokenizer.json"),
)

IMAGE_NETWORK = hub.Network(
    architecture="CLIPVisionModelWithProjection",
    model_type="clip",
    beside=("text_model.", "text_projection.", "logit_scale"),
    expected={"image_size": SIZE_PX, "projection_dim": IMAGE_CARD.dim},
)

TEXT_NETWORK = hub.Network(
    architecture="CLIPTextModelWithProjection",
    model_type="clip",
    beside=("vision_model.", "visual_projection.", "logit_scale"),
    expected={"max_position_embeddings": MAX_TOKENS, "projection_dim": TEXT_CARD.dim},
)


def prepare(picture: np.ndarray) -> np.ndarray:
    """`(3, 224, 224)` float32: the middle of a picture, with CLIP's mean and deviation."""
    return normalised(centre_crop(picture, SIZE_PX, SIZE_PX), CLIP)


def load_image(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `clip_image` encoder; raises as `core.encoders.hub.Loaded`."""
    loaded = hub.Loaded(IMAGE_CARD, IMAGE_NETWORK, weights_dir)
    encoder = hub.HubEncoder(loaded, prepare, _of_pictures, n_threads)
    hub.try_out(loaded, encoder, np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8))
    return encoder


def load_text(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `clip_text` encoder; raises as `core.encoders.hub.Loaded`."""
    loaded = hub.Loaded(TEXT_CARD, TEXT_NETWORK, weights_dir)
    encoder = hub_text.TextEncoder(loaded, _of_texts, MAX_TOKENS)
    hub.try_out(loaded, encoder, "")
    return encoder


def _of_pictures(module: Any, pictures: Any) -> Any:
    return hub.unit(module(pixel_values=pictures).image_embeds)


def _of_texts(module: Any, ids: Any, mask: Any) -> Any:
    return hub.unit(module(input_ids=ids, attention_mask=mask).text_embeds)
