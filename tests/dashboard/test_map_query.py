"""Words and the query of Retrieve on the page Map: scores, rings, stars."""

from pathlib import Path

import numpy as np
import pytest

from core.figures import map_files
from dashboard import data, session
from dashboard.map_component import description
from dashboard.page import Page
from dashboard.state import Selection
from dashboard.views.map import query
from tests.dashboard.conftest import Open, text_of


def first_item(root: Path, modality: str) -> tuple[data.Handle, str, str]:
    handle = data.open_study(str(root))
    frame = data.items(handle)
    own = frame.index[frame["modality"] == modality]
    return handle, data.encoder_set_names(handle)[0], str(own[0])


@pytest.fixture
def of_item(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Page, str]:
    """A page whose session has searched with an item."""
    handle, encoder_set, item_id = first_item(tiny, "audio")
    chosen = Selection(query=(item_id,))
    monkeypatch.setattr(session, "current", lambda: chosen)
    return Page(handle, encoder_set, chosen), item_id


def test_scores_are_percentiles_among_items_of_a_modality(of_item: tuple[Page, str]) -> None:
    page, item_id = of_item
    found = query.asked(page)
    assert found is not None
    values = found.score.values
    frame = data.items(page.handle)
    assert values[item_id] == 100.0  # nothing is nearer to an item than itself
    for modality in page.modalities:
        own = values[frame.index[frame["modality"] == modality]]
        assert (own.min(), own.max()) == (0.0, 100.0)
        lit = [one for one in found.nearest if frame.loc[one, "modality"] == modality]
        assert len(lit) == query.N_LIT
        assert own[lit].min() > own.drop(lit).max()
    near = data.neighbours(page.handle, page.encoder_set, item_id, "image", 5)
    assert set(near["item_id"]) <= set(found.nearest)
    place = query.star(page, found, "translation")
    assert place is not None
    assert place.shape == (2,)


def test_the_browser_gets_the_scores_as_a_column(of_item: tuple[Page, str]) -> None:
    page, _ = of_item
    found = query.asked(page)
    assert found is not None
    key = data.MapKey(page.handle, page.encoder_set, "translation", "umap", 2, 0)
    told = description.describe([key], ["Translation"], False, set())
    description.add_score(told, [key], found.score.label, found.score.values, False)
    column = told["sets"][0]["columns"][0]
    assert (column["name"], column["low"], column["high"]) == ("score", 0.0, 100.0)
    assert told["suggested"]["colour"] == "score"
    ids = data.map_points(*key).item_ids
    content = map_files.column(found.score.values.reindex(ids)).file.content
    codes = np.frombuffer(content, "u1", offset=32)
    best = data.row_ids(key)[codes == 254]
    assert set(best) <= set(found.nearest)


def test_the_page_draws_the_query_of_retrieve(open_page: Open, tiny: Path) -> None:
    _, _, item_id = first_item(tiny, "audio")
    page = open_page("map", tiny, query=item_id)
    assert not page.exception
    assert "Rings mark the 10 nearest of each modality" in text_of(page)
    page.button(key="map_no_query").click().run(timeout=60)
    assert "Rings mark the 10 nearest" not in text_of(page)
    assert "query" not in page.query_params


def test_typed_words_light_up_points(open_page: Open, tagged_root: Path) -> None:
    page = open_page("map", tagged_root)
    assert "Rings mark" not in text_of(page)
    (field,) = [one for one in page.text_input if one.label == "Light up"]
    field.set_value("banjo").run(timeout=60)
    assert not page.exception
    assert "banjo" in page.query_params["words"]
    assert "Rings mark the 10 nearest of each modality" in text_of(page)


def test_maps_without_classes_are_named_by_words(
    tagged_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = data.open_study(str(tagged_root))
    encoder_set = data.encoder_set_names(handle)[0]
    key = data.MapKey(handle, encoder_set, "translation", "umap", 2, 0)
    assert data.has_classes(key)
    assert description.regions_of(key) is None
    monkeypatch.setattr(data, "has_classes", lambda key: False)
    found = description.regions_of(key)
    assert found
    texts = " ".join(data.items(handle)["text"]).lower()
    assert all(one["name"] in texts for one in found)
    assert all(-0.01 <= one["place"][axis] <= 1.01 for one in found for axis in (0, 1))
    counts = [one["count"] for one in found]
    assert counts == sorted(counts, reverse=True)
