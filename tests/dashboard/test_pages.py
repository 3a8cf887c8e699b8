"""Every page without a browser: nothing computed, all computed, valid and invalid addresses."""

import json
import logging
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.figures import map_points
from core.store import Store
from dashboard import data, state
from dashboard.shared import map_selection
from dashboard.views.overview import contents
from tests.dashboard import workspace
from tests.dashboard.conftest import Open, text_of

PAGES = ["overview", "map", "translation", "centroids", "classify", "compare"]
STUDY_PAGES = PAGES[1:]


def texts(page: AppTest) -> str:
    """The texts of a page on which nothing failed."""
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" not in text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("name", PAGES)
def test_nothing_computed_names_the_command(name: str, open_page: Open, tmp_path: Path) -> None:
    text = texts(open_page(name, tmp_path / "empty"))
    assert "has no study yet" in text
    assert "python -m precompute all --dataset demo --workspace" in text


@pytest.mark.parametrize("name", PAGES)
def test_an_unfinished_study_names_the_command(name: str, open_page: Open, begun: Path) -> None:
    text = texts(open_page(name, begun))
    stage = "maps" if name == "map" else "evaluate"
    assert f"python -m precompute {stage} --dataset demo" in text


@pytest.mark.parametrize("name", PAGES)
def test_a_finished_study(name: str, open_page: Open, tiny: Path) -> None:
    page = open_page(name, tiny)
    text = texts(page)
    assert 'data-testid="provenance"' in text
    assert "2 random splits by clip, seed 0" in text
    assert "jee-notice" not in text
    assert page.title[0].value
    assert texts(page.run(timeout=60))


@pytest.mark.parametrize("name", PAGES)
def test_a_garbage_address(name: str, open_page: Open, tiny: Path) -> None:
    page = open_page(
        name,
        tiny,
        study="<script>",
        encoder_set="a+b",
        split="77",
        dims="ten",
        method="magic",
        cls=["kazoo", "banjo"],
        item=["<img src=x onerror=alert(1)>"],
        cell="a~~b",
        metric="nothing",
        show="moon",
        order="chaos",
        other="zzz",
        other_encoder_set="q+r",
    )
    text = texts(page)
    assert "“kazoo”" in text
    assert "<img src=x" not in text
    assert "<script>" not in text
    assert 'data-testid="provenance"' in text


@pytest.mark.parametrize("name", PAGES)
def test_names_from_the_data_are_escaped(name: str, open_page: Open, tiny: Path) -> None:
    text = texts(open_page(name, tiny, item=["clip2_00_a"]))
    assert "cello <b>" not in text
    assert "Tiny <set>" not in text


def test_overview_shows_numbers_with_their_scale(open_page: Open, tiny: Path) -> None:
    text = texts(open_page("overview", tiny))
    assert "MMT zero-shot on pictures" in text
    assert "chance 0.250" in text
    assert "±" in text
    assert "2 splits × 3 draws" in text
    assert "Its sounds are sines &amp; its pictures are &lt;plain&gt;." in text


def test_the_map_of_an_address(open_page: Open, tiny: Path) -> None:
    page = open_page(
        "map", tiny, False, dims="3", method="tsne", show="pca", cls="banjo", item="clip1_03_i"
    )
    text = texts(page)
    assert len(page.get("plotly_chart")) == 1
    assert "26 of 126 points" in text
    assert "This browser has no WebGL 2" in text
    assert "clip1_03_i" in text
    assert page.segmented_control(key="select_dims").value == 3
    assert page.query_params["dims"] in ("3", ["3"])


def sent_to_the_browser(page: AppTest, name: str) -> dict:
    """The data of the component with this name."""
    (found,) = [one.proto for one in page.get("bidi_component") if one.proto.component_name == name]
    return json.loads(found.json)


def test_the_webgl_map_is_told_the_selection(open_page: Open, tiny: Path) -> None:
    page = open_page("map", tiny, cls="banjo", subset="test", item="clip1_03_i")
    texts(page)
    assert not page.get("plotly_chart")
    told = sent_to_the_browser(page, "embedding_map")
    assert told["filters"] == {"classes": ["banjo"], "modalities": [], "subsets": ["test"]}
    assert [one["title"] for one in told["maps"]] == ["PCA", "Translation"]
    assert [one["set"] for one in told["maps"]] == [0, 0]
    assert told["sets"][0]["n"] == 126
    key = data.MapKey(data.open_study(str(tiny)), workspace.ENCODER_SET, "pca", "umap", 2, 0)
    assert [data.row_ids(key)[row] for row in told["maps"][0]["opened"]] == ["clip1_03_i"]
    names = [one["name"] for one in told["sets"][0]["columns"]]
    assert any(name.startswith("right:MMT") for name in names)
    assert not any("file" in one for one in told["sets"][0]["columns"])


def test_the_overview_names_the_subsets_that_are_ranked() -> None:
    whole = ["translation", "crossmodal", "train", "test"]
    assert "scored on crossmodal, classifiers" in contents.subsets_text(whole)
    assert "scored on train and test, classifiers" in contents.subsets_text(["translation", "test"])


def test_a_map_says_how_many_points_were_fitted(open_page: Open, tiny: Path) -> None:
    text = texts(open_page("map", tiny))
    assert "95 of 126 points (75%) were fitted; the other 31 were placed by their nearest" in text


def test_a_map_says_how_well_it_keeps_neighbours(open_page: Open, tiny: Path) -> None:
    text = texts(open_page("map", tiny))
    for space in ("Translation", "PCA"):
        assert f"{space}: how many of the 10 nearest items in the space are among" in text
    assert re.search(r"fitted points \d+%, trustworthiness 0\.\d\d; placed points \d+%", text)
    assert "(a random map: 8.0%, 0.50)" in text


def test_only_a_sample_of_a_large_map_is_drawn(
    open_page: Open, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_points, "MAX_DRAWN", 40)
    page = open_page("map", tiny, webgl=False, item="clip1_03_i")
    assert "126 of 126 points, 4" in texts(page)  # 40, or 41 with the open item
    assert "of them drawn on each map" in texts(page)
    page.toggle(key="select_all_points").set_value(True).run(timeout=60)
    assert "126 of 126 points on each map" in texts(page)
    few = open_page("map", tiny, webgl=False, cls="banjo")
    assert "26 of 126 points on each map" in texts(few)


def test_a_sample_of_points_is_always_the_same_and_keeps_open_items(tiny: Path) -> None:
    handle = data.open_study(str(tiny))
    whole = data.map_points(handle, data.encoder_set_names(handle)[0], "pca", "umap", 2, 0)
    some = whole.sample(20, keep=["clip1_03_i"])
    assert len(some) in (20, 21)
    assert "clip1_03_i" in some.item_ids
    again = whole.sample(20, keep=["clip1_03_i"])
    assert list(again.item_ids) == list(some.item_ids)
    assert whole.sample(126) is whole


@pytest.mark.parametrize("root", ["s3x://nowhere/at/all", "nowhere"])
def test_nothing_is_imported_ahead_for_an_unreadable_workspace(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JEE_WORKSPACE", root if "://" in root else str(tmp_path / root))
    assert data.encodes_text(data.workspace()) is False


def test_a_lasso_is_capped_and_says_so(open_page: Open, tiny: Path) -> None:
    page = open_page("map", tiny)
    ids = list(data.items(data.open_study(str(tiny))).index)
    some = map_selection.evenly(ids)
    assert len(some) == state.MAX_ITEMS
    assert (some[0], some[-1]) == (ids[0], ids[-1])
    page.session_state[map_selection.LASSO] = ids
    page.query_params["item"] = list(some)
    assert f"24 of the {len(ids)} selected items" in texts(page.run(timeout=60))


def test_a_widget_writes_the_address(open_page: Open, tiny: Path) -> None:
    page = open_page("map", tiny)
    page.segmented_control(key="select_method").set_value("tsne").run(timeout=60)
    texts(page)
    assert page.query_params["method"] in ("tsne", ["tsne"])
    page.segmented_control(key="select_method").set_value("umap").run(timeout=60)
    assert "method" not in page.query_params


def test_a_confusion_cell_opens_the_items_it_counts(open_page: Open, tiny: Path) -> None:
    handle = data.open_study(str(tiny))
    predictions = data.study(handle).predictions(workspace.ENCODER_SET, 0)
    mine = predictions[(predictions["system"] == "MMT") & (predictions["target"] == "image")]
    one = mine.iloc[0]
    cell = state.cell(one["truth"], one["predicted"])
    n = int(((mine["truth"] == one["truth"]) & (mine["predicted"] == one["predicted"])).sum())
    rows = data.measurements(
        handle,
        workspace.ENCODER_SET,
        metric="confusion",
        system="MMT",
        target="image",
        split=0,
        class_=one["truth"],
        other=one["predicted"],
    )
    assert rows["value"].item() == n
    text = texts(open_page("classify", tiny, cell=cell))
    assert f": {n} item{'' if n == 1 else 's'}" in text


def test_compare_two_studies(open_page: Open, tmp_path: Path) -> None:
    first = workspace.build(tmp_path, n_splits=1)
    workspace.build(tmp_path, n_splits=1, seed=1)
    text = texts(open_page("compare", tmp_path, other=first))
    assert text.count('data-testid="provenance"') == 2
    assert first in text


def test_the_card_of_a_damaged_file_says_so(open_page: Open, tmp_path: Path) -> None:
    workspace.build(tmp_path, n_splits=1)
    handle = data.open_study(str(tmp_path))
    artefact = Store(tmp_path).open(*data.study(handle).artefacts["ingest"])
    assert artefact is not None
    for name in ("clip1_03.wav", "clip1_03.png"):
        file = tmp_path / artefact.folder / "media" / name
        file.write_bytes(bytes(file.stat().st_size))
    text = texts(open_page("map", tmp_path, item=["clip1_03_a", "clip1_03_i"]))
    assert text.count("jee-none") >= 2
    assert "clip1_03.wav" in text


def test_a_failing_page_shows_one_sentence_and_logs_the_error(
    open_page: Open, tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("dashboard.views.centroids.page.show", broken)
    with caplog.at_level(logging.ERROR, logger="dashboard"):
        page = open_page("centroids", tiny)
    assert not page.exception
    text = text_of(page)
    assert "could not be drawn" in text
    assert "secret" not in text
    assert "ZeroDivisionError" in caplog.text
