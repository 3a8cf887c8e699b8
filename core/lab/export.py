"""A run as a study file: `python -m precompute all --study FILE` computes it in full.

The study file has the run's encoder set and recipe. Its study has the run's numbers, and those of
every split, of PCA and of all points besides.
"""

from dataclasses import asdict, replace
from typing import Any

from core import config as study_config
from core.config import Config
from core.encoder_sets import encoders_by_modality
from core.lab.recipe import Settings, in_words, settings_of, trained_recipe
from core.study import Study

HEAD = "# {title}\n# A run of the lab, as a study: python -m precompute all --study FILE\n"
COPIED = ("dataset", "size", "ontology", "seed", "splits")


def values(study: Study, settings: Settings) -> dict[str, Any]:
    """The fields of the study file; those that equal the defaults are left out."""
    recipe, evaluation = settings.recipe, settings.evaluation
    by_modality = encoders_by_modality(recipe.encoder_set)
    usual = study_config.recipe(
        Config(str(study.config["dataset"])), str(study.dataset["paired_by"])
    )
    plain = Config()
    found: dict[str, Any] = {name: study.config[name] for name in COPIED if study.config.get(name)}
    with_text = recipe.translation.words == "together"
    for modality in study.dataset.get("modalities", by_modality):
        used = modality in by_modality and (modality != "text" or with_text)
        found[modality] = [by_modality[modality]] if used else []
    found["translation"] = _changed(asdict(recipe.translation), asdict(usual))
    found["forest"] = _changed(asdict(evaluation.forest), asdict(plain.forest))
    found["unseen"] = list(recipe.unseen)
    found |= {"mix_in_draws": evaluation.draws, "n_bootstrap": evaluation.n_bootstrap}
    found |= {"untranslated": [], "united": "off", "generation": "off"}
    if recipe.space == "united":
        own = settings_of(study, recipe.encoder_set).recipe.translation
        found["translation"] = _changed(asdict(own), asdict(usual))
        by, n_classes = str(study.dataset["paired_by"]), len(study.paired_classes)
        usual_united = study_config.united_recipe(replace(plain, united={}), by, n_classes)
        assert usual_united is not None  # the study has a united space
        found["united"] = _changed(asdict(trained_recipe(study, settings)), asdict(usual_united))
    empty = [name for name in ("translation", "forest", "unseen") if not found[name]]
    return {name: value for name, value in found.items() if name not in empty}


def study_file(study: Study, settings: Settings) -> str:
    """The text of the study file (YAML)."""
    import yaml

    own = settings_of(study, settings.recipe.encoder_set)
    title = " ".join(in_words(settings.differences(own)).split())
    text: str = yaml.safe_dump(values(study, settings), sort_keys=False, allow_unicode=True)
    beside = ""
    if settings.recipe.space != "translation":
        beside = f"# The study has its space, {settings.recipe.space}, beside the translation.\n"
    return HEAD.format(title=title) + beside + text


def _changed(mine: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in mine.items() if value != usual[name]}
