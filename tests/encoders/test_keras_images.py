"""ResNet-50 and VGG-16: Keras's own numbers, from weights that Keras saved."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core import encoders
from core.encoders import keras_h5, keras_images
from core.encoders.pictures import letterbox
from core.errors import MissingWeights, UserError
from tests.encoders import tiny_torch

REPO = Path(__file__).resolve().parents[2]
NETWORKS = {"resnet50": keras_images.resnet50, "vgg16": keras_images.vgg16}
CARDS = {"resnet50": keras_images.RESNET50, "vgg16": keras_images.VGG16}


def refuse(found: str) -> UserError:
    return UserError(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with files that Keras saved, under the published names, and its vectors."""
    folder = tmp_path_factory.mktemp("keras")
    command = [sys.executable, "-m", "tests.encoders.keras_reference", str(folder)]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    for name, card in CARDS.items():
        (folder / f"{name}.h5").rename(folder / card.weights[0].name)
    return folder


@pytest.mark.parametrize("name", CARDS)
def test_keras_own_vectors(folder: Path, name: str) -> None:
    reference = np.load(folder / "reference.npz")
    encoder = encoders.load(name, folder)
    found = encoder.run(reference[f"{name}_input"])  # type: ignore[attr-defined]
    expected = reference[f"{name}_vectors"]
    assert found.shape == (2, encoder.card.dim)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    assert encoder.card.parameters == reference[f"{name}_parameters"]


@pytest.mark.parametrize("name", CARDS)
def test_keras_own_preprocessing(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = np.load(folder / "reference.npz")
    monkeypatch.setattr(keras_images, "SIZE_PX", reference["pictures"].shape[1])
    found = np.stack([keras_images.prepare(one) for one in reference["pictures"]])
    np.testing.assert_allclose(found, reference[f"{name}_input"], atol=1e-5)


def test_the_whole_picture_is_seen() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 250, 3), dtype=np.uint8)
    prepared = keras_images.prepare(picture)
    assert prepared.dtype == np.float32
    as_before = (prepared + keras_images.MEAN_BGR)[..., ::-1]
    np.testing.assert_allclose(as_before, letterbox(picture, 224), atol=1e-4)


def test_table_1_of_wu() -> None:
    """VGG16 15M and 512, ResNet50 23.6M and 2048."""
    assert round(keras_images.VGG16.parameters / 1e6) == 15
    assert round(keras_images.RESNET50.parameters / 1e6, 1) == 23.6
    assert (keras_images.VGG16.dim, keras_images.RESNET50.dim) == (512, 2048)


def test_layers_go_by_order_where_names_are_others(tmp_path: Path) -> None:
    (tmp_path / tiny_torch.NARROW).touch()
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((1, 3, 64, 64)).astype(np.float32))
    with tiny_torch.narrow(tmp_path):
        for network, layers in (
            (keras_images.vgg16, tiny_torch.vgg16_layers(rng)),
            (keras_images.resnet50, tiny_torch.resnet50_layers(rng)),
        ):
            expected = network(layers, refuse)(x)
            names = keras_images.resnet50_names() if "conv1_bn" in layers else list(layers)
            unnamed = {f"layer_{n}": layers[name] for n, name in enumerate(names)}
            torch.testing.assert_close(network(unnamed, refuse)(x), expected)


def test_names_are_in_the_order_in_which_keras_saves(folder: Path) -> None:
    layers = keras_h5.read(folder / keras_images.RESNET50.weights[0].name, refuse)
    assert list(layers) == keras_images.resnet50_names()


def test_the_other_networks_file_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / keras_images.RESNET50.weights[0].name
    path.symlink_to(folder / keras_images.VGG16.weights[0].name)
    with pytest.raises(UserError, match="has 13 layers with weights, expected 106") as caught:
        encoders.load("resnet50", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path} is another network")
    assert keras_images.RESNET50.weights[0].address in message
    assert "\n" not in message


def test_a_wider_layer_is_one_sentence(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / tiny_torch.NARROW).touch()
    with tiny_torch.narrow(tmp_path):
        layers = tiny_torch.vgg16_layers(rng)
        layers["block2_conv1"] = tiny_torch.conv(rng, 3, 4, 5)
        with pytest.raises(UserError, match="kernel of block2_conv1 is 3x3x4x5, expected 3x3x4x4"):
            keras_images.vgg16(layers, refuse)


def test_found_where_keras_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match=keras_images.VGG16.weights[0].name):
        encoders.load("vgg16")
    models = tmp_path / ".keras" / "models"
    models.mkdir(parents=True)
    name = keras_images.VGG16.weights[0].name
    (models / name).symlink_to(folder / name)
    assert encoders.load("vgg16").card is keras_images.VGG16
