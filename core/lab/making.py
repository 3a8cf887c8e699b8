"""The making of a run: trained, ranked, classified, placed on a map, and written.

It uses the code of the stages: the same recipe gives the same numbers.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from core.encoder_sets import encoders_by_modality
from core.lab import differences, placed, runs, spaces
from core.lab.classifiers import SPACE, SYSTEMS, test_point
from core.lab.plan import Plan, data, windows_of
from core.lab.recipe import Settings, in_words, settings_of
from core.stages import audio_image_studies, evaluate
from core.stages.evaluation_data import EvaluationData
from core.studies import classification, measure, mix_in
from core.studies.forest_cells import Outcome
from core.studies.forests import Forest
from core.study import Study
from core.vectors import Vectors

VERSION = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A part of a run, as it is made: rows to show, and tables to compare with another run's."""

    name: str
    title: str
    done: float
    rows: list[Row] = field(default_factory=list)
    facts: Row = field(default_factory=dict)
    queries: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    drawn: pd.DataFrame | None = None


def key_of(study: Study, settings: Settings) -> Row:
    """Everything that a run's numbers depend on; its digest is the run's id."""
    encoders = study.modalities(settings.recipe.encoder_set)
    windows = windows_of(study, settings)
    return {
        "study": study.digest,
        "items": study.artefact("ingest").digest,
        "natives": {m: study.artefact(f"extract:{name}").digest for m, name in encoders.items()},
        "settings": settings.as_dict(),
        "seed": int(study.config["seed"]),
        "version": VERSION,
    } | ({"windows": windows} if windows else {})


class Making:
    """A run while it is made."""

    def __init__(self, study: Study, settings: Settings, of: Plan, n_threads: int) -> None:
        self.study, self.settings, self.plan = study, settings, of
        self.of = (study, settings, of)
        self.n_threads = n_threads
        self.seed = int(study.config["seed"])
        self.started = time.time()
        self.draft = spaces.WatchedDraft(study.store, runs.FOLDER, key_of(study, settings))
        self.draft.remove("")  # of a run that was stopped
        self.rows: list[Row] = []
        self.forest: Forest | None = None

    def parts(self, on_epoch: spaces.OnEpoch | None) -> Iterator[Part]:
        """Make it, part by part; after the last one it is written and noted."""
        vectors: list[dict[str, Vectors]] = []
        trained: list[EvaluationData] = []
        facts: Row = {}
        self.draft.on_epoch = on_epoch
        for number in range(self.settings.recipe.trainings):
            found, queries, these = spaces.made(
                self.study, self.settings, self.plan, self.draft, number
            )
            vectors.append(found)
            trained.append(data(self.study, self.plan, found, queries))
            facts = facts or these
        history = self.draft.table("history.parquet").to_dict("records")
        yield Part("trained", trained_title(len(history)), 0.3, history, facts)
        rows, ranked = self._ranked(trained)
        self.rows += rows
        yield Part("ranking", "Ranked", 0.35, rows, queries=ranked)
        outcomes: list[list[Outcome]] = [[] for _ in trained]
        for n, share in self._points(trained, outcomes):
            scores = self._scores(outcomes)
            at = scores[scores["n_target"] == n]
            name, title = ("mix_in", f"{n:,} items of the target") if n else ("zero_shot", "")
            done = 0.35 + 0.6 * share
            drawn = self._drawn(trained, outcomes, n)
            rows = at.to_dict("records")
            yield Part(name, title or "Zero-shot", done, rows, scores=at, drawn=drawn)
        scores = self._scores(outcomes)
        self.draft.write_table(differences.SCORES, scores)
        self.draft.write_table(differences.DRAWN, self._drawn(trained, outcomes))
        self.draft.write_table("by_class.parquet", self._by_class(outcomes))
        measured = self._measured(trained[0], outcomes[0])
        self.rows += measured
        confused = [row for row in measured if row["metric"] == "confusion"]
        yield Part("confusions", "Confusion matrices", 0.96, confused)
        maps = placed.tables(self.study, self.settings.recipe.encoder_set, vectors[0])
        if maps is not None:
            self.draft.write_table("maps.parquet", maps)
        yield Part("map", "Placed on the study's map", 0.98)
        yield self._finish(scores, maps, facts)

    def _ranked(self, trained: Sequence[EvaluationData]) -> tuple[list[Row], pd.DataFrame]:
        n_bootstrap = self.settings.evaluation.n_bootstrap
        found = [evaluate.ranked(one, n_bootstrap, self.seed) for one in trained]
        self.draft.write_table("queries.parquet", found[0][1])
        tables = [queries.assign(training=number) for number, (_, queries) in enumerate(found)]
        joined = pd.concat(tables, ignore_index=True)
        self.draft.write_table(differences.TRAININGS, joined)
        return found[0][0], joined

    def _points(
        self, trained: Sequence[EvaluationData], outcomes: list[list[Outcome]]
    ) -> Iterator[tuple[int, float]]:
        """Fill the outcomes; yields each point's items of the target, and the share of the work."""
        evaluation, points = self.settings.evaluation, self.plan.points
        if evaluation.classifier == "combined":
            trained = [self._with_pca(one) for one in trained]
        parts = [(one.labelled("train"), one.labelled("test")) for one in trained]
        n_all = {target: len(parts[0][0][SPACE][target]) for target in points}
        every = sorted({n for of_target in points.values() for n in of_target})
        seeds = range(self.seed, self.seed + evaluation.draws)
        are_whole = False  # classifiers of all items are tested on both modalities at once

        def test(task: tuple[int, str, int, int]) -> tuple[Forest | None, list[Outcome]]:
            number, target, n, seed = task
            train_part, test_part = parts[number]
            n_classes = len(self.plan.classes)
            return test_point(evaluation, train_part, test_part, target, n, seed, n_classes)

        with ThreadPoolExecutor(self.n_threads) as pool:
            for at, n in enumerate(every):
                for target in [name for name, of_target in points.items() if n in of_target]:
                    whole = evaluation.classifier in SYSTEMS and n == n_all[target]
                    if whole and are_whole:
                        continue
                    are_whole = are_whole or whole
                    tasks = [(t, target, n, seed) for t in range(len(parts)) for seed in seeds]
                    for task, (forest, found) in zip(tasks, pool.map(test, tasks), strict=True):
                        outcomes[task[0]] += [one for one in found if one.target in points]
                        if whole and self.forest is None:
                            self.forest = forest
                yield n, (at + 1) / len(every)

    def _with_pca(self, of: EvaluationData) -> EvaluationData:
        """With the study's PCA beside the run's space, which SMT uses too."""
        return data(
            self.study,
            self.plan,
            of.vectors[SPACE],
            pca=spaces.of_pca(self.study, self.settings, self.plan),
        )

    def _drawn(
        self,
        trained: Sequence[EvaluationData],
        outcomes: Sequence[Sequence[Outcome]],
        n_target: int | None = None,
    ) -> pd.DataFrame:
        """What every classifier predicted, at one point or at all; with the `training`."""
        frames = [
            audio_image_studies.drawn(
                of, [one for one in found if n_target in (None, one.n_target)]
            ).assign(training=training)
            for training, (of, found) in enumerate(zip(trained, outcomes, strict=True))
        ]
        return pd.concat(frames, ignore_index=True)

    def _scores(self, outcomes: Sequence[Sequence[Outcome]]) -> pd.DataFrame:
        """Macro F1 of every point, draw and training so far."""
        classifier = self.settings.evaluation.classifier
        rows = [
            {
                "target": one.target,
                "n_target": one.n_target,
                "seed": one.cell.seed,
                "training": training,
                "system": SYSTEMS.get(classifier, classifier),
                "value": one.macro_f1,
                "chance": 1.0 / len(self.plan.classes),
                "n": int(one.confusion.sum()),
            }
            for training, found in enumerate(outcomes)
            for one in found
        ]
        return pd.DataFrame(rows)

    def _by_class(self, outcomes: Sequence[Sequence[Outcome]]) -> pd.DataFrame:
        """F1 of every class at every point, draw and training."""
        rows = [
            (one.target, one.n_target, one.cell.seed, training, name, float(value))
            for training, found in enumerate(outcomes)
            for one in found
            for name, value in zip(self.plan.classes, one.f1, strict=True)
        ]
        columns = ["target", "n_target", "seed", "training", "class", "value"]
        return pd.DataFrame(rows, columns=columns)

    def _measured(self, of: EvaluationData, mine: Sequence[Outcome]) -> list[Row]:
        """Rows as the stage `evaluate` has them, and its table of predictions."""
        rows = audio_image_studies.central(of)
        is_known = self.settings.evaluation.classifier in SYSTEMS
        whole = [one for one in mine if one.cell.target is None] if is_known else []
        self.draft.write_table("predictions.parquet", self._predictions(of, whole))
        if whole:
            rows += classification.measurements(whole, self.plan.classes)
        if is_known:
            rows += mix_in.measurements(mine, len(self.plan.classes))
        return rows

    def _predictions(self, of: EvaluationData, whole: Sequence[Outcome]) -> pd.DataFrame:
        """Those of the study's systems that a run does not change, and of the run's own forest.

        A run whose curve ends before all items of the target has none of its own.
        """
        stored = self._evaluated.table("predictions.parquet")
        kept = stored[~stored["system"].isin(["MMT", "SMT"])] if self._shares_items else stored[:0]
        first = [one for one in whole if one.cell.seed == self.seed]
        if not first:
            return kept.reset_index(drop=True)
        mine = audio_image_studies.predictions(of, first)
        return pd.concat([kept, mine], ignore_index=True) if len(kept) else mine

    @property
    def _evaluated(self) -> Any:
        return self.study.artefact(f"evaluate:{self.settings.recipe.encoder_set}:0")

    @property
    def _shares_items(self) -> bool:
        """Whether the study's measures of its other spaces and systems hold for the run too."""
        return not self.plan.sample and self.plan.classes == self.study.paired_classes

    def _stored_rows(self) -> pd.DataFrame:
        """The study's measures of what a run does not change: PCA, its systems, label counts."""
        rows = self._evaluated.table("measurements.parquet")
        if "training" in rows:
            rows = rows[rows["training"] == 0]
        mine = rows["study"].isin(["ranking", "classification", "mix_in", "centroids"])
        of_pca = mine & (rows["space"] == "pca")
        counts = (rows["study"] == "distribution") & (rows["system"] != "MMT")
        in_text = rows["direction"].str.contains("text")
        return rows[(of_pca | counts) & ~in_text].assign(text="")

    def _finish(self, scores: pd.DataFrame, maps: pd.DataFrame | None, facts: Row) -> Part:
        by_modality = encoders_by_modality(self.plan.encoder_set)
        table = measure.table(self.rows, **by_modality, split=0)
        if self._shares_items:
            table = pd.concat([table, self._stored_rows()], ignore_index=True)
        self.draft.write_table("measurements.parquet", table)
        if self.forest is not None:
            arrays = {f"MMT/{name}": array for name, array in self.forest.arrays().items()}
            self.draft.write_tensors("forests.safetensors", arrays)
        numbers = _headlines(table, scores)
        seconds = time.time() - self.started
        changes = self.settings.differences(
            settings_of(self.study, self.settings.recipe.encoder_set)
        )
        told = {"id": self.draft.digest, "numbers": numbers, "seconds": round(seconds, 2)}
        told["sample"] = self.plan.sample
        self.draft.write_json("facts.json", told)
        n_placed = 0 if maps is None else maps["item_id"].nunique()
        self.draft.commit(n_fitted=0, n_placed=n_placed, **facts)
        record = self._record(in_words(changes), maps is not None)
        runs.note(
            self.study.store,
            self.draft.digest,
            self.study.digest,
            self.settings.as_dict(),
            changes,
            numbers,
            record,
            seconds,
        )
        return Part("finished", "Finished", 1.0, facts=told)

    def _record(self, title: str, has_maps: bool) -> Row:
        """The run as the record of a study (see `core.record`)."""
        study, recipe, mine = self.study, self.settings.recipe, self.plan.encoder_set
        by_modality = encoders_by_modality(mine)
        here = [runs.FOLDER, self.draft.digest]
        artefacts = {"ingest": study.artefacts["ingest"]}
        artefacts |= {f"extract:{e}": study.artefacts[f"extract:{e}"] for e in by_modality.values()}
        artefacts |= {f"train:{mine}:0": here, f"evaluate:{mine}:0": here}
        artefacts[f"pca:{mine}:0"] = study.artefacts[f"train:{recipe.encoder_set}:0"]
        if has_maps:
            artefacts[f"maps:{mine}"] = here
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        config = study.config | {
            "translation": asdict(recipe.translation),
            "unseen": list(recipe.unseen),
            "untranslated": [],
            "generation": "off",
            "mix_in_draws": self.settings.evaluation.draws,
        }
        config |= {m: [by_modality[m]] if m in by_modality else [] for m in study.encoders}
        return {
            "digest": self.draft.digest,
            "config": config,
            "weights_dir": study.record.get("weights_dir"),
            "artefacts": artefacts,
            "started": now,
            "finished": now,
            "run": {"of": study.digest, "changes": title, "space": recipe.space},
        }


def trained_title(n_epochs: int) -> str:
    """What was done, for the first part of a run; a space in closed form has no epochs."""
    return f"Trained in {n_epochs} epochs" if n_epochs else "Space is there"


def _headlines(table: pd.DataFrame, scores: pd.DataFrame) -> dict[str, float]:
    """The numbers of a run's row: ranking in both directions, macro F1 without and with items."""
    ranked = table[(table["study"] == "ranking") & (table["system"] == "") & (table["class"] == "")]
    ranked = ranked[(ranked["space"] == "translation") & (ranked["metric"] == "precision@10")]
    numbers = {
        f"precision@10, {row['direction']}": float(row["value"])
        for row in ranked.to_dict("records")
        if "text" not in row["direction"]
    }
    means = scores.groupby(["target", "n_target"])["value"].mean()
    for target in scores["target"].unique():
        of_target = means[target]
        if 0 in of_target.index:
            numbers[f"zero-shot F1, {target}"] = float(of_target[0])
        numbers[f"F1 with {of_target.index.max()}, {target}"] = float(of_target.iloc[-1])
    return numbers
