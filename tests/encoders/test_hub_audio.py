"""CLAP, AST and MERT: their front ends and vectors against those of the library."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import encoders
from core.encoders import ast, clap, mert


def sound(rate_hz: int, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """A falling tone in a little noise."""
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    noise = np.random.default_rng(seed).standard_normal(len(time_s))
    tone = np.sin(2 * np.pi * (900 - 300 * time_s) * time_s)
    return (0.3 * tone * np.exp(-time_s) + 0.01 * noise).astype(np.float32)


def clap_extractor() -> Any:
    """With the settings of the published `preprocessor_config.json`."""
    from transformers import ClapFeatureExtractor

    return ClapFeatureExtractor(
        frequency_min=50,
        frequency_max=14_000,
        truncation="rand_trunc",
        padding="repeatpad",
    )


@pytest.mark.parametrize("seconds", [1.0, 0.3, 4.1, 10.0])
def test_claps_spectra_are_the_librarys(seconds: float) -> None:
    heard = sound(48_000, seconds)
    expected = clap_extractor()(heard, sampling_rate=48_000)["input_features"][0]
    found = clap.prepare(heard)
    assert found.shape == (1, 1001, 64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


def test_clap_hears_the_middle_of_longer_sounds() -> None:
    long = sound(48_000, 12)
    np.testing.assert_array_equal(clap.prepare(long), clap.prepare(long[48_000:-48_000]))


def test_silence_is_at_claps_floor() -> None:
    for silence in (np.zeros(48_000, np.float32), np.zeros(0, np.float32)):
        np.testing.assert_array_equal(clap.prepare(silence), -100)


@pytest.mark.filterwarnings(
    "ignore:At least one mel filter"
)  # the library warns about its own bands
def test_asts_spectra_are_the_librarys() -> None:
    from transformers import ASTFeatureExtractor

    heard = sound(16_000)
    expected = ASTFeatureExtractor()(heard, sampling_rate=16_000)["input_values"][0]
    found = ast.prepare(heard)
    assert found.shape == (98, 128)
    np.testing.assert_allclose(found, expected[:98], rtol=0, atol=1e-4)
    assert (expected[98:] == expected[-1, -1]).all()  # the library's padding


def test_merts_samples_are_the_librarys() -> None:
    from transformers import Wav2Vec2FeatureExtractor

    heard = sound(24_000) + np.float32(0.2)
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=24_000, do_normalize=True)
    expected = extractor(heard, sampling_rate=24_000)["input_values"][0]
    np.testing.assert_allclose(mert.prepare(heard), expected, rtol=0, atol=1e-5)


def test_clap_vector_is_that_of_the_whole_published_model(hub_folder: Path) -> None:
    import torch
    from transformers import ClapModel

    heard = sound(48_000)
    model = ClapModel.from_pretrained(
        hub_folder / "clap-htsat-unfused", local_files_only=True
    ).eval()
    features = clap_extractor()(heard, sampling_rate=48_000, return_tensors="pt")
    with torch.inference_mode():
        pooled = model.get_audio_features(input_features=features["input_features"].float())
    expected = torch.nn.functional.normalize(pooled.pooler_output, dim=-1).numpy()
    found = encoders.load("clap_audio", hub_folder).embed([heard])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_ast_vector_is_that_of_a_network_of_the_middle_columns(hub_folder: Path) -> None:
    """Against the library's own network for 98 frames, its positions cut out one by one."""
    import torch
    from transformers import ASTConfig, ASTForAudioClassification, ASTModel

    folder = hub_folder / "ast-finetuned-audioset-10-10-0.4593"
    whole = ASTForAudioClassification.from_pretrained(folder, local_files_only=True)
    whole = whole.audio_spectrogram_transformer
    config = ASTConfig.from_pretrained(folder, max_length=98)
    short = ASTModel(config).eval()
    rows, columns, first, wanted = 12, 101, 46, 9
    kept = [0, 1]
    kept += [2 + row * columns + first + step for row in range(rows) for step in range(wanted)]
    parameters = whole.state_dict()
    name = "embeddings.position_embeddings"
    parameters[name] = parameters[name][:, kept]
    short.load_state_dict(parameters)
    heard = sound(16_000)
    with torch.inference_mode():
        spectra = torch.from_numpy(ast.prepare(heard))[None]
        expected = short(spectra).pooler_output.numpy()
    found = encoders.load("ast", hub_folder).embed([heard])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_mert_vector_is_the_mean_of_layers_and_time(hub_folder: Path) -> None:
    import torch

    encoder = encoders.load("mert", hub_folder)
    heard = sound(24_000)
    with torch.inference_mode():
        layers = encoder.module(  # type: ignore[attr-defined]
            torch.from_numpy(mert.prepare(heard))[None], output_hidden_states=True
        ).hidden_states
    assert len(layers) == 3  # two layers, and the input of the first
    assert layers[0].shape[1] == 74  # frames in a second
    expected = np.mean([layer[0].numpy().mean(0) for layer in layers], axis=0)
    np.testing.assert_allclose(encoder.embed([heard])[0], expected, rtol=0, atol=1e-5)


def test_mert_positions_are_those_of_the_file(hub_folder: Path) -> None:
    """Weight norm is stored under older names: a weight with a missed name would stay random."""
    import torch

    path = hub_folder / "MERT-v1-95M" / "pytorch_model.bin"
    stored = torch.load(path, weights_only=True)
    module = encoders.load("mert", hub_folder).module  # type: ignore[attr-defined]
    conv = module.encoder.pos_conv_embed.conv
    for name, values in (("weight_g", "original0"), ("weight_v", "original1")):
        found = getattr(conv.parametrizations.weight, values)
        torch.testing.assert_close(found, stored[f"encoder.pos_conv_embed.conv.{name}"])
