"""The Overview: its numbers by question, the first screen, and words beside a trained network."""

import pandas as pd
import pytest

from core.studies import measure
from dashboard.views.overview import headline
from dashboard.views.tags import supervised


def rows() -> pd.DataFrame:
    directions = ("audio_to_image", "image_to_audio", "audio_to_text", "text_to_audio")
    found = [
        {"study": "ranking", "space": "translation", "metric": metric, "direction": direction}
        for metric in ("ndcg_lift", "precision@10")
        for direction in directions
    ]
    found += [
        {"study": "mix_in", "metric": "macro_f1", "system": system, "target": target} | more
        for target, alone in (("image", "SMI"), ("audio", "SMA"))
        for system, more in (
            ("MMP", {"n_target": 0}),
            ("MMT", {"n_target": 0}),
            ("MMT", {"n_target": 400}),
            (alone, {"n_target": 400}),
        )
    ]
    common = {"value": 0.5, "chance": 0.1, "n": 9, "gallery_size": 9}
    return measure.table([common | row for row in found], audio="a", image="b", split=0)


def test_the_most_telling_numbers_of_each_question_come_first() -> None:
    asked = headline.questions(rows())
    assert list(asked) == [headline.RETRIEVAL, headline.CARRIED, headline.ALONE]
    first = [what for found in asked.values() for what, *_ in found[: headline.MOST_PER_QUESTION]]
    assert len(first) == 6
    assert all(what.startswith("precision@10") for what in first[:2])
    assert not any("text" in what for what in first[:2])
    assert first[2:] == [
        "MMT zero-shot on pictures",
        "MMT zero-shot on sounds",
        "SMA on sounds",
        "SMI on pictures",
    ]
    assert sum(map(len, asked.values())) == 8 + 4 + 2  # nothing is lost below "All numbers"


def test_a_question_without_numbers_is_left_out() -> None:
    only = rows()
    assert list(headline.questions(only[only["study"] == "ranking"])) == [headline.RETRIEVAL]
    assert headline.questions(only.iloc[:0]) == {}


def test_words_stand_beside_the_networks_own_tags() -> None:
    common = {"study": "zero_shot", "metric": "roc_auc", "target": "audio", "n": 9}
    scored = [
        {"space": "supervised", "system": "musicnn", "class": "flute", "other": "flute"},
        {"space": "supervised", "system": "musicnn", "class": "synthesizer", "other": "synth"},
        {"space": "translation", "system": "{tag}", "class": "flute"},
        {"space": "translation", "system": "{tag}", "class": "synthesizer"},
        {"space": "translation", "system": "{tag} music", "class": "flute"},
        {"space": "translation", "system": "{tag} music", "class": "synthesizer"},
    ]
    values = (0.9, 0.8, 0.6, 0.7, 0.5, 0.4)
    table = measure.table(
        [common | row | {"value": value} for row, value in zip(scored, values, strict=True)],
        audio="a",
        image="b",
        split=0,
    )
    own = table[table["space"] == "supervised"]
    words = table[table["space"] == "translation"]
    found = supervised.beside(own, words, "{tag}")
    assert found["class"].tolist() == ["synthesizer", "flute"]
    assert found["tag"].tolist() == ["synth", "flute"]
    assert found["words"].tolist() == pytest.approx([0.7, 0.6])
    assert found["supervised"].tolist() == pytest.approx([0.8, 0.9])
    other = supervised.beside(own, words, "{tag} music")
    assert other["words"].tolist() == pytest.approx([0.5, 0.4])
