"""Translation: what it learns, that it repeats itself, and that NumPy serves what torch trained."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from core.config import LABEL_PAIRED
from core.errors import UserError
from core.spaces import translation
from core.spaces import translation_training as training
from core.spaces.pairing import Windows
from core.spaces.translation import TranslationConfig
from core.spaces.translation_training import Tower

KIND = ("audio", "image")
SMALL = TranslationConfig(n_hidden=32, n_dims=16, batch=64, max_epochs=6, min_steps=4)


def two_views(n: int = 240, n_classes: int = 8, seed: int = 0) -> tuple[dict, np.ndarray]:
    """Two noisy linear views, of unlike dimension and scale, of class-wise latent points."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % n_classes
    latent = 3 * rng.normal(size=(n_classes, 6))[classes] + rng.normal(size=(n, 6))
    views = {
        name: (scale * latent @ rng.normal(size=(6, d)) + rng.normal(size=(n, d))).astype(
            np.float32
        )
        for name, d, scale in (("audio", 40, 1.0), ("image", 60, 3.0), ("text", 20, 2.0))
    }
    return views, classes


def fit_pairs(
    config: TranslationConfig = SMALL, seed: int = 1, **options
) -> translation.Translation:
    views, classes = two_views()
    rows = np.stack([np.arange(200)] * 2, axis=1)
    known = {"pair_classes": {KIND: classes[:200]}} | options
    return training.fit(views, {KIND: rows}, {KIND: np.arange(200)}, config, seed, **known)


def recall_at_5(fitted: translation.Translation, start: int = 200) -> float:
    views, _ = two_views()
    a, b = (fitted.project(m, views[m][start:]) for m in KIND)
    rank = (a @ b.T > (a * b).sum(1, keepdims=True)).sum(axis=1)
    return float((rank < 5).mean())


def same_towers(one: translation.Translation, other: translation.Translation) -> bool:
    return all(
        np.array_equal(one.towers[m][name], other.towers[m][name])
        for m in one.towers
        for name in translation.PARAMETERS
    )


def test_defaults_are_the_papers() -> None:
    config = TranslationConfig()
    assert (config.n_hidden, config.n_dims, config.batch) == (256, 128, 4096)
    assert (config.loss, config.margin, config.learning_rate) == ("margin", 1.0, 1e-3)
    assert (config.patience, config.validation_share) == (5, 0.1)
    assert (config.sampler, config.pairing, config.same_class) == ("uniform", "fixed", "negative")
    assert json.loads(json.dumps(dataclasses.asdict(config)))["batch"] == 4096


def test_new_pairs_find_each_other() -> None:
    fitted = fit_pairs(dataclasses.replace(SMALL, max_epochs=30))
    assert recall_at_5(fitted) > 0.6  # of 40, so 0.125 by chance
    shuffled, _ = two_views()
    rows = np.stack([np.arange(200), np.random.default_rng(0).permutation(200)], axis=1)
    without = training.fit(shuffled, {KIND: rows}, {KIND: np.arange(200)}, SMALL, 1)
    assert recall_at_5(without) < 0.4


LOSSES = [name for name in get_args(translation.Loss) if name != "margin"]


@pytest.mark.parametrize("loss", LOSSES)
def test_other_losses_learn_too(loss: str) -> None:
    config = dataclasses.replace(SMALL, loss=loss, max_epochs=15, margin=0.5)
    assert recall_at_5(fit_pairs(config)) > 0.4


def test_history_and_best_epoch() -> None:
    config = dataclasses.replace(SMALL, max_epochs=60, patience=3, learning_rate=0.02)
    fitted = fit_pairs(config)
    validation = [row["validation_loss"] for row in fitted.history]
    assert [row["epoch"] for row in fitted.history] == list(range(1, len(validation) + 1))
    assert fitted.best_epoch == int(np.argmin(validation)) + 1
    assert len(validation) == fitted.best_epoch + 3 < 60  # stopped by patience
    cut_short = dataclasses.replace(config, max_epochs=fitted.best_epoch)
    assert same_towers(fit_pairs(cut_short), fitted)  # the best epoch's weights were kept


def test_the_seed_determines_everything() -> None:
    config = dataclasses.replace(SMALL, dropout=0.3, pairing="redrawn", sampler="balanced")
    torch.manual_seed(0)
    one = fit_pairs(config)
    torch.manual_seed(1)
    assert same_towers(one, fit_pairs(config))
    assert not same_towers(one, fit_pairs(config, seed=2))


@pytest.mark.parametrize("loss", ["margin", "info_nce", "prototypes"])
@pytest.mark.parametrize("stop", [2, 4])
def test_a_resumed_run_ends_like_an_uninterrupted_one(
    loss: str, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 2)

    config = dataclasses.replace(
        SMALL, loss=loss, dropout=0.2, pairing="redrawn", same_class="ignored", weight_decay=0.1
    )
    states: list[bytes] = []

    def keep(state: dict[str, np.ndarray]) -> None:
        states.append(save(state))  # as the store does, to the byte
        if len(states) == stop // 2:
            raise Killed

    with pytest.raises(Killed):
        fit_pairs(config, checkpoint=keep)
    resumed = fit_pairs(config, resume=load(states[-1]))
    whole = fit_pairs(config)
    assert same_towers(resumed, whole)
    assert resumed.best_epoch == whole.best_epoch
    losses = [
        [(r["train_loss"], r["validation_loss"]) for r in f.history] for f in (resumed, whole)
    ]
    assert losses[0] == losses[1]


def test_a_finished_state_is_not_trained_further(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[dict] = []
    fitted = fit_pairs(checkpoint=states.append)
    monkeypatch.setattr(
        training.TranslationTraining, "train_epoch", lambda run: pytest.fail("trained on")
    )
    again = fit_pairs(resume=states[-1])
    assert same_towers(fitted, again)


def test_a_foreign_state_is_refused() -> None:
    states: list[dict] = []
    fit_pairs(checkpoint=states.append)
    with pytest.raises(ValueError, match="other networks"):
        fit_pairs(dataclasses.replace(SMALL, n_hidden=8), resume=states[-1])


def test_numpy_projects_like_torch() -> None:
    fitted = fit_pairs()
    views, _ = two_views()
    for modality in KIND:
        tower = Tower(views[modality].shape[1], SMALL, np.random.default_rng(0)).eval()
        names = {
            "hidden.weight": "w1",
            "hidden.bias": "b1",
            "norm.weight": "gamma",
            "norm.bias": "beta",
            "norm.running_mean": "mean",
            "norm.running_var": "var",
            "out.weight": "w2",
            "out.bias": "b2",
        }
        arrays = fitted.towers[modality]
        state = {long: torch.from_numpy(arrays[short]) for long, short in names.items()}
        tower.load_state_dict(state, strict=False)
        with torch.no_grad():
            expected = tower(torch.from_numpy(views[modality])).numpy()
        assert np.abs(fitted.project(modality, views[modality]) - expected).max() < 1e-5


def test_alone_or_in_a_batch() -> None:
    fitted = fit_pairs()
    native = 100 * np.random.default_rng(0).normal(size=(300, 40)).astype(np.float32)
    batch = fitted.project("audio", native)
    alone = np.concatenate([fitted.project("audio", row[None]) for row in native])
    assert batch.dtype == np.float32
    assert np.abs(batch - alone).max() < 1e-6
    assert np.linalg.norm(batch, axis=1) == pytest.approx(1, abs=1e-6)
    assert fitted.project("audio", native[:0]).shape == (0, 16)


def test_arrays_restore_it() -> None:
    fitted = fit_pairs()
    back = translation.Translation.from_arrays(load(save(fitted.arrays())))
    assert same_towers(fitted, back)
    timeless = [{key: row[key] for key in row if key != "seconds"} for row in fitted.history]
    assert (back.history, back.best_epoch) == (timeless, fitted.best_epoch)


def test_three_modalities_share_one_space() -> None:
    views, _ = two_views()
    rows = np.stack([np.arange(200)] * 2, axis=1)
    kinds = [("audio", "image"), ("audio", "text")]
    config = dataclasses.replace(SMALL, max_epochs=30)
    fitted = training.fit(
        views, dict.fromkeys(kinds, rows), {kind: np.arange(200) for kind in kinds}, config, 0
    )
    # Pictures and texts were never paired; sound is between them.
    a, b = (fitted.project(m, views[m][200:]) for m in ("image", "text"))
    rank = (a @ b.T > (a * b).sum(1, keepdims=True)).sum(axis=1)
    assert (rank < 5).mean() > 0.4
    assert len(next(iter(fitted.towers.values()))["b2"]) == fitted.n_dims == 16


def test_redrawn_pairs_learn_classes_from_unpaired_items() -> None:
    views, classes = two_views()
    every = np.arange(120)
    order = np.random.default_rng(0).permutation(120)
    partner = np.array([order[classes[order] == c][0] for c in classes[:120]])
    rows = np.concatenate([np.stack([every, partner], axis=1), np.stack([partner, every], axis=1)])
    clips = np.stack([rows[:, 0], 1000 + rows[:, 1]], axis=1)
    config = dataclasses.replace(LABEL_PAIRED, n_hidden=32, n_dims=16, max_epochs=20)
    fitted = training.fit(
        views, {KIND: rows}, {KIND: clips}, config, 0, pair_classes={KIND: classes[rows[:, 0]]}
    )
    a, b = (fitted.project(m, views[m][120:]) for m in KIND)
    nearest = (a @ b.T).argmax(axis=1)
    assert (classes[120:][nearest] == classes[120:]).mean() > 0.6


def same_class_precision(fitted: translation.Translation, modality: str = "image") -> float:
    views, classes = two_views()
    a, b = (
        fitted.project("audio", views["audio"][200:]),
        fitted.project(modality, views["image"][200:]),
    )
    return float((classes[200:][(a @ b.T).argmax(axis=1)] == classes[200:]).mean())


@pytest.mark.parametrize("loss", ["prototypes", "supervised_contrastive"])
def test_losses_that_learn_classes_join_items_of_one_class(loss: str) -> None:
    config = dataclasses.replace(SMALL, loss=loss, temperature=0.1, max_epochs=20)
    assert config.learns_classes
    assert config.needs_classes
    assert same_class_precision(fit_pairs(config)) > 0.8


def test_every_window_of_an_item_trains() -> None:
    """The item's own row is noise; its other windows hold what there is to learn."""
    views, classes = two_views()
    noise = np.random.default_rng(5).normal(size=(200, 40)).astype(np.float32)
    views["audio"] = np.concatenate([noise, views["audio"][:200]])
    starts, rows = 2 * np.arange(201), np.stack([np.arange(200), 200 + np.arange(200)], axis=1)
    options = {"pair_classes": {KIND: classes[:200]}}
    pairs = np.stack([np.arange(200)] * 2, axis=1)
    config = dataclasses.replace(SMALL, max_epochs=20)
    scores = []
    for windows in ({}, {"audio": Windows(starts, rows.ravel())}):
        fitted = training.fit(
            views, {KIND: pairs}, {KIND: np.arange(200)}, config, 1, windows=windows, **options
        )
        scores.append(recall_at_5(fitted))
    assert scores[0] < 0.4 < scores[1]


def test_a_recipe_in_words_says_what_it_has_seen() -> None:
    words = translation.in_words
    assert words(dataclasses.asdict(TranslationConfig())) == "loss margin"
    assert words(dataclasses.asdict(LABEL_PAIRED)).endswith("pairs made with the labels")
    all_of_it = dataclasses.replace(
        SMALL,
        loss="supervised_contrastive+prototypes",
        centred=True,
        towers=5,
        windows="query",
    )
    assert words(dataclasses.asdict(all_of_it)) == (
        "loss supervised contrastive + prototypes, learns from the labels, centred by modality, "
        "5 trainings averaged, all windows of a recording train, "
        "a ranked query is the mean of its recording's windows"
    )
    assert words({}).startswith("loss margin")


def test_no_validation_trains_to_the_end() -> None:
    fitted = fit_pairs(dataclasses.replace(SMALL, validation_share=0.0, max_epochs=9, patience=2))
    assert len(fitted.history) == fitted.best_epoch == 9
    assert np.isnan(fitted.history[0]["validation_loss"])


def test_unusable_input_is_refused() -> None:
    views, _ = two_views()
    few = np.array([[0, 0], [1, 1]])
    with pytest.raises(UserError, match="Too few audio–image pairs"):
        training.fit(views, {KIND: few}, {KIND: np.zeros(2)}, SMALL, 0)
    with pytest.raises(UserError, match="there are none"):
        training.fit(views, {}, {}, SMALL, 0)
    broken = views | {"audio": np.where(np.arange(240)[:, None] == 5, np.nan, views["audio"])}
    rows = np.stack([np.arange(200)] * 2, axis=1)
    with pytest.raises(UserError, match="1 of 200 audio vectors hold NaN"):
        training.fit(broken, {KIND: rows}, {KIND: np.arange(200)}, SMALL, 0)
    with pytest.raises(ValueError, match="outside 0…239"):
        training.fit(views, {KIND: rows + 100}, {KIND: np.arange(200)}, SMALL, 0)
    config = dataclasses.replace(SMALL, sampler="balanced")
    with pytest.raises(ValueError, match="need pair_classes"):
        training.fit(views, {KIND: rows}, {KIND: np.arange(200)}, config, 0)
    fitted = fit_pairs()
    with pytest.raises(UserError, match="no tower for text"):
        fitted.project("text", views["text"])
    with pytest.raises(UserError, match="takes 40 numbers a row"):
        fitted.project("audio", views["image"])


def test_projection_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from core.spaces.translation import PARAMETERS, Translation\n"
        "tower = {name: np.ones(4, 'f4') for name in PARAMETERS}\n"
        "tower |= {'w1': np.ones((4, 3), 'f4'), 'w2': np.ones((4, 4), 'f4')}\n"
        "print(Translation({'audio': tower}).project('audio', np.ones((2, 3))).shape)"
    )
    repo = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(2, 4)", done.stderr
