"""The random networks of the benchmarks are as large as the published ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import encoders
from tests.encoders import tiny_hub, tiny_torch, whole_networks


@pytest.mark.parametrize(
    ("name", "make", "parts"),
    [
        ("clip_image", tiny_hub.make_clip, ("vision_model.", "visual_projection.")),
        ("clap_audio", tiny_hub.make_clap, ("audio_model.", "audio_projection.")),
        ("dinov2", tiny_hub.make_dinov2, ("",)),
        ("ast", tiny_hub.make_ast, ("audio_spectrogram_transformer.",)),
    ],
)
def test_hub_networks(
    name: str,
    make: Callable[..., Any],
    parts: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch
    import transformers

    def without_memory(path: Path, architecture: str, config: Any) -> Any:
        with torch.device("meta"):
            return getattr(transformers, architecture)(config)

    monkeypatch.setattr(tiny_hub, "build", without_memory)
    module = make(tmp_path / "network", whole=True)
    found = sum(
        parameter.numel() for key, parameter in module.named_parameters() if key.startswith(parts)
    )
    assert found == encoders.card(name).parameters


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("openl3_audio", lambda rng: tiny_torch.openl3_layers(rng, 1)),
        ("openl3_image", lambda rng: tiny_torch.openl3_layers(rng, 3)),
        ("resnet50", tiny_torch.resnet50_layers),
        ("vgg16", tiny_torch.vgg16_layers),
    ],
)
def test_keras_networks(name: str, layers: Callable[[Any], tiny_torch.Layers]) -> None:
    made = layers(np.random.default_rng(0))
    found = sum(array.size for layer in made.values() for array in layer.values())
    assert found == encoders.card(name).parameters


def test_a_network_is_saved_where_its_loader_looks(tmp_path: Path) -> None:
    whole_networks.save("openl3_audio", tmp_path)
    encoder = encoders.load("openl3_audio", tmp_path)
    assert encoder.weights_sha256


def test_every_encoder_of_the_papers_can_be_made() -> None:
    unmade = set(encoders.names("audio") + encoders.names("image")) - set(whole_networks.MAKERS)
    light = {"logmel", "hog", "yamnet_lite", "mobilenet_v2_lite"}
    same_network = {"openl3_audio_512", "openl3_image_512"}
    assert unmade == light | same_network
