"""The atlas: every item has a tile of its own, and unreadable items have none."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import items
from core.config import Config
from core.stages import atlas
from core.stages.study_run import StudyRun, make_artefact
from core.store import Artefact, Store
from tests.precompute_runs import HereEngine

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (20, 40, 210)}


@pytest.fixture
def ingested(tmp_path: Path) -> Artefact:
    """300 pictures in three colours, more than one sheet; one of them is no picture."""
    media = tmp_path / "media"
    media.mkdir()
    rows = []
    for number in range(300):
        name = list(COLOURS)[number % 3]
        Image.new("RGB", (90, 60), COLOURS[name]).save(media / f"{number}.png")
        path = f"{number}.png"
        rows.append(items.Item(f"image{number}", f"clip{number}", "image", (name,), path=path))
    (media / "7.png").write_bytes(b"no picture")
    rows.append(items.Item("text0", "clip0", "text", ("red",), text="a red square"))
    draft = Store(tmp_path / "workspace").begin("ingest", {})
    draft.write_table("items.parquet", items.table(rows))
    draft.write_json("dataset.json", {"root": str(media)})
    return draft.commit()


def made(ingested: Artefact) -> Artefact:
    run = StudyRun(Config(audio=(), image=("hog",), seed=0), ingested.store, HereEngine())
    run.artefacts["ingest"] = ingested
    (task,) = atlas.plan(run)
    make_artefact(replace(task, store_root=ingested.store.root))
    assert run.take(task)
    return run.artefacts[atlas.NAME]


def test_tiles_are_those_of_their_items(ingested: Artefact) -> None:
    found = made(ingested)
    table = found.table("tiles.parquet").set_index("item_id")
    assert "text0" not in table.index
    assert "image7" not in table.index
    assert len(table) == found.manifest["n_tiles"] == 299
    assert found.manifest["n_sheets"] == 2
    sheets = [
        np.asarray(Image.open(io.BytesIO(found.read_bytes(atlas.sheet_name(number)))))
        for number in range(2)
    ]
    assert sheets[0].shape == (1024, 1024, 3)
    for number in (0, 1, 2, 8, 200, 299):
        sheet, place = divmod(int(table.loc[f"image{number}", "tile"]), atlas.TILES)
        left, top = place % atlas.ACROSS * atlas.TILE_PX, place // atlas.ACROSS * atlas.TILE_PX
        tile = sheets[sheet][top : top + atlas.TILE_PX, left : left + atlas.TILE_PX]
        wanted = COLOURS[list(COLOURS)[number % 3]]
        assert np.abs(tile[8:56, 8:56].reshape(-1, 3).mean(axis=0) - wanted).max() < 8


def test_items_of_a_class_are_next_to_each_other(ingested: Artefact) -> None:
    frame = ingested.table("items.parquet")
    labels = frame.set_index("item_id")["labels"]
    ids = atlas.chosen_items(atlas.shown_items(ingested), seed=0)
    names = [labels.loc[one][0] for one in ids]
    assert (pd.Series(names) != pd.Series(names).shift()).sum() == 3


def test_a_large_study_has_a_sample(ingested: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "MOST_TILES", 90)
    frame = atlas.shown_items(ingested)
    ids = atlas.chosen_items(frame, seed=0)
    assert len(set(ids)) == 90
    counts = frame.set_index("item_id").loc[ids, "labels"].str[0].value_counts()
    assert counts.to_dict() == {"red": 30, "green": 30, "blue": 30}


def test_a_study_of_vectors_has_no_atlas(tmp_path: Path) -> None:
    draft = Store(tmp_path).begin("ingest", {})
    draft.write_table(
        "items.parquet", items.table([items.Item("image0", "clip0", "image", ("red",))])
    )
    run = StudyRun(Config(audio=(), image=("hog",), seed=0), draft.store, HereEngine())
    run.artefacts["ingest"] = draft.commit()
    assert list(atlas.plan(run)) == []
