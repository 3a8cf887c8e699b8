"""`clap_audio` and `clap_text`: LAION's CLAP trained on music, sound and text in one space.

Of LAION's published networks this is `larger_clap_music`: the larger audio encoder (HTSAT-base, 69
million parameters against 28 of `clap-htsat-unfused`), trained on music and its captions. The older
one was trained on sound effects for the most part; it costs less than half. Wu's classes are
instruments, and what people type is about music.

Sound: the network looks at 10 seconds at 48 kHz. What is shorter is repeated as often as it fits,
then followed by zeros ("repeatpad", as LAION trained it); so one second costs as much as ten. What
is longer is cut to its middle. Then a power STFT (Hann 1024, hop 480, centred), 64 Slaney mel bands
from 50 to 14,000 Hz, decibels: `ClapFeatureExtractor` with the repository's settings, without its
random cut. Text: byte-pair tokens, at most 77, as LAION trained it (`laion_clap/hook.py`).

Both are projected to 512 numbers and brought to unit length, as the loss compares them: the two
share one space as published (`joint`).
"""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from core.encoders import hub, hub_text, mel
from core.encoders.base import Card, Encoder, fit_length

RATE_HZ = 48_000
N_SAMPLES = 10 * RATE_HZ
N_FFT, HOP = 1024, 480
N_MELS = 64
LOWEST_HZ, HIGHEST_HZ = 50.0, 14_000.0
FLOOR = 1e-10
MAX_TOKENS = 77
REPOSITORY = "laion/larger_clap_music"
CITATION = (
    "Wu et al., Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and "
    "Keyword-to-Caption Augmentation, ICASSP 2023"
)

AUDIO_CARD = Card(
    name="clap_audio",
    modality="audio",
    dim=512,
    title="CLAP, larger, trained on music (HTSAT-base), sound",
    licence="Apache-2.0",
    citation=CITATION,
    parameters=68_611_864,
    rate_hz=RATE_HZ,
    window_s=1.0,  # of which it is handed one, repeated to fill 10
    joint="clap",
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin"),
)

TEXT_CARD = Card(
    name="clap_text",
    modality="text",
    dim=512,
    title="CLAP, larger, trained on music (RoBERTa base), text",
    licence="Apache-2.0",
    citation=CITATION,
    parameters=125_302_016,
    joint="clap",
    weights=hub.files(REPOSITORY, "config.json", "pytorch_model.bin", "tokenizer.json"),
)

AUDIO_NETWORK = hub.Network(
    architecture="ClapAudioModelWithProjection",
    model_type="clap",
    beside=("text_model.", "text_projection.", "logit_scale_a", "logit_scale_t"),
    expected={"num_mel_bins": N_MELS, "enable_fusion": False, "projection_dim": AUDIO_CARD.dim},
)

TEXT_NETWORK = hub.Network(
    architecture="ClapTextModelWithProjection",
    model_type="clap",
    beside=("audio_model.", "audio_projection.", "logit_scale_a", "logit_scale_t"),
    expected={"projection_dim": TEXT_CARD.dim},
)


def prepare(samples: np.ndarray) -> np.ndarray:
    """`(1, 1001, 64)` float32: the decibels of a sound at 48 kHz, repeated to 10 seconds."""
    if samples.ndim == 1 and 0 < len(samples) < N_SAMPLES:
        samples = np.tile(samples, N_SAMPLES // len(samples))
    heard = np.pad(fit_length(samples, N_SAMPLES), N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(heard, N_FFT)[::HOP]
    power = mel.power(frames, _window(), N_FFT)
    return (10 * np.log10(np.maximum(FLOOR, power @ _bands()))).astype(np.float32)[None]


@functools.cache
def _window() -> np.ndarray:
    return np.hanning(N_FFT + 1)[:-1]


@functools.cache
def _bands() -> np.ndarray:
    return mel.slaney_bands(RATE_HZ, N_FFT, N_MELS, LOWEST_HZ, HIGHEST_HZ)


def load_audio(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `clap_audio` encoder; raises as `core.encoders.hub.Loaded`."""
    loaded = hub.Loaded(AUDIO_CARD, AUDIO_NETWORK, weights_dir)
    encoder = hub.HubEncoder(loaded, prepare, _of_sounds, n_threads)
    hub.try_out(loaded, encoder, np.zeros(RATE_HZ, np.float32))
    return encoder


def load_text(weights_dir: Path | None, n_threads: int) -> Encoder:
    """The `clap_text` encoder; raises as `core.encoders.hub.Loaded`."""
    loaded = hub.Loaded(TEXT_CARD, TEXT_NETWORK, weights_dir)
    encoder = hub_text.TextEncoder(loaded, _of_texts, MAX_TOKENS)
    hub.try_out(loaded, encoder, "")
    return encoder


def _of_sounds(module: Any, spectra: Any) -> Any:
    return hub.unit(module(input_features=spectra).audio_embeds)


def _of_texts(module: Any, ids: Any, mask: Any) -> Any:
    return hub.unit(module(input_ids=ids, attention_mask=mask).text_embeds)
