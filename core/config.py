"""What a study is: frozen dataclasses, saved in full beside everything that they made.

A study can be written as a YAML file with the same field names (``--study FILE``); flags on the
command line win over the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.spaces.translation import TranslationConfig
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


@dataclass(frozen=True)
class Config:
    """One study.

    ``dataset`` is ``demo``, ``folder:PATH`` or ``table:PATH``. ``audio`` and ``image`` name the
    encoders; every combination of the two is one space to train. ``splits`` is how many random
    splits the study is repeated over (None: 5 for sets under 2,000 items, else 1).
    """

    dataset: str = "demo"
    size: int | None = None
    audio: tuple[str, ...] = ("logmel",)
    image: tuple[str, ...] = ("hog",)
    seed: int = 0
    splits: int | None = None
    n_bootstrap: int = 1_000
    mixin_draws: int = 5
    translation: TranslationConfig | None = None
    forest: ForestConfig = field(default_factory=ForestConfig)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every (audio encoder, image encoder) of the study."""
        return tuple((audio, image) for audio in self.audio for image in self.image)


def recipe(config: Config, paired_by: str, for_retrieval: bool = False) -> TranslationConfig:
    """How a translation is trained: as the study says, else W's recipe for true pairs
    (``paired_by`` "clip"), and the label-paired ones above for pairs made within a class."""
    if config.translation is not None:
        return config.translation
    if paired_by == "clip":
        return TranslationConfig()
    return LABEL_PAIRED_RETRIEVAL if for_retrieval else LABEL_PAIRED


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
        old = TranslationConfig() if name == "translation" else known[name]
        if is_dataclass(old):
            if not isinstance(value, Mapping):
                raise UserError(f"{where}: {name} is {value!r}, expected a mapping of its fields.")
            changes[name] = update(old, value, f"{where}: {name}")
        elif isinstance(old, tuple):
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
