"""`clap_audio` and `clap_text`: LAION's CLAP, sound and text in one space.

Of LAION's published networks this is `clap-htsat-unfused`, whose two towers are sound. The larger
one trained on music, `larger_clap_music`, has a text tower that gives almost one vector for all
texts: the mean cosine of two unrelated ones is 0.9993, against 0.18 here
(github.com/embeddings-benchmark/mteb, issue 5069), so nothing can be found with its words.

Sound: the network looks at 10 seconds at 48 kHz. A shorter sound is repeated as often as it fits
and then followed by zeros ("repeatpad", as LAION trained it), so one second costs as much as ten. A
longer one is cut to its middle. Then a power STFT (Hann 1024, hop 480, centred), 64 Slaney mel
bands from 50 to 14,000 Hz, decibels: `ClapFeatureExtractor` with the repository's settings, without
its random cut. Text: byte-pair tokens, at most 77, as LAION trained it (`laion_clap/hook.py`).

Both are projected to 512 numbers and scaled to unit length, as the loss compares them: the two
share one space as published (`joint`).
"""

import dataclasses
import functools
from typing import Any

import numpy as np

from core.encoders import hub, hub_text, mel
from core.encoders.base import Card, fit_length

RATE_HZ = 48_000
N_SAMPLES = 10 * RATE_HZ
N_FFT, HOP = 1024, 480
N_MELS = 64
LOWEST_HZ, HIGHEST_HZ = 50.0, 14_000.0
FLOOR = 1e-10
MAX_TOKENS = 77
REPOSITORY = "laion/clap-htsat-unfused"

AUDIO_CARD = Card(
    name="clap_audio",
    modality="audio",
    dim=512,
    title="CLAP (HTSAT-tiny), sound",
    licence="Apache-2.0",
    citation=(
        "Wu et al., Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and "
        "Keyword-to-Caption Augmentation, ICASSP 2023"
    ),
    parameters=28_190_872,
    rate_hz=RATE_HZ,
    window_s=1.0,  # repeated to fill 10
    joint="clap",
    repository=REPOSITORY,
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin"),
)

TEXT_CARD = dataclasses.replace(
    AUDIO_CARD,
    name="clap_text",
    modality="text",
    title="CLAP (RoBERTa base), text",
    parameters=125_302_016,
    rate_hz=None,
    window_s=None,
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin", "tokenizer.json"),
)

AUDIO_SPEC = hub.HubSpec(
    architecture="ClapAudioModelWithProjection",
    model_type="clap",
    unused=("text_model.", "text_projection.", "logit_scale"),
    expected={"num_mel_bins": N_MELS, "enable_fusion": False, "projection_dim": AUDIO_CARD.dim},
)

TEXT_SPEC = hub.HubSpec(
    architecture="ClapTextModelWithProjection",
    model_type="clap",
    unused=("audio_model.", "audio_projection.", "logit_scale"),
    expected={"projection_dim": TEXT_CARD.dim},
)


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(1, 1001, 64)` float32: the decibels of a sound at 48 kHz, repeated to 10 seconds."""
    bands, window = _filters()
    if samples.ndim == 1 and 0 < len(samples) < N_SAMPLES:
        samples = np.tile(samples, N_SAMPLES // len(samples))
    heard = np.pad(fit_length(samples, N_SAMPLES), N_FFT // 2, mode="reflect")
    power = mel.power(mel.frames(heard, N_FFT, HOP), window)
    return (10 * np.log10(np.maximum(FLOOR, power @ bands))).astype(np.float32)[None]


@functools.cache
def _filters() -> tuple[np.ndarray, np.ndarray]:
    bands = mel.slaney_bands(RATE_HZ, N_FFT, N_MELS, LOWEST_HZ, HIGHEST_HZ)
    return bands, mel.hann(N_FFT, np.float64)


def _of_sounds(module: Any, spectra: Any) -> Any:
    return hub.unit(module(input_features=spectra).audio_embeds)


load_audio = hub.loader(AUDIO_CARD, AUDIO_SPEC, prepare, _of_sounds)
load_text = hub_text.loader(TEXT_CARD, TEXT_SPEC, hub_text.projected, MAX_TOKENS)
