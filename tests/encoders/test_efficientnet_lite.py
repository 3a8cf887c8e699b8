"""EfficientNet-Lite: the published numbers, its layers, its preprocessing, its files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core import encoders
from core.encoders import efficientnet_lite
from core.encoders.efficientnet_lite import LITE0, LITE2, PACKAGES, VARIANTS
from core.errors import UserError
from tests.encoders import tiny_torch
from tests.encoders.plain_efficientnet_lite import PlainNetwork

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


@pytest.mark.parametrize("shape", [(64, 64), (65, 49)])
def test_network_is_the_published_one(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    state = tiny_torch.efficientnet_lite_state(rng, SMALL)
    plain = PlainNetwork(SMALL)
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
        plain = PlainNetwork(VARIANTS[name])
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
