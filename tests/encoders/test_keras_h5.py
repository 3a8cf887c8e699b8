"""Files of Keras weights: both layouts, and damaged files."""

import gzip
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.encoders import keras_h5
from core.errors import UserError
from tests.encoders import tiny_torch

RNG = np.random.default_rng(0)
LAYERS = {"conv2d_7": tiny_torch.conv(RNG, 3, 2, 5), "norm_1": tiny_torch.norm(RNG, 5)}
CONTENT = tiny_torch.h5(LAYERS)


def refuse(found: str) -> UserError:
    return UserError(f"the file {found}")


def read(tmp_path: Path, content: bytes) -> dict[str, keras_h5.Layer]:
    path = tmp_path / "weights.h5"
    path.write_bytes(content)
    return keras_h5.read(path, refuse)


def assert_layers(found: dict[str, keras_h5.Layer]) -> None:
    assert list(found) == list(LAYERS)
    for name, layer in LAYERS.items():
        assert set(found[name]) == set(layer)
        for kind, array in layer.items():
            np.testing.assert_array_equal(found[name][kind], array)


def test_weights_alone_packed_or_not(tmp_path: Path) -> None:
    assert_layers(read(tmp_path, CONTENT))
    assert_layers(read(tmp_path, gzip.compress(CONTENT)))


def test_a_whole_model(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = list(LAYERS)  # text, not bytes, as Keras 3 writes it
        for name, layer in LAYERS.items():
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [f"{name}/{kind}" for kind in layer]
            for kind, array in layer.items():
                inner[f"{name}/{kind}"] = array
    assert_layers(keras_h5.read(path, refuse))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "the file is no file of Keras weights: it is empty"),
        (b"<!DOCTYPE html>", r"no file of Keras weights: it begins with b'<!DOCTYP'"),
        (gzip.compress(b"hello, there", mtime=0), r"begins with b'hello, t'"),
        (CONTENT[: len(CONTENT) // 2], "is a cut-off or damaged file of Keras weights"),
        (CONTENT[:40], "is a cut-off or damaged file of Keras weights"),
        (gzip.compress(CONTENT)[:-500], "is a cut-off or damaged .gz file"),
        (gzip.compress(CONTENT)[:300] + bytes(300), "is a cut-off or damaged .gz file"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path: Path, content: bytes, match: str) -> None:
    with pytest.raises(UserError, match=match):
        read(tmp_path, content)


def test_an_hdf5_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(UserError, match="damaged file of Keras weights"):
        keras_h5.read(path, refuse)


def test_layers_by_name_else_by_order() -> None:
    names = ["norm_1", "conv2d_7"]
    assert list(keras_h5.named(LAYERS, names, refuse)) == names
    assert keras_h5.named(LAYERS, names, refuse)["norm_1"] is LAYERS["norm_1"]
    assert keras_h5.named(LAYERS, ["a", "b"], refuse)["b"] is LAYERS["norm_1"]
    with pytest.raises(UserError, match="has 2 layers with weights, expected 3"):
        keras_h5.named(LAYERS, ["a", "b", "c"], refuse)


def test_arrays_of_a_layer_and_their_shapes() -> None:
    weight, bias = keras_h5.conv(LAYERS, "conv2d_7", (3, 3, 2, 5), refuse)
    assert weight.shape == (5, 2, 3, 3)
    assert weight[4, 1, 2, 0] == LAYERS["conv2d_7"]["kernel"][2, 0, 1, 4]
    assert bias.shape == (5,)
    gamma, _, _, variance = keras_h5.norm(LAYERS, "norm_1", 5, refuse)
    np.testing.assert_array_equal(gamma, LAYERS["norm_1"]["gamma"])
    np.testing.assert_array_equal(variance, LAYERS["norm_1"]["moving_variance"])
    with pytest.raises(UserError, match="kernel of conv2d_7 is 3x3x2x5, expected 3x3x2x6"):
        keras_h5.conv(LAYERS, "conv2d_7", (3, 3, 2, 6), refuse)
    with pytest.raises(UserError, match="gamma of conv2d_7 is absent, expected 5"):
        keras_h5.norm(LAYERS, "conv2d_7", 5, refuse)


def test_numbers_that_are_not_finite_are_refused() -> None:
    broken = {**LAYERS["norm_1"], "beta": np.full(5, np.nan, np.float32)}
    with pytest.raises(UserError, match="beta of norm_1 holds numbers that are not finite"):
        keras_h5.norm({"norm_1": broken}, "norm_1", 5, refuse)


def test_without_the_package_its_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match=r"h5py, .* is not installed: run `make env`"):
        read(tmp_path, CONTENT)
