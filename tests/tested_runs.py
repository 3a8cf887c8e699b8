"""A study of ready vectors with three test datasets, computed in this process."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import Config
from core.spaces import maps
from core.spaces.translation import TranslationConfig
from core.stages import table as stages
from core.store import Store
from core.studies.forests import ForestConfig
from tests.precompute_runs import HereEngine
from tests.ready_vectors import write_table

SETTINGS = {
    "splits": 2,
    "n_bootstrap": 20,
    "mix_in_draws": 2,
    "translation": TranslationConfig(max_epochs=6),
    "forest": ForestConfig(n_trees=4),
}


def flat_maps(vectors: np.ndarray, near: object, method: str, n_dims: int, seed: int) -> np.ndarray:
    """In place of UMAP and t-SNE, since compiling UMAP takes 20 s."""
    return np.asarray(vectors)[:, :n_dims]


def write_test_table(folder: Path, classes: tuple[str, ...], modalities: tuple[str, ...]) -> Path:
    """Clips whose vectors lie around the centres of `tests.ready_vectors`, shifted by one class."""
    folder.mkdir()
    path = folder / f"{folder.name}.parquet"
    rng = np.random.default_rng(5)
    centres = np.random.default_rng(0).standard_normal((3, 6))
    rows = [
        {
            "item_id": f"{modality}{number}",
            "clip_id": f"clip{number}",
            "modality": modality,
            "labels": classes[number % len(classes)],
            "vector": (centres[number % 3] + 0.3 * rng.standard_normal(6)).tolist(),
        }
        for number in range(30)
        for modality in modalities
    ]
    pd.DataFrame(rows).to_parquet(path)
    return path


def compute(root: Path) -> None:
    """The workspace `ROOT/w`: a study whose test datasets are `same`, with two of its classes,
    `other`, with none, and `heard`, sounds alone. `ROOT/alone`: the study without them."""
    own = write_table(root)
    both = ("audio", "image")
    tested = (
        write_test_table(root / "same", ("Cello", "flute", "kazoo"), both),
        write_test_table(root / "other", ("gong", "bell"), both),
        write_test_table(root / "heard", ("cello", "flute", "organ"), ("audio",)),
    )
    also_test = tuple(f"table:{path}" for path in tested)
    with pytest.MonkeyPatch.context() as patch, HereEngine() as engine:
        patch.setattr(maps, "fit_whole", flat_maps)
        for workspace, names in (("w", also_test), ("alone", ())):
            config = Config(dataset=f"table:{own}", also_test=names, **SETTINGS)
            stages.run(config, Store(root / workspace), engine)
