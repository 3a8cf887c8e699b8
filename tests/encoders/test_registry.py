"""The registry: names, cards, loading, and that importing it costs nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from core import encoders
from core.errors import MissingWeights, UserError

REPO = Path(__file__).resolve().parents[2]
LIGHT = "import sys, core.encoders; print('\\n'.join(sys.modules))"


def test_names_by_modality() -> None:
    assert {"logmel", "yamnet_lite"} <= set(encoders.names("audio"))
    assert {"hog", "mobilenet_v2_lite"} <= set(encoders.names("image"))
    assert set(encoders.names("audio")).isdisjoint(encoders.names("image"))
    assert list(encoders.REGISTRY) == encoders.names()


def test_registered_under_the_name_on_the_card() -> None:
    for name, entry in encoders.REGISTRY.items():
        assert entry.card.name == name


def test_unknown_name_lists_the_valid_ones_and_the_closest() -> None:
    with pytest.raises(UserError, match=r"no encoder 'yamnet_lit': did you mean 'yamnet_lite'\?"):
        encoders.card("yamnet_lit")
    with pytest.raises(UserError, match=r"expected one of logmel, .*hog"):
        encoders.load("qqqqqqq")


def test_absent_weights_say_where_to_get_and_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(MissingWeights) as caught:
        encoders.load("mobilenet_v2_lite", folder)
    message = str(caught.value)
    file = encoders.card("mobilenet_v2_lite").weights[0]
    for part in (file.name, file.address, str(folder), str(tmp_path / "cache")):
        assert part in message


def test_importing_the_registry_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=REPO, capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    assert "core.encoders" in modules
    heavy = {"torch", "librosa", "scipy", "skimage", "PIL", "ai_edge_litert", "rich", "pandas"}
    assert modules & heavy == set()
