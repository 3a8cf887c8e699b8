"""CCA and the united space in a study: trained beside the translation, which does not change."""

from pathlib import Path

import numpy as np
import pytest

from core.config import Config
from core.retrieval.retriever import Retriever
from core.spaces.translation import Translation
from core.stages import evaluation_data
from core.stages.evaluation_data import Sources
from core.stages.study_run import StudyRun
from core.stages.table import run
from core.store import Store
from core.study import open_study
from tests.precompute_runs import HereEngine
from tests.ready_vectors import write_table

SHORT = {"max_epochs": 3, "min_steps": 2}


def trained(folder: Path, workspace: Path, **fields) -> StudyRun:
    path = folder / "items.parquet"
    table = path if path.exists() else write_table(folder)
    config = Config(f"table:{table}", splits=1, translation=SHORT, **fields)
    return run(config, Store(workspace), HereEngine(), until="train")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    folder = tmp_path_factory.mktemp("united")
    return trained(folder, folder / "workspace", united={**SHORT, "max_epochs": 30})


def test_queries_search_the_united_space_where_there_is_one(
    study: StudyRun, tmp_path: Path
) -> None:
    assert Retriever(open_study(study.store)).default_space == "united_all"
    folder = Path(study.config.dataset.partition(":")[2]).parent
    alone = trained(folder, tmp_path)  # no texts
    assert Retriever(open_study(alone.store)).default_space == "translation_all"


def names_of(study: StudyRun) -> tuple[str, str]:
    split, every = (f"train:{study.encoder_sets[0]}:{part}" for part in (0, "all"))
    return split, every


def test_the_spaces_are_written_with_all_items(study: StudyRun) -> None:
    opened, name = open_study(study.store), study.encoder_sets[0]
    assert opened.spaces(name) == [
        "translation",
        "pca",
        "cca",
        "united",
        "translation_all",
        "united_all",
    ]
    for space in ("cca", "united", "united_all"):
        for modality in ("audio", "image"):
            shared = opened.shared(name, space, modality)
            native = opened.native(f"ready_{modality}")
            projected = opened.space(name, space).project(modality, native.array)
            assert np.abs(shared.array - projected).max() < 1e-6
            assert len(shared.array) == 48


def test_modalities_meet_in_the_united_space(study: StudyRun) -> None:
    opened, name = open_study(study.store), study.encoder_sets[0]
    a, b = (opened.shared(name, "united", m).array for m in ("audio", "image"))
    within = [
        np.linalg.norm(x[:, None] - x, axis=-1)[np.triu_indices(len(x), 1)].mean() for x in (a, b)
    ]
    gap = np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))
    assert gap < 0.15 * np.mean(within)
    classes = opened.items().loc[opened.shared(name, "united", "audio").item_ids, "class"]
    nearest = classes.to_numpy()[(a @ b.T).argmax(axis=1)]
    assert (nearest == classes.to_numpy()).mean() > 0.8


def test_the_translation_does_not_change(study: StudyRun, tmp_path: Path) -> None:
    folder = Path(study.config.dataset.partition(":")[2]).parent
    alone = trained(folder, tmp_path, united="off")
    split, _ = names_of(study)
    one, other = (s.artefacts[split] for s in (study, alone))
    towers = [
        Translation.from_arrays(found.tensors("translation.safetensors")).towers["audio"]
        for found in (one, other)
    ]
    assert all(np.array_equal(towers[0][key], towers[1][key]) for key in towers[0])
    assert not other.has("united.safetensors")
    assert other.has("cca.safetensors")


def test_the_studies_see_the_spaces(study: StudyRun) -> None:
    split, _ = names_of(study)
    natives = study.natives(study.encoder_sets[0])
    sources = Sources(natives, study.artefacts[split], None, ())
    data = evaluation_data.read(study.ingested, 0, sources)
    assert list(data.vectors) == ["translation", "pca", "cca", "united"]
    assert data.queries == {}
