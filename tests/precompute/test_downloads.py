"""`weights` of the command line: the table, and downloads from a server on this machine."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from core import encoders
from core.encoders import downloads as stored
from core.encoders import weights
from core.encoders.base import WeightsFile
from core.errors import UserError
from precompute import downloads
from tests.encoders.weights_server import CONTENT, serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "cache"


def printed(weights_dir: Path | None = None, wanted: tuple[str, ...] = ()) -> str:
    out = io.StringIO()
    downloads.run(weights_dir, wanted, False, Console(file=out, width=240))
    return out.getvalue()


def test_every_encoder_is_listed_with_its_files(cache: Path) -> None:
    text = printed()
    for name in encoders.names():
        assert name in text
        for file in encoders.card(name).weights:
            assert file.name in text
    assert "Apache-2.0" in text
    assert str(cache) in text.replace("\n", "")
    (line,) = (line for line in text.splitlines() if "mobilenet_v2_lite" in line)
    assert "3.6 MB" in line
    assert "no" in line.split()


def test_an_encoder_with_several_files_is_named_once() -> None:
    lines = [line for line in printed().splitlines() if "│ vggish" in line]
    assert len([line for line in lines if line.startswith("│ vggish")]) == 1


def test_present_weights_have_a_size(tmp_path: Path) -> None:
    (tmp_path / "mine" / "vggish_1" / "variables").mkdir(parents=True)
    (tmp_path / "mine" / "vggish_1" / "saved_model.pb").write_bytes(bytes(1_000))
    (tmp_path / "mine" / "vggish_1" / "variables" / "data").write_bytes(bytes(2_500))
    (row, other) = (r for r in stored.table(tmp_path / "mine") if r["name"] == "vggish")
    assert (row["size"], row["present"]) == (3_500, True)
    assert (other["size"], other["present"]) == (None, False)
    assert "3.5 kB" in printed(tmp_path / "mine")


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    downloads.run(None, (), True, Console(file=io.StringIO()))
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows} == set(encoders.names())


def test_downloaded_weights_are_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = encoders.REGISTRY["hog"]
    with serving() as server:
        file = WeightsFile("fetched.h5", server.address, size=len(CONTENT))
        card = replace(entry.card, name="remote", weights=(file,))
        monkeypatch.setitem(encoders.REGISTRY, "remote", entry._replace(card=card))
        assert "yes" not in line_of("remote", printed())
        assert "yes" in line_of("remote", printed(wanted=("remote",)))
        assert (weights.cache_dir() / "fetched.h5").read_bytes() == CONTENT
        assert "fetched.h5" in capsys.readouterr().err  # the bar
        with pytest.raises(UserError, match="no encoder 'remot': did you mean 'remote'"):
            printed(tmp_path, wanted=("remote", "remot"))
        assert len(server.asked) == 1  # unknown names are refused before any download


def line_of(name: str, text: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"│ {name} "))
    return line
