"""Reported values: found by key, and their differences from a study."""

import pytest

from core.references import reference, seth2022, wu2021
from core.references.reference import Reference

ALL = (*wu2021.REPORTED, *seth2022.REPORTED)
W_BEST = {"audio": "yamnet", "image": "resnet50"}


@pytest.mark.parametrize("among", [wu2021.REPORTED, seth2022.REPORTED])
def test_keys_are_unique_and_find_their_reference(among: tuple[Reference, ...]) -> None:
    for one in among:
        assert reference.find(among, one.key) is one
    with pytest.raises(KeyError):
        reference.find(among, "nothing of the kind")


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)
def test_every_reference_is_complete(one: Reference) -> None:
    assert one.paper in (wu2021.PAPER, seth2022.PAPER)
    assert one.says
    assert one.reported
    assert one.where
    assert one.paper in one.source
    assert one.where in one.source
    assert (one.low is None) == (one.high is None)
    if one.low is not None and one.high is not None:
        assert 0 <= one.low <= one.high <= 1
    assert one.datasets


def test_numbers_of_w() -> None:
    share = reference.find(wu2021.REPORTED, "zero_shot_share")
    assert (share.high, share.reported) == (0.7, "almost 70%")
    ndcg = reference.find(wu2021.REPORTED, "ndcg_range")
    assert (ndcg.low, ndcg.high, ndcg.how) == (0.79, 0.815, reference.READ_OFF)


def test_numbers_of_s_by_table() -> None:
    tables = {one.where for one in seth2022.REPORTED}
    assert tables == {"table III", "table IV", "table V", "table VI"}
    table_v = [one for one in seth2022.REPORTED if one.where == "table V"]
    auc = [one.low for one in table_v if one.metric == "roc_auc_annotation"]
    assert auc == [0.729, 0.674, 0.732, 0.679]
    assert sum(one.where == "table VI" for one in seth2022.REPORTED) == 4


def test_the_same_data_and_encoders_differ_in_nothing() -> None:
    one = reference.find(wu2021.REPORTED, "zero_shot_share")
    assert reference.differences(one, "audioset", W_BEST) == []


def test_differences_are_named() -> None:
    one = reference.find(wu2021.REPORTED, "ndcg_range")
    said = reference.differences(one, "demo", {"audio": "logmel", "image": "vgg16"}, 36)
    assert said == [
        "other data (demo, not audioset)",
        "other encoders (logmel, not yamnet, vggish or openl3_audio)",
        "a gallery of 36, not 10,000",
    ]
    assert reference.differences(one, "audioset", W_BEST, 9_500) == []


def test_a_grid_is_comparable_only_with_the_papers_encoders() -> None:
    one = reference.find(wu2021.REPORTED, "ndcg_range")
    nine = {modality: list(names) for modality, names in wu2021.NINE.items()}
    assert reference.differences(one, "audioset", nine) == []
    nine["audio"].append("logmel")
    assert "logmel" in reference.differences(one, "audioset", nine)[0]


def test_a_missing_modality_is_another_encoder() -> None:
    one = reference.find(seth2022.REPORTED, "gtzan_name")
    said = reference.differences(one, "gtzan", {"audio": "hcnn"})
    assert said == ["other encoders (no text, not bert)"]
