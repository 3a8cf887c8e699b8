"""The README's tree names every module, and its commands are those of the command line."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from precompute.__main__ import app

REPO = Path(__file__).resolve().parent.parent
README = (REPO / "README.md").read_text("utf-8")


def tree() -> str:
    """The block of text under "The house"."""
    return README.split("## The house", 1)[1].split("```")[1]


def missing(text: str, package: str) -> list[str]:
    """Modules of a package whose file name is not in a text."""
    names = set(re.findall(r"[\w]+\.py", text))
    files = sorted((REPO / package).rglob("*.py"))
    return [str(file.relative_to(REPO)) for file in files if file.name not in names]


@pytest.mark.parametrize("package", ["core", "precompute", "dashboard"])
def test_the_tree_names_every_module(package: str) -> None:
    assert missing(tree(), package) == []


def test_a_missing_module_is_found() -> None:
    assert "core/config.py" in missing(tree().replace("config.py", ""), "core")


def test_the_tree_names_no_module_that_is_gone() -> None:
    there = {file.name for file in REPO.rglob("*.py") if ".venv" not in file.parts}
    assert set(re.findall(r"[\w]+\.py", tree())) <= there


def test_every_command_is_in_the_readme() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert {"all", "search", "dashboard"} <= set(commands)
    for name in commands:
        assert name in listed
        assert re.search(rf"\b{name}\b", README.split("## The command line", 1)[1]), name
