"""Averaged towers and centred modalities: what they are made of, and that they resume."""

import dataclasses

import numpy as np
import pytest
from safetensors.numpy import load, save

from core.spaces import averaging, translation
from core.spaces import translation_training as training
from tests.spaces.test_translation import (
    KIND,
    SMALL,
    fit_pairs,
    recall_at_5,
    same_towers,
    two_views,
)


def test_a_rotation_undoes_a_turn() -> None:
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    fixed = rng.normal(size=(40, 5))
    assert fixed @ turn @ averaging.rotation(fixed @ turn, fixed) == pytest.approx(fixed)


def test_a_centred_space_has_no_gap_between_modalities() -> None:
    views, _ = two_views()
    for centred, most in ((False, 2.0), (True, 0.1)):
        fitted = fit_pairs(
            dataclasses.replace(SMALL, loss="info_nce", max_epochs=10, centred=centred)
        )
        a, b = (fitted.project(m, views[m][:200]) for m in KIND)
        gap = float(np.linalg.norm(a.mean(axis=0) - b.mean(axis=0)))
        assert gap < most
        assert np.linalg.norm(a, axis=1) == pytest.approx(1, abs=1e-6)
        back = translation.Translation.from_arrays(load(save(fitted.arrays())))
        assert np.array_equal(
            back.project("image", views["image"]), fitted.project("image", views["image"])
        )


def test_a_centre_weighs_classes_equally_where_the_sampler_does() -> None:
    views, classes = two_views()
    rows = np.flatnonzero((classes[:200] > 0) | (np.arange(200) < 16))  # class 0 is rare
    pairs = {KIND: np.stack([rows] * 2, axis=1)}
    fitted = training.fit(
        views,
        pairs,
        {KIND: rows},
        dataclasses.replace(SMALL, centred=True, sampler="balanced"),
        0,
        pair_classes={KIND: classes[rows]},
    )
    plain = translation.Translation(
        {m: {k: v for k, v in t.items() if k != "centre"} for m, t in fitted.towers.items()}
    )
    shared = plain.project("audio", views["audio"][rows])
    means = [shared[classes[rows] == c].mean(axis=0) for c in range(8)]
    assert fitted.towers["audio"]["centre"] == pytest.approx(np.mean(means, axis=0), abs=1e-5)


def test_averaged_towers_are_the_mean_of_their_trainings() -> None:
    views, _ = two_views()
    single = dataclasses.replace(SMALL, max_epochs=15)
    fitted = fit_pairs(dataclasses.replace(single, towers=3))
    assert fitted.towers["audio"]["w1"].shape == (3, 32, 40)
    assert fitted.n_dims == 16
    first = fit_pairs(single)
    alone = translation.Translation(
        {m: {k: v[0] for k, v in tower.items()} for m, tower in fitted.towers.items()}
    )
    assert same_towers(first, alone)
    scores = [recall_at_5(fit_pairs(single, seed=1 + training.TOWER_SEEDS * k)) for k in range(3)]
    assert recall_at_5(fitted) >= np.mean(scores)
    # Turned onto the first space, every training's vectors are near each other.
    parts = [
        translation.Translation(
            {m: {k: v[row] for k, v in tower.items()} for m, tower in fitted.towers.items()}
        ).project("audio", views["audio"])
        for row in range(3)
    ]
    assert (parts[0] * parts[1]).sum(axis=1).mean() > 0.5
    mean = sum(part.astype(np.float64) for part in parts)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.abs(fitted.project("audio", views["audio"]) - expected).max() < 1e-6


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_averaged_towers_resume(stop: int) -> None:
    class Killed(Exception):
        pass

    config = dataclasses.replace(SMALL, towers=2, centred=True, max_epochs=6)
    states: list[bytes] = []

    def keep(state: dict[str, np.ndarray]) -> None:
        states.append(save(state))
        if len(states) == stop:
            raise Killed

    with pytest.raises(Killed):
        fit_pairs(config, checkpoint=keep)
    resumed, whole = fit_pairs(config, resume=load(states[-1])), fit_pairs(config)
    assert same_towers(resumed, whole)
    assert np.array_equal(resumed.towers["audio"]["centre"], whole.towers["audio"]["centre"])
