"""Reported values: found by key, and their differences from a study."""

from dataclasses import asdict, replace

import pytest

from core.references import reference, seth2022, wu2021
from core.references.reference import Reference, Setting
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig
from core.studies.forests import ForestConfig

ALL = (*wu2021.REPORTED, *seth2022.REPORTED)
W = Setting(
    dataset="audioset",
    encoders={"audio": ["yamnet"], "image": ["resnet50"]},
    recipe=asdict(TranslationConfig()),
    forest=asdict(ForestConfig()),
    n_pairs=129_000,
    n_train=16_200,
    n_test=1_790,
    n_classes=18,
    gallery_size=9_500,
)
S = Setting(
    dataset="gtzan",
    trained_on=seth2022.CAPTIONS,
    encoders={"audio": ["hcnn"], "text": ["bert"]},
    space="generation",
    recipe=asdict(GenerationConfig(text="finetuned")),
    n_pairs=103_500,
    n_test=1_000,
    n_classes=10,
)


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
    assert one.setting.dataset


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
    assert sum(one.where == "table VI" for one in seth2022.REPORTED) == 5  # MSD-GloVe has one


@pytest.mark.parametrize("key", [one.key for one in wu2021.REPORTED])
def test_a_study_like_w_differs_in_nothing(key: str) -> None:
    assert reference.differences(reference.find(wu2021.REPORTED, key), W) == []


def test_a_study_like_s_differs_in_nothing() -> None:
    assert reference.differences(reference.find(seth2022.REPORTED, "gtzan_name"), S) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dataset": "folder"}, "other data (folder, not audioset)"),
        (
            {"recipe": asdict(TranslationConfig(loss="info_nce"))},
            "recipe: loss info_nce, not margin",
        ),
        ({"forest": asdict(ForestConfig(n_trees=10))}, "forests: n trees 10, not 100"),
        (
            {"encoders": {"audio": ["yamnet"], "image": ["hog"]}},
            "other encoders (hog, not resnet50)",
        ),
        ({"n_pairs": 900}, "900 training pairs, not 130,000"),
        ({"n_train": 100}, "100 items to train classifiers on, not 16,200"),
        ({"n_test": 90}, "90 test items, not 1,800"),
        ({"n_classes": 5}, "5 classes, not 18"),
    ],
)
def test_every_difference_from_w_is_named(changed: dict[str, object], said: str) -> None:
    one = reference.find(wu2021.REPORTED, "zero_shot_share")
    assert reference.differences(one, replace(W, **changed)) == [said]  # type: ignore[arg-type]


def test_a_small_audioset_is_not_the_papers() -> None:
    one = reference.find(wu2021.REPORTED, "ndcg_range")
    said = reference.differences(one, replace(W, n_pairs=200, gallery_size=36))
    assert said == ["200 training pairs, not 130,000", "a gallery of 36, not 10,000"]


def test_gtzan_trained_on_itself_is_not_s() -> None:
    one = reference.find(seth2022.REPORTED, "gtzan_name")
    mine = replace(S, trained_on="", n_pairs=900, recipe=asdict(GenerationConfig(optimizer="adam")))
    assert reference.differences(one, mine) == [
        f"trained on other data (gtzan, not {seth2022.CAPTIONS})",
        "recipe: text frozen, not finetuned",
        "recipe: optimizer adam, not sgd",
        "900 training pairs, not 103,500",
    ]
    elsewhere = replace(S, space="translation", recipe=asdict(TranslationConfig()))
    said = reference.differences(one, elsewhere)
    assert said == ["another space (translation, not generation)"]


def test_a_grid_is_comparable_only_with_the_papers_encoders() -> None:
    one = reference.find(wu2021.REPORTED, "ndcg_range")
    nine = {modality: list(names) for modality, names in wu2021.NINE.items()}
    assert reference.differences(one, replace(W, encoders=nine)) == []
    nine["audio"].append("logmel")
    assert "logmel" in reference.differences(one, replace(W, encoders=nine))[0]


def test_a_missing_modality_is_another_encoder() -> None:
    one = reference.find(seth2022.REPORTED, "gtzan_name")
    said = reference.differences(one, replace(S, encoders={"audio": ["hcnn"]}))
    assert said == ["other encoders (no text, not bert)"]
