"""What reviewers ask, in a whole small study: controls beside scores, geometry, similarity."""

import numpy as np
import pandas as pd
import pytest

from core import taxonomy
from core.stages import reviewers
from core.stages.evaluation_data import EvaluationData
from core.store import Store
from core.study import Study, open_study
from core.vectors import Vectors
from tests import tested_runs
from tests.conftest import MadeOnce


@pytest.fixture(scope="module")
def rows(made_once: MadeOnce) -> pd.DataFrame:
    study: Study = open_study(Store(made_once("tested", tested_runs.compute) / "alone"))
    return study.measurements()


def value(rows: pd.DataFrame, **equal: object) -> float:
    for name, wanted in equal.items():
        rows = rows[rows[name.rstrip("_")] == wanted]
    assert len(rows)
    return float(rows["value"].mean())


def test_a_training_on_shuffled_pairs_finds_less(rows: pd.DataFrame) -> None:
    where = {"study": "ranking", "metric": "precision@10", "space": "translation", "class_": ""}
    own, shuffled = (value(rows, **where, system=name, split=0) for name in ("", "shuffled"))
    chance = rows[(rows["metric"] == "precision@10") & (rows["system"] == "shuffled")]["chance"]
    assert own > shuffled + 0.15
    assert shuffled < chance.mean() + 0.25
    assert set(rows[rows["system"] == "shuffled"]["split"]) == {0}


def test_controls_stand_beside_the_scores(rows: pd.DataFrame) -> None:
    for metric in ("precision@10_p", "precision@10_permuted", "precision@10_over_classes"):
        assert 0 < value(rows, study="ranking", metric=metric, space="translation") <= 1
    assert value(rows, study="classification", metric="macro_f1_p", system="MMT") < 0.05
    permuted = rows[(rows["study"] == "classification") & (rows["metric"] == "macro_f1_permuted")]
    assert permuted["value"].mean() == pytest.approx(1 / 3, abs=0.1)
    assert (permuted["low"] < permuted["value"]).all()


def test_every_space_has_its_geometry(rows: pd.DataFrame) -> None:
    mine = rows[rows["study"] == "geometry"]
    assert {"translation", "pca"} <= set(mine["space"])
    assert value(mine, metric="alignment", space="translation") < float(
        mine[(mine["metric"] == "alignment") & (mine["space"] == "translation")]["chance"].mean()
    )
    assert set(mine[mine["metric"] == "uniformity"]["target"]) == {"audio", "image"}


def data(paired_by: str, n: int = 60) -> tuple[EvaluationData, dict[str, Vectors]]:
    rng = np.random.default_rng(0)
    common = rng.normal(size=(n, 8))
    frames, natives = [], {}
    for modality, width in (("audio", 12), ("image", 20)):
        ids = np.array([f"{modality}{row}" for row in range(n)])
        labels = [[f"class{row % 3}"] for row in range(n)]
        clips = [f"clip{row}" for row in range(n)]
        table = {"item_id": ids, "clip_id": clips, "modality": modality, "labels": labels}
        frames.append(pd.DataFrame(table))
        array = common @ rng.normal(size=(8, width)) + 0.3 * rng.normal(size=(n, width))
        natives[modality] = Vectors(ids, array.astype(np.float32))
    frame = pd.concat(frames, ignore_index=True).assign(subset="crossmodal")
    classes = ["class0", "class1", "class2"]
    spaces = {"translation": {m: Vectors(v.item_ids, v.array[:, :8]) for m, v in natives.items()}}
    return EvaluationData(frame, classes, classes, paired_by, taxonomy.flat(), spaces), natives


def test_encoders_are_compared_over_true_pairs_alone() -> None:
    paired, natives = data("clip")
    found = {
        (row["space"], row["metric"]): row for row in reviewers.of_encoders(paired, natives, 0)
    }
    assert found["native", "cka"]["n"] == 60
    assert found["native", "cka_above_null"]["value"] > 0.3
    assert found["native", "mutual_neighbours_p"]["value"] == pytest.approx(1 / 201)
    assert ("translation", "cka") in found
    by_class, natives = data("class")
    assert reviewers.of_encoders(by_class, natives, 0) == []
    few, natives = data("clip", n=20)
    assert reviewers.of_encoders(few, natives, 0) == []


def test_pairs_made_by_class_have_an_alignment_too() -> None:
    by_class, _ = data("class")
    (row,) = [r for r in reviewers.of_spaces(by_class, 0) if r["metric"] == "alignment"]
    assert row["n"] == 60
    assert row["direction"] == "audio_to_image"


def test_unseen_classes_have_a_mean_of_their_own() -> None:
    head = {"study": "classification", "target": "audio", "system": "MMT", "metric": "f1"}
    rows = [
        {**head, "class": name, "value": value, "chance": 0.25, "seed": seed}
        for seed in (0, 1)
        for name, value in (("cello", 0.2 + seed), ("banjo", 0.4), ("drums", 0.9))
    ]
    found = reviewers.of_unseen(rows, ("cello", "banjo"))
    assert [(row["metric"], row["seed"], row["n"]) for row in found] == [
        ("macro_f1_unseen", 0, 2),
        ("macro_f1_unseen", 1, 2),
    ]
    assert [row["value"] for row in found] == pytest.approx([0.3, 0.8])
    assert reviewers.of_unseen(rows, ()) == []
