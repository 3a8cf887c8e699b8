"""`mert`: MERT-v1-95M, trained on 20,000 hours of music to predict masked frames.

The second at 24 kHz is scaled to zero mean and unit variance (`Wav2Vec2FeatureExtractor` with the
repository's `preprocessor_config.json`). The 768 numbers are the mean over time (75 frames a
second) of the mean of all 13 layers, including the input of the first. The repository uses a
weighted mean of those layers, with weights learned for each task; without a task they are equal.

The repository's code is not run. It is HuBERT with additions (a constant-Q input, deep norm,
relaxed attention) that this network's configuration switches off, so its parameters fit
`HubertModel` one by one, and that is checked; the constant-Q part was a target of its training.
"""

from typing import Any

import numpy as np

from core.encoders import hub
from core.encoders.base import Card, fit_length

REPOSITORY = "m-a-p/MERT-v1-95M"
RATE_HZ = 24_000
N_SAMPLES = RATE_HZ

CARD = Card(
    name="mert",
    modality="audio",
    dim=768,
    title="MERT-v1-95M",
    licence="CC-BY-NC-4.0",
    citation=(
        "Li et al., MERT: Acoustic Music Understanding Model with Large-Scale Self-supervised "
        "Training, ICLR 2024"
    ),
    parameters=94_371_712,
    rate_hz=RATE_HZ,
    window_s=N_SAMPLES / RATE_HZ,
    repository=REPOSITORY,
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin"),
)

SPEC = hub.HubSpec(
    architecture="HubertModel",
    model_type="mert_model",
    expected={
        "hidden_size": CARD.dim,
        "feature_extractor_cqt": False,
        "deepnorm": False,
        "attention_relax": -1.0,
        "feat_proj_layer_norm": True,
        "do_stable_layer_norm": False,
    },
)


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(24000,)` float32: the middle second at 24 kHz, with zero mean and unit variance."""
    heard = fit_length(samples, N_SAMPLES).astype(np.float64)
    return ((heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)).astype(np.float32)


def _mean_of_layers(module: Any, sounds: Any) -> Any:
    import torch

    layers = module(input_values=sounds, output_hidden_states=True).hidden_states
    return torch.stack([layer.mean(1) for layer in layers]).mean(0)


load = hub.loader(CARD, SPEC, prepare, _mean_of_layers)
