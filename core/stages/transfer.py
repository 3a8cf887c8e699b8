"""The test datasets' part of `evaluate`: the study's spaces and classifiers on other data.

S §V trains on captions and tests on GTZAN, Jamendo and MagnaTagATune; W's transfer is the same with
labels. Nothing is fitted here: the vectors of a test dataset go through the spaces that the study
has fitted on its own, and its items are ranked among each other, tagged with the names of their own
classes, and classified by the study's classifiers where both datasets have a class.

All items of a test dataset are tested, but those whose file is among the study's own.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from core import items, test_sets
from core.encoder_sets import encoders_by_modality
from core.errors import UserError
from core.spaces import pca
from core.spaces.fitted import STORED, PcaSpace, Space
from core.stages import audio_image_studies, evaluate, evaluation_data, forests, network_tags
from core.stages.evaluation_data import AUDIO_IMAGE, NATIVE, EvaluationData, Sources
from core.stages.study_run import ArtefactTask, StudyRun
from core.store import Artefact, Draft
from core.stored_encoders import load_tuned
from core.studies import combined, forest_cells, measure
from core.studies.forest_cells import ALIGNED, COMBINED, SCALED, Cell, Labelled, Outcome
from core.studies.forests import Forest
from core.study import GENERATED, TUNED, taxonomy_of
from core.tested_study import TEST, with_subset
from core.vectors import Vectors, read_vectors

VERSION = 1
ZERO_SHOT = ("MMP", "MMT", COMBINED)  # systems that need no item of the target
Row = dict[str, Any]


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact per test dataset, encoder set and split: `evaluate:SET:SPLIT:@NAME`."""
    config = run.config
    for test_set, split, encoder_set in itertools.product(
        run.test_sets, run.splits, run.encoder_sets
    ):
        tested = run.on(test_set)
        natives = natives_of(tested, encoder_set)
        sources = evaluate.sources_of(run, encoder_set, split)
        key = {
            "items": tested.ingested.digest,
            "natives": {name: artefact.digest for name, artefact in natives.items()},
            "own_items": run.ingested.digest,
            "own_natives": {name: one.digest for name, one in sources.natives.items()},
            "spaces": sources.trained.digest if sources.trained else None,
            "generation": sources.generated.digest if sources.generated else None,
            "tuned": sources.tuned.digest if sources.tuned else None,
            "n_bootstrap": config.n_bootstrap,
            "mix_in_draws": config.mix_in_draws,
            "prompts": config.prompts,
            "forest": asdict(config.forest),
            "seed": config.seed + split,
            "version": [VERSION, evaluate.VERSION],
        }
        write = functools.partial(_write, run, tested, encoder_set, split, sources, natives)
        yield ArtefactTask(f"evaluate:{encoder_set}:{split}{tested.end}", key, write)


def natives_of(tested: StudyRun, encoder_set: str) -> dict[str, Artefact]:
    """`{modality: extract artefact}` of an encoder set, for the modalities that are there."""
    by_modality = encoders_by_modality(encoder_set)
    return {
        modality: tested.extracted(name)
        for modality, name in by_modality.items()
        if f"extract:{name}{tested.end}" in tested.artefacts
    }


def _write(
    run: StudyRun,
    tested: StudyRun,
    encoder_set: str,
    split: int,
    sources: Sources,
    natives: Mapping[str, Artefact],
    draft: Draft,
) -> dict[str, Any]:
    seed, clock = draft.key["seed"], run.engine.clock
    own = evaluation_data.read(run.ingested, split, sources)
    frame = with_subset(run.ingested, tested.ingested)
    n_left_out = int((frame["subset"] != TEST).sum())
    if n_left_out == len(frame):
        raise UserError(
            f"All items of the test dataset {tested.test_set} are among the study's own: name data "
            "that the study does not train on."
        )
    data = _data(run, tested, encoder_set, sources, natives, frame, own)
    rows: list[Row] = []
    if len(data.modalities) > 1:
        with clock.time("ranking"):
            rows, queries = evaluate.ranked(data, run.config.n_bootstrap, seed)
        draft.write_table("queries.parquet", queries)
    if own.has_audio_and_image:
        rows += _classified(run, draft, encoder_set, split, own, data)
    tagger = evaluate.tagger_of(tested, encoder_set, sources, split)
    if tagger is not None:
        frames = {m: data.of(m, TEST) for m in data.modalities if m != "text"}
        with clock.time("zero-shot tagging"):
            tagged, best = tagger.study(frames, data.vectors)
        by_modality = encoders_by_modality(encoder_set)
        rows += tagged + network_tags.rows(frames, by_modality, tested.extracted, data.classes)
        draft.write_table("tagged.parquet", best)
    common = {**encoders_by_modality(encoder_set), "split": split, "tested_on": tested.test_set}
    draft.write_table("measurements.parquet", measure.table(rows, **common))
    draft.remove(forests.FOLDER)
    return {"n_measurements": len(rows), "n_left_out": n_left_out, "seed": seed}


# -- vectors -----------------------------------------------------------------------------


def _data(
    run: StudyRun,
    tested: StudyRun,
    encoder_set: str,
    sources: Sources,
    natives: Mapping[str, Artefact],
    frame: pd.DataFrame,
    own: EvaluationData,
) -> EvaluationData:
    """The test dataset in every space of the study, with the classes that both have."""
    card = tested.ingested.json("dataset.json")
    ontology = taxonomy_of(run.ingested)
    same = test_sets.same_classes(card["classes"], own.paired_classes, ontology)
    vectors = {name: read_vectors(artefact, "vectors.npy") for name, artefact in natives.items()}
    _check_widths(tested.test_set, sources, vectors)
    shared: dict[str, dict[str, Vectors]] = {}
    for space, there in own.vectors.items():
        mine = dict(vectors)
        if space == TUNED and "text" in vectors:
            mine["text"] = _tuned_texts(run, encoder_set, sources, frame, vectors["text"])
        fit = None if space == NATIVE else fitted(sources, space)
        shared[space] = {
            name: Vectors(one.item_ids, one.array if fit is None else fit.project(name, one.array))
            for name, one in mine.items()
            if name in there
        }
    return EvaluationData(
        frame,
        card["classes"],
        [name for name in card["classes"] if name in same],
        card["paired_by"],
        taxonomy_of(tested.ingested),
        {space: found for space, found in shared.items() if found},
    )


def fitted(sources: Sources, space: str) -> Space:
    """A fitted space of the study."""
    if space in GENERATED:
        made = sources.tuned if space == TUNED else sources.generated
        assert made is not None
        return STORED["generation"](made.tensors("generation.safetensors"))
    assert sources.trained is not None
    if space in STORED:
        return STORED[space](sources.trained.tensors(f"{space}.safetensors"))
    return PcaSpace(
        {
            name: pca.Pca.from_arrays(sources.trained.tensors(f"pca.{name}.safetensors"))
            for name in sources.natives
        }
    )


def _tuned_texts(
    run: StudyRun, encoder_set: str, sources: Sources, frame: pd.DataFrame, texts: Vectors
) -> Vectors:
    """The texts by the encoder that was fine-tuned for the study's generation space."""
    name = encoders_by_modality(encoder_set)["text"]
    if sources.tuned is None or not sources.tuned.has("text_encoder.safetensors"):
        return texts
    state = sources.tuned.tensors("text_encoder.safetensors")
    encoder = load_tuned(name, run.extracted, state, run.weights_dir)
    words = frame.set_index("item_id")["text"].loc[texts.item_ids]
    return Vectors(texts.item_ids, encoder.embed(list(words)))


def _check_widths(test_set: str, sources: Sources, vectors: Mapping[str, Vectors]) -> None:
    """Ready vectors of two datasets may differ in their numbers of dimensions."""
    for name, found in vectors.items():
        expected = sources.natives[name].array("vectors.npy").shape[1]
        if found.array.shape[1] != expected:
            raise UserError(
                f"The {name} vectors of the test dataset {test_set} have {found.array.shape[1]} "
                f"dimensions, those of the study {expected}: expected vectors of one encoder."
            )


# -- classification --------------------------------------------------------------------------------


def _classified(
    run: StudyRun,
    draft: Draft,
    encoder_set: str,
    split: int,
    own: EvaluationData,
    data: EvaluationData,
) -> list[Row]:
    """Rows of classification, of both ends of the mix-in curves, and of centroids.

    Macro F1 is the mean over the classes that the test dataset has items of; the classifiers know
    all of the study's.
    """
    same = test_sets.same_classes(data.paired_classes, own.paired_classes, own.taxonomy)
    number = {name: row for row, name in enumerate(own.paired_classes)}
    targets, test = [], dict[str, dict[str, Labelled]]()
    for modality in (name for name in AUDIO_IMAGE if name in data.modalities):
        frame = data.single(modality, TEST)
        if frame.empty:
            continue
        targets.append(modality)
        y = np.array([number[same[name]] for name in items.single_labels(frame)], dtype=np.int64)
        unlabelled = own.of(modality, "translation")["item_id"]
        for space, other, prepare in (
            ("translation", ALIGNED, combined.aligned),
            ("pca", SCALED, combined.scaled),
        ):
            x = data.vectors[space][modality].take(frame["item_id"])
            prepared = prepare(x, own.vectors[space][modality].take(unlabelled))
            test.setdefault(space, {})[modality] = Labelled(x, y)
            test.setdefault(other, {})[modality] = Labelled(prepared, y)
    if not targets:
        return []
    outcomes = _stored(run, encoder_set, split, own, test)
    outcomes += _zero_shot(run, draft, own, test, targets)
    rows = [row for one in outcomes for row in _rows(one, own.paired_classes)]
    draft.write_table("predictions.parquet", _predictions(data, own, same, outcomes))
    if len(targets) == len(AUDIO_IMAGE):
        rows += audio_image_studies.central(data)
    return rows


def _stored(
    run: StudyRun,
    encoder_set: str,
    split: int,
    own: EvaluationData,
    test: Mapping[str, Mapping[str, Labelled]],
) -> list[Outcome]:
    """The forests of the study, trained on all of its subset `train`, by its first seed."""
    tensors = run.artefacts[f"evaluate:{encoder_set}:{split}"].tensors("forests.safetensors")
    train, found = own.labelled("train"), []
    for name, system in forest_cells.SYSTEMS.items():
        arrays = {
            key.partition("/")[2]: array
            for key, array in tensors.items()
            if key.startswith(f"{name}/")
        }
        for target in (t for t in system.modalities if arrays and t in test[system.space]):
            part = test[system.space][target]
            proba = Forest.from_arrays(arrays).predict_proba(part.x)
            n_target = len(train[system.space][target])
            cell = Cell(name, run.config.seed + split)
            found.append(forest_cells.outcome(cell, target, n_target, proba, part.y))
    return found


def _zero_shot(
    run: StudyRun,
    draft: Draft,
    own: EvaluationData,
    test: Mapping[str, Mapping[str, Labelled]],
    targets: list[str],
) -> list[Outcome]:
    """Systems trained without an item of the target; and SMT with all of the study's."""
    train, seed = own.labelled("train"), draft.key["seed"]
    n_classes = len(own.paired_classes)
    cells = [
        Cell(system, one, target, 0)
        for system in ZERO_SHOT
        for target in targets
        for one in range(seed, seed + run.config.mix_in_draws)
    ]
    found, _ = forests.grow(draft, run.engine, train, test, n_classes, cells, run.config.forest)
    for target in targets:
        whole = Cell(COMBINED, seed, target, len(train["translation"][target]))
        _, outcomes = forest_cells.run_cell(whole, train, test, n_classes, run.config.forest)
        found += [replace(one, cell=Cell(COMBINED, seed)) for one in outcomes]
    return found


def _rows(one: Outcome, classes: list[str]) -> list[Row]:
    there = one.confusion.sum(axis=1) > 0
    chance = 1.0 / len(classes)
    score = {
        **one.columns,
        "metric": "macro_f1",
        "value": float(one.f1[there].mean()),
        "chance": chance,
    }
    rows: list[Row] = [{"study": "mix_in", **score}]
    if one.cell.target is not None:
        return rows
    head = {"study": "classification", **one.columns}
    rows.append({**score, "study": "classification"})
    rows += [
        {**head, "metric": "f1", "class": name, "value": float(value), "chance": chance}
        for name, value, known in zip(classes, one.f1, there, strict=True)
        if known
    ]
    rows += [
        {
            **head,
            "metric": "confusion",
            "class": classes[i],
            "other": classes[j],
            "value": float(one.confusion[i, j]),
        }
        for i, j in np.ndindex(one.confusion.shape)
    ]
    return rows


def _predictions(
    data: EvaluationData, own: EvaluationData, same: Mapping[str, str], outcomes: list[Outcome]
) -> pd.DataFrame:
    """Every whole system's prediction of each item; classes have the study's names."""
    classes = np.array(own.paired_classes)
    frames = []
    for one in (one for one in outcomes if one.cell.target is None):
        frame = data.single(one.target, TEST)
        frames.append(
            pd.DataFrame(
                {
                    "item_id": frame["item_id"],
                    "target": one.target,
                    "system": one.cell.system,
                    "truth": items.single_labels(frame).map(same),
                    "predicted": classes[one.predicted],
                    "confidence": one.proba.max(axis=1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
