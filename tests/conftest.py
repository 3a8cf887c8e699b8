"""Fixtures that many test modules share."""

from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real media, weights and metadata that may lie beside the repository."""
    folder = REPO.parent / "shared"
    if not (folder / "realmedia").is_dir():
        pytest.skip("no ../shared beside the repository: real media and weights are not tested")
    return folder
