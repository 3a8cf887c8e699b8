"""Networks of `transformers` for pictures, as its users run them: one picture per call.

The library's own processor and network, float32, with torch's default number of threads and without
gradients. (The processors are those for Pillow, which the library uses without torchvision.)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.encoders.pictures import IMAGENET


def load(name: str, weights_dir: Path) -> tuple[Callable[[Any], Any], Any]:
    """The function from a prepared picture to its vector, and the processor that prepares it."""
    folder = weights_dir / Path(encoders.card(name).weights[0].name).parent
    return BUILDERS[name](folder)


def vector_of(state: tuple[Callable[[Any], Any], Any], picture: np.ndarray) -> np.ndarray:
    """`(dim,)` float32 of one `(h, w, 3)` uint8 picture."""
    prepared = state[1](images=picture, return_tensors="np")["pixel_values"]
    return forward(state, prepared)[0]


def forward(state: tuple[Callable[[Any], Any], Any], batch: np.ndarray) -> np.ndarray:
    """`(b, dim)` float32 of prepared pictures."""
    import torch

    with torch.inference_mode():
        return np.asarray(state[0](torch.from_numpy(batch)))


def _dinov2(folder: Path) -> tuple[Callable[[Any], Any], Any]:
    from transformers import Dinov2Model
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    model = Dinov2Model.from_pretrained(folder, local_files_only=True).eval()
    mean, std = (list(each) for each in IMAGENET)
    processor = BitImageProcessorPil(size={"shortest_edge": 256}, image_mean=mean, image_std=std)
    return lambda pixels: model(pixel_values=pixels).pooler_output, processor


def _clip_image(folder: Path) -> tuple[Callable[[Any], Any], Any]:
    from torch.nn.functional import normalize
    from transformers import CLIPVisionModelWithProjection
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    model = CLIPVisionModelWithProjection.from_pretrained(folder, local_files_only=True).eval()
    return lambda pixels: normalize(
        model(pixel_values=pixels).image_embeds
    ), CLIPImageProcessorPil()


BUILDERS: dict[str, Callable[[Path], tuple[Callable[[Any], Any], Any]]] = {
    "dinov2": _dinov2,
    "clip_image": _clip_image,
}
