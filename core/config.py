"""The configuration of a study: frozen dataclasses, saved in full with its artefacts.

A study can be a YAML file with the same field names (`--study FILE`); options of the command line
override the file.

    dataset: folder:~/clips
    audio: [logmel, yamnet_lite]
    translation: {loss: info_nce, temperature: 0.1}
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from core.errors import UserError, shown
from core.recipe_checks import LARGEST
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig
from core.studies import zero_shot
from core.studies.forests import ForestConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Where pairs are made within a class, a space would learn fixed pairs by heart. So pairs are drawn
# again at every step, classes are drawn equally often, and two pairs of one class are no negatives
# of each other. With the default networks InfoNCE is best on other clips of the same sources, and
# better than W's margin loss on recordings of other sources (EXPERIMENTS.md has the numbers).
LABEL_PAIRED = TranslationConfig(
    loss="info_nce",
    temperature=0.2,
    input_dropout=0.5,
    pairing="redrawn",
    same_class="ignored",
    sampler="balanced",
    min_steps=10,
)
# True pairs: no labels are used, as in W. Batches of 512 train as well as W's of 4,096 on the demo,
# three times as fast.
TRUE_PAIRS = TranslationConfig(
    loss="info_nce", temperature=0.2, input_dropout=0.5, batch=512, min_steps=10
)
# The united space of true pairs that have labels: W's space stays beside it as the reference.
UNITED = TranslationConfig(
    loss="supervised_contrastive+prototypes",
    temperature=0.2,
    input_dropout=0.5,
    pairing="redrawn",
    same_class="ignored",
    sampler="balanced",
    batch=512,
    min_steps=10,
    centred=True,
)
# S's recipe needs as much data as S has: 115k pairs make 5,000 steps per epoch; 1,000 pairs make
# 60, after which SGD at 1e-3 has changed little. Below LARGE texts, generators are trained with
# Adam, larger batches, a temperature, and dropout against overfitting (EXPERIMENTS.md).
LARGE = 5_000
GENERATION_SMALL = GenerationConfig(
    optimizer="adam",
    learning_rate=3e-4,
    text_learning_rate=2e-5,
    temperature=0.1,
    batch=128,
    centred=True,
    input_dropout=0.5,
    max_epochs=40,
    patience=8,
)
OFF = "off"
PAPER = "paper"
NAMES = (
    "audio",
    "image",
    "text",
    "untranslated",
    "prompts",
    "unseen",
    "also_test",
)  # fields that hold several names
MOST_NAMES, MOST_SPLITS, MOST_DRAWS, MOST_RESAMPLES = 1_000, 100, 1_000, 1_000_000
MOST_BYTES = 1_000_000  # of a study file
Recipe = TypeVar("Recipe", bound="DataclassInstance")


def _whole(value: object, lowest: int, most: int = 2**31 - 1) -> bool:
    return type(value) is int and lowest <= value <= most


def _text(value: object, most: int = 4_000) -> bool:
    return isinstance(value, str) and len(value) <= most and value.isprintable()


def _names(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) <= MOST_NAMES
        and all(_text(name) and name for name in value)
    )


# Fields of a study, what their values must be, and the same in words.
CHECKS: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (("dataset",), lambda v: _text(v) and v != "", "text such as demo or folder:PATH"),
    (("recipe",), lambda v: v in (None, "best", PAPER), "best or paper"),
    (("ontology",), _text, "the path of a file"),
    (("size",), lambda v: v is None or _whole(v, 1), "a whole number of at least 1"),
    (
        ("splits", "trainings"),
        lambda v: v is None or _whole(v, 1, MOST_SPLITS),
        f"a whole number of at least 1, and at most {MOST_SPLITS}",
    ),
    (
        ("mix_in_draws",),
        lambda v: _whole(v, 1, MOST_DRAWS),
        f"a whole number of at least 1, and at most {MOST_DRAWS:,}",
    ),
    (("seed",), lambda v: _whole(v, 0), "a whole number of at least 0, below 2,147,483,648"),
    (
        ("n_bootstrap",),
        lambda v: _whole(v, 0, MOST_RESAMPLES),
        f"a whole number of at least 0, and at most {MOST_RESAMPLES:,}",
    ),
    (NAMES[:4], lambda v: v is None or _names(v), "a name or a list of names"),
    (("prompts",), _names, "a text or a list of texts"),
    (("unseen",), _names, "a class or a list of classes"),
    (("also_test",), _names, "a dataset such as gtzan:PATH or a list of datasets"),
    (
        ("translation",),
        lambda v: v is None or isinstance(v, (Mapping, TranslationConfig)),
        "a mapping of its fields",
    ),
    (
        ("united",),
        lambda v: v in (None, OFF) or isinstance(v, (Mapping, TranslationConfig)),
        "a mapping of its fields, or off",
    ),
    (
        ("generation",),
        lambda v: v in (None, OFF) or isinstance(v, (Mapping, GenerationConfig)),
        "a mapping of its fields, or off",
    ),
    (("forest",), lambda v: isinstance(v, ForestConfig), "a mapping of its fields"),
)


@dataclass(frozen=True)
class Config:
    """One study. Every value is checked; None is chosen by the data.

    Parameters
    ----------
    dataset : `demo`, `folder:PATH`, … (see `core.datasets`)
    size : pairs or tracks of datasets that have a size
    audio, image, text : encoders of each modality, empty to leave it out; every combination of
        one encoder per modality is an encoder set with spaces of its own
    untranslated : encoder sets ("AUDIO+IMAGE") with a published common space, which are ranked
        without translation as a baseline (W figure 2: OpenL3-512)
    unseen : classes that no space is trained on: their items are left out of every training, and
        texts that name them; zero-shot scores of these are then measured on their own
    also_test : datasets that the spaces are tested on and never trained on (`core.test_sets`)
    ontology : file of label relations, instead of the dataset's
    seed : of all random steps
    splits : number of random splits (None: 5 below 2,000 items, else 1)
    trainings : how often the translation of a split is trained, each time with another seed, so
        that the spread of its headline numbers covers training (None: 3 for a single split of
        fewer than 20,000 items, else 1; each of several splits has a training of its own)
    n_bootstrap : resamples behind an interval
    mix_in_draws : forests per point of a mix-in curve
    prompts : texts for a tag in the zero-shot study, with `{tag}` in its place
    recipe : "best" trains every space as EXPERIMENTS.md found best for such data, "paper" as W and
        S do (None: "paper" for the dataset `paper`, else "best")
    translation, united, generation : recipes of the trained spaces, or mappings of the fields that
        differ from the recipe that the data gets; "off" leaves a united or a generation space out.
        Without texts a study has a united space only if it names it ({} for its default recipe)
    forest : how forests are grown

    Raises
    ------
    UserError
        A value has another type or is out of range; the message has the field, the value and
        what is expected.
    """

    dataset: str = "demo"
    size: int | None = None
    audio: tuple[str, ...] | None = None
    image: tuple[str, ...] | None = None
    text: tuple[str, ...] | None = None
    untranslated: tuple[str, ...] | None = None
    unseen: tuple[str, ...] = ()
    also_test: tuple[str, ...] = ()
    ontology: str = ""
    seed: int = 0
    splits: int | None = None
    trainings: int | None = None
    n_bootstrap: int = 1_000
    mix_in_draws: int = 5
    prompts: tuple[str, ...] = zero_shot.PROMPTS
    recipe: Literal["best", "paper"] | None = None
    translation: TranslationConfig | Mapping[str, Any] | None = None
    united: TranslationConfig | Mapping[str, Any] | Literal["off"] | None = None
    generation: GenerationConfig | Mapping[str, Any] | Literal["off"] | None = None
    forest: ForestConfig = field(default_factory=ForestConfig)

    def __post_init__(self) -> None:
        for names, holds, expected in CHECKS:
            for name in names:
                value = getattr(self, name)
                if not holds(value):
                    raise UserError(f"The study's {name} is {shown(value)}, expected {expected}.")
        if isinstance(self.translation, Mapping):
            changed(TranslationConfig(), self.translation, "translation")
        if isinstance(self.united, Mapping):
            changed(UNITED, self.united, "united")
        if isinstance(self.generation, Mapping):
            changed(GenerationConfig(), self.generation, "generation")

    @property
    def encoders(self) -> dict[str, tuple[str, ...]]:
        """The encoders of each modality that the study has."""
        named = {"audio": self.audio, "image": self.image, "text": self.text}
        return {modality: names for modality, names in named.items() if names}

    @property
    def as_published(self) -> bool:
        """Whether spaces are trained as W and S do."""
        return self.recipe == PAPER or (self.recipe is None and self.dataset.startswith(PAPER))

    @property
    def encoder_sets(self) -> tuple[tuple[str, ...], ...]:
        """Every combination of one encoder per modality."""
        return tuple(itertools.product(*self.encoders.values()))


def words_recipe(chosen: TranslationConfig) -> TranslationConfig:
    """How the text tower joins a space of sound and picture, which stays fixed.

    Pairs, sampler and sizes are those of the space. The loss is InfoNCE, because W's margin loss
    leaves the texts in a corner of a fixed space (EXPERIMENTS.md has the numbers).
    """
    return replace(chosen, loss="info_nce", temperature=0.1, input_dropout=0.5, batch=256)


def recipe(config: Config, paired_by: str) -> TranslationConfig:
    """How a translation is trained, with the study's changes: W's recipe where the study asks for
    it, else one for true pairs (`paired_by` "clip") and one for pairs made within a class."""
    chosen = TRUE_PAIRS if paired_by == "clip" else LABEL_PAIRED
    if config.as_published:
        chosen = TranslationConfig()
    if isinstance(config.translation, Mapping):
        return changed(chosen, config.translation, "translation")
    return config.translation or chosen


def united_recipe(config: Config, paired_by: str, n_classes: int) -> TranslationConfig | None:
    """How the towers of the united space are trained: `UNITED` for true pairs, the translation's
    own recipe, centred, for pairs made within a class, with the study's changes.

    A study with texts has one unless it leaves it out or asks for the papers' recipes; one without
    texts only if it names it. None without labels to learn from.
    """
    usual = config.text and not config.as_published
    if config.united == OFF or n_classes < 2 or (config.united is None and not usual):
        return None
    chosen = UNITED
    if paired_by != "clip":
        chosen = replace(recipe(config, paired_by), centred=True)
    if isinstance(config.united, Mapping):
        return changed(chosen, config.united, "united")
    return config.united if isinstance(config.united, TranslationConfig) else chosen


def generation_recipe(config: Config, paired_by: str, n_texts: int) -> GenerationConfig | None:
    """How generators are trained: S's recipe, or the one above for small collections, with the
    study's changes; None when the study leaves them out."""
    if config.generation == OFF:
        return None
    small = n_texts < LARGE and not config.as_published
    chosen = GENERATION_SMALL if small else GenerationConfig()
    if paired_by != "clip" and not config.as_published:
        chosen = replace(chosen, pairing="redrawn", same_class="ignored")
    if isinstance(config.generation, Mapping):
        return changed(chosen, config.generation, "generation")
    return config.generation if isinstance(config.generation, GenerationConfig) else chosen


def tuned_recipe(config: Config, paired_by: str, n_texts: int) -> GenerationConfig | None:
    """How generators are trained a second time, with a fine-tuned text encoder (S's results are of
    it); None if the study says whether text is frozen, or has fewer than LARGE texts.

    With fewer, fine-tuning gains little (EXPERIMENTS.md) and takes most of a run's time.
    """
    named = isinstance(config.generation, GenerationConfig) or (
        isinstance(config.generation, Mapping) and "text" in config.generation
    )
    chosen = generation_recipe(config, paired_by, n_texts)
    if named or chosen is None or n_texts < LARGE:
        return None
    return replace(chosen, text="finetuned")


def changed(recipe: Recipe, values: Mapping[str, Any], where: str) -> Recipe:
    """A recipe with some fields changed; it checks their values itself.

    Raises
    ------
    UserError
        A field is unknown, or its value unusable.
    """
    known = {item.name: getattr(recipe, item.name) for item in fields(recipe)}
    for name in values:
        if name not in known:
            raise UserError(
                f"{where} has the field {shown(name)}, which is unknown: expected one of "
                f"{', '.join(sorted(known))}."
            )
    changes = {
        name: float(value)
        if type(value) is int and isinstance(known[name], float) and abs(value) < LARGEST
        else value
        for name, value in values.items()
    }
    return replace(recipe, **changes)


def load(path: Path) -> Config:
    """A study from a YAML file.

    Raises
    ------
    UserError
        The file is absent or not a YAML mapping, or it has an unknown field or an unusable value.
    """
    import yaml

    try:
        if path.exists() and not (path.is_file() and path.stat().st_size <= MOST_BYTES):
            raise OSError(0, f"expected a file of at most {MOST_BYTES:,} bytes")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"The study file {path} cannot be read: {reason}.") from error
    try:
        values = yaml.safe_load(content.decode("utf-8-sig"))
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError) as error:
        where = shown(" ".join(str(error).split()))
        raise UserError(f"The study file {path} is not valid YAML: {where}") from error
    if not isinstance(values, Mapping):
        raise UserError(f"The study file {path} is not a mapping: expected `dataset: demo` etc.")
    try:
        return from_values(values)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def from_values(values: Mapping[str, Any]) -> Config:
    """A study from plain values: names as text or lists, recipes as mappings.

    Raises
    ------
    UserError
        A field is unknown, or its value unusable.
    """
    changes = dict(values)
    for name in NAMES:
        if isinstance(changes.get(name), str):
            changes[name] = (changes[name],)
        elif isinstance(changes.get(name), list):
            changes[name] = tuple(changes[name])
    if changes.get("generation") is False:  # YAML reads a bare `off` as false
        changes["generation"] = OFF
    if isinstance(changes.get("forest"), Mapping):
        changes["forest"] = changed(ForestConfig(), changes["forest"], "forest")
    return changed(Config(), changes, "The study")
