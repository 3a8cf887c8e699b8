"""One run of the lab: train a translation by another recipe, and measure it like a study.

`what_if` is a generator: what can be said early comes early. The finished run is an artefact of
the workspace and a row of its table (`core.lab.runs`), and opens like a study. The same settings
again give the stored run at once; the settings of the study itself give its numbers.

    for step in what_if(study, settings_of(study).changed({"loss": "siglip"})):
        print(step.name, step.rows)
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from core.cpu import n_cores
from core.errors import UserError
from core.lab import differences, runs
from core.lab.classifiers import SYSTEMS
from core.lab.making import Making, Part, key_of, trained_title
from core.lab.plan import Plan, plan
from core.lab.recipe import Settings, settings_of
from core.lab.spaces import OnEpoch
from core.store import digest
from core.study import Study, open_study

Row = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What a run says next.

    Attributes
    ----------
    name : "planned", "base", "trained", "ranking", "zero_shot", "mix_in", "confusions", "map" or
        "finished"
    title : what was done, in words
    done : the part of the work that is done, from 0 to 1
    rows : of "ranking" and "confusions" measurements, with the columns of `core.studies.measure`
        that matter; of "zero_shot" and "mix_in" macro F1 of every draw; of "trained" the epochs
    differences : to the run or study that it is compared with (`core.lab.differences`)
    facts : plain values, such as the `id` of the finished run
    """

    name: str
    title: str
    done: float
    rows: list[Row] = field(default_factory=list)
    differences: list[Row] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def id_of(study: Study, settings: Settings) -> str:
    """The id of the run with these settings."""
    return digest(key_of(study, settings))


def what_if(
    study: Study,
    settings: Settings,
    base: Study | None = None,
    on_epoch: OnEpoch | None = None,
    n_threads: int | None = None,
) -> Iterator[Step]:
    """Run it, step by step.

    Parameters
    ----------
    base : a study or run to compare with. By default the study itself; where its stored numbers
        are of another kind (another classifier, fewer classes, a sample), a run of the study's own
        recipe, which is made first if it is not there
    on_epoch : called every few epochs with the history so far
    n_threads : for classifiers; by default one less than there are cores, at least one

    Raises
    ------
    UserError
        The settings are impossible; nothing has been started.
    """
    if "run" in study.record:
        raise UserError("This is a run of the lab already: ask the study that it was made of.")
    found = plan(study, settings)
    stored = study.store.open(runs.FOLDER, id_of(study, settings))
    there = stored is not None and runs.find(study.store, stored.digest) is not None
    yield Step("planned", "Checked", 0.01, facts=facts_of(study, settings, found))
    if base is None:
        base = yield from _base(study, settings, found, on_epoch, n_threads)
    compared = Compared(base, settings)
    if there:
        yield from replayed(open_study(study.store, id_of(study, settings)), compared)
        return
    making = Making(study, settings, found, n_threads or max(1, n_cores() - 1))
    for part in making.parts(on_epoch):
        yield compared.step(part)


def facts_of(study: Study, settings: Settings, of: Plan) -> Row:
    """What is known of a run before it starts."""
    return {
        "id": id_of(study, settings),
        "encoder_set": of.encoder_set,
        "points": of.points,
        "sample": of.sample,
    }


def comparable(study: Study, settings: Settings, of: Plan) -> bool:
    """Whether the study has stored the numbers that these settings ask for."""
    asked, own = settings.evaluation, settings_of(study, settings.recipe.encoder_set).evaluation
    return (
        asked.classifier in SYSTEMS
        and of.classes == study.paired_classes
        and not of.sample
        and asked.forest == own.forest
        and asked.draws <= own.draws
    )


def usual_base(study: Study, settings: Settings) -> str:
    """The digest of what a run is compared with by default; that run need not be there yet."""
    if comparable(study, settings, plan(study, settings)):
        return study.digest
    own = settings_of(study, settings.recipe.encoder_set).recipe
    return id_of(study, replace(settings, recipe=own))


def _base(
    study: Study, settings: Settings, of: Plan, on_epoch: OnEpoch | None, n_threads: int | None
) -> Generator[Step, None, Study]:
    """The study; or a run of its own recipe, made first, where its numbers are of another kind."""
    own = replace(settings, recipe=settings_of(study, settings.recipe.encoder_set).recipe)
    if comparable(study, settings, of) or own == settings:
        return study
    for step in what_if(study, own, study, on_epoch, n_threads):
        title = f"First the study's own recipe, measured in the same way: {step.title}"
        yield Step("base", title, 0.01)
    return open_study(study.store, id_of(study, own))


@dataclass(frozen=True)
class Compared:
    """What a run is compared with."""

    base: Study
    settings: Settings

    @property
    def encoder_set(self) -> str:
        is_run = "run" in self.base.record
        return self.base.default_encoder_set if is_run else self.settings.recipe.encoder_set

    @property
    def system(self) -> str:
        """The classifier of the study: the run's own, or MMT if the run changes it alone."""
        if "run" in self.base.record:
            return ""
        own = settings_of(self.base, self.settings.recipe.encoder_set).recipe
        if own == self.settings.recipe:
            return "MMT"
        return SYSTEMS.get(self.settings.evaluation.classifier, "MMT")

    def step(self, part: Part) -> Step:
        """A part of a run with its differences."""
        found: list[Row] = []
        n_bootstrap = self.settings.evaluation.n_bootstrap
        if part.queries is not None:
            theirs = differences.queries_of(self.base, self.encoder_set)
            chance = {
                (row["metric"], row["direction"]): float(row["value"])
                for row in part.rows
                if row.get("system") == "random" and "value" in row
            }
            found += differences.of_queries(part.queries, theirs, n_bootstrap, chance)
        if part.scores is not None and len(part.scores):
            of = (self.base, self.encoder_set, self.system)
            scores, drawn = differences.scores_of(*of), differences.drawn_of(*of)
            found += differences.of_scores(part.scores, scores, n_bootstrap, part.drawn, drawn)
        return Step(part.name, part.title, part.done, part.rows, found, part.facts)


def replayed(run: Study, compared: Compared) -> Iterator[Step]:
    """The steps of a finished run."""
    for part in stored_parts(run):
        yield compared.step(part)


def stored_parts(run: Study) -> Iterator[Part]:
    """The parts of a finished run, read from its files."""
    encoder_set = run.default_encoder_set
    made = run.artefact(f"evaluate:{encoder_set}:0")
    rows = run.measurements()
    mine = rows[
        (rows["space"] == "translation") & (rows["system"].isin(["", "random", *SYSTEMS.values()]))
    ]
    history = run.history(encoder_set).to_dict("records")
    facts = {"best_epoch": made.manifest["best_epoch"]}
    yield Part("trained", trained_title(len(history)), 0.3, _plain(history), facts)
    ranked = mine[mine["study"] == "ranking"].to_dict("records")
    queries = made.table(differences.TRAININGS)
    yield Part("ranking", "Ranked", 0.35, _plain(ranked), queries=queries)
    scores, drawn = made.table(differences.SCORES), made.table(differences.DRAWN)
    for n in sorted(scores["n_target"].unique()):
        at = scores[scores["n_target"] == n]
        name = "mix_in" if n else "zero_shot"
        found = _plain(at.to_dict("records"))
        of_point = drawn[drawn["n_target"] == n]
        yield Part(name, point_title(int(n)), 0.9, found, scores=at, drawn=of_point)
    confused = mine[mine["metric"] == "confusion"].to_dict("records")
    yield Part("confusions", "Confusion matrices", 0.96, _plain(confused))
    yield Part("finished", "Finished", 1.0, facts=made.json("facts.json"))


def point_title(n_target: int) -> str:
    return "Zero-shot" if n_target == 0 else f"{n_target:,} items of the target"


def _plain(rows: list[Row]) -> list[Row]:
    """Rows for JSON: plain numbers, without those that are not a number."""
    return [
        {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in row.items()
            if not (isinstance(value, float) and np.isnan(value))
        }
        for row in rows
    ]


@dataclass(frozen=True)
class Run:
    """A finished run, all steps together: what `NotebookStudy.what_if` returns."""

    id: str
    settings: Settings
    steps: list[Step]

    @property
    def differences(self) -> pd.DataFrame:
        """`metric, direction, target, n_target, value, base, difference, low, high, n`."""
        return pd.DataFrame([row for step in self.steps for row in step.differences])

    @property
    def scores(self) -> pd.DataFrame:
        """Macro F1 of every point and draw."""
        names = ("zero_shot", "mix_in")
        return pd.DataFrame([row for step in self.steps if step.name in names for row in step.rows])
