"""The generation space on the pages: its map epoch by epoch, retrieval and tags in it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import UserError
from dashboard import data
from tests.dashboard import tagged
from tests.dashboard.conftest import Open, text_of
from tests.dashboard.retrieve_page import found, notices


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generation")
    tagged.build(folder, generation=True)
    return folder


def test_the_page_animates_the_epochs_and_shows_their_losses(open_page: Open, root: Path) -> None:
    page = open_page("map", root, lines="1")
    assert not page.exception
    text = text_of(page)
    assert "28 sounds and texts of validation pairs" in text
    assert "3 epochs of the first split" in text
    figures = [json.loads(one.proto.spec) for one in page.get("plotly_chart")]
    (moving,) = [figure for figure in figures if figure.get("frames")]
    assert [frame["name"] for frame in moving["frames"]] == ["0", "1", "2", "3"]
    assert "sliders" in moving["layout"]
    names = {trace.get("name") for figure in figures for trace in figure["data"]}
    assert "generator, validation" in names
    assert "pairs" in names


def test_the_page_has_no_epochs_without_a_generation_space(open_page: Open, tiny: Path) -> None:
    text = text_of(open_page("map", tiny))
    assert "epoch" not in text


def test_points_keep_their_items_and_pairs_across_epochs(root: Path) -> None:
    handle = data.open_study(str(root))
    found = data.trajectory(handle, tagged.PAIR)
    stored = data.study(handle).epochs(tagged.PAIR)
    assert found.xy.shape == (tagged.N_EPOCHS + 1, 28, 2)
    last = stored[stored["epoch"] == tagged.N_EPOCHS].set_index("item_id")
    np.testing.assert_allclose(
        found.xy[-1], last.loc[found.item_ids, ["x", "y"]].to_numpy(), rtol=1e-6
    )
    clips = data.items(handle).loc[found.item_ids, "clip_id"].to_numpy()
    assert len(found.joined) == 14
    assert all(clips[one] == clips[other] for one, other in found.joined)
    ends = found.xy[-1][found.joined]
    np.testing.assert_allclose(ends[:, 0], ends[:, 1], atol=1e-6)


def test_epochs_with_different_items_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = data.open_study(str(root))
    study = data.study(handle)
    frame = study.epochs(tagged.PAIR)
    short = pd.concat([frame[frame["epoch"] == 0], frame[frame["epoch"] == 1].iloc[1:]])
    monkeypatch.setattr(type(study), "epochs", lambda self, encoder_set: short)
    data.trajectory.clear()
    with pytest.raises(UserError, match="has other items in epoch 1"):
        data.trajectory(handle, tagged.PAIR)
    data.trajectory.clear()


def test_tags_and_retrieval_offer_the_generation_space(open_page: Open, root: Path) -> None:
    page = open_page("tags", root, tag="banjo", tag_space="generation")
    assert not page.exception
    assert page.segmented_control(key="select_tagged_in").value == "generation"
    assert "70 sounds × 1 tag" in text_of(page)
    page = open_page("retrieve", root, words="banjo", **{"in": "generation"})
    assert not page.exception
    assert notices(page) == []
    assert len(found(page)) == 10


def test_a_space_that_the_study_does_not_have_is_not_searched(open_page: Open, tiny: Path) -> None:
    page = open_page("retrieve", tiny, query="clip1_03_a", **{"in": "generation"})
    assert not page.exception
    assert page.selectbox(key="select_within").value == "translation_all"
    assert len(found(page)) == 10
