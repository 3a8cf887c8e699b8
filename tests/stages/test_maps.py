"""Maps of a study with more points than are fitted: what is kept, and how a run continues."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import items
from core.config import Config
from core.spaces import maps
from core.stages import maps as map_stage
from core.stages import table as stages
from core.stages.study_run import StudyRun
from core.store import Artefact, Store
from tests.precompute_runs import HereEngine, KilledError

N_CLIPS = 400
MODALITIES = ("audio", "image", "text")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artefact:
    """Vectors of 400 clips in three modalities; maps drawn by a stand-in (UMAP compiles 20 s)."""
    monkeypatch.setattr(
        maps, "fit_map", lambda vectors, method, n_dims, seed, graph, start: vectors[:, :n_dims]
    )
    monkeypatch.setattr(maps, "MAX_FITTED", 200)
    store = Store(tmp_path)
    rng = np.random.default_rng(0)
    rows = [
        items.Item(f"{modality}{number}", f"clip{number}", modality, labels=(str(number % 3),))
        for modality in MODALITIES
        for number in range(N_CLIPS)
    ]
    subset_of = {f"clip{n}": "test" if n < 40 else "translation" for n in range(N_CLIPS)}
    draft = store.begin("ingest", {})
    draft.write_table("items.parquet", items.table(rows))
    draft.write_table("splits.parquet", items.split_table([subset_of]))
    ingested = draft.commit()
    draft = store.begin("train", {"items": ingested.digest})
    for modality in MODALITIES:
        ids = [f"{modality}{number}" for number in range(N_CLIPS)]
        draft.write_table(f"{modality}.items.parquet", pd.DataFrame({"item_id": ids}))
        for space in map_stage.SPACES:
            array = rng.standard_normal((N_CLIPS, 8)).astype(np.float32)
            draft.write_array(f"{space}.{modality}.npy", array)
    return draft.commit()


def run(trained: Artefact, engine: HereEngine | None = None) -> Artefact:
    config = Config(audio=("logmel",), image=("hog",), seed=0)
    current = StudyRun(config, trained.store, engine or HereEngine())
    current.artefacts["train:logmel+hog:0"] = trained
    stages.run_stage(stages.TABLE[-1], current)
    return current.artefacts["maps:logmel+hog"]


def test_a_united_space_has_maps_too(trained: Artefact) -> None:
    draft = trained.store.begin("train", {**trained.manifest["key"], "united": True})
    for modality in MODALITIES:
        draft.write_table(f"{modality}.items.parquet", trained.table(f"{modality}.items.parquet"))
        for space, source in zip(
            ("translation", "pca", "united"), ("translation", "pca", "pca"), strict=True
        ):
            draft.write_array(f"{space}.{modality}.npy", trained.array(f"{source}.{modality}.npy"))
    made = run(draft.commit())
    assert made.manifest["spaces"] == ["translation", "pca", "united"]
    assert set(made.table("maps.parquet")["space"]) == {"translation", "pca", "united"}


def test_all_points_of_all_modalities_are_on_every_map(trained: Artefact) -> None:
    made = run(trained)
    table = made.table("maps.parquet")
    kinds = table.groupby(["space", "method", "n_dims"])
    assert len(kinds) == 8
    for (_, _, n_dims), one in kinds:
        assert len(one) == one["item_id"].nunique() == 3 * N_CLIPS
        assert set(one["modality"]) == set(MODALITIES)
        assert np.isfinite(one[["x", "y", "z"][:n_dims]].to_numpy()).all()
        assert one["z"].isna().all() == (n_dims == 2)
    assert made.manifest["spaces"] == ["translation", "pca"]  # no united space was trained
    assert made.manifest["n_points"] == 3 * N_CLIPS
    assert made.manifest["n_fitted"] == 200
    assert made.manifest["n_placed"] == 3 * N_CLIPS - 200


def test_the_table_says_which_points_were_placed(trained: Artefact) -> None:
    table = run(trained).table("maps.parquet")
    of_point = table.groupby("item_id")["placed"]
    assert (of_point.nunique() == 1).all()
    fitted = set(table.loc[~table["placed"], "item_id"])
    assert len(fitted) == 200
    # The test clips are few: all of them are fitted, three modalities each.
    assert {f"{modality}{n}" for modality in MODALITIES for n in range(40)} <= fitted
    one = table[
        (table["space"] == "translation") & (table["method"] == "umap") & (table["n_dims"] == 2)
    ]
    one = one.set_index("item_id")
    vectors = np.concatenate(
        [trained.array(f"translation.{modality}.npy") for modality in MODALITIES]
    )
    place = {name: row for row, name in enumerate(one.index)}
    rows = [place[name] for name in sorted(fitted)]
    assert one.loc[sorted(fitted), ["x", "y"]].to_numpy() == pytest.approx(vectors[rows, :2])
    inside = one.loc[one["placed"], "x"]
    assert inside.between(vectors[rows, 0].min(), vectors[rows, 0].max()).all()


def test_a_map_is_read_without_the_others(trained: Artefact) -> None:
    import io

    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(run(trained).read_bytes("maps.parquet")))
    assert file.num_row_groups == 8
    for number in range(8):
        group = file.read_row_group(number).to_pandas()
        assert len(group.groupby(["space", "method", "n_dims"])) == 1


def test_few_points_are_all_fitted(trained: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MAX_FITTED", 10_000)
    made = run(trained)
    assert made.manifest["n_placed"] == 0
    assert not made.table("maps.parquet")["placed"].any()


@pytest.mark.parametrize("stop_after", [1, 4])
def test_a_run_stopped_between_tasks_continues(trained: Artefact, stop_after: int) -> None:
    first, second = HereEngine(stop_after), HereEngine()
    with pytest.raises(KilledError):
        run(trained, first)
    made = run(trained, second)
    names = [repr(task) for task in [*first.done, *second.done]]
    assert len(names) == len(set(names)) == 10  # 2 neighbourhoods, 6 sets of maps, 2 checks
    assert set(made.manifest["files"]) == {"maps.parquet", "quality.parquet"}


def test_fitted_and_placed_points_are_measured_apart(trained: Artefact) -> None:
    found = run(trained).table("quality.parquet")
    assert len(found) == 2 * 2 * 2 * 2  # spaces, methods, dimensions, kinds
    assert set(found["kind"]) == {"fitted", "placed"}
    assert found["trustworthiness"].between(0, 1).all()
    # The stand-in for a map keeps two or three of eight dimensions: better than a random one.
    kept = found.groupby("n_dims")["neighbour_recall"].mean()
    assert found["chance_recall"].iloc[0] < 0.01 < kept[2] < kept[3]


def test_the_maps_of_two_spaces_are_turned_alike(trained: Artefact) -> None:
    table = run(trained).table("maps.parquet")
    one, other = (
        table[(table["space"] == space) & (table["method"] == "tsne") & (table["n_dims"] == 2)]
        for space in ("translation", "pca")
    )
    places = [part[["x", "y"]].to_numpy(dtype=float) for part in (one, other)]
    centred = [part - part.mean(axis=0) for part in places]
    product = centred[1].T @ centred[0]
    # Turned best, the product is symmetric and positive (Schönemann 1966).
    assert product == pytest.approx(product.T, rel=1e-2, abs=1e-2 * np.abs(product).max())
    assert np.linalg.eigvalsh((product + product.T) / 2).min() > -1e-6
