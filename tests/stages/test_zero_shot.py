"""The zero-shot rows of `evaluate`: scored items, chance levels, confusions."""

import numpy as np
import pandas as pd
import pytest

from core.encoders import lsa
from core.stages import zero_shot
from core.vectors import Vectors

TAGS = ["jazz", "metal", "polka"]
TEXTS = ["a smooth jazz trio", "heavy metal guitars", "a merry polka"] * 4


def tagger() -> tuple[zero_shot.Tagger, lsa.Lsa]:
    encoder = lsa.fit(TEXTS, 0)
    wordings = {"{tag}": TAGS, "a {tag} song": [f"a {tag} song" for tag in TAGS]}
    return zero_shot.Tagger(encoder, {"native": None}, TAGS, wordings), encoder


def frame(labels: list[list[str]]) -> pd.DataFrame:
    ids = [f"i{row}" for row in range(len(labels))]
    return pd.DataFrame({"item_id": ids, "labels": labels})


def test_items_at_their_tag_are_found_with_every_wording() -> None:
    tags, encoder = tagger()
    items = frame([["jazz"], ["metal"], ["jazz"], ["metal", "jazz"], []])
    lying = encoder.embed(["jazz", "metal", "jazz", "metal jazz", "polka"])
    vectors = {"native": {"audio": Vectors(items["item_id"].to_numpy(), lying)}}
    rows, best = tags.study({"audio": items}, vectors)
    found = pd.DataFrame(rows)
    accuracy = found[found["metric"] == "accuracy"]
    assert set(accuracy["system"]) == {"{tag}", "a {tag} song"}
    assert accuracy["value"].tolist() == [1.0, 1.0]
    assert accuracy["n"].tolist() == [3, 3]  # those with one tag
    assert accuracy["chance"].tolist() == pytest.approx([1 / 3, 1 / 3])
    by_tag = found[(found["metric"] == "roc_auc") & found["class"].notna()]
    assert set(by_tag["class"]) == {"jazz", "metal"}  # no item is a polka
    assert by_tag["value"].eq(1.0).all()
    assert set(found["direction"].dropna()) == {"text_to_audio", "audio_to_text"}
    first = best[best["system"] == "{tag}"].set_index("item_id")
    assert first.loc["i0", ["truth", "predicted"]].tolist() == ["jazz", "jazz"]
    assert first.loc["i3", "truth"] == ""
    assert first.loc["i4", "predicted"] == "polka"


def test_the_confusion_counts_every_single_label_item_once() -> None:
    rng = np.random.default_rng(0)
    items = frame([[TAGS[row % 3]] for row in range(30)])
    rows = zero_shot.measure(rng.standard_normal((30, 3)), items, TAGS, "image")
    cells = [row for row in rows if row["metric"] == "confusion"]
    assert sum(row["value"] for row in cells) == 30
    right = sum(row["value"] for row in cells if row["class"] == row["other"])
    (accuracy,) = [row["value"] for row in rows if row["metric"] == "accuracy"]
    assert accuracy == pytest.approx(right / 30)


def test_seen_and_unseen_tags_are_measured_apart() -> None:
    """Seen tags are told apart; each of the two unseen ones is taken for the other."""
    tags = ["jazz", "metal", "polka", "waltz"]
    items = frame([[tags[row % 4]] for row in range(40)])
    scored = np.eye(4)[np.arange(40) % 4] + 0.01 * np.arange(4)
    scored[:, 2:] = scored[:, [3, 2]]
    found = pd.DataFrame(
        zero_shot.measure(scored, items, tags, "audio", [True, True, False, False])
    )
    value = found[found["class"].isna()].set_index(["metric", "direction"])["value"]
    assert value["roc_auc_seen", "text_to_audio"] == 1.0
    assert value["roc_auc_unseen", "text_to_audio"] < 0.5
    whole = (value["roc_auc_seen", "text_to_audio"] + value["roc_auc_unseen", "text_to_audio"]) / 2
    assert value["roc_auc", "text_to_audio"] == pytest.approx(whole)
    one = found.set_index("metric")
    assert one.loc["accuracy_seen", ["value", "chance", "n"]].tolist() == [1.0, 0.5, 20]
    assert one.loc["accuracy_unseen", ["value", "chance", "n"]].tolist() == [0.0, 0.5, 20]
    assert one.loc["tags_seen", ["value", "n"]].tolist() == [2.0, 4]
    by_tag = found[(found["metric"] == "roc_auc") & found["class"].notna()].set_index("class")
    assert by_tag["other"].to_dict() == {
        "jazz": "seen",
        "metal": "seen",
        "polka": "unseen",
        "waltz": "unseen",
    }


def test_tags_of_one_kind_are_not_measured_twice() -> None:
    items = frame([["jazz"], ["metal"]])
    rows = zero_shot.measure(np.eye(3)[:2], items, TAGS, "audio", [True, True, True])
    assert not any(row["metric"].endswith("_seen") for row in rows if row["metric"] != "tags_seen")


def test_no_items_give_no_rows() -> None:
    tags, _ = tagger()
    rows, best = tags.study({"audio": frame([])}, {"native": {}})
    assert rows == []
    assert list(best.columns) == list(zero_shot.TAGGED)
