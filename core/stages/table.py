"""The ordered table of stages, and how a study runs through them.

====================  ==========================  =========================================
stage                 needs                       makes
====================  ==========================  =========================================
`ingest`            the data                    items, splits, what was rejected
`extract`           ingest, encoders' weights   native vectors of every encoder
`train`             ingest, extract             translation, PCA and (with text) generation
                                                spaces, shared vectors
`evaluate`          ingest, train               measurements, predictions, forests
`maps`           train                       UMAP and t-SNE maps, the moving map of epochs
====================  ==========================  =========================================

Asking for one stage runs those before it too; whatever is there already costs nothing.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from core import datasets, encoders, items
from core.config import Config, generation_recipe
from core.encoder_sets import encoder_set_name, ready_name
from core.engines.base import Engine
from core.errors import UserError
from core.record import Record
from core.stages import evaluate, extract, generate, ingest, maps, train, trajectory
from core.store import Artefact, Store

STAGES = ("ingest", "extract", "train", "evaluate", "maps")


@dataclass
class Run:
    """What one call computed or found, stage by stage; `parts` is where a stage's time went."""

    record: Record
    seconds: dict[str, float] = field(default_factory=dict)
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    fresh: dict[str, bool] = field(default_factory=dict)


def check(config: Config) -> Config:
    """The configuration with its dataset's path made whole, before anything is read.

    Raises
    ------
    UserError
        The dataset is unknown or absent, or an encoder is unknown or for another modality.
    """
    spec = datasets.parse(config.dataset)
    for modality, names in config.encoders.items():
        for name in names:
            if name != ready_name(modality) and encoders.card(name).modality != modality:
                raise UserError(
                    f"The encoder {name!r} is for {encoders.card(name).modality}, and was asked "
                    f"for {modality}: expected one of {', '.join(encoders.names(modality))}."
                )
    return replace(config, dataset=datasets.canonical(spec))


def resolve(config: Config, ingested: Artefact, weights_dir: Path | None) -> Config:
    """The configuration with what the data decides filled in.

    A modality that the study does not name gets the vectors that the data brings, else an encoder
    that needs no download; one that the data lacks is left out.

    Raises
    ------
    UserError
        The data has one modality alone, or lacks one that the study names.
    """
    card = ingested.json("dataset.json")
    chosen: dict[str, tuple[str, ...]] = {}
    for modality in items.MODALITIES:
        named = config.encoders.get(modality)
        if modality not in card["modalities"]:
            if named:
                raise UserError(
                    f"The dataset holds no {modality}, and the study names the encoder "
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
            "A shared space needs two modalities at least, and this study has "
            f"{' and '.join(m for m, names in chosen.items() if names) or 'none'}: give the "
            "dataset sounds and pictures, or sounds and texts."
        )
    config = replace(config, audio=chosen["audio"], image=chosen["image"], text=chosen["text"])
    _check_tunable(config)
    if config.untranslated is None:
        config = replace(config, untranslated=_baselines(config))
    return config


def _check_tunable(config: Config) -> None:
    """A text encoder that is to be fine-tuned must be a network of its own."""
    recipe = generation_recipe(config, "clip", n_texts=0)
    if recipe is None or recipe.text != "finetuned":
        return
    for name in config.text or ():
        if name == ready_name("text") or encoders.card(name).fitted:
            raise UserError(
                f"The text encoder {name} cannot be fine-tuned: use bert, minilm, clip_text or "
                "clap_text, or leave it frozen."
            )


def _default_encoder(modality: str, weights_dir: Path | None) -> str:
    if modality == "text":
        return "minilm" if encoders.present("minilm", weights_dir) else "lsa"
    return {"audio": "logmel", "image": "hog"}[modality]


def _baselines(config: Config) -> tuple[str, ...]:
    """W figure 2: beside any OpenL3 grid, its 512 dimensions of both modalities as they are."""
    if "openl3_audio" in (config.audio or ()) and "openl3_image" in (config.image or ()):
        return (encoder_set_name("openl3_audio_512", "openl3_image_512"),)
    return ()


def run(
    config: Config,
    store: Store,
    engine: Engine,
    weights_dir: Path | None = None,
    until: str = STAGES[-1],
) -> Run:
    """Run a study up to a stage, doing only what is missing."""
    config = check(config)
    started, clocked = time.time(), dict(engine.clock.ms)
    ingested = ingest.run(config, store, engine)
    config = resolve(config, ingested, weights_dir)
    record = Record(store, config, weights_dir)
    record.note("ingest", ingested)
    outcome = Run(record)
    wanted = STAGES[: STAGES.index(until) + 1]
    found: dict[str, dict[str, Artefact]] = {}
    generated: dict[str, Artefact] = {}
    for stage in wanted:
        beside: dict[str, Artefact] = {}
        if stage == "ingest":
            made = {"": ingested}
        elif stage == "extract":
            made = extract.run(config, store, engine, record, found["ingest"][""], weights_dir)
        elif stage == "train":
            made = train.run(config, store, engine, record, ingested, found["extract"])
            generated = beside = generate.run(
                config, store, engine, record, ingested, found["extract"], weights_dir
            )
        elif stage == "evaluate":
            made = evaluate.run(
                config,
                store,
                engine,
                record,
                ingested,
                found["extract"],
                found["train"],
                generated,
                weights_dir,
            )
        else:
            made = maps.run(config, store, engine, record, found["train"])
            beside = trajectory.run(config, store, engine, record, generated)
        found[stage] = made
        outcome.seconds[stage] = time.time() - started
        outcome.parts[stage] = {
            part: (ms - clocked.get(part, 0.0)) / 1_000
            for part, ms in engine.clock.ms.items()
            if ms > clocked.get(part, 0.0)
        }
        outcome.fresh[stage] = any(
            _made_since(artefact, started) for artefact in (*made.values(), *beside.values())
        )
        started, clocked = time.time(), dict(engine.clock.ms)
    if until == STAGES[-1]:
        record.finish()
    return outcome


def _made_since(artefact: Artefact, started: float) -> bool:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    return bool(artefact.manifest["created"] >= created)
