"""What the torch networks share: the device, folding, batches, threads."""

import numpy as np
import pytest
import torch

from core.encoders import torch_network
from core.encoders.hcnn import CARD
from core.encoders.packed import Convolution
from core.encoders.torch_network import TorchEncoder, channels_last

RNG = np.random.default_rng(0)
NORM = [RNG.uniform(0.5, 1.5, 5), RNG.normal(size=5), RNG.normal(size=5), RNG.uniform(0.1, 2, 5)]


def normalised(x: torch.Tensor, epsilon: float) -> torch.Tensor:
    gamma, beta, mean, variance = (torch.from_numpy(part.astype(np.float32)) for part in NORM)
    return torch.nn.functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)


@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_a_folded_convolution_equals_both_layers(epsilon: float) -> None:
    weight = RNG.normal(size=(5, 3, 3, 3)).astype(np.float32)
    bias = RNG.normal(size=5).astype(np.float32)
    x = torch.from_numpy(RNG.normal(size=(2, 3, 8, 6)).astype(np.float32))
    plain = torch.nn.functional.conv2d(x, torch.from_numpy(weight), torch.from_numpy(bias))
    found = Convolution(*torch_network.folded(weight, bias, NORM, epsilon), relu=False)(x)
    torch.testing.assert_close(found, normalised(plain, epsilon), rtol=1e-4, atol=1e-5)


def test_scale_and_shift_are_the_normalisation() -> None:
    x = torch.from_numpy(RNG.normal(size=(2, 5, 4, 3)).astype(np.float32))
    scale, shift = torch_network.scale_and_shift(NORM, 1e-3)
    torch.testing.assert_close(x * scale + shift, normalised(x, 1e-3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("n_per_batch", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (9, [5])])
def test_batches_arrive_channels_second_and_in_order(n_per_batch: int, sizes: list[int]) -> None:
    shapes = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        assert torch.is_inference_mode_enabled()
        shapes.append(tuple(x.shape))
        return x.mean((2, 3))

    def prepare(one: np.ndarray) -> np.ndarray:
        return np.broadcast_to(one, (7, 6, 256)).astype(np.float32)

    encoder = TorchEncoder(CARD, prepare, channels_last(forward), "sum", 2, n_per_batch)
    media = [np.float32(i) for i in range(5)]
    vectors = encoder.embed(media)
    assert shapes == [(size, 256, 7, 6) for size in sizes]
    np.testing.assert_array_equal(vectors, np.repeat(np.arange(5.0)[:, None], 256, 1))
    assert vectors.dtype == np.float32


def test_torchs_own_threads_are_not_changed() -> None:
    before = torch.get_num_threads()
    encoder = TorchEncoder(CARD, lambda one: one, lambda x: x.mean((1, 2)), "sum", 3)
    encoder.embed([np.zeros((2, 2, 256), np.float32)] * 4)
    assert torch.get_num_threads() == before


def test_device_is_the_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert torch_network.device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_network.device().type == "cpu"
