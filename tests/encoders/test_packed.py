"""Packed layers give the numbers of torch's plain ones."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.encoders import packed
from core.encoders.packed import Convolution, pack_linear

RNG = np.random.default_rng(0)


@pytest.fixture(params=["packed", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setattr(packed, "can_pack", lambda: False)
    elif not packed.can_pack():
        pytest.skip("this torch cannot lay out weights for its CPU")
    return str(request.param)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 1), (1, 2, 0), (7, 2, 3)])
def test_a_convolution_is_torchs(
    way: str, size: int, stride: int, padding: int, relu: bool
) -> None:
    weight = RNG.normal(size=(8, 3, size, size))
    bias = RNG.normal(size=8)
    x = torch.from_numpy(RNG.normal(size=(2, 3, 20, 17)).astype(np.float32))
    expected = functional.conv2d(
        x,
        torch.from_numpy(weight.astype(np.float32)),
        torch.from_numpy(bias.astype(np.float32)),
        stride,
        padding,
    )
    if relu:
        expected = functional.relu(expected)
    convolution = Convolution(weight, bias, stride=stride, padding=padding, relu=relu)
    for found in (convolution(x), convolution(x)):  # its input is not changed
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_channels_convolved_one_by_one_and_a_relu6_are_torchs(way: str, stride: int) -> None:
    weight, bias = RNG.normal(size=(16, 1, 5, 5)), RNG.normal(size=16)
    x = torch.from_numpy(3 * RNG.normal(size=(1, 16, 21, 18)).astype(np.float32))
    kernel, shift = (torch.from_numpy(each.astype(np.float32)) for each in (weight, bias))
    expected = functional.relu6(functional.conv2d(x, kernel, shift, stride, 2, groups=16))
    assert (expected == 6).any()
    assert (expected == 0).any()
    layer = Convolution(weight, bias, stride=stride, padding=2, groups=16, at_most=6)
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_a_linear_layer_is_torchs(way: str) -> None:
    module = torch.nn.Sequential(
        torch.nn.Linear(24, 40), torch.nn.GELU(), torch.nn.Linear(40, 8, bias=False)
    ).requires_grad_(False)
    inputs = [torch.randn(3, 5, 24), torch.randn(1, 24), torch.randn(5, 3, 24).transpose(0, 1)]
    expected = [module(x) for x in inputs]
    pack_linear(module)
    assert (module[0].weight is None) == (way == "packed")
    for x, wanted in zip(inputs, expected, strict=True):
        torch.testing.assert_close(module(x), wanted, rtol=1e-4, atol=1e-5)


def test_without_the_operators_plain_layers_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_OPERATORS", ("_an_operator_of_tomorrow",))
    assert not packed.can_pack()


def test_nothing_is_packed_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "device", lambda: torch.device("cuda"))
    assert not packed.can_pack()
