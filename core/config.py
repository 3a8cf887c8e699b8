"""What a study is: frozen dataclasses, saved in full beside everything that they made.

A study can be written as a YAML file with the same field names (`--study FILE`); flags on the
command line win over the file.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import UserError
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig
from core.studies import zero_shot
from core.studies.forests import ForestConfig

# Where pairs are made within a class, a fixed pairing would be learned by heart: pairs are drawn
# anew at every step, every class as often as any other, and two pairs of one class are no
# negatives of each other. Two recipes, because two things are asked of small collections
# (EXPERIMENTS.md has the numbers): InfoNCE scores best on other clips of the same sources, which
# is what a study measures; W's margin loss carries furthest to recordings from elsewhere, which is
# what retrieval is asked for.
LABEL_PAIRED = TranslationConfig(
    loss="info_nce",
    temperature=0.2,
    input_dropout=0.5,
    pairing="redrawn",
    same_class="ignored",
    sampler="balanced",
    min_steps=10,
)
LABEL_PAIRED_RETRIEVAL = TranslationConfig(
    pairing="redrawn", same_class="ignored", sampler="balanced", min_steps=10
)

# S's recipe needs S's numbers: 115k pairs are 5,000 steps an epoch, 1,000 pairs are 60, and SGD at
# 1e-3 has then hardly moved. Fewer than LARGE texts are trained on with Adam, larger batches, a
# temperature, and dropout against learning them by heart (EXPERIMENTS.md has the numbers).
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


@dataclass(frozen=True)
class Config:
    """One study.

    `dataset` is `demo`, `folder:PATH`, … (see `core.datasets`). `audio`, `image` and
    `text` name the encoders; every combination is one space to train. Each is settled by the
    data where the study does not say (None), and empty where the study leaves a modality out.
    `untranslated` names pairs ("AUDIO+IMAGE") whose encoders share a published space and are
    ranked as they are, as a baseline (W figure 2: OpenL3-512). `splits` is how many random
    splits the study is repeated over (None: 5 for sets under 2,000 items, else 1). `ontology`
    is a file of label relations that takes the place of the dataset's own. `prompts` put a tag
    into words for the zero-shot study, in place of `{tag}`. `translation` and `generation`
    are the recipes of the two trained spaces: chosen by the data where they are None; of a mapping,
    the fields in which a study differs from that choice, which is what a study file holds; "off"
    leaves the generation space out.
    """

    dataset: str = "demo"
    size: int | None = None
    audio: tuple[str, ...] | None = None
    image: tuple[str, ...] | None = None
    text: tuple[str, ...] | None = None
    untranslated: tuple[str, ...] | None = None
    ontology: str = ""
    seed: int = 0
    splits: int | None = None
    n_bootstrap: int = 1_000
    mix_in_draws: int = 5
    prompts: tuple[str, ...] = zero_shot.PROMPTS
    translation: TranslationConfig | Mapping[str, Any] | None = None
    generation: GenerationConfig | Mapping[str, Any] | Literal["off"] | None = None
    forest: ForestConfig = field(default_factory=ForestConfig)

    @property
    def encoders(self) -> dict[str, tuple[str, ...]]:
        """The encoders of each modality that the study has."""
        named = {"audio": self.audio, "image": self.image, "text": self.text}
        return {modality: names for modality, names in named.items() if names}

    @property
    def encoder_sets(self) -> tuple[tuple[str, ...], ...]:
        """Every combination of one encoder a modality: pairs, or triples where there is text."""
        return tuple(itertools.product(*self.encoders.values()))


_NAMES = ("audio", "image", "text", "untranslated", "prompts")  # fields that hold several names
_RECIPES = {"translation": TranslationConfig, "generation": GenerationConfig}


def words_recipe(chosen: TranslationConfig) -> TranslationConfig:
    """How the tower of words joins a space that sound and picture have made.

    Pairs, samplers and sizes are those of the space; the loss is its own, since W's margin leaves
    words in a corner of a space that no longer moves (EXPERIMENTS.md has the numbers).
    """
    return replace(chosen, loss="info_nce", temperature=0.1, input_dropout=0.5, batch=256)


def recipe(config: Config, paired_by: str, for_retrieval: bool = False) -> TranslationConfig:
    """How a translation is trained: by W's recipe for true pairs (`paired_by` "clip"), and the
    label-paired ones above for pairs made within a class; as the study says where it says
    something."""
    chosen = LABEL_PAIRED_RETRIEVAL if for_retrieval else LABEL_PAIRED
    if paired_by == "clip":
        chosen = TranslationConfig()
    return _changed(chosen, config.translation)


def generation_recipe(config: Config, paired_by: str, n_texts: int) -> GenerationConfig | None:
    """How generators are trained, None when they are not: by S's recipe, or the one above for
    small collections; redrawn like a translation's where pairs were made within a class; as the
    study says where it says something."""
    if config.generation == OFF:
        return None
    chosen = GENERATION_SMALL if n_texts < LARGE else GenerationConfig()
    if paired_by != "clip":
        chosen = replace(chosen, pairing="redrawn", same_class="ignored")
    return _changed(chosen, config.generation)


def _changed(chosen: Any, own: Any) -> Any:
    """The recipe that the data would get, as a study changes or replaces it."""
    if own is None:
        return chosen
    return update(chosen, own, "The study") if isinstance(own, Mapping) else own


def load(path: Path) -> Config:
    """A study from a YAML file.

    Raises
    ------
    UserError
        The file is absent, is no YAML mapping, or names a field that a study does not have.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The study file {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise UserError(f"The study file {path} is not valid YAML: {where}") from error
    if not isinstance(values, Mapping):
        raise UserError(f"The study file {path} holds no mapping: expected `dataset: demo` etc.")
    return update(Config(), values, str(path))


def update(config: Any, values: Mapping[str, Any], where: str) -> Any:
    """A dataclass with some fields replaced, nested dataclasses included."""
    known = {item.name: getattr(config, item.name) for item in fields(config)}
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise UserError(
                f"{where} has the field {name!r}, which is unknown: expected one of "
                f"{', '.join(sorted(known))}."
            )
        old = _RECIPES[name]() if name in _RECIPES else known[name]
        if name == "generation" and value in (False, OFF):  # YAML reads a bare `off` as false
            changes[name] = OFF
        elif is_dataclass(old):
            if not isinstance(value, Mapping):
                raise UserError(f"{where}: {name} is {value!r}, expected a mapping of its fields.")
            whole = update(old, value, f"{where}: {name}")
            changes[name] = dict(value) if name in _RECIPES else whole
        elif isinstance(config, Config) and name in _NAMES:
            changes[name] = (value,) if isinstance(value, str) else tuple(value)
        elif isinstance(old, bool) or old is None or isinstance(value, type(old)):
            changes[name] = value
        elif isinstance(old, float) and isinstance(value, int):
            changes[name] = float(value)
        else:
            raise UserError(
                f"{where}: {name} is {value!r}, expected a value like {old!r} "
                f"({type(old).__name__})."
            )
    return replace(config, **changes)
