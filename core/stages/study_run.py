"""A study while its stages run, and how a missing artefact is made."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core import test_sets
from core.config import Config
from core.encoder_sets import encoder_set_name, encoders_by_modality
from core.engines.base import Engine
from core.lock import Holder
from core.record import Record
from core.store import Artefact, Draft, Store


@dataclass(frozen=True)
class ArtefactTask:
    """An artefact that a study needs, and how it is made.

    Parameters
    ----------
    name : in the study's record, `STAGE` or `STAGE:WHAT` (see `core.record`)
    key : of the artefact (see `core.store`)
    write : writes the files into a draft; returns the facts of the manifest
    title : of the progress bar under which workers run such tasks in parallel; "" when this
        process runs the task, and hands parts of it to workers itself
    weights_dir : where `write` looks for weights, so that an engine can check for it
    store_root : the workspace; `core.stages.table` fills it in
    """

    name: str
    key: Mapping[str, Any]
    write: Callable[[Draft], Mapping[str, Any]]
    title: str = ""
    weights_dir: str | None = None
    store_root: str = ""

    @property
    def stage(self) -> str:
        return self.name.partition(":")[0]


def make_artefact(task: ArtefactTask) -> ArtefactTask:
    """Begin, write and commit an artefact."""
    draft = Store(task.store_root).begin(task.stage, task.key)
    draft.commit(**task.write(draft))
    return task


@dataclass
class StageOutcome:
    """What a stage did: its artefacts, how many were made now, its time and where it went."""

    n_artefacts: int
    n_made: int
    seconds: float
    parts: dict[str, float]  # seconds by part


@dataclass
class StudyRun:
    """One run of a study: its settings, where its artefacts are, and those of finished stages.

    `artefacts` has the names of the record; `outcomes` are by stage.
    """

    config: Config
    store: Store
    engine: Engine
    weights_dir: Path | None = None
    holder: Holder | None = None  # of the artefacts that this run makes; none in tests of stages
    wait: bool = False  # for another run that makes the same
    test_set: str = ""  # the test dataset that the plan is about; "" for the study's own dataset
    record: Record | None = None  # none before `ingest`, whose data completes the configuration
    artefacts: dict[str, Artefact] = field(default_factory=dict)
    outcomes: dict[str, StageOutcome] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of the study; its stage `ingest` has run."""
        assert self.record is not None
        return self.record.digest

    @property
    def end(self) -> str:
        """The end of the names of artefacts that are made of the dataset at hand."""
        return test_sets.end(self.test_set)

    @property
    def test_sets(self) -> dict[str, str]:
        """`{name: dataset}` of the study's test datasets."""
        return test_sets.names(self.config.also_test)

    def on(self, test_set: str) -> "StudyRun":
        """The same run about a test dataset; artefacts are shared."""
        return replace(self, test_set=test_set)

    @property
    def ingested(self) -> Artefact:
        return self.artefacts[f"ingest{self.end}"]

    @functools.cached_property
    def paired_by(self) -> str:
        return str(self.ingested.json("dataset.json")["paired_by"])

    @functools.cached_property
    def n_classes(self) -> int:
        """How many classes have both sounds and pictures."""
        return len(self.ingested.json("dataset.json")["paired_classes"])

    @functools.cached_property
    def splits(self) -> range:
        return range(int(self.ingested.table("splits.parquet")["split"].max()) + 1)

    @property
    def encoder_sets(self) -> list[str]:
        """The names of the study's encoder sets."""
        return [encoder_set_name(*names) for names in self.config.encoder_sets]

    def natives(self, encoder_set: str) -> dict[str, Artefact]:
        """`{modality: extract artefact}` of an encoder set."""
        by_modality = encoders_by_modality(encoder_set)
        return {name: self.extracted(encoder) for name, encoder in by_modality.items()}

    def extracted(self, encoder: str) -> Artefact:
        """The artefact with an encoder's vectors."""
        return self.artefacts[f"extract:{encoder}{self.end}"]

    def windows(self, encoder_set: str) -> dict[str, str]:
        """`{modality: digest}` of the artefacts with the other windows of recordings."""
        by_modality = encoders_by_modality(encoder_set)
        found = {
            m: self.artefacts.get(f"extract:{name}:windows") for m, name in by_modality.items()
        }
        return {m: artefact.digest for m, artefact in found.items() if artefact}

    def take(self, task: ArtefactTask) -> bool:
        """Note the artefact of a task; False when it is missing."""
        found = self.store.find(task.stage, task.key)
        if found is not None:
            self.artefacts[task.name] = found
            if self.record:
                self.record.note(task.name, found)
        return found is not None
