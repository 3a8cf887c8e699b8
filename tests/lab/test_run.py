"""A run of the lab: it equals its study, its study file, and itself again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from core import config
from core.engines.local import LocalEngine
from core.errors import MissingArtefact, UserError
from core.lab import differences, export, runs
from core.lab.recipe import Settings, settings_of
from core.lab.run import Step, id_of, what_if
from core.stages import table as stages
from core.store import Store
from core.study import Study, open_study

KEYS = ["study", "metric", "direction", "target", "system", "n_target", "seed", "class", "other"]


@pytest.fixture(scope="module")
def own(study: Study) -> list[Step]:
    """A run with the settings of the study itself, and two points of its curve."""
    return list(what_if(study, settings_of(study).changed({"points": (0, 108), "draws": 2})))


def opened(study: Study, steps: list[Step]) -> Study:
    return open_study(study.store, steps[-1].facts["id"])


def translated(study: Study) -> pd.DataFrame:
    rows = study.measurements()
    if "training" in rows:
        rows = rows[rows["training"] == 0]
    mine = rows[(rows["space"] == "translation") & ~rows["direction"].str.contains("text")]
    mine = mine[mine["study"].isin(["ranking", "classification", "mix_in", "centroids"])]
    return mine.set_index(KEYS)[["value", "low", "high", "chance"]].sort_index()


def test_the_recipe_of_the_study_gives_its_numbers_exactly(study: Study, own: list[Step]) -> None:
    run = opened(study, own)
    mine, theirs = translated(run), translated(study)
    assert len(mine) > 500
    pd.testing.assert_frame_equal(mine, theirs.loc[mine.index], check_exact=True)
    for modality in ("audio", "image"):
        ours = run.shared(run.default_encoder_set, "translation", modality)
        stored = study.shared(study.default_encoder_set, "translation", modality)
        assert np.array_equal(ours.array, stored.array)
    assert all(row["difference"] == 0 for step in own for row in step.differences)


@pytest.mark.parametrize(
    ("changes", "system"), [({"classifier": "combined"}, "SMT"), ({"space": "pca"}, "MMP")]
)
def test_other_systems_of_the_study_have_its_numbers_exactly(
    study: Study, changes: dict[str, object], system: str
) -> None:
    asked = settings_of(study).changed({"points": (0, 50), "draws": 2, **changes})
    steps = list(what_if(study, asked))
    found = opened(study, steps)
    mine = differences.scores_of(found, found.default_encoder_set)
    stored = differences.scores_of(study, study.default_encoder_set, system)
    keys = differences.SCORE_KEYS
    joined = mine.merge(stored, on=keys, suffixes=("", "_stored"))
    assert len(joined) == 2 * 2 * 2
    assert (joined["value"] == joined["value_stored"]).all()
    assert found.shared(found.default_encoder_set, "translation", "audio").array.shape[1] > 1
    if system == "SMT":  # its question is what SMT changes, not what a recipe changes
        of_study = differences.scores_of(study, study.default_encoder_set, "MMT")
        base = of_study[of_study["seed"].isin({0, 1})].groupby(["target", "n_target"])["value"]
        for row in (row for step in steps for row in step.differences):
            if row["metric"] == "macro_f1":
                assert row["base"] == pytest.approx(base.mean()[row["target"], row["n_target"]])


def test_cca_is_that_of_the_study(study: Study) -> None:
    asked = settings_of(study).changed({"space": "cca", "points": (0,), "draws": 1})
    run = opened(study, list(what_if(study, asked)))
    for modality in ("audio", "image"):
        mine = run.shared(run.default_encoder_set, "translation", modality)
        stored = study.shared(study.default_encoder_set, "cca", modality)
        assert np.array_equal(mine.array, stored.take(mine.item_ids))
    fitted = run.space(run.default_encoder_set, "translation")
    native = study.native("hog")
    again = fitted.project("image", native.array[:5])
    np.testing.assert_allclose(again, stored.take(native.item_ids[:5]), atol=1e-6)


def test_a_study_that_trains_on_windows_has_its_numbers_exactly(
    study: Study, small: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    values = export.values(study, small) | {"n_bootstrap": 50, "mix_in_draws": 2, "trainings": 1}
    values["translation"] = {"windows": "query", "towers": 2, "max_epochs": 3, "centred": True}
    values["united"] = {"max_epochs": 2, "windows": "query", "batch": 64, "min_steps": 2}
    values["forest"] = {"n_trees": 5}
    file.write_text(yaml.safe_dump(values))
    with LocalEngine(1) as engine:
        made = stages.run(config.load(file), Store(study.store.root), engine, until="evaluate")
    full = open_study(study.store, made.digest)
    steps = list(what_if(full, settings_of(full).changed({"points": (0, 50)})))
    mine, theirs = translated(opened(full, steps)), translated(full)
    pd.testing.assert_frame_equal(mine, theirs.loc[mine.index], check_exact=True)
    rows = [row for step in steps for row in step.differences]
    assert all(row["difference"] == 0 for row in rows)
    assert {row["covers"] for row in rows} == {"queries", "items and draws"}
    united = list(what_if(full, settings_of(full).changed({"space": "united", "points": (0,)})))
    stored = full.measurements()
    stored = stored[(stored["space"] == "united") & (stored["metric"] == "precision@10")]
    stored = stored[(stored["system"] == "") & (stored["class"] == "")].set_index("direction")
    ranking = next(step for step in united if step.name == "ranking")
    for row in ranking.differences:
        if row["metric"] == "precision@10":
            assert row["value"] == stored["value"][row["direction"]]
    run = opened(full, united)
    native = full.native("hog")
    shared = run.shared(run.default_encoder_set, "translation", "image")
    again = run.space(run.default_encoder_set, "translation").project("image", native.array[:5])
    np.testing.assert_allclose(again, shared.take(native.item_ids[:5]), atol=1e-6)


def test_early_numbers_come_first_and_all_have_a_difference(own: list[Step]) -> None:
    names = [step.name for step in own]
    assert names == [
        "planned",
        "trained",
        "ranking",
        "zero_shot",
        "mix_in",
        "confusions",
        "map",
        "finished",
    ]
    done = [step.done for step in own]
    assert done == sorted(done)
    ranking = own[2]
    assert {row["metric"] for row in ranking.differences} == {"ndcg@30", "precision@10", "map"}
    assert all(row["low"] is not None for row in ranking.differences)
    assert {row["target"] for row in own[3].differences} == {"audio", "image"}


def test_a_run_opens_like_a_study(study: Study, own: list[Step]) -> None:
    run = opened(study, own)
    assert run.default_encoder_set == "logmel+hog"
    assert run.spaces("logmel+hog") == ["translation", "pca"]
    assert run.n_splits == 1
    predictions = run.predictions("logmel+hog")
    stored = study.predictions(study.default_encoder_set)
    pd.testing.assert_frame_equal(
        predictions[predictions["system"] == "MMT"].reset_index(drop=True),
        stored[stored["system"] == "MMT"].reset_index(drop=True),
    )
    assert set(predictions["system"]) == {"SMA", "SMI", "MMP", "MMT"}
    points = run.map("logmel+hog", "translation", "umap", 2)
    assert set(points["modality"]) == {"audio", "image"}
    assert np.isfinite(points[["x", "y"]].to_numpy()).all()
    of_pca = study.map(study.default_encoder_set, "pca", "umap", 2)
    kept = run.map("logmel+hog", "pca", "umap", 2).set_index("item_id")
    assert kept["x"].equals(of_pca.set_index("item_id").loc[kept.index, "x"])
    assert run.forest("logmel+hog", "MMT").n_trees == 100
    assert len(run.history("logmel+hog")) > 3
    with pytest.raises(MissingArtefact, match="open its study for this"):
        run.artefact("generate:logmel+hog:0")
    with pytest.raises(UserError, match="ask the study that it was made of"):
        next(what_if(run, settings_of(study)))


def test_a_run_that_is_there_is_not_made_again(study: Study, own: list[Step]) -> None:
    before = own[-1].facts["id"]
    path = Path(study.store.address(f"lab/{before}/manifest.json"))
    changed = path.stat().st_mtime_ns
    again = list(what_if(study, settings_of(study).changed({"points": (0, 108), "draws": 2})))
    assert path.stat().st_mtime_ns == changed
    assert again[-1].facts == own[-1].facts
    by_name = {step.name: step for step in again}
    for step in own:
        if step.name in ("ranking", "zero_shot", "mix_in"):
            assert by_name[step.name].differences == step.differences


def test_another_recipe_gives_other_numbers_and_a_row(study: Study, small: Settings) -> None:
    epochs: list[int] = []
    changed = small.changed({"loss": "siglip", "share": 0.5, "mismatched": 0.2})
    steps = list(what_if(study, changed, on_epoch=lambda history: epochs.append(len(history))))
    assert epochs[-1] == 2
    assert any(row["difference"] != 0 for step in steps for row in step.differences)
    kept = runs.find(study.store, id_of(study, changed))
    assert kept is not None
    assert kept.changes["translation.loss"] == "siglip"
    assert kept.numbers == steps[-1].facts["numbers"]
    assert not list(Path(study.store.root, "lab").glob("*.partial"))


def test_other_classifiers_are_compared_with_the_study_measured_alike(
    study: Study, small: Settings
) -> None:
    asked = small.changed({"classifier": "nearest_centroid", "trainings": 2, "points": (0,)})
    steps = list(what_if(study, asked))
    assert any(step.name == "base" for step in steps)
    finished = steps[-1].facts["id"]
    scores = open_study(study.store, finished).artefact("evaluate:logmel+hog:0")
    found = scores.table("scores.parquet")
    assert set(found["system"]) == {"nearest_centroid"}
    assert set(found["training"]) == {0, 1}
    last = next(step for step in steps if step.name == "zero_shot")
    assert {row["target"] for row in last.differences} == {"audio", "image"}


def test_two_runs_are_compared_with_each_other(study: Study, small: Settings) -> None:
    one = opened(study, list(what_if(study, small)))
    steps = list(what_if(study, small.changed({"margin": 0.2}), one))
    ranking = next(step for step in steps if step.name == "ranking")
    (mine,) = (
        row
        for row in ranking.differences
        if (row["metric"], row["direction"]) == ("map", "audio_to_image")
    )
    stored = one.queries("logmel+hog")
    stored = stored[stored["direction"] == "audio_to_image"]
    assert mine["base"] == pytest.approx(stored["average_precision"].mean())


def test_a_run_equals_all_stages_of_its_study_file(
    study: Study, small: Settings, tmp_path: Path
) -> None:
    asked = small.changed({"loss": "siglip", "share": 0.6, "mismatched": 0.1, "n_trees": 10})
    asked = asked.changed({"unseen": (study.paired_classes[0],), "translation.seed": 3})
    run = opened(study, list(what_if(study, asked)))
    file = tmp_path / "study.yaml"
    file.write_text(export.study_file(study, asked))
    with LocalEngine(1) as engine:
        made = stages.run(config.load(file), Store(study.store.root), engine, until="evaluate")
    full = open_study(study.store, made.digest)
    mine = translated(run)
    pd.testing.assert_frame_equal(
        mine, translated(full).loc[mine.index].sort_index(), check_exact=True
    )
