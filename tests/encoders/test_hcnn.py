"""Harmonic CNN: published names and shapes, its numbers step by step, its windows."""

import pickle
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torch import nn

from core import encoders
from core.encoders import hcnn
from core.errors import UserError
from tests.encoders import tiny_torch

# `state_dict()` of `HarmonicCNN` (minzwon/sota-music-tagging-models, training/model.py) without
# the tags' layer and the counters `num_batches_tracked`. *: weight, bias, running_mean, running_var
PUBLISHED = """
hstft.bw_Q 1
hstft_bn.* 6
layer1.conv.weight 128 6 3 3
layer1.conv.bias 128
layer1.bn.* 128
layer2.conv_1.weight 128 128 3 3
layer2.conv_1.bias 128
layer2.bn_1.* 128
layer2.conv_2.weight 128 128 3 3
layer2.conv_2.bias 128
layer2.bn_2.* 128
layer3.conv_1.weight 128 128 3 3
layer3.conv_1.bias 128
layer3.bn_1.* 128
layer3.conv_2.weight 128 128 3 3
layer3.conv_2.bias 128
layer3.bn_2.* 128
layer4.conv_1.weight 128 128 3 3
layer4.conv_1.bias 128
layer4.bn_1.* 128
layer4.conv_2.weight 128 128 3 3
layer4.conv_2.bias 128
layer4.bn_2.* 128
layer5.conv.weight 256 128 3 3
layer5.conv.bias 256
layer5.bn.* 256
layer6.conv_1.weight 256 256 3 3
layer6.conv_1.bias 256
layer6.bn_1.* 256
layer6.conv_2.weight 256 256 3 3
layer6.conv_2.bias 256
layer6.bn_2.* 256
layer7.conv_1.weight 256 256 3 3
layer7.conv_1.bias 256
layer7.bn_1.* 256
layer7.conv_2.weight 256 256 3 3
layer7.conv_2.bias 256
layer7.bn_2.* 256
dense1.weight 256 256
dense1.bias 256
bn.* 256
"""


class Layer(nn.Module):
    """One of the seven: a convolution, or two with the input added."""

    def __init__(self, n_before: int, n_after: int, pool: tuple[int, int], residual: bool) -> None:
        super().__init__()
        self.pool, self.residual = pool, residual
        for suffix in ("_1", "_2") if residual else ("",):
            setattr(self, f"conv{suffix}", nn.Conv2d(n_before, n_after, 3, padding=1))
            setattr(self, f"bn{suffix}", nn.BatchNorm2d(n_after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.residual:
            y = torch.relu(self.bn_1(self.conv_1(x)))
            y = self.bn_2(self.conv_2(y)) + x
        else:
            y = self.bn(self.conv(x))
        return nn.functional.max_pool2d(torch.relu(y), self.pool)


class Plain(nn.Module):
    """The network in torch's own layers, under the published names."""

    def __init__(self) -> None:
        super().__init__()
        self.hstft = nn.Module()
        self.hstft.register_parameter("bw_Q", nn.Parameter(torch.ones(1)))
        self.hstft.spec = nn.Module()
        self.hstft.spec.register_buffer("window", torch.zeros(512))
        self.hstft_bn = nn.BatchNorm2d(6)
        widths = (6, 128, 128, 128, 128, 256, 256, 256)
        for n in range(1, 8):
            pool = (2, 3) if n > 5 else (2, 2)
            setattr(self, f"layer{n}", Layer(widths[n - 1], widths[n], pool, n not in (1, 5)))
        self.dense1, self.bn, self.dense2 = (
            nn.Linear(256, 256),
            nn.BatchNorm1d(256),
            nn.Linear(256, 50),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.hstft_bn(x)
        for n in range(1, 8):
            x = getattr(self, f"layer{n}")(x)
        return torch.relu(self.bn(self.dense1(x.amax((2, 3)))))


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return tiny_torch.hcnn_state(np.random.default_rng(0))


@pytest.fixture(scope="module")
def narrow(torch_folder: Path) -> encoders.Encoder:
    with tiny_torch.narrow(torch_folder):
        return encoders.load("hcnn", torch_folder)


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """A gliding tone, so that all windows differ."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    tone = np.sin(2 * np.pi * (200 * time_s + 8 * time_s**2))
    return (0.3 * tone + 0.02 * rng.standard_normal(len(time_s))).astype(np.float32)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """To five digits of the largest: batches of other sizes are summed in another order."""
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_names_and_shapes_are_the_published_ones() -> None:
    published = {}
    for line in PUBLISHED.split("\n")[1:-1]:
        name, *shape = line.split()
        parts = ("weight", "bias", "running_mean", "running_var")
        for each in [name.replace("*", part) for part in parts] if "*" in name else [name]:
            published[each] = tuple(map(int, shape))
    assert hcnn.shapes() == published


def test_parameters_are_those_of_the_network_up_to_the_vector() -> None:
    trained = [p for name, p in Plain().named_parameters() if not name.startswith("dense2")]
    assert sum(p.numel() for p in trained) == hcnn.CARD.parameters


def test_network_is_the_published_one(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "hcnn.pth")
    encoder = encoders.load("hcnn", tmp_path)
    plain = Plain()
    plain.load_state_dict(state)  # strict: every name, nothing besides
    x = np.random.default_rng(0).normal(-20, 20, (2, 128, 313, 6)).astype(np.float32)
    with torch.inference_mode():
        expected = plain.eval()(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()
    found = encoder.run(x)  # type: ignore[attr-defined]
    assert found.shape == (2, 256)
    assert (found > 0).any()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_notes_go_from_c1_to_below_the_highest_whose_sixth_harmonic_is_heard() -> None:
    highest = librosa.note_to_midi(librosa.hz_to_note(16_000 / (2 * 6)))
    assert 2 * (highest - librosa.note_to_midi("C1")) == hcnn.N_NOTES


@pytest.mark.parametrize("q", [1.0, 1.7])
def test_front_end_step_by_step(q: float) -> None:
    """The definition in float64: reflected ends, one frame, bin and filter at a time."""
    samples = music(5.0).astype(np.float64)
    padded = np.concatenate([samples[256:0:-1], samples, samples[-2:-258:-1]])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    found = hcnn.FrontEnd(q)(music(5.0))
    assert found.shape == (128, 313, 6)
    assert found.dtype == np.float32
    bins_hz = np.arange(257) * 16_000 / 512
    transform = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(512)) / 512)
    for frame in (0, 1, 150, 312):
        power = np.abs(transform @ (padded[frame * 256 : frame * 256 + 512] * window)) ** 2
        for note, harmonic in ((0, 0), (0, 5), (37, 2), (90, 0), (127, 5)):
            centre = librosa.midi_to_hz(24 + note / 2) * (harmonic + 1)
            width = (0.1079 * centre + 24.7) / q
            up = bins_hz * 2 / width + 1 - 2 * centre / width
            down = -bins_hz * 2 / width + 1 + 2 * centre / width
            heard = power @ np.maximum(0, np.minimum(up, down))
            expected = 10 * np.log10(max(heard, 1e-10))
            assert abs(found[note, frame, harmonic] - expected) < 1e-2


# -- windows ---------------------------------------------------------------------------------


def test_thirty_seconds_are_the_mean_of_six_windows(narrow: encoders.Encoder) -> None:
    samples = music(30)
    parts = narrow.embed(list(samples.reshape(6, 80_000)))
    assert_same(narrow.embed([samples])[0], parts.mean(0))
    assert np.ptp(parts, axis=0).max() > 1e-3


def test_windows_cover_a_sound_from_start_to_end() -> None:
    samples = music(12)
    found = hcnn.windows(samples)
    assert [len(window) for window in found] == [80_000] * 3
    np.testing.assert_array_equal(found[0], samples[:80_000])
    np.testing.assert_array_equal(found[1], samples[56_000:136_000])
    np.testing.assert_array_equal(found[2], samples[-80_000:])


def test_of_more_than_thirty_seconds_the_middle_is_heard() -> None:
    samples = music(33)
    for found, expected in zip(
        hcnn.windows(samples), hcnn.windows(samples[24_000:-24_000]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_one_second_is_repeated() -> None:
    samples = music(1)
    (window,) = hcnn.windows(samples)
    np.testing.assert_array_equal(window, np.tile(samples, 5))
    assert window.dtype == np.float32
    assert not hcnn.windows(np.zeros(0, np.float32))[0].any()


def test_lengths_may_be_mixed(narrow: encoders.Encoder) -> None:
    sounds = [music(1), music(30), music(7), music(5)]
    together = narrow.embed(sounds)
    assert together.shape == (4, 256)
    alone = np.vstack([narrow.embed([one]) for one in sounds])
    assert_same(together, alone)


# -- files -----------------------------------------------------------------------------------


def refused(tmp_path: Path, match: str) -> None:
    path = tmp_path / "hcnn.pth"
    with pytest.raises(UserError, match=match) as caught:
        encoders.load("hcnn", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert hcnn.CARD.weights[0].address in message
    assert "\n" not in message


def test_another_shape_is_one_sentence(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    wrong = state | {"layer5.conv.weight": torch.zeros(128, 128, 3, 3)}
    torch.save(wrong, tmp_path / "hcnn.pth")
    refused(tmp_path, r"layer5.conv.weight is 128x128x3x3, expected 256x128x3x3")


def test_a_missing_name_is_one_sentence(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save({k: v for k, v in state.items() if k != "hstft.bw_Q"}, tmp_path / "hcnn.pth")
    refused(tmp_path, r"hstft.bw_Q is absent, expected 1")
    torch.save([1, 2], tmp_path / "hcnn.pth")
    refused(tmp_path, "does not hold a state dict")


def test_numbers_that_are_not_finite_are_refused(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(state | {"bn.bias": torch.full((256,), torch.nan)}, tmp_path / "hcnn.pth")
    refused(tmp_path, "bn.bias holds numbers that are not finite")


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (ran,)  # type: ignore[return-value]

    torch.save({"hstft.bw_Q": Hostile()}, tmp_path / "hcnn.pth")
    refused(tmp_path, "is no state dict of torch")
    (tmp_path / "hcnn.pth").write_bytes(pickle.dumps(Hostile(), protocol=2))
    refused(tmp_path, "is no state dict of torch")
    assert not ran.exists()


@pytest.mark.parametrize("content", [b"", b"hello, I am a text file\n", b"PK\x03\x04" + bytes(90)])
def test_other_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hcnn.pth").write_bytes(content)
    refused(tmp_path, "is no state dict of torch, or a cut-off one")


def test_cut_off_and_old_files(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "hcnn.pth"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-5000])
    refused(tmp_path, "is no state dict of torch, or a cut-off one")
    torch.save(state, path, _use_new_zipfile_serialization=False)  # as torch 1.4 wrote it
    assert encoders.load("hcnn", tmp_path).card is hcnn.CARD
