"""Tiny networks in weights folders, made once and only read."""

from pathlib import Path

import pytest

from tests.encoders import tiny_checkpoint, tiny_hub, tiny_savedmodels, tiny_tflite, tiny_torch


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every network of the Hugging Face Hub."""
    return tiny_hub.folder(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="session")
def torch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The narrow networks of `tiny_torch`, to be loaded within `tiny_torch.narrow`."""
    return tiny_torch.folder_of_narrow(tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="session")
def savedmodel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SavedModels of YAMNet and VGGish, and VGGish's PCA."""
    return tiny_savedmodels.folder(tmp_path_factory.mktemp("savedmodels"))


@pytest.fixture(scope="session")
def tiny_folder(
    hub_folder: Path,
    torch_folder: Path,
    savedmodel_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """All of these, the checkpoint of `musicnn`, and the `.tflite` networks."""
    folder = tiny_tflite.folder(tmp_path_factory.mktemp("weights"))
    tiny_checkpoint.folder(folder)
    for made in (hub_folder, torch_folder, savedmodel_folder):
        for path in made.iterdir():
            (folder / path.name).symlink_to(path)
    return folder
