"""What a run of the lab changes: a recipe of the translation, and how the run is evaluated.

Every value has a name, `loss` or `translation.loss`, by which the page, the command line and an
address set it. Without any changes a run is the study's own.

    asked = settings_of(study)
    asked = asked.changed({"loss": "siglip", "share": 0.1, "points": (0, 20)})
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from core import config as study_config
from core.errors import UserError
from core.recipe_checks import check_recipe
from core.spaces.translation import TranslationConfig
from core.studies.forests import ForestConfig
from core.study import Study

Classifier = Literal["forest", "combined", "nearest_centroid", "logistic_regression", "target_only"]
Space = Literal["translation", "united", "cca", "pca"]
TRAINED: tuple[Space, ...] = ("translation", "united")


@dataclass(frozen=True)
class Recipe:
    """How a run trains its translation.

    Parameters
    ----------
    encoder_set : one of the study's
    space : "translation" is trained, and so is "united", by the study's recipe for it with the
        same changes; "cca" is fitted in closed form; "pca" is the study's own, with nothing
        learned from pairs
    translation : its fields are those of a study file
    unseen : classes that the translation is not trained on
    trainings : how often it is trained, each time with the next seed
    """

    encoder_set: str
    translation: TranslationConfig
    unseen: tuple[str, ...] = ()
    trainings: int = 1
    space: Space = "translation"

    def __post_init__(self) -> None:
        check_recipe(self, "recipe", at_least={"trainings": 1}, at_most={"trainings": 20})


@dataclass(frozen=True)
class Evaluation:
    """How a run is measured.

    Parameters
    ----------
    targets : the modalities that are classified, without and with training items of their own
    classes : those that are classified; none named: all
    points : items of the target to train on, one point of the curve each; none named: six of the
        study's own points, with 0 and all
    draws : of the items, and as many classifiers, per point
    classifier : "forest" is W's (MMT), "combined" weighs two experts (SMT); "target_only" is a
        forest without the other modality
    n_bootstrap : resamples behind an interval
    most : the most items of a modality in a subset; of more, a sample that is stratified by class
    forest : how forests are grown
    """

    targets: tuple[str, ...] = ("image", "audio")
    classes: tuple[str, ...] = ()
    points: tuple[int, ...] = ()
    draws: int = 5
    classifier: Classifier = "forest"
    n_bootstrap: int = 1_000
    most: int = 2_000
    forest: ForestConfig = field(default_factory=ForestConfig)

    def __post_init__(self) -> None:
        check_recipe(
            self,
            "evaluation",
            at_least={"draws": 1, "n_bootstrap": 0, "most": 20},
            at_most={"draws": 50, "n_bootstrap": 10_000},
        )
        wrong = [name for name in self.targets if name not in ("image", "audio")]
        if wrong or not self.targets:
            raise UserError(
                f"evaluation: targets is {self.targets!r}, expected audio, image or both."
            )
        if any(type(n) is not int or n < 0 for n in self.points):
            raise UserError(
                f"evaluation: points is {self.points!r}, expected numbers of items, from 0."
            )


@dataclass(frozen=True)
class Settings:
    """Everything that a run is asked for."""

    recipe: Recipe
    evaluation: Evaluation

    @property
    def values(self) -> dict[str, Any]:
        """Every value by its full name, such as `translation.loss` and `evaluation.draws`."""
        found: dict[str, Any] = {}
        for part, prefix in self._parts():
            for one in fields(part):
                if not hasattr(getattr(part, one.name), "__dataclass_fields__"):
                    found[prefix + one.name] = getattr(part, one.name)
        return found

    def _parts(self) -> list[tuple[Any, str]]:
        return [
            (self.recipe, ""),
            (self.recipe.translation, "translation."),
            (self.evaluation, "evaluation."),
            (self.evaluation.forest, "forest."),
        ]

    def changed(self, values: Mapping[str, Any]) -> Settings:
        """With other values, by full or short names; texts are read as the field's type.

        Raises
        ------
        UserError
            A name is unknown, or a value unusable.
        """
        changes: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            full = self.full_name(name)
            prefix, _, last = full.rpartition(".")
            if isinstance(value, str):
                value = read(full, value, self.hint(full))
            elif isinstance(value, list):
                value = tuple(value)
            elif type(value) is int and self.hint(full) is float:
                value = float(value)
            changes.setdefault(prefix, {})[last] = value
        recipe, evaluation = self.recipe, self.evaluation
        translation = replace(recipe.translation, **changes.get("translation", {}))
        recipe = replace(recipe, translation=translation, **changes.get("", {}))
        forest = replace(evaluation.forest, **changes.get("forest", {}))
        evaluation = replace(evaluation, forest=forest, **changes.get("evaluation", {}))
        return Settings(recipe, evaluation)

    def full_name(self, name: str) -> str:
        """The full name of a value. Raises UserError for an unknown or ambiguous one."""
        known = list(self.values)
        if name in known:
            return name
        ending = [one for one in known if one.rpartition(".")[2] == name]
        if len(ending) == 1:
            return ending[0]
        raise UserError(f"A run has no setting {name!r}: expected one of {', '.join(known)}.")

    def hint(self, full_name: str) -> Any:
        """The type of a value, without its None."""
        prefix, _, last = full_name.rpartition(".")
        (part,) = [part for part, its in self._parts() if its.rstrip(".") == prefix]
        hint = get_type_hints(type(part))[last]
        if get_origin(hint) in (Union, types.UnionType):
            hint = next(one for one in get_args(hint) if one is not type(None))
        return hint

    def choices(self, name: str) -> tuple[Any, ...]:
        """The values that a field can have, where they are few; else none."""
        hint = self.hint(self.full_name(name))
        if hint is bool:
            return (False, True)
        return get_args(hint) if get_origin(hint) is Literal else ()

    def differences(self, other: Settings) -> dict[str, Any]:
        """The values that differ from another's, by their full names."""
        theirs = other.values
        return {name: value for name, value in self.values.items() if value != theirs[name]}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        recipe, evaluation = dict(values["recipe"]), dict(values["evaluation"])
        recipe["translation"] = TranslationConfig(**recipe["translation"])
        evaluation["forest"] = ForestConfig(**evaluation["forest"])
        for part in (recipe, evaluation):
            part |= {name: tuple(one) for name, one in part.items() if isinstance(one, list)}
        return cls(Recipe(**recipe), Evaluation(**evaluation))


def settings_of(study: Study, encoder_set: str = "") -> Settings:
    """The settings that a study itself has; a run with them gives its numbers."""
    config = study_config.from_values(study.config)
    encoder_set = encoder_set or study.default_encoder_set
    return Settings(
        Recipe(
            encoder_set, _stored_recipe(study, config, encoder_set), tuple(sorted(config.unseen))
        ),
        Evaluation(draws=config.mix_in_draws, n_bootstrap=config.n_bootstrap, forest=config.forest),
    )


def trained_recipe(study: Study, settings: Settings) -> TranslationConfig:
    """The recipe of the run's training: of a united space it is the study's, with the changes.

    Raises
    ------
    UserError
        The study has no united space.
    """
    recipe = settings.recipe
    if recipe.space != "united":
        return recipe.translation
    key = study.artefact(f"train:{recipe.encoder_set}:0").manifest["key"]
    if not key.get("united"):
        raise UserError(
            "This study has no united space: compute a study file with `united: {}` first."
        )
    changes = settings.differences(settings_of(study, recipe.encoder_set))
    prefix = "translation."
    mine = {name.removeprefix(prefix): changes[name] for name in changes if name.startswith(prefix)}
    return replace(TranslationConfig(**key["united"]), **mine)


def _stored_recipe(
    study: Study, config: study_config.Config, encoder_set: str
) -> TranslationConfig:
    """The recipe that the study was trained with; the defaults may have changed since."""
    part = f"train:{encoder_set}:0"
    if not study.has(part):
        return study_config.recipe(config, str(study.dataset["paired_by"]))
    stored = study.artefact(part).manifest["key"].get("recipe", {})
    known = {one.name for one in fields(TranslationConfig)}
    return TranslationConfig(**{name: value for name, value in stored.items() if name in known})


def read(name: str, text: str, hint: Any) -> Any:
    """The value that a text stands for; lists have commas. Raises UserError."""
    try:
        if get_origin(hint) is tuple:
            kind = get_args(hint)[0]
            return tuple(kind(part.strip()) for part in text.split(",") if part.strip())
        if hint is bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if text.lower() == "none":
            return None
        return hint(text) if hint in (int, float) else text
    except (KeyError, ValueError):
        what = "true or false" if hint is bool else "numbers" if get_origin(hint) else "a number"
        raise UserError(f"{name} is {text!r}, expected {what}.") from None


def in_words(differences: Mapping[str, Any]) -> str:
    """Changed values in one line: `loss siglip, share 0.1`."""
    parts = []
    for name, value in differences.items():
        if isinstance(value, tuple):
            value = " ".join(map(str, value)) or "all"
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        parts.append(f"{name.rpartition('.')[2].replace('_', ' ')} {shown.replace('_', ' ')}")
    return ", ".join(parts) or "as the study"
