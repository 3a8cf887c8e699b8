"""EfficientNet-Lite: the published numbers, its layers, its preprocessing, its files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from core import encoders
from core.encoders import efficientnet_lite
from core.encoders.efficientnet_lite import LITE0, LITE2, PACKAGES, VARIANTS
from core.errors import UserError
from tests.encoders import tiny_torch

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden" / "efficientnet_lite"
CARDS = {card.name: card for card in (LITE0, LITE2)}
SMALL = efficientnet_lite.Variant((1, 2, 2, 1, 2, 1, 1), (8, 12, 12, 16, 16, 20, 24))


@pytest.fixture(scope="module", params=CARDS)
def real(request: pytest.FixtureRequest) -> encoders.Encoder:
    package = PACKAGES[request.param]
    if package.folder() is None:
        pytest.skip(f"the package {package.name} is not installed: requirements-networks.txt")
    return encoders.load(request.param)


def golden(encoder: encoders.Encoder, part: str) -> np.ndarray:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is absent")
    return np.load(GOLDEN / f"lite{encoder.card.name[-1]}_{part}.npy")


# -- the published numbers -------------------------------------------------------------------


def test_published_vector(real: encoders.Encoder) -> None:
    found = real.run(golden(real, "tf127_input"))  # type: ignore[attr-defined]
    expected = golden(real, "tf127_pooled")
    assert found.shape == (1, 1280)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_published_input() -> None:
    for name in CARDS:
        if not GOLDEN.is_dir():
            pytest.skip(f"{GOLDEN} is absent")
        picture = np.load(GOLDEN / f"lite{name[-1]}_picture.npy")
        size_px = len(picture)
        assert CARDS[name].size_px == size_px
        framed = np.pad(picture, ((16, 16), (16, 16), (0, 0)))  # the margin that is cut off
        found = efficientnet_lite.prepare(framed, size_px)
        np.testing.assert_array_equal(found, np.load(GOLDEN / f"lite{name[-1]}_tf127_input.npy")[0])


def test_sums_and_sizes_of_the_package(real: encoders.Encoder) -> None:
    (file,) = real.card.weights
    folder = PACKAGES[real.card.name].folder()
    assert folder is not None
    assert (folder / file.name).stat().st_size == file.size
    assert real.weights_sha256 == file.sha256


# -- pictures --------------------------------------------------------------------------------


@pytest.mark.parametrize("size_px", [224, 260])
def test_the_middle_is_seen_with_a_margin_of_32_pixels(size_px: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (300, 450, 3), dtype=np.uint8)
    short = size_px + 32
    whole = Image.fromarray(picture).resize((short * 450 // 300, short), Image.Resampling.BICUBIC)
    left = (whole.width - size_px) // 2
    expected = np.asarray(whole.crop((left, 16, left + size_px, 16 + size_px)), np.float32)
    found = efficientnet_lite.prepare(picture, size_px)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, (expected.transpose(2, 0, 1) - 127) / 128)


# -- layers ----------------------------------------------------------------------------------


class Same(nn.Conv2d):
    """Padded as TensorFlow's `same`: the odd pixel at the end."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size, stride = self.kernel_size[0], self.stride[0]
        h, w = (max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[2:])
        x = functional.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))
        return self._conv_forward(x, self.weight, self.bias)


class PlainBlock(nn.Module):
    def __init__(self, block: efficientnet_lite.Block) -> None:
        super().__init__()
        _, before, inside, after, kernel, stride = block
        self.skips = stride == 1 and before == after
        self.widens = inside != before
        if self.widens:
            self._expand_conv = nn.Conv2d(before, inside, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inside, eps=1e-3)
        self._depthwise_conv = Same(inside, inside, kernel, stride, groups=inside, bias=False)
        self._bn1 = nn.BatchNorm2d(inside, eps=1e-3)
        self._project_conv = nn.Conv2d(inside, after, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(after, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class Plain(nn.Module):
    """The network in torch's own layers, under the published names."""

    def __init__(self, variant: efficientnet_lite.Variant) -> None:
        super().__init__()
        self._conv_stem = Same(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.ModuleList(map(PlainBlock, efficientnet_lite.blocks(variant)))
        self._conv_head = nn.Conv2d(variant.channels[-1], 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


@pytest.mark.parametrize("shape", [(64, 64), (65, 49)])
def test_network_is_the_published_one(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    state = tiny_torch.efficientnet_lite_state(rng, SMALL)
    plain = Plain(SMALL)
    plain.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc")})
    x = torch.from_numpy(rng.uniform(-1, 1, (2, 3, *shape)).astype(np.float32))
    arrays = {name: value.numpy() for name, value in state.items()}
    with torch.inference_mode():
        found = efficientnet_lite.network(arrays, SMALL)(x)
        expected = plain.eval()(x)
    assert found.shape == (2, 1280)
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CARDS)
def test_parameters_are_those_of_the_network_up_to_the_vector(name: str) -> None:
    with torch.device("meta"):
        plain = Plain(VARIANTS[name])
    assert sum(p.numel() for p in plain.parameters()) == CARDS[name].parameters


# -- files -----------------------------------------------------------------------------------


def test_the_other_networks_file_is_one_sentence(tmp_path: Path) -> None:
    state = tiny_torch.efficientnet_lite_state(np.random.default_rng(0), SMALL)
    torch.save(state, tmp_path / LITE2.weights[0].name)
    with pytest.raises(UserError, match=r"another network: _blocks\.\d+\.\S+ is") as caught:
        encoders.load("efficientnet_lite2", tmp_path)
    message = str(caught.value)
    assert LITE2.weights[0].address in message
    assert "\n" not in message


def test_a_cut_off_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / LITE0.weights[0].name
    torch.save(tiny_torch.efficientnet_lite_state(np.random.default_rng(0), SMALL), path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UserError, match="is no state dict of torch, or a cut-off one"):
        encoders.load("efficientnet_lite0", tmp_path)
