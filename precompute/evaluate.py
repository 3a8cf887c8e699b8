"""``evaluate``: every study of every encoder pair and split, into one tidy table each.

Ranking, classification, mix-in, centroids and label distribution (W §3.3, §4). The mix-in
forests are the long part: they are kept in blocks, and a killed run goes on at the last block.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import items, taxonomy
from core.config import Config
from core.store import Artefact, Draft, Store
from core.studies import centroids, classification, distribution, measure, mixin, ranking
from core.studies.classification import Labelled
from core.study import Record, Vectors, pair_name
from precompute.engine import LocalEngine

VERSION = 3
SPACES = ("translation", "pca")
MODALITIES = ("audio", "image")
BLOCK = 24  # mix-in forests per checkpoint
Row = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """What the studies of one encoder pair and split work on."""

    items: pd.DataFrame  # with ``subset``
    classes: list[str]  # every class
    paired_classes: list[str]  # those of training and scores
    paired_by: str
    shared: dict[str, dict[str, Vectors]]  # space -> modality -> every item

    def of(self, modality: str, *subsets: str) -> pd.DataFrame:
        """The items of a modality in some subsets that have vectors."""
        frame = items.of(self.items, modality)
        known = frame["item_id"].isin(self.shared["translation"][modality].item_ids)
        return frame[known & frame["subset"].isin(subsets)].reset_index(drop=True)

    def held_out(self, modality: str) -> pd.DataFrame:
        """What rankings are measured on: ``crossmodal``, or all that no space was fitted on."""
        chosen = self.of(modality, "crossmodal")
        return chosen if len(chosen) else self.of(modality, "train", "test")

    def labelled(self, subset: str) -> dict[str, dict[str, Labelled]]:
        """space -> modality -> the single-label items of a subset."""
        found: dict[str, dict[str, Labelled]] = {}
        for space in SPACES:
            for modality in MODALITIES:
                frame = self.single(modality, subset)
                vectors = self.shared[space][modality].take(frame["item_id"])
                numbers = items.class_numbers(frame, self.paired_classes)
                found.setdefault(space, {})[modality] = Labelled(vectors, numbers)
        return found

    def single(self, modality: str, subset: str) -> pd.DataFrame:
        frame = self.of(modality, subset)
        keep = items.class_numbers(frame, self.paired_classes) >= 0
        return frame[keep].reset_index(drop=True)


def run(
    config: Config,
    store: Store,
    engine: LocalEngine,
    record: Record,
    ingested: Artefact,
    trained: dict[str, Artefact],
) -> dict[str, Artefact]:
    """Evaluate whatever is not evaluated yet; ``{"AUDIO+IMAGE:SPLIT": artefact}``."""
    n_splits = int(ingested.table("splits.parquet")["split"].max()) + 1
    artefacts = {}
    for audio, image in config.pairs:
        for split in range(n_splits):
            name = f"{pair_name(audio, image)}:{split}"
            key = {
                "items": ingested.digest,
                "spaces": trained[name].digest,
                "n_bootstrap": config.n_bootstrap,
                "mixin_draws": config.mixin_draws,
                "forest": asdict(config.forest),
                "seed": config.seed + split,
                "version": VERSION,
            }
            artefact = store.find("evaluate", key)
            if artefact is None:
                data = _data(ingested, trained[name], split)
                common = {"audio": audio, "image": image, "split": split}
                draft = store.begin("evaluate", key)
                artefact = _evaluate(config, draft, engine, data, common, config.seed + split)
            record.note(f"evaluate:{name}", artefact)
            artefacts[name] = artefact
    return artefacts


def _data(ingested: Artefact, trained: Artefact, split: int) -> Data:
    card = ingested.json("dataset.json")
    shared = {
        space: {
            modality: Vectors(
                trained.table(f"{modality}.items.parquet")["item_id"].to_numpy(),
                trained.array(f"{space}.{modality}.npy"),
            )
            for modality in MODALITIES
        }
        for space in SPACES
    }
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split
    )
    return Data(frame, card["classes"], card["paired_classes"], card["paired_by"], shared)


def _evaluate(
    config: Config, draft: Draft, engine: LocalEngine, data: Data, common: Row, seed: int
) -> Artefact:
    rows: list[Row] = []
    ranked, queries = _ranking(config, data, seed)
    rows += ranked
    draft.write_table("queries.parquet", queries)

    train, test = data.labelled("train"), data.labelled("test")
    studied = classification.study(
        train,
        test,
        len(data.paired_classes),
        seeds=[seed + draw for draw in range(config.mixin_draws)],
        config=config.forest,
    )
    rows += _classification_rows(data, studied)
    draft.write_table("predictions.parquet", _predictions(data, studied))
    draft.write_tensors(
        "forests.safetensors",
        {
            f"{system}/{name}": array
            for system, forest in studied.forests.items()
            for name, array in forest.arrays().items()
        },
    )
    rows += _mixin(config, draft, engine, data, train, test, seed)
    rows += _centroids(data)
    rows += _distribution(data, rows)
    draft.write_table("measurements.parquet", measure.table(rows, **common))
    draft.remove("mixin")
    return draft.commit(n_measurements=len(rows), seed=seed)


def _ranking(config: Config, data: Data, seed: int) -> tuple[list[Row], pd.DataFrame]:
    """Both directions in both spaces, the random baseline, and every query's own scores."""
    frames = {modality: data.held_out(modality) for modality in MODALITIES}
    known = taxonomy.demo()
    if known.unknown(data.paired_classes):
        known = taxonomy.flat()
    joined = [*frames["audio"]["labels"], *frames["image"]["labels"]]
    names, encoded = taxonomy.encode_labels(known, joined)
    labels = {"audio": encoded[: len(frames["audio"])], "image": encoded[len(frames["audio"]) :]}
    relevance = taxonomy.relevance_table(known, names)
    rows: list[Row] = []
    queries = []
    for space in SPACES:
        for query, target in (MODALITIES, MODALITIES[::-1]):
            direction = f"{query}_to_{target}"
            result = ranking.study(
                data.shared[space][query].take(frames[query]["item_id"]),
                data.shared[space][target].take(frames[target]["item_id"]),
                labels[query],
                labels[target],
                relevance,
                pair_of=_pair_of(frames[query], frames[target], data.paired_by),
                n_bootstrap=config.n_bootstrap,
                seed=seed,
            )
            head = {"study": "ranking", "space": space, "direction": direction}
            rows += [{**head, **row} for row in result.rows]
            by_class = ranking.by_class(
                result, labels[query], names, n_bootstrap=config.n_bootstrap, seed=seed
            )
            rows += [{**head, **row} for row in by_class]
            if space == SPACES[0]:
                rows += [{**head, "system": "random", **row} for row in result.random_rows]
            queries.append(_queries(frames[query], result, space, direction))
    return rows, pd.concat(queries, ignore_index=True)


def _pair_of(queries: pd.DataFrame, gallery: pd.DataFrame, by: str) -> np.ndarray | None:
    """Each query's own partner in the gallery; none where pairs were made within a class."""
    if by != "clip":
        return None
    row_of = {clip_id: row for row, clip_id in enumerate(gallery["clip_id"])}
    return np.array([row_of.get(clip_id, -1) for clip_id in queries["clip_id"]], dtype=np.int64)


def _queries(
    frame: pd.DataFrame, result: ranking.RankingResult, space: str, direction: str
) -> pd.DataFrame:
    found = pd.DataFrame({"item_id": frame["item_id"], "direction": direction, "space": space})
    empty = np.full(len(frame), np.nan)
    found["ndcg"] = result.per_query.get("ndcg@30", empty)
    found["precision_at_10"] = result.per_query.get("precision@10", empty)
    found["average_precision"] = result.per_query.get("map", empty)
    return found


def _classification_rows(data: Data, studied: classification.Study) -> list[Row]:
    names = data.paired_classes
    chance = 1.0 / len(names)
    rows = _named(classification.rows(studied.outcomes), "classification", names)
    n_test = {(one.system, one.target): int(one.confusion.sum()) for one in studied.outcomes}
    for row in rows:
        row["n"] = n_test[row["system"], row["target"]]
        row["chance"] = chance
    first = min(one.seed for one in studied.outcomes)
    for one in studied.outcomes:
        if one.seed != first:
            continue
        head = {
            "study": "classification",
            "space": one.space,
            "system": one.system,
            "target": one.target,
            "n_target": one.n_target,
            "seed": one.seed,
            "n": int(one.confusion.sum()),
            "metric": "confusion",
        }
        rows += [
            {**head, "class": truth, "other": predicted, "value": float(one.confusion[i, j])}
            for i, truth in enumerate(names)
            for j, predicted in enumerate(names)
        ]
    return rows


def _named(rows: Iterable[Row], study: str, classes: list[str]) -> list[Row]:
    """Class numbers to class names."""
    return [
        {**row, "study": study, "class": "" if row["class"] is None else classes[row["class"]]}
        for row in rows
    ]


def _predictions(data: Data, studied: classification.Study) -> pd.DataFrame:
    names = np.array(data.paired_classes)
    first = min(one.seed for one in studied.outcomes)
    frames = []
    for one in studied.outcomes:
        if one.seed != first:
            continue
        frame = data.single(one.target, "test")
        frames.append(
            pd.DataFrame(
                {
                    "item_id": frame["item_id"],
                    "target": one.target,
                    "system": one.system,
                    "truth": items.single_labels(frame),
                    "predicted": names[one.predicted],
                    "confidence": one.proba.max(axis=1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _mixin(
    config: Config,
    draft: Draft,
    engine: LocalEngine,
    data: Data,
    train: classification.Items,
    test: classification.Items,
    seed: int,
) -> list[Row]:
    """The mix-in cells, a block at a time; finished blocks are kept."""
    wanted = mixin.cells(train, config.mixin_draws, seed)
    blocks = [wanted[start : start + BLOCK] for start in range(0, len(wanted), BLOCK)]
    rows: list[Row] = []
    with engine.progress() as progress:
        bar = progress.add_task("mix-in forests", total=len(wanted))
        for number, block in enumerate(blocks):
            file = f"mixin/{number:04d}.json"
            if not draft.has(file):
                done = []
                for cell in block:
                    done.append(
                        mixin.run_cell(cell, train, test, len(data.paired_classes), config.forest)
                    )
                    progress.advance(bar)
                draft.write_json(file, done)
            else:
                progress.advance(bar, len(block))
            rows += draft.json(file)
    n_test = {modality: len(test["pca"][modality]) for modality in MODALITIES}
    chance = 1.0 / len(data.paired_classes)
    named = _named(rows, "mixin", data.paired_classes)
    return [{**row, "n": n_test[row["target"]], "chance": chance} for row in named]


def _centroids(data: Data) -> list[Row]:
    """Distances between the class centroids of both modalities, on ``test`` (W figure 4)."""
    frames = [data.single(modality, "test") for modality in MODALITIES]
    joined = pd.concat(frames, ignore_index=True)
    rows: list[Row] = []
    for space in SPACES:
        vectors = [
            data.shared[space][modality].take(frame["item_id"])
            for modality, frame in zip(MODALITIES, frames, strict=True)
        ]
        found = centroids.study(
            np.concatenate(vectors),
            joined["modality"].tolist(),
            items.single_labels(joined).tolist(),
            classes=data.paired_classes,
        )
        rows += [{"study": "centroids", "space": space, **row} for row in found.rows]
    return rows


def _distribution(data: Data, rows: list[Row]) -> list[Row]:
    """Label counts of every subset, and how those of ``translation`` go with F1 (W figure 6)."""
    found = distribution.label_counts(
        data.items["subset"].tolist(),
        data.items["modality"].tolist(),
        data.items["labels"].tolist(),
        data.classes,
    )
    for modality in MODALITIES:
        counts = {
            row["class"]: row["value"]
            for row in found
            if row.get("other") == "translation" and row.get("target") == modality
        }
        trained = {name: counts[name] for name in data.paired_classes if name in counts}
        if not any(trained.values()):
            continue
        found += [{**row, "target": modality} for row in distribution.imbalance(trained)]
        for system in ("MMT", "MMP"):
            scores = _mean_f1(rows, system, modality)
            found += [
                {**row, "target": modality, "system": system}
                for row in distribution.correlation(trained, scores)
            ]
    return [{"study": "distribution", **row} for row in found]


def _mean_f1(rows: list[Row], system: str, target: str) -> dict[str, float]:
    """F1 per class of a system, averaged over its seeds."""
    values: dict[str, list[float]] = {}
    for row in rows:
        head = (row.get("study"), row.get("metric"), row.get("system"), row.get("target"))
        if head == ("classification", "f1", system, target):
            values.setdefault(row["class"], []).append(row["value"])
    return {name: float(np.mean(found)) for name, found in values.items()}
