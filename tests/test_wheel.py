"""The wheel: everything the command and the pages need, and nothing else."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from core.store import CODE_VERSION

REPO = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "precompute", "dashboard")
SKIPPED = shutil.ignore_patterns("__pycache__")
MAX_BYTES = 6 * 1024**2


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of a copy of the repository, built without a network."""
    pytest.importorskip("build", reason="build is not installed: requirements-dev.txt")
    copy, out = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(REPO / package, copy / package, ignore=SKIPPED)
    for file in (*REPO.glob("requirements*.txt"), *REPO.glob("[!.]*.toml")):
        shutil.copy(file, copy)
    for name in ("README.md", "LICENSE"):
        shutil.copy(REPO / name, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    ran = subprocess.run([*command, str(copy)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (made,) = out.glob("*.whl")
    assert made.stat().st_size <= MAX_BYTES
    return zipfile.ZipFile(made)


def test_every_file_of_the_packages_is_inside(wheel: zipfile.ZipFile) -> None:
    wanted = {
        str(path.relative_to(REPO))
        for package in PACKAGES
        for path in (REPO / package).rglob("*")
        if path.is_file() and path.suffix in (".py", ".svg", ".css", ".js", ".json", ".toml")
    }
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == wanted
    assert {
        "dashboard/app.py",
        "dashboard/icon.svg",
        "dashboard/shared/style.css",
        "dashboard/.streamlit/config.toml",
        "core/datasets/demo/taxonomy.json",
    } <= found
    assert sum(name.endswith(".svg") for name in found) > 80


def test_the_command_version_and_requirements(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "jee = precompute.__main__:main" in wheel.read(entry_points).decode()
    (metadata,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    lines = wheel.read(metadata).decode().splitlines()
    assert f"Version: {CODE_VERSION}" in lines
    pinned = [
        line
        for line in (REPO / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert [line for line in lines if line.startswith("Requires-Dist:") and ";" not in line] == [
        f"Requires-Dist: {line}" for line in pinned
    ]
    assert {f"Provides-Extra: {name}" for name in ("ray", "tensorflow", "dev")} <= set(lines)


def test_the_pages_are_served_to_this_machine_alone() -> None:
    config = tomllib.loads((REPO / "dashboard/.streamlit/config.toml").read_text())
    assert config["server"]["address"] == "localhost"
    assert config["browser"]["gatherUsageStats"] is False
