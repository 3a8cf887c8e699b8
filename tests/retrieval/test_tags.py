"""Typed tags: lines, wordings, vectors, and classes made of words alone."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.retrieval import tags
from core.retrieval.retriever import Retriever
from core.studies import zero_shot
from tests.dashboard import tiny_items
from tests.dashboard.conftest import retriever_of


@pytest.fixture(scope="module")
def retriever(tagged_root: Path) -> Retriever:
    return retriever_of(tagged_root)


def test_lines_are_tags_each_once() -> None:
    found, notes = tags.lines(
        "  slow   strings \n\n🎻🎶\nshalom שלום\nslow strings\n\x00\t\n<b>x</b>"
    )
    assert found == ["slow strings", "🎻🎶", "shalom שלום", "<b>x</b>"]
    assert notes == ["1 line is repeated: each tag counts once."]


def test_an_emoji_of_several_marks_stays_whole() -> None:
    family = "👩\u200d🎤"
    assert tags.lines(f"{family}\x07\n")[0] == [family]


def test_nothing_typed_is_no_tag() -> None:
    assert tags.lines("") == ([], [])
    assert tags.lines(" \n\t\n") == ([], [])


def test_a_line_of_100_000_characters_is_left_out_with_a_note() -> None:
    found, notes = tags.lines("banjo\n" + "x" * 100_000)
    assert found == ["banjo"]
    assert notes == ["1 line is left out, of up to 100,000 characters: a tag has 500 at most."]


def test_a_thousand_lines_are_taken_and_more_are_one_sentence() -> None:
    assert len(tags.lines("\n".join(map(str, range(1_000))))[0]) == 1_000
    with pytest.raises(UserError, match=r"There are 10,000 tags.*expected 1,000 at most"):
        tags.lines("\n".join(map(str, range(10_000))))


def test_a_wording_holds_the_tag() -> None:
    assert tags.texts(["male_voice"], "a {tag} song") == ["a male voice song"]
    assert tags.texts(["a {tag}"], "the sound of {tag}") == ["the sound of a {tag}"]
    with pytest.raises(UserError, match=r"has no \{tag\}"):
        tags.texts(["banjo"], "a song")


def test_a_description_stands_for_the_tags_that_have_one() -> None:
    found = tags.texts(["jazz", "new_age"], tags.DESCRIPTION, {"jazz": "swung and improvised"})
    assert found == ["swung and improvised", "new age"]


def test_live_scores_are_the_stored_ones(retriever: Retriever) -> None:
    study = retriever.study
    stored = study.artefact(f"evaluate:{study.default_encoder_set}:0").table("tagged.parquet")
    mine = stored[(stored["target"] == "audio") & (stored["system"] == "{tag}")]
    items = tags.gallery(study, study.default_encoder_set, "translation", "audio")
    vectors = tags.embed(retriever, tags.texts(study.classes), "translation").vectors
    own = items.take(mine["item_id"]) @ vectors.T
    assert own.max(axis=1) == pytest.approx(mine["score"].to_numpy(), abs=1e-5)
    assert [study.classes[row] for row in own.argmax(axis=1)] == list(mine["predicted"])


def test_tags_find_their_class_in_one_batch_as_alone(retriever: Retriever) -> None:
    words = tags.texts(["banjo", "accordion", "somebody's zither"])
    together = tags.embed(retriever, words, "translation")
    alone = [tags.embed(retriever, [one], "translation").vectors[0] for one in words]
    assert together.vectors == pytest.approx(np.stack(alone), abs=1e-6)
    assert together.known.tolist() == [True, True, False]
    assert not together.vectors[2].any()
    study = retriever.study
    items = tags.gallery(study, study.default_encoder_set, "translation", "audio")
    rows, scores = tags.best(items.array, together.vectors)
    found = study.items().loc[items.item_ids[rows], "class"].tolist()
    assert found[:2] == ["banjo", "accordion"]
    assert scores[2] == 0


def test_the_best_item_is_the_same_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    items, words = rng.normal(size=(50, 8)), rng.normal(size=(20, 8))
    whole = tags.best(items, words)
    monkeypatch.setattr(tags, "BLOCK_SCORES", 120)
    blocks = tags.best(items, words)
    assert whole[0].tolist() == blocks[0].tolist() == (words @ items.T).argmax(axis=1).tolist()
    assert whole[1] == pytest.approx(blocks[1])


def test_class_means_are_means_of_cosines() -> None:
    rng = np.random.default_rng(1)
    items, words = rng.normal(size=(40, 6)), rng.normal(size=(3, 6))
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    classes = rng.integers(-1, 3, 40)
    found = tags.class_means(items, classes, 4, words)
    scored = zero_shot.scores(items, words)
    for number in range(3):
        assert found[number] == pytest.approx(scored[classes == number].mean(axis=0), abs=1e-5)
    assert np.isnan(found[3]).all()


def test_a_new_class_takes_the_items_nearest_to_its_words() -> None:
    old = np.array([[0.5, 0.1], [0.2, 0.4], [0.3, 0.2], [0.1, 0.1]])
    new = np.array([[0.6, 0.0], [0.1, 0.1], [0.3, 0.2], [0.2, 0.7]])
    predicted = np.array([0, 1, 1, 0])  # of a trained system, not always the best text
    assert tags.with_new_classes(predicted, old, new).tolist() == [2, 1, 1, 3]
    assert tags.with_new_classes(predicted, old, new[:, :0]).tolist() == [0, 1, 1, 0]


def test_of_the_zero_shot_system_it_is_classification_over_all_classes() -> None:
    rng = np.random.default_rng(2)
    old, new = rng.normal(size=(100, 5)), rng.normal(size=(100, 3))
    found = tags.with_new_classes(old.argmax(axis=1), old, new)
    assert found.tolist() == np.hstack([old, new]).argmax(axis=1).tolist()


def test_a_tag_names_a_label_ignoring_case() -> None:
    labels = ["male_voice", "Jazz", tiny_items.CLASSES[2]]
    assert tags.label_of("Male  Voice", labels) == "male_voice"
    assert tags.label_of("jazz", labels) == "Jazz"
    assert tags.label_of("metal", labels) == ""
