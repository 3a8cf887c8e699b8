"""The ordered table of stages, and how a study runs through them.

====================  ==========================  =========================================
stage                 needs                       makes
====================  ==========================  =========================================
``ingest``            the data                    items, splits, what was rejected
``extract``           ingest, encoders' weights   native vectors of every encoder
``train``             ingest, extract             translation and PCA spaces, shared vectors
``evaluate``          ingest, train               measurements, predictions, forests
``project``           train                       UMAP and t-SNE maps
====================  ==========================  =========================================

Asking for one stage runs those before it too; whatever is there already costs nothing.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from core import datasets
from core.config import Config
from core.datasets.base import Request
from core.store import Artefact, Store
from core.study import Record
from precompute import evaluate, extract, ingest, project, train
from precompute.engine import LocalEngine

STAGES = ("ingest", "extract", "train", "evaluate", "project")


@dataclass
class Run:
    """What one call computed or found, stage by stage."""

    record: Record
    seconds: dict[str, float] = field(default_factory=dict)
    fresh: dict[str, bool] = field(default_factory=dict)


def resolve(config: Config) -> Config:
    """The configuration with what the data decides filled in: vectors it brings need no encoder.

    Raises
    ------
    UserError
        The dataset is unknown or absent.
    """
    spec = datasets.parse(config.dataset)
    request = Request(spec, config.size, config.seed, config.splits)
    brought = datasets.load(spec.name).ready(request)
    if "audio" in brought and config.audio == Config().audio:
        config = replace(config, audio=(extract.ready_name("audio"),))
    if "image" in brought and config.image == Config().image:
        config = replace(config, image=(extract.ready_name("image"),))
    return replace(config, dataset=f"{spec.name}:{spec.root()}" if spec.path else spec.name)


def run(
    config: Config,
    store: Store,
    engine: LocalEngine,
    weights_dir: Path | None = None,
    until: str = STAGES[-1],
) -> Run:
    """Run a study up to a stage, doing only what is missing."""
    config = resolve(config)
    outcome = Run(Record(store, config, weights_dir))
    record = outcome.record
    wanted = STAGES[: STAGES.index(until) + 1]
    found: dict[str, dict[str, Artefact]] = {}
    for stage in wanted:
        started = time.time()
        if stage == "ingest":
            made = {"": ingest.run(config, store, engine, record)}
        elif stage == "extract":
            made = extract.run(config, store, engine, record, found["ingest"][""], weights_dir)
        elif stage == "train":
            made = train.run(config, store, engine, record, found["ingest"][""], found["extract"])
        elif stage == "evaluate":
            made = evaluate.run(config, store, engine, record, found["ingest"][""], found["train"])
        else:
            made = project.run(config, store, engine, record, found["train"])
        found[stage] = made
        outcome.seconds[stage] = time.time() - started
        outcome.fresh[stage] = any(_made_since(artefact, started) for artefact in made.values())
    if until == STAGES[-1]:
        record.finish()
    return outcome


def _made_since(artefact: Artefact, started: float) -> bool:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
    return bool(artefact.manifest["created"] >= created)
