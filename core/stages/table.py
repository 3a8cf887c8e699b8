"""The ordered table of stages, and how a study runs through them.

=============  =====================================  ========================================
stage          needs                                  makes
=============  =====================================  ========================================
`ingest`       the data                               items, splits, a list of rejected files
`extract`      ingest, the encoders' weights          native vectors of every encoder
`train`        ingest, extract                        translation and PCA spaces with the
                                                      vectors of all items in them
`generate`     ingest, extract                        generation spaces, if there is text
`evaluate`     ingest, extract, train, generate       measurements, predictions, forests
`maps`         train, generate                        UMAP and t-SNE maps, the moving map
=============  =====================================  ========================================

Every stage plans its artefacts (`plan`: one `ArtefactTask` each). `run` finds those that exist,
makes those that are missing, and notes all of them in the study's record. A run up to one stage
includes the stages before it.

    run(Config(dataset="demo"), Store("workspace/demo"), LocalEngine(), until="train")
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from core import media_roots
from core.config import Config
from core.engines.base import Engine
from core.errors import UserError
from core.lock import Holder
from core.record import Record
from core.stages import evaluate, extract, generate, ingest, maps, tested_maps, train, transfer
from core.stages.settings import check, complete, fallbacks
from core.stages.study_run import ArtefactTask, StageOutcome, StudyRun, make_artefact
from core.store import PARTIAL, Store, digest
from core.study import media_root


@dataclass(frozen=True)
class Stage:
    """A row of the table.

    Parameters
    ----------
    plan : the artefacts of the stage
    why_empty : when a study has none of them, in words
    then : what follows once they are there
    """

    name: str
    plan: Callable[[StudyRun], Iterable[ArtefactTask]]
    why_empty: str = ""
    then: Callable[[StudyRun], None] | None = None


def settle(current: StudyRun) -> None:
    """After `ingest`: report rejected files, complete the settings, begin the record."""
    parts = [current, *(current.on(name) for name in current.test_sets)]
    for part in parts:
        ingest.report_rejected(part.ingested, current.engine)
        media_roots.note(current.store, media_root(part.ingested))
    asked = current.config
    current.config = complete(asked, current.ingested, current.weights_dir)
    for sentence in fallbacks(asked, current.config):
        current.engine.console.print(sentence, style="yellow", markup=False, highlight=False)
    current.record = Record(current.store, current.config, current.weights_dir)
    for part in parts:
        current.record.note(f"ingest{part.end}", part.ingested)


def _evaluated(run: StudyRun) -> Iterator[ArtefactTask]:
    """The study's own dataset, then its test datasets."""
    yield from evaluate.plan(run)
    yield from transfer.plan(run)


def _drawn(run: StudyRun) -> Iterator[ArtefactTask]:
    yield from maps.plan(run)
    yield from tested_maps.plan(run)


TABLE = (
    Stage("ingest", ingest.plan, then=settle),
    Stage("extract", extract.plan),
    Stage("train", train.plan),
    Stage("generate", generate.plan, "the study has no text, or has `generation: off`"),
    Stage("evaluate", _evaluated),
    Stage("maps", _drawn),
)
STAGES = tuple(stage.name for stage in TABLE)


def run(
    config: Config,
    store: Store,
    engine: Engine,
    weights_dir: Path | None = None,
    until: str = STAGES[-1],
    wait: bool = False,
) -> StudyRun:
    """Run a study up to a stage, and make only what is missing.

    If another run makes the same artefact, `wait` for it.

    Raises
    ------
    UserError
        The study, its data or its encoders' weights are unusable.
    Busy
        Another run makes one of its artefacts, and `wait` is False.
    """
    weights_dir = weights_dir.expanduser().absolute() if weights_dir else None
    with Holder(store, engine.console.print) as holder:
        current = StudyRun(check(config), store, engine, weights_dir, holder=holder, wait=wait)
        for stage in TABLE[: STAGES.index(until) + 1]:
            run_stage(stage, current)
            if stage.then:
                stage.then(current)
        if current.record and until == STAGES[-1]:
            current.record.finish()
        _remove_left_drafts(current.store, holder)
    return current


def _remove_left_drafts(store: Store, holder: Holder) -> None:
    """Remove the drafts of artefacts that are finished and that nobody makes."""
    for stage in STAGES:
        names = store.names(stage)
        for draft in (name for name in names if name.endswith(PARTIAL)):
            finished = draft.removesuffix(PARTIAL)
            if finished in names and not holder.holds(stage, finished):
                store.remove(f"{stage}/{draft}")


def run_stage(stage: Stage, current: StudyRun) -> None:
    """Make the missing artefacts of one stage; the stages before it have run."""
    started, before = time.monotonic(), dict(current.engine.clock.ms)
    root = current.store.root
    tasks = [replace(task, store_root=root) for task in stage.plan(current)]
    missing = [task for task in tasks if not current.take(task)]
    if missing and current.holder:
        current.holder.take([(task.stage, digest(task.key)) for task in missing], current.wait)
        missing = [task for task in missing if not current.take(task)]  # another run made some
    for title, group in groupby(missing, lambda task: task.title):
        todo = list(group)
        engine = current.engine
        made = engine.run(make_artefact, todo, title) if title else map(make_artefact, todo)
        for task in made:
            if not current.take(task):
                raise UserError(f"{task.name} was not written: run the same command again.")
    if current.holder:
        current.holder.release()
    spent = {part: ms - before.get(part, 0.0) for part, ms in current.engine.clock.ms.items()}
    current.outcomes[stage.name] = StageOutcome(
        len(tasks),
        len(missing),
        time.monotonic() - started,
        {part: ms / 1_000 for part, ms in spent.items() if ms > 0},
    )
