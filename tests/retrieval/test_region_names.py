"""Names of regions: the word of each cluster, without help of modality means or common words."""

import numpy as np

from core.retrieval import region_names
from core.vectors import unit_rows

WORDS = ["bells", "drums", "strings", "voices"]


def test_each_cluster_gets_its_word() -> None:
    rng = np.random.default_rng(0)
    topics = unit_rows(rng.normal(size=(4, 32)).astype(np.float32))
    offsets = {"audio": rng.normal(size=32), "text": rng.normal(size=32)}  # far larger than topics
    of_point = np.repeat(np.arange(4), 50)
    modality = np.array(["audio", "text"] * 100, dtype=object)
    corners = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], dtype=np.float32)
    places = corners[of_point] + rng.normal(size=(200, 2)).astype(np.float32)
    vectors = topics[of_point] + 0.3 * rng.normal(size=(200, 32))
    vectors += np.array([offsets[name] for name in modality])
    found = region_names.name_regions(
        places, vectors.astype(np.float32), modality, WORDS, topics + 2.0, n_regions=4
    )
    assert sorted(one.name for one in found) == WORDS
    for one in found:
        assert np.abs(one.place - corners[WORDS.index(one.name)]).max() < 1
        assert one.n_points == 50
        assert 0.5 < one.spread < 1.5


def test_words_are_neither_rare_nor_everywhere() -> None:
    texts = ["music of slow bells", "music with loud drums", "music and soft strings"] * 4
    texts += [f"music of voices {number}" for number in range(4)] + ["music of a once unicorn"]
    found = region_names.common_words(texts)
    assert set(found) == {"slow", "bells", "loud", "drums", "soft", "strings", "voices"}
    assert region_names.common_words(["a b", "1 2"]) == []


def test_one_word_names_a_few_regions_only() -> None:
    rng = np.random.default_rng(1)
    places = rng.normal(size=(300, 2)).astype(np.float32)
    vectors = rng.normal(size=(300, 8)).astype(np.float32)
    words = rng.normal(size=(2, 8)).astype(np.float32)
    found = region_names.name_regions(places, vectors, np.full(300, "text"), ["a", "b"], words, 20)
    names = [one.name for one in found]
    assert len(names) == 2 * region_names.MOST_SAME
    assert all(names.count(one) == region_names.MOST_SAME for one in "ab")
    assert region_names.name_regions(places, vectors, np.full(300, "text"), [], words[:0]) == []
