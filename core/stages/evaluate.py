"""`evaluate`: every study of every encoder set and split, in one tidy table each.

Ranking in every direction and space is here (W §3.3). W's studies of sounds and pictures are in
`core.stages.audio_image_studies`, S's zero-shot tagging is in `core.stages.zero_shot`.

A translation that was trained again with another seed has headline numbers alone: ranking, MMT with
nothing and with everything of the target, and the zero-shot tags. So their spread covers training.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from core import items, taxonomy
from core.encoder_sets import encoders_by_modality, ready_name
from core.spaces.generation import Generation
from core.spaces.translation import Translation
from core.spaces.united import United
from core.stages import audio_image_studies, evaluation_data, forests, network_tags, reviewers
from core.stages.evaluation_data import (
    AUDIO_IMAGE,
    GENERATION,
    NATIVE,
    EvaluationData,
    Sources,
)
from core.stages.study_run import ArtefactTask, StudyRun
from core.stages.train import SHUFFLED, further_trainings
from core.stages.training_data import training_items
from core.stages.zero_shot import Tagger
from core.store import Draft
from core.stored_encoders import load_encoder, load_tuned
from core.studies import measure, permuted_labels, ranking, seen_tags, zero_shot
from core.studies.label_sets import PRECISION_AT
from core.studies.ranking_rows import over_classes
from core.study import GENERATED, TUNED, Space
from core.vectors import read_vectors

VERSION = 9
Row = dict[str, Any]


def plan(run: StudyRun) -> Iterator[ArtefactTask]:
    """One artefact per encoder set (untranslated baselines too) and split: `evaluate:SET:SPLIT`."""
    config = run.config
    baselines = [name for name in config.untranslated or () if name not in run.encoder_sets]
    for split, encoder_set in itertools.product(run.splits, [*run.encoder_sets, *baselines]):
        sources = sources_of(run, encoder_set, split)
        key = {
            "items": run.ingested.digest,
            "natives": {name: artefact.digest for name, artefact in sources.natives.items()},
            "spaces": sources.trained.digest if sources.trained else None,
            "generation": sources.generated.digest if sources.generated else None,
            "tuned": sources.tuned.digest if sources.tuned else None,
            "joint": sources.joint,
            "n_bootstrap": config.n_bootstrap,
            "mix_in_draws": config.mix_in_draws,
            "prompts": config.prompts,
            "forest": asdict(config.forest),
            "seed": config.seed + split,
            "version": VERSION,
        }
        write = functools.partial(_write, run, encoder_set, split, sources)
        yield ArtefactTask(f"evaluate:{encoder_set}:{split}", key, write)
    for encoder_set, (split, training) in itertools.product(
        run.encoder_sets, further_trainings(run)
    ):
        yield _again(run, encoder_set, split, training)
    for encoder_set in run.encoder_sets:
        if f"train:{encoder_set}:0.{SHUFFLED}" in run.artefacts:
            yield _again(run, encoder_set, 0, SHUFFLED)


def sources_of(run: StudyRun, encoder_set: str, split: int) -> Sources:
    """The artefacts that an encoder set and a split are evaluated from."""
    return Sources(
        run.natives(encoder_set),
        run.artefacts.get(f"train:{encoder_set}:{split}"),
        run.artefacts.get(f"generate:{encoder_set}:{split}"),
        evaluation_data.published_joint(encoders_by_modality(encoder_set)),
        run.artefacts.get(f"generate:{encoder_set}:{split}{GENERATED[TUNED]}"),
    )


def _again(run: StudyRun, encoder_set: str, split: int, training: int | str) -> ArtefactTask:
    """The headline numbers of a further training: `evaluate:SET:SPLIT.TRAINING`.

    Of the training on shuffled pairs there is the ranking alone, of the system `shuffled`.
    """
    part = f"{encoder_set}:{split}.{training}"
    trained = run.artefacts[f"train:{part}"]
    key = {
        "items": run.ingested.digest,
        "spaces": trained.digest,
        "prompts": run.config.prompts,
        "forest": asdict(run.config.forest),
        "split": split,
        "training": training,
        "seed": run.config.seed + split,
        "version": VERSION,
    }
    sources = Sources(run.natives(encoder_set), trained, None, ())
    write = functools.partial(_write_again, run, encoder_set, sources)
    return ArtefactTask(f"evaluate:{part}", key, write)


def _write_again(run: StudyRun, encoder_set: str, sources: Sources, draft: Draft) -> dict[str, Any]:
    split, training, seed = (draft.key[name] for name in ("split", "training", "seed"))
    data = evaluation_data.read(run.ingested, split, sources)
    with run.engine.clock.time("ranking"):
        found, _ = ranked(data, 0, seed)
    rows = [row for row in found if not row.get("class") and not row.get("system")]
    if training == SHUFFLED:
        rows = [{**row, "system": SHUFFLED} for row in rows]
        draft.write_table(
            "measurements.parquet",
            measure.table(rows, **encoders_by_modality(encoder_set), split=split),
        )
        return {"n_measurements": len(rows), "seed": seed}
    if set(AUDIO_IMAGE) <= set(data.modalities):
        rows += audio_image_studies.ends(run.config, draft, run.engine, data)
    tagger = tagger_of(run, encoder_set, sources, split)
    if tagger is not None:
        frames = {m: data.of(m, "test") for m in data.modalities if m != "text"}
        with run.engine.clock.time("zero-shot tagging"):
            tagged, _ = tagger.study(frames, data.vectors)
        rows += [row for row in tagged if not row.get("class")]
    common = {**encoders_by_modality(encoder_set), "split": split, "training": training}
    draft.write_table("measurements.parquet", measure.table(rows, **common))
    draft.remove(forests.FOLDER)
    return {"n_measurements": len(rows), "seed": seed}


def _write(
    run: StudyRun, encoder_set: str, split: int, sources: Sources, draft: Draft
) -> dict[str, Any]:
    seed, clock = draft.key["seed"], run.engine.clock
    data = evaluation_data.read(run.ingested, split, sources)
    with clock.time("ranking"):
        rows, queries = ranked(data, run.config.n_bootstrap, seed)
    draft.write_table("queries.parquet", queries)
    with clock.time("geometry and similarity"):
        natives = {m: read_vectors(one, "vectors.npy") for m, one in sources.natives.items()}
        rows += reviewers.of_spaces(data, seed) + reviewers.of_encoders(data, natives, seed)
    if data.has_audio_and_image:
        rows += audio_image_studies.run(run.config, draft, run.engine, data)
    tagger = tagger_of(run, encoder_set, sources, split)
    if tagger is not None:
        frames = {m: data.of(m, "test") for m in data.modalities if m != "text"}
        with clock.time("zero-shot tagging"):
            tagged, best = tagger.study(frames, data.vectors)
        rows += tagged
        labels = run.ingested.json("dataset.json")["classes"]
        encoders_of = encoders_by_modality(encoder_set)
        rows += network_tags.rows(frames, encoders_of, run.extracted, labels)
        draft.write_table("tagged.parquet", best)
    rows += reviewers.of_unseen(rows, run.config.unseen)
    table = measure.table(rows, **encoders_by_modality(encoder_set), split=split)
    draft.write_table("measurements.parquet", table)
    draft.remove(forests.FOLDER)
    return {"n_measurements": len(rows), "seed": seed}


def tagger_of(run: StudyRun, encoder_set: str, sources: Sources, split: int) -> Tagger | None:
    """The zero-shot study's text encoders, spaces and tags; None without text encoder or tags.

    The tags are those of the run's dataset, the spaces those of the study.
    """
    name = encoders_by_modality(encoder_set).get("text")
    card, own = run.ingested.json("dataset.json"), run.on("")
    if name is None or name == ready_name("text") or not card["classes"]:
        return None
    spaces: dict[str, Space | None] = {}
    tuned = {}
    if sources.trained:
        tensors = sources.trained.tensors("translation.safetensors")
        spaces["translation"] = Translation.from_arrays(tensors)
        if sources.trained.has("united.safetensors"):
            spaces["united"] = United.from_arrays(sources.trained.tensors("united.safetensors"))
    for space, made in ((GENERATION, sources.generated), (TUNED, sources.tuned)):
        if made is None:
            continue
        spaces[space] = Generation.from_arrays(made.tensors("generation.safetensors"))
        if made.has("text_encoder.safetensors"):
            state = made.tensors("text_encoder.safetensors")
            tuned[space] = load_tuned(name, own.extracted, state, run.weights_dir)
    if "text" in sources.joint:
        spaces[NATIVE] = None
    return Tagger(
        load_encoder(name, own.extracted, run.weights_dir),
        spaces,
        card["classes"],
        zero_shot.wordings(card["classes"], run.config.prompts, card["descriptions"]),
        tuned,
        _seen(own, sources, card, split),
    )


def _seen(run: StudyRun, sources: Sources, card: Mapping[str, Any], split: int) -> list[bool]:
    """Of each class, whether the texts that a split's spaces were trained on name it."""
    texts = {"text": read_vectors(sources.natives["text"], "vectors.npy")}
    frame = training_items(run.ingested, split, texts, run.config.unseen)
    described = card["descriptions"]
    words = [[name, described.get(name, name)] for name in card["classes"]]
    captions = list(items.of(frame, "text")["text"])
    by_name = seen_tags.named([name for name, _ in words], captions)
    by_words = seen_tags.named([text for _, text in words], captions)
    return [one or other for one, other in zip(by_name, by_words, strict=True)]


def ranked(data: EvaluationData, n_bootstrap: int, seed: int) -> tuple[list[Row], pd.DataFrame]:
    """Every direction in every space, the random baselines, and the scores of every query."""
    frames = {modality: data.held_out(modality) for modality in data.modalities}
    ends = np.cumsum([0, *(len(frame) for frame in frames.values())])
    joined = [
        labels for frame in frames.values() for labels in taxonomy.labels_for_relevance(frame)
    ]
    names, encoded = taxonomy.encode_labels(data.taxonomy, joined)
    labels = {
        modality: encoded[start:end]
        for modality, start, end in zip(frames, ends[:-1], ends[1:], strict=True)
    }
    relevance = taxonomy.relevance_table(data.taxonomy, names)
    rows: list[Row] = []
    queries = []
    with_random = set()  # directions whose random baseline is among the rows
    for space, vectors in data.vectors.items():
        for query, target in itertools.permutations(vectors, 2):
            direction = f"{query}_to_{target}"
            asking = data.queries.get(space, {}).get(query, vectors[query])
            result = ranking.study(
                asking.take(frames[query]["item_id"]),
                vectors[target].take(frames[target]["item_id"]),
                labels[query],
                labels[target],
                relevance,
                pair_of=_pair_of(frames[query], frames[target], data.paired_by),
                n_bootstrap=n_bootstrap,
                seed=seed,
            )
            head = {"study": "ranking", "space": space, "direction": direction}
            rows += [{**head, **row} for row in result.rows]
            by_class = ranking.by_class(
                result, labels[query], names, n_bootstrap=n_bootstrap, seed=seed
            )
            rows += [{**head, **row} for row in by_class]
            over = (result.per_query, result.chance_per_query, labels[query], result.gallery_size)
            rows += [{**head, **row} for row in over_classes(*over, n_bootstrap, seed)]
            ranks = (result.top, labels[query], labels[target], len(names), PRECISION_AT[-1], seed)
            rows += [{**head, **row} for row in permuted_labels.precision(*ranks)]
            if direction not in with_random:
                rows += [{**head, "system": "random", **row} for row in result.random_rows]
                with_random.add(direction)
            queries.append(_queries(frames[query], result, space, direction))
    return rows, pd.concat(queries, ignore_index=True)


def _pair_of(queries: pd.DataFrame, gallery: pd.DataFrame, by: str) -> np.ndarray | None:
    """The gallery row of each query's clip, -1 without one; None if pairs were made by class."""
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
