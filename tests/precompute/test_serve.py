"""`dashboard`: Streamlit on the installed pages, from any folder."""

import importlib.util
import itertools
import os
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.errors import UserError
from precompute import serve
from precompute.__main__ import app


def test_streamlit_takes_the_place_of_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: started.append([path, *arguments]))
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["dashboard", "some/workspace", "--port", "8633"])
    assert ran.exit_code == 0
    (command,) = started
    assert command[:5] == [sys.executable, sys.executable, "-m", "streamlit", "run"]
    page = Path(command[5])
    assert page.is_absolute()
    assert page.is_file()
    assert (page.parent / ".streamlit" / "config.toml").is_file()
    assert command[6:] == ["--server.port", "8633", "--", "--workspace", "some/workspace"]


def test_names_of_hosts_come_beside_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: started.append(arguments))
    serve.run("some/workspace", 8633, ["explorer.example"])
    config = Path(started[0][4]).parent / ".streamlit" / "config.toml"
    own = tomllib.loads(config.read_text())["server"]["allowedHosts"]
    given = [
        value for flag, value in itertools.pairwise(started[0]) if flag == "--server.allowedHosts"
    ]
    assert given == [*own, "explorer.example"]


def test_without_the_dashboard_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^The package dashboard is not installed"):
        serve.run("workspace/demo", 8501)
