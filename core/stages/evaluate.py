"""`evaluate`: every study of every encoder set and split, into one tidy table each.

Ranking in every direction and space is here (W §3.3); W's studies of sounds against pictures are
in `core.stages.audio_image_studies`, S's of words in `core.stages.zero_shot`.
"""

import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import encoders, items, taxonomy
from core.config import Config
from core.encoder_sets import encoder_set_name, encoders_by_modality, ready_name
from core.engines.base import Engine
from core.record import Record
from core.spaces.generation import Generation
from core.spaces.translation import Translation
from core.stages import audio_image_studies, forest_inputs
from core.stages.evaluation_data import GENERATION, NATIVE, Data, Made
from core.stages.zero_shot import Tagger
from core.store import Artefact, Draft, Store
from core.stored_encoders import load_encoder, load_tuned
from core.studies import measure, ranking, zero_shot
from core.study import Space, taxonomy_of

VERSION = 4
Row = dict[str, Any]


def run(
    config: Config,
    store: Store,
    engine: Engine,
    record: Record,
    ingested: Artefact,
    extracted: dict[str, Artefact],
    trained: dict[str, Artefact],
    generated: dict[str, Artefact],
    weights_dir: Path | None,
) -> dict[str, Artefact]:
    """Evaluate whatever is not evaluated yet; `{"PAIR:SPLIT": artefact}`."""
    n_splits = int(ingested.table("splits.parquet")["split"].max()) + 1
    pairs = [encoder_set_name(*names) for names in config.encoder_sets]
    baselines = [
        encoder_set for encoder_set in config.untranslated or () if encoder_set not in pairs
    ]
    artefacts = {}
    for split, encoder_set in itertools.product(range(n_splits), [*pairs, *baselines]):
        name = f"{encoder_set}:{split}"
        made = Made(
            {
                modality: extracted[encoder]
                for modality, encoder in encoders_by_modality(encoder_set).items()
            },
            trained.get(name),
            generated.get(name),
        )
        key = {
            "items": ingested.digest,
            "natives": {modality: artefact.digest for modality, artefact in made.natives.items()},
            "spaces": made.trained.digest if made.trained else None,
            "generation": made.generated.digest if made.generated else None,
            "joint": _joint(encoder_set),
            "n_bootstrap": config.n_bootstrap,
            "mix_in_draws": config.mix_in_draws,
            "prompts": config.prompts,
            "forest": asdict(config.forest),
            "seed": config.seed + split,
            "version": VERSION,
        }
        artefact = store.find("evaluate", key)
        if artefact is None:
            data = _data(ingested, made, split, _joint(encoder_set))
            draft = store.begin("evaluate", key)
            common = {**encoders_by_modality(encoder_set), "split": split}
            tagger = _tagger(config, ingested, encoder_set, made, weights_dir)
            artefact = _evaluate(config, draft, engine, data, common, config.seed + split, tagger)
        record.note(f"evaluate:{name}", artefact)
        artefacts[name] = artefact
    return artefacts


def _joint(encoder_set: str) -> tuple[str, ...]:
    """The modalities of a pair whose encoders share a published space, if two or more do."""
    of = {
        modality: encoders.card(encoder).joint
        for modality, encoder in encoders_by_modality(encoder_set).items()
        if encoder != ready_name(modality)
    }
    shared = [name for name in of.values() if name]
    return tuple(modality for modality, name in of.items() if name and shared.count(name) > 1)


def _data(ingested: Artefact, made: Made, split: int, joint: tuple[str, ...]) -> Data:
    card = ingested.json("dataset.json")
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split
    )
    return Data(
        frame,
        card["classes"],
        card["paired_classes"],
        card["paired_by"],
        taxonomy_of(ingested),
        made.vectors(joint),
    )


def _tagger(
    config: Config,
    ingested: Artefact,
    encoder_set: str,
    made: Made,
    weights_dir: Path | None,
) -> Tagger | None:
    """What the zero-shot study needs besides the items' vectors; None without a text encoder."""
    name = encoders_by_modality(encoder_set).get("text")
    if name is None or name == ready_name("text"):
        return None
    card = ingested.json("dataset.json")
    if not card["classes"]:
        return None
    spaces: dict[str, Space | None] = {}
    own = {}
    if made.trained is not None:
        tensors = made.trained.tensors("translation.safetensors")
        spaces["translation"] = Translation.from_arrays(tensors)
    if made.generated is not None:
        tensors = made.generated.tensors("generation.safetensors")
        spaces[GENERATION] = Generation.from_arrays(tensors)
        if made.generated.has("text_encoder.safetensors"):
            state = made.generated.tensors("text_encoder.safetensors")
            own[GENERATION] = load_tuned(name, made.natives["text"], state, weights_dir)
    if "text" in _joint(encoder_set):
        spaces[NATIVE] = None
    return Tagger(
        load_encoder(name, made.natives["text"], weights_dir),
        spaces,
        card["classes"],
        zero_shot.wordings(card["classes"], config.prompts, card["descriptions"]),
        own,
    )


def _evaluate(
    config: Config,
    draft: Draft,
    engine: Engine,
    data: Data,
    common: Row,
    seed: int,
    tagger: Tagger | None,
) -> Artefact:
    rows: list[Row] = []
    with engine.clock.time("ranking"):
        ranked, queries = _ranking(config, data, seed)
    rows += ranked
    draft.write_table("queries.parquet", queries)
    if data.has_audio_and_image:
        rows += audio_image_studies.run(config, draft, engine, data, seed)
    if tagger is not None:
        frames = {m: data.of(m, "test") for m in data.modalities if m != "text"}
        with engine.clock.time("zero-shot tagging"):
            tagged, best = tagger.study(frames, data.vectors)
        rows += tagged
        draft.write_table("tagged.parquet", best)
    draft.write_table("measurements.parquet", measure.table(rows, **common))
    draft.remove(forest_inputs.FOLDER)
    return draft.commit(n_measurements=len(rows), seed=seed)


def _ranking(config: Config, data: Data, seed: int) -> tuple[list[Row], pd.DataFrame]:
    """Every direction in every space, the random baselines, and every query's own scores."""
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
    told = set()  # directions whose random baseline is among the rows
    for space, vectors in data.vectors.items():
        for query, target in itertools.permutations(vectors, 2):
            direction = f"{query}_to_{target}"
            result = ranking.study(
                vectors[query].take(frames[query]["item_id"]),
                vectors[target].take(frames[target]["item_id"]),
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
            if direction not in told:
                rows += [{**head, "system": "random", **row} for row in result.random_rows]
                told.add(direction)
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
