"""A recipe's values are checked when it is made."""

from typing import Any

import pytest

from core.config import Config
from core.errors import UserError
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig
from core.studies.forests import ForestConfig


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        (
            TranslationConfig,
            {"sampler": "ballanced"},
            "is 'ballanced', expected uniform or balanced",
        ),
        (TranslationConfig, {"pairing": "drawn"}, "pairing is 'drawn', expected fixed or redrawn"),
        (TranslationConfig, {"same_class": "kept"}, "same_class is 'kept', expected negative or"),
        (TranslationConfig, {"words": "before"}, "words is 'before', expected after or together"),
        (
            TranslationConfig,
            {"loss": "cosine"},
            "translation: loss is 'cosine', expected margin, symmetric_margin, info_nce, siglip, "
            "hardest_triplet, supervised_contrastive, prototypes or",
        ),
        (TranslationConfig, {"batch": 1}, "batch is 1, expected at least 2"),
        (TranslationConfig, {"temperature": 0}, "temperature is 0, expected above 0"),
        (TranslationConfig, {"dropout": 1.0}, "dropout is 1.0, expected from 0 to below 1"),
        (TranslationConfig, {"n_dims": 12.5}, "n_dims is 12.5, expected a value of type int"),
        (TranslationConfig, {"n_dims": True}, "n_dims is True, expected a number"),
        (GenerationConfig, {"loss": "gan"}, "loss is 'gan', expected contrastive or discriminator"),
        (GenerationConfig, {"text": "tuned"}, "text is 'tuned', expected frozen or finetuned"),
        (
            GenerationConfig,
            {"decoupled": "yes"},
            "is 'yes', expected a value of type bool",
        ),
        (GenerationConfig, {"batch": 1}, "generation: batch is 1, expected at least 2"),
        (GenerationConfig, {"temperature": 0.0}, "temperature is 0.0, expected above 0"),
        (
            GenerationConfig,
            {"validation_share": 1.0},
            "share is 1.0, expected from 0 to below 1",
        ),
        (GenerationConfig, {"input_dropout": -0.5}, "input_dropout is -0.5, expected from 0 to"),
        (ForestConfig, {"n_trees": 0}, "forest: n_trees is 0, expected at least 1"),
        (ForestConfig, {"max_depth": -1}, "max_depth is -1, expected at least 0"),
        (ForestConfig, {"max_features": 0}, "max_features is 0, expected at least 1"),
        (ForestConfig, {"max_features": "sqrt"}, "'sqrt', expected a value of type int | None"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(
    recipe: type, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        recipe(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_value_of_a_study_is_refused() -> None:
    with pytest.raises(UserError, match="sampler is 'ballanced', expected uniform or balanced"):
        Config(translation={"sampler": "ballanced"})


def test_none_and_whole_numbers_are_accepted() -> None:
    assert ForestConfig(max_features=None).max_features is None
    assert TranslationConfig(margin=1).margin == 1
