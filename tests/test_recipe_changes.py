"""What a study changes of the default recipes, in words."""

from dataclasses import asdict

import pytest

from core.config import Config
from core.recipe_changes import in_words
from core.spaces.translation import TranslationConfig


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(), ""),
        (Config(translation={"loss": "info_nce", "temperature": 0.1}),
         "translation: loss info_nce, temperature 0.1"),
        (Config(generation="off"), "no generation space"),
        (Config(united={}), "united"),
        (Config(unseen=("cello", "banjo"), seed=3, trainings=5),
         "without cello, banjo; trainings 5; seed 3"),
        (Config(translation=TranslationConfig(max_epochs=6)), "translation: max_epochs 6"),
        (Config(translation=TranslationConfig()), "translation"),
    ],
)  # fmt: skip
def test_changes_are_named_and_defaults_are_not(config: Config, words: str) -> None:
    assert in_words(asdict(config)) == words


def test_an_older_record_without_a_field_is_read() -> None:
    assert in_words({"dataset": "demo", "seed": 0}) == ""


def test_only_the_first_values_of_a_long_recipe_are_named() -> None:
    many = {"loss": "info_nce", "batch": 64, "towers": 2, "centred": True, "max_epochs": 9}
    assert in_words({"translation": many}).endswith("centred True, 1 more")
