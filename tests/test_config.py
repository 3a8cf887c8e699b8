"""Configurations: every value is checked, and the recipes depend on the pairing."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import config
from core.config import (
    GENERATION_SMALL,
    LABEL_PAIRED,
    TRUE_PAIRS,
    UNITED,
    Config,
)
from core.errors import UserError
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig
from core.store import digest


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_a_file_changes_only_the_fields_it_names(tmp_path: Path) -> None:
    found = config.load(
        write(
            tmp_path,
            "audio: [logmel, yamnet_lite]\nimage: hog\nseed: 3\ntranslation: {margin: 1}\n",
        )
    )
    assert found == Config(
        audio=("logmel", "yamnet_lite"),
        image=("hog",),
        seed=3,
        translation={"margin": 1},
    )
    assert config.recipe(found, "clip") == replace(TRUE_PAIRS, margin=1.0)
    assert config.recipe(found, "class") == replace(LABEL_PAIRED, margin=1.0)
    assert found.encoder_sets == (("logmel", "hog"), ("yamnet_lite", "hog"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed: 3", r"field 'speed', which is unknown: expected one of also_test, audio, dataset"),
        (
            "seed: fast",
            r"study\.yaml: .* seed is 'fast', expected a whole number of at least 0, below",
        ),
        ("seed: -1", r"seed is -1, expected a whole number of at least 0"),
        ("seed: true", r"seed is True, expected a whole number"),
        ("splits: 1.5", r"splits is 1\.5, expected a whole number of at least 1"),
        ("size: '360'", r"size is '360', expected a whole number of at least 1"),
        ("mix_in_draws: 0", r"mix_in_draws is 0, expected a whole number of at least 1"),
        ("dataset: [demo]", r"dataset is \['demo'\], expected text such as demo"),
        ("ontology: 3", r"ontology is 3, expected the path of a file"),
        ("audio: 3", r"audio is 3, expected a name or a list of names"),
        ("image: [hog, 3]", r"image is \('hog', 3\), expected a name or a list of names"),
        ("prompts: {a: b}", r"prompts is \{'a': 'b'\}, expected a text or a list of texts"),
        ("forest: 5", r"forest is 5, expected a mapping"),
        ("forest: {n_trees: 0}", r"study\.yaml: forest: n_trees is 0, expected at least 1"),
        ("forest: {depth: 3}", r"forest has the field 'depth', which is unknown"),
        ("translation: {sampler: ballanced}", r"sampler is 'ballanced', expected uniform or bal"),
        ("translation: {loss: contrastive}", r"loss is 'contrastive', expected margin, .* or sup"),
        ("translation: {towers: 0}", r"translation: towers is 0, expected at least 1"),
        ("translation: {centred: 3}", r"centred is 3, expected a value of type bool"),
        ("translation: {batch: 1.5}", r"translation: batch is 1\.5, expected"),
        ("translation: 3", r"translation is 3, expected a mapping"),
        ("translation: {depth: 3}", r"translation has the field 'depth', which is unknown"),
        ("- a", r"is not a mapping"),
        ("a: [", r"is not valid YAML"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        config.load(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read: No such file"):
        config.load(tmp_path / "none.yaml")


def test_true_pairs_and_pairs_by_class_have_recipes_of_their_own() -> None:
    assert config.recipe(Config(), "clip") == TRUE_PAIRS
    assert not TRUE_PAIRS.needs_classes
    assert config.recipe(Config(), "class") == LABEL_PAIRED
    own = TranslationConfig(margin=0.3)
    assert config.recipe(Config(translation=own), "class") == own


@pytest.mark.parametrize("paired_by", ["clip", "class"])
def test_the_papers_recipes_are_one_word_away(tmp_path: Path, paired_by: str) -> None:
    found = config.load(write(tmp_path, "recipe: paper\n"))
    assert config.recipe(found, paired_by) == TranslationConfig()
    assert config.generation_recipe(found, paired_by, 100) == GenerationConfig()
    one_change = replace(found, translation={"margin": 0.5})
    assert config.recipe(one_change, paired_by) == TranslationConfig(margin=0.5)


def test_a_study_with_words_has_a_united_space_unless_it_leaves_it_out() -> None:
    words = Config(text=("lsa",))
    assert config.united_recipe(words, "clip", 3) == UNITED
    assert config.united_recipe(words, "class", 3) == replace(LABEL_PAIRED, centred=True)
    assert config.united_recipe(Config(text=()), "clip", 3) is None
    assert config.united_recipe(Config(text=(), united={}), "clip", 3) == UNITED
    assert config.united_recipe(words, "clip", 1) is None  # one class: nothing to learn
    for without in ({"united": "off"}, {"recipe": "paper"}):
        assert config.united_recipe(replace(words, **without), "clip", 3) is None


def test_the_dataset_paper_has_the_papers_recipe_unless_it_asks_for_another() -> None:
    assert config.recipe(Config("paper:gap=2"), "clip") == TranslationConfig()
    assert config.recipe(Config("paper", recipe="best"), "clip") == TRUE_PAIRS


def test_an_unknown_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"recipe is 'w', expected best or paper"):
        config.load(write(tmp_path, "recipe: w\n"))


def test_generators_follow_the_paper_with_as_many_texts_as_it_has() -> None:
    recipe = config.generation_recipe
    assert recipe(Config(), "clip", config.LARGE) == GenerationConfig()
    assert recipe(Config(), "clip", config.LARGE - 1) == GENERATION_SMALL
    by_class = recipe(Config(), "class", 100)
    assert by_class == replace(GENERATION_SMALL, pairing="redrawn", same_class="ignored")
    own = GenerationConfig(temperature=0.5)
    assert recipe(Config(generation=own), "class", 100) == own
    assert recipe(Config(generation="off"), "clip", 100) is None


def test_generation_in_a_study_file(tmp_path: Path) -> None:
    for text in ("generation: off\n", "generation: 'off'\n"):
        assert config.load(write(tmp_path, text)).generation == "off"
    found = config.load(write(tmp_path, "generation: {text: finetuned, batch: 8}\n"))
    small = config.generation_recipe(found, "clip", 100)
    assert small == replace(GENERATION_SMALL, text="finetuned", batch=8)
    large = config.generation_recipe(found, "clip", config.LARGE)
    assert large == GenerationConfig(text="finetuned", batch=8)
    for text, message in (
        ("generation: {loss: gan}", r"loss is 'gan', expected contrastive or discriminator"),
        ("generation: on", r"generation is True, expected a mapping"),
        ("generation: {depth: 3}", r"generation has the field 'depth', which is unknown"),
    ):
        with pytest.raises(UserError, match=message):
            config.load(write(tmp_path, text))


def test_the_defaults_are_those_of_the_papers() -> None:
    recipe, forest = TranslationConfig(), Config().forest
    assert (recipe.n_hidden, recipe.n_dims, recipe.margin) == (256, 128, 1.0)
    assert (recipe.learning_rate, recipe.batch, recipe.patience) == (1e-3, 4096, 5)
    assert (forest.n_trees, forest.max_depth) == (100, 32)
    seth = GenerationConfig()
    assert (seth.loss, seth.text, seth.optimizer) == ("contrastive", "frozen", "sgd")
    assert (seth.learning_rate, seth.batch, seth.validation_share) == (1e-3, 16, 15 / 90)
    assert (seth.temperature, seth.input_dropout) == (1, 0)
    assert (seth.decoupled, seth.centred) == (False, False)


def test_equal_studies_have_equal_digests() -> None:
    assert digest(Config()) == digest(Config())
    assert digest(Config()) != digest(Config(seed=1))
