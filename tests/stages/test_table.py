"""The table of stages on a tiny study: killed between any two tasks, at any write, and again."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import Config
from core.spaces import maps, training, translation_training
from core.spaces.translation import TranslationConfig
from core.stages import table as stages
from core.stages import train
from core.stages.study_run import StudyRun
from core.stages.table import STAGES
from core.store import Store
from core.studies import headlines
from core.studies.forests import ForestConfig
from core.study import Study, open_study
from tests.precompute_runs import HereEngine, KilledError, manifests
from tests.ready_vectors import write_table


def flat_maps(vectors: np.ndarray, near: object, method: str, n_dims: int, seed: int) -> np.ndarray:
    """In place of UMAP and t-SNE, since compiling UMAP takes 20 s."""
    return np.asarray(vectors)[:, :n_dims]


@pytest.fixture(scope="module", autouse=True)
def _quick_maps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "fit_whole", flat_maps)
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Ready vectors of 3 classes."""
    path = write_table(tmp_path_factory.mktemp("tiny"))
    return Config(
        dataset=f"table:{path}",
        splits=2,
        n_bootstrap=20,
        mix_in_draws=2,
        translation=TranslationConfig(max_epochs=6),
        forest=ForestConfig(n_trees=4),
    )


@dataclass(frozen=True)
class Whole:
    """The tiny study, computed in one go."""

    study: Study
    first: StudyRun
    n_tasks: int


@pytest.fixture(scope="module")
def whole(tiny: Config, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    store, engine = Store(tmp_path_factory.mktemp("whole")), HereEngine()
    first = stages.run(tiny, store, engine)
    return Whole(open_study(store), first, len(engine.done))


def run_tiny(config: Config, root: Path, engine: HereEngine | None = None) -> Study:
    stages.run(config, Store(root), engine or HereEngine())
    return open_study(Store(root))


def test_ready_vectors_need_no_encoder(whole: Whole) -> None:
    study = whole.study
    assert study.default_encoder_set == "ready_audio+ready_image"
    rows = study.measurements()
    found = rows[(rows["metric"] == "precision@5") & (rows["space"] == "translation")]
    assert sorted(found["split"].unique()) == [0, 1]
    assert {"x", "y", "z"} <= set(study.map(study.default_encoder_set, "pca", "umap", 2).columns)


def test_a_single_split_is_trained_three_times_and_its_spread_covers_training(
    tiny: Config, tmp_path: Path
) -> None:
    study = run_tiny(replace(tiny, splits=1), tmp_path)
    found = headlines.table(study.measurements()).set_index("what")
    for what in (
        "precision@10, audio_to_image",
        "zero-shot MMT, macro F1, target audio",
        "MMT with everything, macro F1, target image",
    ):
        assert found.loc[what, "over"] == "3 trainings"
        assert found.loc[what, "sd"] > 0
    assert found.loc["SMA, macro F1", "over"] == "2 draws"  # PCA is the same every time
    rows = study.measurements()
    again = rows[rows["training"] > 0]
    assert sorted(again["training"].unique()) == [1, 2]
    assert set(again["space"]) == {"translation"}
    assert not again["class"].any()
    one = rows[(rows["metric"] == "precision@10") & (rows["class"] == "") & (rows["system"] == "")]
    one = one[(one["direction"] == "audio_to_image") & (one["space"] == "translation")]
    assert one["value"].nunique() > 1
    assert found.loc["precision@10, audio_to_image", "mean"] == pytest.approx(one["value"].mean())


def test_several_splits_and_one_training_are_not_repeated(whole: Whole, tiny: Config) -> None:
    assert whole.study.measurements()["training"].max() == 0
    assert train.further_trainings(whole.first) == []
    first = replace(whole.first, config=replace(tiny, trainings=2))
    assert train.further_trainings(first) == [(0, 1), (1, 1)]


def test_every_stage_says_where_its_time_went(whole: Whole, tiny: Config) -> None:
    parts = {stage: set(outcome.parts) for stage, outcome in whole.first.outcomes.items()}
    assert list(parts) == list(STAGES)
    assert parts["train"] == {"training spaces"}
    assert parts["generate"] == set()
    expected = {"ranking", "forests", "centroids", "geometry and similarity"}
    assert parts["evaluate"] == expected
    assert parts["maps"] == {"finding neighbours", "drawing maps", "measuring maps"}
    for outcome in whole.first.outcomes.values():
        assert 0.0 <= sum(outcome.parts.values()) <= outcome.seconds + 0.1  # of two clocks
        assert outcome.n_made == outcome.n_artefacts
    assert whole.first.outcomes["generate"].n_artefacts == 0  # there is no text
    again = stages.run(tiny, whole.study.store, HereEngine())
    for outcome in again.outcomes.values():
        assert not outcome.parts
        assert outcome.n_made == 0
    assert again.artefacts.keys() == whole.study.artefacts.keys()


def sums(study: Study) -> dict[str, dict[str, str]]:
    """The checksums of all files of a study, without the seconds of its histories."""
    found = {}
    for name in study.artefacts:
        of = study.artefact(name).manifest["sums"]
        found[name] = {file: one for file, one in of.items() if not file.startswith("history")}
    return found


@pytest.mark.parametrize("stop_after", [1, 4, 12])
def test_a_run_stopped_between_tasks_continues(
    tiny: Config, whole: Whole, tmp_path: Path, stop_after: int
) -> None:
    first, second = HereEngine(stop_after), HereEngine()
    with pytest.raises(KilledError):
        run_tiny(tiny, tmp_path / "w", first)
    resumed = run_tiny(tiny, tmp_path / "w", second)
    names = [repr(task) for task in [*first.done, *second.done]]
    assert len(names) == len(set(names)) == whole.n_tasks
    assert sums(resumed) == sums(whole.study)


def test_a_run_killed_at_any_write_continues_with_the_same_result(
    tiny: Config, whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_replace = os.replace
    left = 0  # writes before the next end: a few more at each attempt

    def replace_or_die(source: str, target: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        real_replace(source, target)

    n_ended = 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_or_die)
        for attempt in range(100):
            left = 3 + attempt
            try:
                run_tiny(tiny, tmp_path / "w")
                break
            except KilledError:
                n_ended += 1
    assert 5 < n_ended < 99
    monkeypatch.setattr(maps, "fit_whole", None)  # nothing is left to draw
    again = run_tiny(tiny, tmp_path / "w")
    assert sums(again) == sums(whole.study)


@pytest.mark.parametrize("epoch", [1, 2, 5, 9])
def test_a_training_cut_at_any_epoch_gives_the_same_bytes(
    tiny: Config, whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    monkeypatch.setattr(translation_training, "CHECKPOINT_EVERY", 1)
    plain = training.ResumableTraining.close_epoch
    n_closed = 0

    def close_or_die(self: training.ResumableTraining, *values: float, best: bool = False) -> None:
        nonlocal n_closed
        n_closed += 1
        if n_closed % (epoch + 1) == 0 and n_closed < 60:
            raise KilledError
        plain(self, *values, best=best)

    monkeypatch.setattr(training.ResumableTraining, "close_epoch", close_or_die)
    n_killed = 0
    for _ in range(70):
        try:
            study = run_tiny(tiny, tmp_path / "w")
            break
        except KilledError:
            n_killed += 1
    assert n_killed >= 2
    assert sums(study) == sums(whole.study)


def test_a_change_recomputes_what_depends_on_it(tiny: Config, whole: Whole, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(whole.study.store.root, root)
    before = set(manifests(root))
    run_tiny(replace(tiny, mix_in_draws=3), root)
    fresh = {Path(name).parts[-3] for name in set(manifests(root)) - before}
    assert fresh == {"evaluate"}


def test_no_space_is_fitted_on_test_items(tiny: Config, whole: Whole, tmp_path: Path) -> None:
    """Other test vectors leave every space of a split unchanged."""
    study = whole.study
    frame = study.items(0)
    held = set(frame[frame["subset"] != "translation"]["item_id"])
    table = pd.read_parquet(tiny.dataset.removeprefix("table:"))
    rng = np.random.default_rng(1)
    table["vector"] = [
        rng.standard_normal(6).tolist() if item in held else vector
        for item, vector in zip(table["item_id"], table["vector"], strict=True)
    ]
    table.to_parquet(tmp_path / "items.parquet")
    other = run_tiny(replace(tiny, dataset=f"table:{tmp_path / 'items.parquet'}"), tmp_path / "w")
    for name in ("translation.safetensors", "pca.audio.safetensors", "pca.image.safetensors"):
        mine, theirs = (
            one.artefact(f"train:{one.default_encoder_set}:0").tensors(name)
            for one in (study, other)
        )
        compared = [key for key in mine if "seconds" not in key]
        assert compared
        for key in compared:
            assert np.array_equal(mine[key], theirs[key]), key
