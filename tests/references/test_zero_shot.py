"""The results of S for a study's zero-shot rows."""

import pandas as pd
import pytest

from core.references import zero_shot
from core.studies import measure


def rows(**common: object) -> pd.DataFrame:
    found = []
    for system, accuracy in (("{tag}", 0.5), ("description", 0.25)):
        head = {"system": system, "target": "audio", "space": "translation"}
        found.append({**head, "metric": "accuracy", "value": accuracy})
        for direction, value in (("text_to_audio", 0.7), ("audio_to_text", 0.6)):
            found.append({**head, "metric": "roc_auc", "direction": direction, "value": value})
            found.append({**head, "metric": "pr_auc", "direction": direction, "value": value / 2})
    found.append({"metric": "roc_auc", "direction": "text_to_audio", "class": "x", "value": 0.1,
                  "system": "{tag}", "target": "audio"})  # fmt: skip
    found.append({"metric": "accuracy", "value": 0.9, "system": "{tag}", "target": "image"})
    return measure.table(found, study="zero_shot", **common)


def test_gtzans_numbers_are_matched_with_names_and_descriptions() -> None:
    found = zero_shot.counterparts(rows(), "gtzan")
    assert [one.reference.reported for one in found] == ["0.394", "0.283", "0.731"]
    assert [one.values[0][1] for one in found] == [0.5, 0.25, 0.5]
    assert "MSD-GloVe" in found[2].reference.says


@pytest.mark.parametrize(
    ("tag_list", "reported"),
    [
        ("top50tags", "0.698"),
        ("moodtheme", "0.666"),
        ("genre", "0.727"),
        ("instrument", "0.612"),
    ],
)
def test_jamendos_subsets_are_found_by_the_name_of_the_list(tag_list: str, reported: str) -> None:
    found = zero_shot.counterparts(rows(), "jamendo", tag_list)
    first = next(one for one in found if one.reference.metric == "roc_auc_retrieval")
    assert first.reference.reported == reported
    assert first.values == (("", pytest.approx(0.7)),)
    assert len(found) == 4


def test_another_list_of_jamendo_has_landmarks_of_other_data() -> None:
    found = zero_shot.counterparts(rows(), "jamendo", "all tags")
    assert found
    assert all(one.reference.setting.dataset != "jamendo" for one in found)


def test_the_exchanged_numbers_of_table_ii_are_said_for_jamendo_alone() -> None:
    assert "MTG-Jamendo has 59 and 41" in zero_shot.said_of_sizes("jamendo")
    assert zero_shot.said_of_sizes("gtzan") == ""


def test_other_data_have_landmarks() -> None:
    found = {one.reference.key: one.values[0][1] for one in zero_shot.counterparts(rows(), "x")}
    assert found == {
        "gtzan_name": 0.5,
        "magnatagatune_roc_auc_retrieval": pytest.approx(0.7),
        "magnatagatune_pr_auc_retrieval": pytest.approx(0.35),
        "magnatagatune_roc_auc_annotation": pytest.approx(0.6),
        "magnatagatune_pr_auc_annotation": pytest.approx(0.3),
    }


def test_missing_rows_have_no_counterpart() -> None:
    assert zero_shot.counterparts(rows().iloc[:0], "gtzan") == []
    pictures = rows()[rows()["target"] == "image"]
    assert zero_shot.counterparts(pictures, "gtzan") == []


def test_best_and_worst_tags_are_the_papers() -> None:
    assert "table VIII, on Jamendo: best metal" in zero_shot.said_of_tags("jamendo")
    assert "table VII, on MagnaTagATune" in zero_shot.said_of_tags("demo")
