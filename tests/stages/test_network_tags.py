"""A network's own tags beside words: which labels match, and what is measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.encoders import musicnn
from core.stages import extract, network_tags
from core.store import Artefact, Store

LABELS = ["Flute", "synthesizer", "tuba"]


@pytest.fixture
def scored(tmp_path: Path) -> Artefact:
    """Four items; the scores of flute rank its items first, those of synth rank them last."""
    scores = np.zeros((4, 50), np.float32)
    scores[:, musicnn.TAGS.index("flute")] = [0.9, 0.1, 0.8, 0.0]
    scores[:, musicnn.TAGS.index("synth")] = [0.5, 0.1, 0.6, 0.0]
    draft = Store(tmp_path).begin("extract", {"encoder": "musicnn"})
    draft.write_array(extract.TAGS, scores)
    draft.write_table("items.parquet", pd.DataFrame({"item_id": list("abcd")}))
    return draft.commit()


def items_of(*labels: tuple[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame(labels, columns=["item_id", "labels"])


FRAME = items_of(("c", ["Flute"]), ("b", ["synthesizer"]), ("a", ["Flute"]), ("d", ["tuba"]))


def measured(by_modality: dict[str, str], artefact: Artefact, frame: pd.DataFrame) -> list[dict]:
    def extracted(name: str) -> Any:
        assert name == "musicnn"
        return artefact

    return network_tags.rows({"audio": frame}, by_modality, extracted, LABELS)


def test_labels_match_tags_apart_from_case_and_aliases() -> None:
    found = network_tags.matched([*LABELS, "Male_Voice", "clarinet"], musicnn.TAGS)
    assert found == {"Flute": "flute", "synthesizer": "synth", "Male_Voice": "male voice"}


def test_rows_are_of_matched_labels_and_name_the_tag(scored: Artefact) -> None:
    rows = measured({"audio": "musicnn"}, scored, FRAME)
    assert {row["space"] for row in rows} == {"supervised"}
    assert {row["system"] for row in rows} == {"musicnn"}
    assert {row["metric"] for row in rows} == {"roc_auc", "pr_auc"}
    areas = {
        row["class"]: (row["other"], row["value"])
        for row in rows
        if row["metric"] == "roc_auc" and row.get("class")
    }
    assert areas == {"Flute": ("flute", 1.0), "synthesizer": ("synth", pytest.approx(1 / 3))}


def test_a_part_of_a_joined_encoder_is_measured_too(scored: Artefact) -> None:
    joined = measured({"audio": "logmel=2+musicnn"}, scored, FRAME)
    assert joined == measured({"audio": "musicnn"}, scored, FRAME)


@pytest.mark.parametrize("encoder", ["logmel", "ready_audio"])
def test_other_encoders_have_no_tags(encoder: str, scored: Artefact) -> None:
    assert measured({"audio": encoder}, scored, FRAME) == []


def test_without_a_known_label_there_are_no_rows(scored: Artefact) -> None:
    assert network_tags.rows({"audio": FRAME}, {"audio": "musicnn"}, lambda _: scored, ["x"]) == []
