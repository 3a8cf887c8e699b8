"""The demo study, to make runs in, and settings of a short run."""

from pathlib import Path

import pytest

from core.lab.recipe import Settings, settings_of
from core.store import Store
from core.study import Study, open_study


@pytest.fixture(scope="module")
def study(own_demo: Path) -> Study:
    return open_study(Store(own_demo))


@pytest.fixture
def small(study: Study) -> Settings:
    """Settings of a run that takes a second or two."""
    return settings_of(study).changed(
        {"max_epochs": 2, "min_steps": 1, "points": (0, 12), "draws": 2, "n_bootstrap": 100}
    )
