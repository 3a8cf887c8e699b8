"""The stage `generate`: its artefact, its scores, its moving map, and a killed run."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import config, encoders
from core.config import Config
from core.errors import MissingArtefact, UserError
from core.retrieval import tags
from core.retrieval.query_inputs import WeightedInput
from core.retrieval.retriever import Retriever
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig
from core.stages import generate
from core.stages import table as stages
from core.store import Store
from core.studies.forests import ForestConfig
from core.study import Study, open_study
from tests.encoders import tiny_hub
from tests.precompute_runs import HereEngine, KilledError

INSTRUMENTS = ("drum", "flute", "violin")
MANNERS = ("slow", "loud", "a slow", "someone plays the", "the loud")
TUNED = GenerationConfig(
    text="finetuned",
    optimizer="adam",
    batch=16,
    temperature=0.1,
    n_hidden=16,
    max_epochs=3,
    text_learning_rate=3e-3,
    validation_share=0.3,
    snapshot_pairs=6,
)
FROZEN = dataclasses.replace(TUNED, text="frozen")


@pytest.fixture(scope="module")
def weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weights")
    tiny_hub.make_bert(root / Path(encoders.card("bert").weights[0].name).parts[0])
    return root


@pytest.fixture(scope="module")
def study_of(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """48 sounds and pictures as ready vectors, with captions."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data")
    numbers = range(48)
    for modality in ("audio", "image"):
        vectors = 3 * np.eye(6)[np.arange(48) % 3] + 0.3 * rng.standard_normal((48, 6))
        np.save(folder / f"{modality}.npy", vectors.astype(np.float32))
        ids = "".join(f"{modality}{number:02d}\n" for number in numbers)
        (folder / f"{modality}.ids.csv").write_text(ids)
    rows = [
        {
            "item_id": f"{modality}{number:02d}",
            "clip_id": f"clip{number:02d}",
            "modality": modality,
            "labels": INSTRUMENTS[number % 3],
            "text": f"{MANNERS[number % 5]} {INSTRUMENTS[number % 3]}" * (modality == "text"),
        }
        for number in numbers
        for modality in ("audio", "image", "text")
    ]
    path = folder / "items.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return Config(
        dataset=f"table:{path}",
        text=("bert",),
        splits=1,
        trainings=1,
        n_bootstrap=10,
        mix_in_draws=1,
        prompts=("{tag}",),
        translation=TranslationConfig(max_epochs=2),
        united={"max_epochs": 2, "min_steps": 1},
        generation=FROZEN,
        forest=ForestConfig(n_trees=2),
    )


@pytest.fixture(scope="module", autouse=True)
def _no_maps() -> Any:
    """Compiling UMAP takes 20 s, and only the moving map is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.stages.maps._write_maps", lambda engine, trained, draft: {})
        yield


def run(config: Config, root: Path, weights_dir: Path, engine: HereEngine | None = None) -> Study:
    stages.run(config, Store(root), engine or HereEngine(), weights_dir)
    return open_study(Store(root))


@pytest.fixture(scope="module")
def frozen(study_of: Config, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return run(study_of, tmp_path_factory.mktemp("frozen"), weights_dir)


@pytest.fixture(scope="module")
def tuned(study_of: Config, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    config = dataclasses.replace(study_of, generation=TUNED)
    return run(config, tmp_path_factory.mktemp("tuned"), weights_dir)


def test_a_study_with_text_has_the_space(frozen: Study) -> None:
    encoder_set = frozen.default_encoder_set
    assert encoder_set == "ready_audio+ready_image+bert"
    beside = ["cca", "united", "translation_all", "united_all"]
    assert frozen.spaces(encoder_set) == ["translation", "pca", *beside, "generation"]
    fit = frozen.space(encoder_set, "generation")
    assert fit.n_dims == 768  # type: ignore[union-attr]  # a Generation
    for modality, encoder in frozen.modalities(encoder_set).items():
        native, shared = frozen.native(encoder), frozen.shared(encoder_set, "generation", modality)
        assert shared.array.shape == (48, 768)
        made = fit.project(modality, native.array)
        assert np.array_equal(made, shared.take(native.item_ids))
    assert frozen.text_encoder_state(encoder_set) is None
    history = frozen.generation_history(encoder_set)
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["validation_loss"].notna().all()
    assert history["train_discriminator_loss"].isna().all()


def test_a_study_with_many_texts_has_the_space_of_a_frozen_and_of_a_fine_tuned_encoder(
    study_of: Config, weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.config.LARGE", 40)
    small = {"optimizer": "adam", "n_hidden": 16, "max_epochs": 2, "learning_rate": 1e-3}
    few = {"snapshot_pairs": 6, "validation_share": 0.3, "text_learning_rate": 3e-3}
    both = run(dataclasses.replace(study_of, generation={**small, **few}), tmp_path, weights_dir)
    encoder_set = both.default_encoder_set
    assert both.spaces(encoder_set)[-2:] == ["generation", "generation_tuned"]
    assert both.text_encoder_state(encoder_set) is None
    assert both.text_encoder_state(encoder_set, space="generation_tuned") is not None
    frozen_texts, tuned_texts = (
        both.shared(encoder_set, space, "text").array
        for space in ("generation", "generation_tuned")
    )
    assert not np.allclose(frozen_texts, tuned_texts, atol=1e-4)
    rows = both.measurements()
    accuracy = rows[(rows["study"] == "zero_shot") & (rows["metric"] == "accuracy")]
    assert {"generation", "generation_tuned"} <= set(accuracy["space"])
    # Typed words go through the encoder of their space.
    embedder = Retriever(both, weights_dir=weights_dir)
    words = [
        tags.embed(embedder, ["a slow flute"], space).vectors
        for space in ("generation", "generation_tuned")
    ]
    assert not np.allclose(*words, atol=1e-4)


def test_few_texts_or_a_study_that_chooses_have_one_generation_space() -> None:
    many = config.LARGE
    assert config.tuned_recipe(Config(), "clip", many - 1) is None
    assert config.tuned_recipe(Config(generation="off"), "clip", many) is None
    assert config.tuned_recipe(Config(generation={"text": "frozen"}), "clip", many) is None
    assert config.tuned_recipe(Config(generation=TUNED), "clip", many) is None
    found = config.tuned_recipe(Config(generation={"batch": 32}), "clip", many)
    assert found is not None
    assert (found.text, found.batch, found.optimizer) == ("finetuned", 32, "sgd")


def test_all_directions_and_tags_are_scored_in_the_space(frozen: Study) -> None:
    rows = frozen.measurements()
    mine = rows[rows["space"] == "generation"]
    ranked = mine[(mine["study"] == "ranking") & (mine["metric"] == "ndcg@30")]
    assert len(set(ranked["direction"])) == 6
    accuracy = mine[(mine["study"] == "zero_shot") & (mine["metric"] == "accuracy")]
    assert set(accuracy["target"]) == {"audio", "image"}
    # W's studies use translation and PCA only.
    assert set(mine["study"]) == {"ranking", "zero_shot", "geometry"}


def test_the_moving_map_shows_validation_pairs(frozen: Study) -> None:
    table = frozen.epochs(frozen.default_encoder_set)
    assert list(table.columns) == ["epoch", "item_id", "modality", "partner", "x", "y"]
    assert sorted(table["epoch"].unique()) == [0, 1, 2, 3]
    assert np.isfinite(table[["x", "y"]].to_numpy()).all()
    first = table[table["epoch"] == 0].set_index("item_id")
    assert first["modality"].value_counts()["audio"] == 6
    for epoch in (1, 2, 3):
        assert table[table["epoch"] == epoch]["item_id"].tolist() == first.index.tolist()
    frame = frozen.items()
    translation = set(frame["item_id"][frame["subset"] == "translation"])
    assert set(first.index) <= translation
    for item_id, partner in first["partner"].items():
        assert frame.loc[item_id, "clip_id"] == frame.loc[partner, "clip_id"]
        assert partner in first.index


def test_the_space_can_be_searched_with_text(frozen: Study, weights_dir: Path) -> None:
    retriever = Retriever(frozen, weights_dir=weights_dir)
    thing = retriever.embed_text("slow flute")
    found = retriever.search([WeightedInput(thing)], "audio", 5, "generation").results
    assert len(found) == 5
    assert found["score"].is_monotonic_decreasing


def test_a_tuned_encoder_is_stored_and_used(tuned: Study, frozen: Study, weights_dir: Path) -> None:
    encoder_set = tuned.default_encoder_set
    state = tuned.text_encoder_state(encoder_set)
    assert state
    retriever = Retriever(tuned, weights_dir=weights_dir)
    text = tuned.items().loc["text03", "text"]
    typed, item = retriever.embed_text(text), retriever.embed_item("text03")
    kept = tuned.shared(encoder_set, "generation", "text").take(["text03"])
    for thing in (typed, item):
        assert retriever.project(thing, "generation") == pytest.approx(kept, abs=1e-5)
    # The study scored its tags with the same encoder.
    tags = [retriever.project(retriever.embed_text(tag), "generation") for tag in tuned.classes]
    frame = tuned.items()
    test = frame[(frame["subset"] == "test") & (frame["modality"] == "audio")]
    sounds = tuned.shared(encoder_set, "generation", "audio").take(test["item_id"])
    best = np.array(tuned.classes)[(sounds @ np.concatenate(tags).T).argmax(axis=1)]
    rows = tuned.measurements()
    rows = rows[(rows["study"] == "zero_shot") & (rows["metric"] == "accuracy")]
    (stored,) = rows[(rows["space"] == "generation") & (rows["target"] == "audio")]["value"]
    assert stored == pytest.approx((best == test["class"]).mean())
    # Other spaces still use the encoder without fine-tuning.
    native = tuned.native("bert").take(["text03"])
    assert typed.native == pytest.approx(native, abs=1e-5)
    before = frozen.shared(encoder_set, "generation", "text").take(["text03"])
    assert not np.allclose(before, kept, atol=1e-3)


def test_a_killed_run_continues_with_the_same_result(
    tuned: Study,
    study_of: Config,
    weights_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = dataclasses.replace(study_of, generation=TUNED)
    monkeypatch.setattr(generate, "CHECKPOINT_S", 0.0)
    n_kept = 0
    keep = generate._write_snapshot

    def keep_or_die(*arguments: Any) -> None:
        nonlocal n_kept
        n_kept += 1
        if n_kept == 3:  # before the first epoch, after it, and now
            raise KilledError
        keep(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(generate, "_write_snapshot", keep_or_die)
        with pytest.raises(KilledError):
            run(config, tmp_path, weights_dir)
    assert list(tmp_path.glob("generate/*.partial/checkpoint.safetensors"))
    resumed = run(config, tmp_path, weights_dir)
    encoder_set = tuned.default_encoder_set
    name = f"generate:{encoder_set}:0"
    for modality in ("audio", "image", "text"):
        one, other = (s.shared(encoder_set, "generation", modality).array for s in (tuned, resumed))
        assert np.array_equal(one, other)
    one, other = (s.artefact(name).array("snapshots.npy") for s in (tuned, resumed))
    assert np.array_equal(one, other)
    assert set(resumed.artefact(name).manifest["files"]) == set(
        tuned.artefact(name).manifest["files"]
    )
    drop = ["seconds"]
    pd.testing.assert_frame_equal(
        *(s.generation_history(encoder_set).drop(columns=drop) for s in (tuned, resumed))
    )


def test_the_space_can_be_left_out(study_of: Config, weights_dir: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(study_of, generation="off")
    study = run(config, tmp_path, weights_dir)
    encoder_set = study.default_encoder_set
    assert "generation" not in study.spaces(encoder_set)
    assert not (tmp_path / "generate").exists()
    with pytest.raises(MissingArtefact, match="stage `generate`"):
        study.shared(encoder_set, "generation", "audio")


def test_an_encoder_that_cannot_be_tuned_is_refused_first(
    study_of: Config, weights_dir: Path, tmp_path: Path
) -> None:
    config = dataclasses.replace(study_of, generation=TUNED, text=("lsa",))
    with pytest.raises(UserError, match="lsa cannot be fine-tuned: use bert, minilm"):
        run(config, tmp_path, weights_dir)
    assert not (tmp_path / "extract").exists()
