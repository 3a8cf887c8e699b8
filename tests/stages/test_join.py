"""Joined encoders in a study: their parts are artefacts of their own, and uploads equal items."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from core.config import Config
from core.encoders import joined
from core.errors import UserError
from core.retrieval.embedder import Embedder
from core.stages import table as stages
from core.stages.study_run import StudyRun
from core.store import Store
from core.study import Study, open_study
from tests.encoders import tiny_checkpoint
from tests.precompute_runs import HereEngine

JOINED = "logmel=2+musicnn"
RATE_HZ = 44_100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sounds, one of them too damaged to read, and four pictures."""
    root, rng = tmp_path_factory.mktemp("media"), np.random.default_rng(0)
    for number in range(4):
        name = ("flute", "drums")[number % 2]
        (root / "audio" / name).mkdir(parents=True, exist_ok=True)
        (root / "images" / name).mkdir(parents=True, exist_ok=True)
        samples = rng.uniform(-0.5, 0.5, 2 * RATE_HZ)
        soundfile.write(root / "audio" / name / f"{number}.wav", samples, RATE_HZ)
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint.folder(tmp_path_factory.mktemp("weights"))


def extracted(root: Path, folder: Path, weights: Path, *audio: str) -> tuple[StudyRun, Study]:
    config = Config(f"folder:{folder}", audio=audio, image=("hog",), text=())
    run = stages.run(config, Store(root), HereEngine(), weights, until="extract")
    return run, open_study(Store(root))


@pytest.fixture(scope="module")
def study(folder: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return extracted(tmp_path_factory.mktemp("w"), folder, weights, JOINED)[1]


def test_a_joined_encoder_stands_beside_its_parts(study: Study) -> None:
    assert study.encoders["audio"] == ["logmel=2+musicnn=1"]  # as it is written in one way
    assert study.default_encoder_set == "logmel=2+musicnn=1+hog"
    whole = study.native("logmel=2+musicnn=1")
    parts = [study.native(name) for name in ("logmel", "musicnn")]
    blocks = [part.take(whole.item_ids) for part in parts]
    np.testing.assert_array_equal(whole.array, joined.join(blocks, (2, 1)))
    assert len(whole.item_ids) == 4


def test_an_uploaded_copy_gets_the_items_own_vector(study: Study, folder: Path) -> None:
    embedder = Embedder(study)
    item_id = study.native("musicnn").item_ids[0]
    row = study.items().loc[item_id]
    (found,) = embedder.embed(folder / row["path"], row["path"])
    second = found.native[list(found.starts_s).index(row["start_s"])]
    np.testing.assert_allclose(second, embedder.embed_item(item_id).native[0], atol=1e-5)


def test_a_part_that_is_there_is_not_embedded_again(
    folder: Path, weights: Path, tmp_path: Path
) -> None:
    first, _ = extracted(tmp_path, folder, weights, "musicnn")
    second, _ = extracted(tmp_path, folder, weights, "musicnn", "musicnn+logmel", JOINED)
    assert first.outcomes["extract"].n_made == 2  # musicnn, hog
    assert second.outcomes["extract"].n_made == 3  # logmel, and two ways to join
    again, _ = extracted(tmp_path, folder, weights, "musicnn+logmel")
    assert again.outcomes["extract"].n_made == 0


def test_other_ratios_are_another_artefact_and_equal_ones_the_same(
    folder: Path, weights: Path, tmp_path: Path
) -> None:
    digests = [
        extracted(tmp_path, folder, weights, name)[0].artefacts[f"extract:{canonical}"].digest
        for name, canonical in (
            ("logmel+musicnn", "logmel+musicnn"),
            ("logmel=3+musicnn=3", "logmel+musicnn"),
            ("logmel=3+musicnn", "logmel=3+musicnn=1"),
        )
    ]
    assert digests[0] == digests[1] != digests[2]


def test_an_encoder_for_another_modality_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    config = Config(f"folder:{folder}", audio=("logmel+hog",))
    with pytest.raises(UserError, match="expected encoders of one modality"):
        stages.run(config, Store(tmp_path), HereEngine(), until="extract")
