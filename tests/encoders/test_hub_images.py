"""Pictures through the hub's networks, against the published models run whole by the library."""

from pathlib import Path

import numpy as np
import torch

from core import encoders
from core.encoders import clip, dinov2

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, shape, dtype=np.uint8) for shape in ((60, 90, 3), (300, 240, 3))]


def test_dinov2_vector_is_the_class_token_of_the_whole_network(hub_folder: Path) -> None:
    """Also where the last layer works on that token alone."""
    from transformers import Dinov2Model

    model = Dinov2Model.from_pretrained(hub_folder / "dinov2-base", local_files_only=True).eval()
    with torch.inference_mode():
        prepared = torch.from_numpy(np.stack([dinov2.prepare(one) for one in PICTURES]))
        expected = model(pixel_values=prepared).last_hidden_state[:, 0].numpy()
    found = encoders.load("dinov2", hub_folder).embed(PICTURES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_clip_vector_is_that_of_the_whole_published_model(hub_folder: Path) -> None:
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(
        hub_folder / "clip-vit-base-patch32", local_files_only=True
    ).eval()
    with torch.inference_mode():
        prepared = torch.from_numpy(np.stack([clip.prepare(one) for one in PICTURES]))
        pooled = model.get_image_features(pixel_values=prepared).pooler_output
    expected = torch.nn.functional.normalize(pooled, dim=-1).numpy()
    found = encoders.load("clip_image", hub_folder).embed(PICTURES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
