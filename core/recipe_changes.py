"""What a study changes of the default recipes, in words: two studies do not look alike by mistake.

in_words({"translation": {"loss": "info_nce"}, "unseen": ["cello"], "seed": 3, ...})
# "translation: loss info_nce; without cello; seed 3"
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from core.config import OFF, Config
from core.spaces.generation import GenerationConfig
from core.spaces.translation import TranslationConfig

RECIPES = {
    "translation": TranslationConfig,
    "united": TranslationConfig,
    "generation": GenerationConfig,
}
PLAIN = {"splits": "splits", "trainings": "trainings", "seed": "seed"}
MOST_NAMED = 4  # values of one recipe


def in_words(config: Mapping[str, Any]) -> str:
    """The changes of a stored configuration (`Study.config`), "" for a study by default recipes."""
    parts = [text for name in RECIPES if (text := _recipe(name, config.get(name)))]
    if config.get("unseen"):
        parts.append(f"without {', '.join(config['unseen'])}")
    if config.get("ontology"):
        parts.append(f"ontology {PurePath(str(config['ontology'])).name}")
    defaults = {field.name: field.default for field in fields(Config)}
    parts += [
        f"{label} {config[name]}"
        for name, label in PLAIN.items()
        if config.get(name) is not None and config[name] != defaults[name]
    ]
    return "; ".join(parts)


def _recipe(name: str, value: Any) -> str:
    """One recipe: `off`, or the values that a study names (those that differ, of a whole one)."""
    if value == OFF:
        return f"no {name} space"
    if not isinstance(value, Mapping):
        return ""
    known = {field.name: field.default for field in fields(RECIPES[name])}
    is_whole = set(value) >= set(known)
    named = {
        key: one
        for key, one in value.items()
        if not is_whole or (key in known and one != known[key])
    }
    if not named:
        return name if name == "united" or is_whole else ""
    shown = [f"{key} {_plain(one)}" for key, one in list(named.items())[:MOST_NAMED]]
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    return f"{name}: {', '.join([*shown, *more])}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
