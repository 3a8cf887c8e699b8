"""The windows of a long sound, each searched by itself."""

from pathlib import Path

import pytest

from core.retrieval.query_inputs import WeightedInput
from core.retrieval.timeline import best_windows, by_second
from tests.dashboard import tiny_items
from tests.dashboard.conftest import retriever_of
from tests.dashboard.retrieve_page import three_seconds


def test_each_second_of_a_long_sound_is_searched_by_itself(embedded_root: Path) -> None:
    retriever = retriever_of(embedded_root)
    (sound,) = retriever.embed(three_seconds(3, 0, 2), "long.wav")
    seconds = by_second(retriever, sound, "image")
    wanted = [tiny_items.CLASSES[number] for number in (3, 0, 2)]
    assert list(seconds["start_s"]) == [0.0, 1.0, 2.0]
    labels = retriever.study.items().loc[seconds["item_id"], "labels"]
    assert [names[0] for names in labels] == wanted
    assert list(seconds["class"]) == wanted
    one = retriever.search([WeightedInput(sound, window=1)], "image", 1)
    assert one.results["item_id"].iloc[0] == seconds["item_id"].iloc[1]
    assert one.results["score"].iloc[0] == pytest.approx(seconds["score"].iloc[1], abs=1e-6)
    for space in ("pca", "translation_all"):
        rows = best_windows(retriever, sound, list(seconds["item_id"]), "image", space)
        assert len(rows) == 3
    assert list(rows) == [0, 1, 2]
