"""OpenL3 against values of the package, where available, and its published definition."""

import gzip
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from core import encoders
from core.encoders import openl3
from core.errors import MissingWeights, UserError
from tests.encoders import tiny_torch

CARDS = (openl3.AUDIO, openl3.AUDIO_512, openl3.IMAGE, openl3.IMAGE_512)
STEMS = {"audio": "openl3_audio_mel256_music", "image": "openl3_image_mel256_music"}


def load(name: str, folder: Path) -> encoders.Encoder:
    with tiny_torch.narrow(folder):
        return encoders.load(name, folder)


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def refuse(found: str) -> UserError:
    return UserError(found)


# -- against the package ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with the reference files under the published names."""
    folder = tmp_path_factory.mktemp("golden")
    for stem in STEMS.values():
        source = shared_dir / "golden" / "openl3" / f"{stem}.random.h5.gz"
        (folder / f"{stem}.h5.gz").symlink_to(source)
    (folder / "reference.npz").symlink_to(
        shared_dir / "golden" / "openl3" / "reference_outputs.npz"
    )
    return folder


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("openl3_audio", "mel256_front", "mel256_6144"),
        ("openl3_audio_512", "mel256_front", "mel256_512"),
        ("openl3_image", "img", "img_8192"),
        ("openl3_image_512", "img", "img_512"),
    ],
)
def test_the_packages_vectors(golden: Path, name: str, source: str, expected: str) -> None:
    values = np.load(golden / "reference.npz")
    found = encoders.load(name, golden).run(values[source])  # type: ignore[attr-defined]
    assert found.shape == values[expected].shape
    assert relative_error(found, values[expected]) < 1e-5


@pytest.mark.parametrize(
    ("name", "expected"), [("openl3_audio", "mel256_6144"), ("openl3_audio_512", "mel256_512")]
)
def test_the_packages_vectors_from_the_waveform(golden: Path, name: str, expected: str) -> None:
    values = np.load(golden / "reference.npz")
    found = encoders.load(name, golden).embed(list(values["wav"][:, 0]))
    for one, other in zip(found, values[expected], strict=True):
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine > 0.99999


def test_the_packages_front_end(golden: Path) -> None:
    values = np.load(golden / "reference.npz")
    for samples, expected in zip(values["wav"][:, 0], values["mel256_front"], strict=True):
        found = openl3.front_end(samples)
        assert found.shape == expected.shape
        apart = np.abs(found - expected)
        assert apart[expected > -40].max() < 1e-3
        assert apart.max() < 3  # 70 dB below a pure tone, both are noise of single precision
        assert abs(np.mean(found - expected)) < 1e-3


# -- against the definition ------------------------------------------------------------------


def tones(rate_hz: int = openl3.RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(0)
    time_s = np.arange(rate_hz) / rate_hz
    parts = [np.sin(2 * np.pi * hz * time_s * (1 + time_s)) for hz in (220, 1500, 6000)]
    return (0.2 * np.sum(parts, 0) + 0.01 * rng.standard_normal(rate_hz)).astype(np.float32)


def test_front_end_is_that_of_librosa() -> None:
    padded = np.pad(tones().astype(np.float64), (0, 198 * 242 + 2048 - 48_000))
    magnitude = np.abs(librosa.stft(padded, n_fft=2048, hop_length=242, center=False))
    bands = librosa.filters.mel(sr=48_000, n_fft=2048, n_mels=256) @ magnitude
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    expected = np.maximum(decibels - decibels.max(), -80)
    found = openl3.front_end(tones())
    assert found.shape == (256, 199, 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[..., 0], expected, atol=2e-3)


def test_front_end_does_not_hear_the_level() -> None:
    np.testing.assert_allclose(openl3.front_end(tones() / 50), openl3.front_end(tones()), atol=0.01)
    assert not openl3.front_end(np.zeros(48_000, np.float32)).any()  # all as loud as its loudest


def plain(layers: tiny_torch.Layers, x: np.ndarray, fields: tuple[int, int]) -> np.ndarray:
    """The published network on `(n, height, width, channels)`, step by step, in float64."""
    convs = [layer for layer in layers.values() if "kernel" in layer]
    norms = [layer for layer in layers.values() if "gamma" in layer]

    def conv(x: np.ndarray, layer: dict[str, np.ndarray]) -> np.ndarray:
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        h, w = x.shape[1:3]
        return layer["bias"] + sum(
            padded[:, i : i + h, j : j + w] @ layer["kernel"][i, j].astype(np.float64)
            for i in range(3)
            for j in range(3)
        )

    def norm(x: np.ndarray, layer: dict[str, np.ndarray]) -> np.ndarray:
        std = np.sqrt(layer["moving_variance"] + 1e-3)
        return layer["gamma"] * (x - layer["moving_mean"]) / std + layer["beta"]

    def pool(x: np.ndarray, h: int, w: int) -> np.ndarray:
        n, height, width, c = x.shape
        cut = x[:, : height // h * h, : width // w * w]
        return cut.reshape(n, height // h, h, width // w, w, c).max((2, 4))

    is_image = x.shape[3] == 3
    x = norm(x.astype(np.float64), norms[0])
    for number in range(1, 9):
        x = conv(x, convs[number - 1])
        if number == 8:
            return pool(x, *fields).reshape(len(x), -1)
        if number == 2 and is_image:
            x = norm(np.maximum(x, 0), norms[number])
        else:
            x = np.maximum(norm(x, norms[number]), 0)
        if number in (2, 4, 6):
            x = pool(x, 2, 2)
    raise AssertionError


@pytest.mark.parametrize("n_inputs", [1, 3])
def test_network_is_the_published_one(torch_folder: Path, n_inputs: int) -> None:
    rng = np.random.default_rng(n_inputs)
    x = rng.standard_normal((2, 34, 25, n_inputs)).astype(np.float32)
    with tiny_torch.narrow(torch_folder):
        layers = tiny_torch.openl3_layers(rng, n_inputs)
        forward = openl3.network(layers, n_inputs, (2, 3), refuse)
    found = forward(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()
    assert found.shape == (2, 2 * 1 * 512)
    assert relative_error(found, plain(layers, x, (2, 3))) < 1e-5


def test_512_is_the_loudest_of_the_full_size(torch_folder: Path) -> None:
    second, rng = tones(), np.random.default_rng(0)
    full, small = (
        load(name, torch_folder).embed([second]) for name in ("openl3_audio", "openl3_audio_512")
    )
    np.testing.assert_array_equal(full.reshape(1, 4 * 3, 512).max(1), small)
    picture = rng.integers(0, 256, (300, 500, 3), dtype=np.uint8)
    full, small = (
        load(name, torch_folder).embed([picture]) for name in ("openl3_image", "openl3_image_512")
    )
    np.testing.assert_array_equal(full.reshape(1, 4 * 4, 512).max(1), small)


def test_table_1_of_wu() -> None:
    """OpenL3 (image) 4.7M and 8192, OpenL3 (audio) 9M and 6144: with kapre's fixed matrices."""
    counts = {}
    for modality, n_inputs in (("audio", 1), ("image", 3)):
        layers = tiny_torch.openl3_layers(np.random.default_rng(0), n_inputs)
        counts[modality] = sum(array.size for layer in layers.values() for array in layer.values())
    assert [card.parameters for card in CARDS] == [counts["audio"]] * 2 + [counts["image"]] * 2
    assert round(counts["image"] / 1e6, 1) == 4.7
    assert round((counts["audio"] + openl3.N_FRONT_END) / 1e6) == 9
    assert [card.dim for card in CARDS] == [6144, 512, 8192, 512]
    assert [card.joint for card in CARDS] == ["", "openl3_512", "", "openl3_512"]


# -- pictures --------------------------------------------------------------------------------


def test_a_picture_of_224_is_not_scaled() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    prepared = openl3.prepare_picture(picture)
    np.testing.assert_allclose(prepared, picture / 127.5 - 1, atol=1e-6)
    assert prepared.dtype == np.float32


@pytest.mark.parametrize("shape", [(512, 768), (700, 512), (256, 256), (100, 130)])
def test_the_middle_of_a_picture_whose_shorter_side_is_256(shape: tuple[int, int]) -> None:
    height, width = shape
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([255 * x / width, 255 * y / height, 0 * x], 2)
    prepared = openl3.prepare_picture(smooth.round().astype(np.uint8))
    assert prepared.shape == (224, 224, 3)
    side = min(shape) * 224 / 256
    across = (width - side) / 2 + side * (np.arange(224) + 0.5) / 224
    down = (height - side) / 2 + side * (np.arange(224) + 0.5) / 224
    as_before = (prepared + 1) * 127.5
    np.testing.assert_allclose(as_before[100, :, 0], 255 * (across - 0.5) / width, atol=1.5)
    np.testing.assert_allclose(as_before[:, 100, 1], 255 * (down - 0.5) / height, atol=1.5)


def test_fine_stripes_leave_no_aliases() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(openl3.prepare_picture(stripes)).max() < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (2, 3000), (3000, 1)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    flat = openl3.prepare_picture(np.full((*shape, 3), 51, np.uint8))
    np.testing.assert_allclose(flat, -0.6, atol=1e-6)


# -- files -----------------------------------------------------------------------------------


def test_packed_and_unpacked_files_under_their_names(torch_folder: Path, tmp_path: Path) -> None:
    packed = (torch_folder / f"{STEMS['audio']}.h5.gz").read_bytes()
    expected = load("openl3_audio", torch_folder).embed([tones()])
    for name, content in (
        (f"{STEMS['audio']}.h5", gzip.decompress(packed)),
        (f"{STEMS['audio']}-v0_4_0.h5.gz", packed),
    ):
        other = tmp_path / name.replace(".", "_")
        other.mkdir()
        (other / tiny_torch.NARROW).touch()
        (other / name).write_bytes(content)
        np.testing.assert_array_equal(load("openl3_audio", other).embed([tones()]), expected)


def test_absent_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "cache"))
    with pytest.raises(MissingWeights, match=r"openl3_image_mel256_music.h5.gz .* get it from"):
        encoders.load("openl3_image", tmp_path)


def test_the_other_modalitys_file_is_one_sentence(torch_folder: Path, tmp_path: Path) -> None:
    (tmp_path / tiny_torch.NARROW).touch()
    path = tmp_path / f"{STEMS['image']}.h5.gz"
    path.write_bytes((torch_folder / f"{STEMS['audio']}.h5.gz").read_bytes())
    with pytest.raises(UserError, match=r"gamma of norm 0 is 1, expected 3") as caught:
        load("openl3_image", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path} is another network")
    assert openl3.IMAGE.weights[0].address in message
    assert "\n" not in message


def test_other_layers_are_refused(torch_folder: Path) -> None:
    rng = np.random.default_rng(0)
    with tiny_torch.narrow(torch_folder):
        layers = tiny_torch.openl3_layers(rng, 1)
        fewer = {name: layers[name] for name in list(layers)[:-1]}
        with pytest.raises(UserError, match="has 15 layers with weights, expected 16"):
            openl3.network(fewer, 1, (8, 8), refuse)
        layers["conv2d_43"] = layers["conv2d_46"]
        with pytest.raises(UserError, match="kernel of conv 2 is 3x3x4x8, expected 3x3x4x4"):
            openl3.network(layers, 1, (8, 8), refuse)
