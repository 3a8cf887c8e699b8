"""Tiny networks in weights folders, made once and only read."""

from pathlib import Path

import pytest

from tests.conftest import MadeOnce
from tests.encoders import tiny_checkpoint, tiny_hub, tiny_savedmodels, tiny_tflite, tiny_torch


@pytest.fixture(scope="session")
def hub_folder(made_once: MadeOnce) -> Path:
    """Every network of the Hugging Face Hub."""
    return made_once("hub", tiny_hub.folder)


@pytest.fixture(scope="session")
def torch_folder(made_once: MadeOnce) -> Path:
    """The narrow networks of `tiny_torch`, to be loaded within `tiny_torch.narrow`."""
    return made_once("torch", tiny_torch.folder_of_narrow)


@pytest.fixture(scope="session")
def savedmodel_folder(made_once: MadeOnce) -> Path:
    """The SavedModels of YAMNet and VGGish, and VGGish's PCA."""
    return made_once("savedmodels", tiny_savedmodels.folder)


@pytest.fixture(scope="session")
def tiny_folder(
    hub_folder: Path, torch_folder: Path, savedmodel_folder: Path, made_once: MadeOnce
) -> Path:
    """All of these, the checkpoint of `musicnn`, and the `.tflite` networks."""

    def make(folder: Path) -> None:
        tiny_tflite.folder(folder)
        tiny_checkpoint.folder(folder)
        for made in (hub_folder, torch_folder, savedmodel_folder):
            for path in made.iterdir():
                (folder / path.name).symlink_to(path)

    return made_once("weights", make)
