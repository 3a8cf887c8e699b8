"""A copy of the smallest demo study, to make runs in."""

import shutil
from pathlib import Path

import pytest

from core.lab.recipe import Settings, settings_of
from core.store import Store
from core.study import Study, open_study


@pytest.fixture(scope="session")
def lab_workspace(demo_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(demo_workspace, tmp_path_factory.mktemp("lab") / "demo"))


@pytest.fixture(scope="session")
def study(lab_workspace: Path) -> Study:
    return open_study(Store(lab_workspace))


@pytest.fixture
def small(study: Study) -> Settings:
    """Settings of a run that takes a second or two."""
    return settings_of(study).changed(
        {"max_epochs": 2, "min_steps": 1, "points": (0, 12), "draws": 2, "n_bootstrap": 100}
    )
