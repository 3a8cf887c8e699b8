"""What is impossible is said before anything starts."""

import numpy as np
import pandas as pd
import pytest

from core.errors import UserError
from core.lab.plan import plan, sampled
from core.lab.recipe import settings_of
from core.study import Study


def test_a_run_takes_the_whole_study_without_its_texts(study: Study) -> None:
    found = plan(study, settings_of(study))
    assert found.encoder_set == "logmel+hog"
    assert set(found.natives) == {"audio", "image"}
    assert found.sample == ""
    assert found.classes == study.paired_classes
    for points in found.points.values():
        assert points[0] == 0
        assert len(points) <= 6
        assert points == sorted(set(points))


def test_unseen_classes_are_not_trained_on(study: Study) -> None:
    name = study.paired_classes[0]
    found = plan(study, settings_of(study).changed({"unseen": (name,)}))
    assert not any(name in labels for labels in found.training["labels"])
    assert any(name in labels for labels in found.frame["labels"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unseen": ("theremin",)}, "'theremin', which the dataset does not pair"),
        ({"share": 0.001}, "leaves 0 of 1.. pairs to train on, .* at least 10"),
        ({"points": (0, 5000)}, "5000 items .* are there to train on: ask for fewer"),
        ({"classes": ("theremin",)}, "'theremin', which the study does not pair"),
        ({"classes": ("cello",)}, "one class to evaluate: a classifier needs at least 2"),
        ({"classifier": "target_only", "points": (0,)}, "cannot learn from 0 items"),
        ({"windows": "train"}, "own second alone, and a recipe with windows needs the others"),
        ({"space": "cca", "share": 0.5}, "cca has no translation.share of its own"),
        ({"space": "pca", "trainings": 2}, "pca has no trainings of its own"),
        ({"encoder_set": "yamnet+hog"}, "no encoder set 'yamnet\\+hog'"),
    ],
)
def test_impossible_settings_are_one_sentence(
    study: Study, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        plan(study, settings_of(study).changed(changes))
    assert "\n" not in str(caught.value)


def test_all_classes_cannot_be_unseen(study: Study) -> None:
    settings = settings_of(study).changed({"unseen": tuple(study.paired_classes)})
    with pytest.raises(UserError, match="All 18 classes are to be left unseen"):
        plan(study, settings)


def test_a_large_study_is_sampled_by_clip_and_class() -> None:
    n = 600
    frame = pd.DataFrame(
        {
            "clip_id": [f"c{row // 2}" for row in range(2 * n)],
            "modality": ["audio", "image"] * n,
            "labels": [["a"] if row < 2 * 150 else ["b"] for row in range(2 * n)],
            "subset": "train",
        }
    )
    assert sampled(frame, 600, 0) is None
    kept = sampled(frame, 100, 0)
    assert kept is not None
    mine = frame[kept]
    assert (mine.groupby("clip_id").size() == 2).all()  # pairs stay together
    assert len(mine) == 200
    assert (mine["labels"].map(lambda one: one[0]) == "a").sum() == 50  # a quarter, as in all
    again, other = sampled(frame, 100, 0), sampled(frame, 100, 1)
    assert again is not None
    assert other is not None
    assert np.array_equal(again, kept)
    assert not np.array_equal(other, kept)


def test_the_plan_says_what_it_sampled(study: Study) -> None:
    found = plan(study, settings_of(study).changed({"most": 40}))
    assert "stratified by class" in found.sample
    assert f"{len(found.frame):,} of {len(study.items()):,}" in found.sample
    assert found.frame.groupby(["subset", "modality"]).size().max() <= 45
