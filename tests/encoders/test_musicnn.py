"""musicnn: its spectra, its layers one by one, the published numbers, its package."""

import ast
import dataclasses
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core import encoders
from core.encoders import joined, musicnn
from core.errors import MissingWeights, UserError
from tests.encoders import tiny_checkpoint

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden" / "musicnn"
VARIABLES = tiny_checkpoint.musicnn_variables(np.random.default_rng(1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint.folder(tmp_path_factory.mktemp("musicnn"))


@pytest.fixture(scope="module")
def tiny(folder: Path) -> encoders.Encoder:
    return encoders.load("musicnn", folder)


@pytest.fixture(scope="module")
def real() -> encoders.Encoder:
    if musicnn.PACKAGE.folder() is None:
        pytest.skip("the package musicnn is not installed: requirements-networks.txt")
    return encoders.load("musicnn")


def golden(name: str) -> np.ndarray:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is absent")
    return np.load(GOLDEN / f"{name}.npy")


def music(seconds: float) -> np.ndarray:
    """A gliding tone with noise, so that all windows differ."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    tone = np.sin(2 * np.pi * (200 * time_s + 8 * time_s**2))
    return (0.3 * tone + 0.02 * rng.standard_normal(len(time_s))).astype(np.float32)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """To five digits of the largest."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


# -- the published numbers -------------------------------------------------------------------


def test_published_log_mel() -> None:
    found = musicnn.log_mel(golden("wave"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, golden("logmel_float32")[0], rtol=0, atol=5e-6)


def test_published_vector(real: encoders.Encoder) -> None:
    found = real.run(golden("logmel_float32"))  # type: ignore[attr-defined]
    layers = ("penultimate", "mean_pool", "taggram")
    expected = [golden(f"MTT_float32_{layer}") for layer in layers]
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=0, atol=3e-5)


def test_the_published_tags_have_their_names() -> None:
    source = musicnn.PACKAGE.folder()
    if source is None:
        pytest.skip("the package musicnn is not installed: requirements-networks.txt")
    text = (source.parent / "configuration.py").read_text()
    (listed,) = [line for line in text.splitlines() if line.startswith("MTT_LABELS")]
    assert ast.literal_eval(listed.partition("=")[2].strip()) == list(musicnn.TAGS)


def test_sums_and_sizes_of_the_package(real: encoders.Encoder) -> None:
    folder = musicnn.PACKAGE.folder()
    assert folder is not None
    for file in musicnn.CARD.weights:
        assert (folder / Path(file.name).name).stat().st_size == file.size
    assert len(real.weights_sha256 or "") == 64


# -- spectra ---------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [1e-4, 0.3, 1.0])
def test_log_mel_is_librosas(gain: float) -> None:
    samples = gain * music(3)
    power = librosa.feature.melspectrogram(
        y=samples, sr=16_000, n_fft=512, hop_length=256, n_mels=96
    )
    expected = np.log10(10_000 * power.T + 1)
    assert expected.shape == (188, 96)
    np.testing.assert_allclose(musicnn.log_mel(samples), expected[:187], rtol=0, atol=1e-5)


def test_full_scale_does_not_overflow() -> None:
    loudest = np.tile(np.float32([1, 1, -1, -1]), 12_000)
    assert musicnn.log_mel(loudest).max() > 6  # over the largest float16 before the logarithm
    assert np.isfinite(musicnn.log_mel(loudest)).all()


def test_gain_is_not_part_of_the_vector(tiny: encoders.Encoder) -> None:
    samples = music(1)
    loud, quiet = tiny.embed([samples, samples * np.float32(2**-4)])
    assert_same(quiet, loud)


def test_hiss_stays_quiet() -> None:
    assert np.abs(musicnn.levelled(np.full(9, 1e-5, np.float32))).max() < 1e-2
    assert not musicnn.levelled(np.zeros(9, np.float32)).any()
    np.testing.assert_allclose(musicnn.levelled(np.float32([0.02, -0.04])), [0.5, -1.0])


# -- layers ----------------------------------------------------------------------------------


class Plain(nn.Module):
    """The network in torch's own layers, with two-dimensional convolutions as published."""

    PADS = ((3, 3), (3, 3), (63, 64), (31, 32), (15, 16), (3, 3), (3, 3), (3, 3))

    def __init__(self) -> None:
        super().__init__()
        kernels = [v for name, v in VARIABLES.items() if name.startswith("conv2d") and v.ndim == 4]
        self.convs = nn.ModuleList(nn.Conv2d(1, k.shape[3], k.shape[:2]) for k in kernels)
        widths = [1, *(k.shape[3] for k in kernels), 1506, 200]
        self.norms = nn.ModuleList(nn.BatchNorm2d(n, eps=1e-3) for n in widths)
        self.dense = nn.Linear(1506, 200)
        self.tags = nn.Linear(200, 50)

    def block(self, number: int, x: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(x, (0, 0, *self.PADS[number]))
        return self.norms[number + 1](torch.relu(self.convs[number](padded)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norms[0](x[:, None])
        features = [torch.cat([self.block(n, x).amax(3) for n in range(5)], 1)]
        for n in range(5, 8):
            y = self.block(n, features[-1].transpose(1, 2)[:, None])[..., 0]
            features.append(y + features[-1] if n > 5 else y)
        stacked = torch.cat(features, 1)
        highest, mean = stacked.amax(2), stacked.mean(2)
        flat = torch.stack([highest, mean], 2).flatten(1)[..., None, None]
        hidden = torch.relu(self.dense(self.norms[9](flat).flatten(1)))
        normed = self.norms[10](hidden[..., None, None]).flatten(1)
        return torch.cat([normed, mean, torch.sigmoid(self.tags(normed))], 1)

    def fill(self) -> "Plain":
        def numbered(layer: str, number: int) -> str:
            return f"{layer}_{number}" if number else layer

        def put(target: torch.Tensor, name: str, *order: int) -> None:
            array = VARIABLES[name]
            target.copy_(torch.from_numpy(array.transpose(*order) if order else array))

        with torch.no_grad():
            for n, conv in enumerate(self.convs):
                put(conv.weight, f"{numbered('conv2d', n)}/kernel", 3, 2, 0, 1)
                put(conv.bias, f"{numbered('conv2d', n)}/bias")
            for n, norm in enumerate(self.norms):
                name = numbered("batch_normalization", n)
                for target, part in (
                    (norm.weight, "gamma"),
                    (norm.bias, "beta"),
                    (norm.running_mean, "moving_mean"),
                    (norm.running_var, "moving_variance"),
                ):
                    put(target, f"{name}/{part}")
            put(self.dense.weight, "dense/kernel", 1, 0)
            put(self.dense.bias, "dense/bias")
            put(self.tags.weight, "dense_1/kernel", 1, 0)
            put(self.tags.bias, "dense_1/bias")
        return self.eval()


def test_network_is_the_published_one() -> None:
    x = torch.from_numpy(np.random.default_rng(0).uniform(0, 3, (2, 187, 96)).astype(np.float32))
    with torch.inference_mode():
        found, expected = musicnn.network(VARIABLES)(x), Plain().fill()(x)
    assert found.shape == (2, 1003)
    for part in (slice(200), slice(200, 953), slice(953, 1003)):
        assert_same(found[:, part].numpy(), expected[:, part].numpy())


def test_parameters_are_those_of_the_network_up_to_the_vector() -> None:
    whole = Plain()
    n_tags = sum(p.numel() for p in whole.tags.parameters())
    assert sum(p.numel() for p in whole.parameters()) - n_tags == musicnn.CARD.parameters
    assert musicnn.CARD.dim == 953


# -- windows ---------------------------------------------------------------------------------


def test_one_second_is_repeated(tiny: encoders.Encoder) -> None:
    samples = music(1)
    found = tiny.embed([samples, np.tile(samples, 2)])
    np.testing.assert_array_equal(found[0], found[1])


def test_more_than_two_seconds_are_repeated_to_three(tiny: encoders.Encoder) -> None:
    samples = music(2.5)
    found = tiny.embed([samples, np.resize(samples, 48_000)])
    np.testing.assert_array_equal(found[0], found[1])


def test_a_vector_does_not_depend_on_the_length_of_its_neighbours(tiny: encoders.Encoder) -> None:
    media = [music(1), music(7), music(0.3), music(3)]
    together = tiny.embed(media)
    for row, samples in enumerate(media):
        np.testing.assert_array_equal(together[row], tiny.embed([samples])[0])


def test_a_longer_sound_is_the_mean_of_its_windows(tiny: encoders.Encoder) -> None:
    samples = musicnn.levelled(music(9))
    parts = tiny.run(  # type: ignore[attr-defined]
        np.stack([musicnn.log_mel(part) for part in samples.reshape(3, 48_000)])
    )
    mean = parts.mean(0, keepdims=True)
    vectors, scores = tiny.embed_and_tag([samples])  # type: ignore[attr-defined]
    assert_same(vectors, joined.join([mean[:, :200], mean[:, 200:953]], (1, 1)))
    assert_same(scores, mean[:, 953:])
    assert np.ptp(parts, axis=0).max() > 1e-3


# -- files -----------------------------------------------------------------------------------


def test_the_other_order_of_two_layers_is_one_sentence(tmp_path: Path) -> None:
    swapped = {**VARIABLES, "conv2d/kernel": VARIABLES["conv2d_1/kernel"]}
    tiny_checkpoint.save(tmp_path / "MTT_musicnn", swapped)
    with pytest.raises(
        UserError, match=r"another network: conv2d/kernel is 7x67x1x204, expected 7x38x1x204"
    ):
        encoders.load("musicnn", tmp_path)


def test_absent_weights_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "none"))
    files = [dataclasses.replace(file, caches=()) for file in musicnn.CARD.weights]
    monkeypatch.setattr(musicnn, "CARD", dataclasses.replace(musicnn.CARD, weights=tuple(files)))
    with pytest.raises(MissingWeights, match=r"MTT_musicnn/\.index is not on this") as caught:
        musicnn.load(tmp_path, 1)
    assert "pip install --no-deps -r requirements-networks.txt" in str(caught.value)
