"""Test datasets: nothing is fitted on them, and their numbers stand beside the study's.

The study has ready vectors of three classes; the test datasets are drawn around the same centres.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import Config
from core.errors import UserError
from core.stages import table as stages
from core.store import Artefact, Store
from core.study import Study, open_study
from core.tested_study import TestedStudy, open_tested, with_subset
from precompute import report
from tests import tested_runs
from tests.conftest import MadeOnce
from tests.precompute_runs import HereEngine


@pytest.fixture(scope="module")
def study(made_once: MadeOnce) -> Study:
    return open_study(Store(made_once("tested", tested_runs.compute) / "w"))


@pytest.fixture
def same(study: Study) -> TestedStudy:
    return open_tested(study, "same")


def test_the_study_s_own_numbers_do_not_depend_on_test_datasets(study: Study) -> None:
    alone = open_study(Store(Path(study.store.root).parent / "alone"))
    pd.testing.assert_frame_equal(study.measurements(), alone.measurements())


def test_rows_of_a_test_dataset_carry_its_name(study: Study) -> None:
    rows = report.rows(study)
    assert {row["tested_on"] for row in rows} == {None, "same", "other", "heard"}
    assert set(open_tested(study, "other").measurements()["tested_on"]) == {"other"}


def test_every_item_of_a_test_dataset_is_in_the_gallery(same: TestedStudy) -> None:
    rows = same.measurements()
    ranked = rows[(rows["study"] == "ranking") & (rows["metric"] == "precision@10")]
    assert set(ranked["gallery_size"]) == {30}
    assert set(ranked["split"]) == {0, 1}
    assert {"translation", "pca"} <= set(ranked["space"])


def test_vectors_go_through_the_spaces_as_they_were_fitted(study: Study, same: TestedStudy) -> None:
    (encoder_set,) = (study.default_encoder_set,)
    for space in ("translation", "pca", "translation_all"):
        native = same.native("ready_audio")
        expected = study.space(encoder_set, space, 0).project("audio", native.array)
        found = same.shared(encoder_set, space, "audio")
        np.testing.assert_array_equal(found.array, expected)
        assert list(found.item_ids) == [f"audio{number}" for number in range(30)]


def test_classifiers_are_tested_on_the_classes_that_both_have(same: TestedStudy) -> None:
    found = same.predictions(same.default_encoder_set)
    assert set(found["truth"]) == {"cello", "flute"}  # "Cello" is cello, kazoo is unknown
    assert set(found["predicted"]) <= {"cello", "flute", "organ"}
    assert set(found["system"]) == {"SMA", "SMI", "MMP", "MMT", "SMT"}
    right = found[(found["system"] == "SMA")]
    assert (right["truth"] == right["predicted"]).mean() > 0.6  # the centres are the same
    rows = same.measurements()
    zero = rows[(rows["study"] == "mix_in") & (rows["n_target"] == 0)]
    assert {"MMT", "MMP", "SMT"} == set(zero["system"])
    assert set(zero["n"]) == {20}


def test_a_dataset_without_common_classes_is_ranked_and_not_classified(study: Study) -> None:
    rows = open_tested(study, "other").measurements()
    assert set(rows["study"]) == {"ranking"}


def test_a_dataset_of_one_modality_is_classified_and_not_ranked(study: Study) -> None:
    heard = open_tested(study, "heard")
    rows = heard.measurements()
    assert set(rows["study"]) == {"classification", "mix_in"}
    assert set(rows["target"]) == {"audio"}
    assert heard.modalities(study.default_encoder_set) == {"audio": "ready_audio"}


def test_items_are_placed_among_their_neighbours_on_the_study_s_maps(
    study: Study, same: TestedStudy
) -> None:
    encoder_set = study.default_encoder_set
    drawn = study.map(encoder_set, "translation", "umap", 2)
    placed = same.map(encoder_set, "translation", "umap", 2)
    assert len(placed) == 60
    assert placed["z"].isna().all()
    for axis in "xy":  # a weighted mean of stored places is within them
        assert placed[axis].between(drawn[axis].min(), drawn[axis].max()).all()
    own = study.shared(encoder_set, "translation", "audio").array
    one = same.shared(encoder_set, "translation", "audio").array[0]
    nearest = int((own @ one).argmax())
    near = drawn.set_index("item_id").loc[study.native("ready_audio").item_ids[nearest], ["x", "y"]]
    spread = float(np.ptp(drawn[["x", "y"]].to_numpy(), axis=0).max())
    gap = np.linalg.norm(placed[["x", "y"]].to_numpy()[0] - near.to_numpy(dtype=float))
    assert gap < 0.5 * spread


def test_a_second_run_makes_nothing(study: Study) -> None:
    root = Path(study.store.root)
    before = sorted(path.stat().st_mtime_ns for path in root.glob("*/*/manifest.json"))
    values = {name: study.config[name] for name in ("dataset", "also_test")}
    config = Config(
        dataset=values["dataset"], also_test=tuple(values["also_test"]), **tested_runs.SETTINGS
    )
    with HereEngine() as engine:
        run = stages.run(config, Store(root), engine)
    assert not any(outcome.n_made for outcome in run.outcomes.values())
    after = sorted(path.stat().st_mtime_ns for path in root.glob("*/*/manifest.json"))
    assert after == before


def test_the_study_s_own_dataset_is_no_test_dataset(study: Study) -> None:
    dataset = study.config["dataset"]
    with HereEngine() as engine, pytest.raises(UserError, match="the study's own"):
        stages.run(Config(dataset=dataset, also_test=(dataset,)), study.store, engine)


def test_an_unknown_test_dataset_is_named_with_those_that_are_there(study: Study) -> None:
    with pytest.raises(UserError, match="'gtzan': it has heard, other, same"):
        open_tested(study, "gtzan")


def test_files_that_the_study_has_too_are_not_tested(tmp_path: Path) -> None:
    def ingested(name: str, paths: list[str]) -> Artefact:
        draft = Store(tmp_path / "w").begin("ingest", {"name": name})
        frame = pd.DataFrame({"item_id": paths, "path": paths})
        draft.write_table("items.parquet", frame)
        draft.write_json("dataset.json", {"root": str(tmp_path / "media")})
        return draft.commit()

    own, tested = (
        ingested("own", ["a.wav", "b.wav", ""]),
        ingested("tested", ["b.wav", "c.wav", ""]),
    )
    assert with_subset(own, tested)["subset"].tolist() == ["unpaired", "test", "test"]
