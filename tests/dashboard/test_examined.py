"""What the encoder doctor finds is said on the command line and on the Overview."""

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from rich.console import Console

from core import encoders
from core.config import Config
from core.stages import table as stages
from core.store import Store
from core.study import open_study
from tests.dashboard.conftest import Open, text_of
from tests.precompute_runs import HereEngine

load = encoders.load


class Constant:
    """An encoder of pictures that has forgotten everything."""

    def __init__(self, sane: encoders.Encoder) -> None:
        self.card, self.weights_sha256 = sane.card, sane.weights_sha256

    def embed(self, media: Any) -> np.ndarray:
        return np.ones((len(media), self.card.dim), np.float32)


def with_a_fault(name: str, *arguments: Any, **named: Any) -> Any:
    sane = load(name, *arguments, **named)
    return Constant(sane) if name == "hog" else sane


def test_a_faulty_encoder_is_named_and_a_sane_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Open
) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        name = ("flute", "drums")[number % 2]
        for folder in ("audio", "images"):
            (tmp_path / "media" / folder / name).mkdir(parents=True, exist_ok=True)
        samples = rng.uniform(-0.5, 0.5, 22_050)
        soundfile.write(tmp_path / "media" / "audio" / name / f"{number}.wav", samples, 22_050)
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "media" / "images" / name / f"{number}.png")
    config = Config(
        dataset=f"folder:{tmp_path / 'media'}", audio=("logmel",), image=("hog",), text=()
    )
    monkeypatch.setattr(encoders, "load", with_a_fault)
    said = StringIO()
    with HereEngine() as engine:
        engine.console = Console(file=said, width=200)
        stages.run(config, Store(tmp_path / "w"), engine, until="extract")
    fault = "The encoder hog gives the same vector for all media: check its weights"
    assert fault in said.getvalue()
    assert "The encoder logmel was examined: no fault was found." in said.getvalue()
    artefact = open_study(Store(tmp_path / "w")).artefact("extract:hog")
    assert artefact.json("examined.json")["faults"] == ["constant"]
    text = text_of(open_page("overview", tmp_path / "w"))
    assert fault in text
    assert "without a fault: logmel." in text
