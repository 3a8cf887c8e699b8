"""The vectors, items and pairs that a space is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core import items
from core.spaces import pairing
from core.spaces.pairing import Kind
from core.stages import windows
from core.stages.windows import Recordings
from core.store import Artefact, Draft
from core.studies import seen_tags
from core.study import ALL
from core.vectors import Vectors, read_vectors


@dataclass(frozen=True)
class TrainingPairs:
    """Pairs of each kind (two modalities), one row per pair."""

    rows: dict[Kind, np.ndarray]  # (n, 2): rows of the native vectors
    clips: dict[Kind, np.ndarray]  # (n, 2): clip ids
    classes: dict[Kind, np.ndarray]  # (n,): class numbers, or `pairing.UNKNOWN`


def native_vectors(draft: Draft) -> dict[str, Vectors]:
    """`{modality: vectors}` of the `extract` artefacts that a draft's key names."""
    return {
        modality: read_vectors(draft.store.need("extract", digest), "vectors.npy")
        for modality, digest in draft.key["natives"].items()
    }


def recordings(draft: Draft, natives: Mapping[str, Vectors]) -> dict[str, Recordings]:
    """By modality, the items with the windows of their recordings, if a draft's key names any."""
    return {
        modality: windows.read(natives[modality], draft.store.need("extract", digest))
        for modality, digest in draft.key.get("windows", {}).items()
        if modality in natives
    }


def training_items(
    ingested: Artefact,
    part: int | str,
    natives: Mapping[str, Vectors],
    unseen: Sequence[str] = (),
) -> pd.DataFrame:
    """The items of a split's subset `translation` that have vectors, or all items for "all".

    Items with a label of an `unseen` class are left out, and so are texts that name one.
    """
    split = part if isinstance(part, int) else 0
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split
    )
    if part != ALL:
        frame = frame[frame["subset"] == "translation"]
    if unseen:
        frame = frame[[not set(labels) & set(unseen) for labels in frame["labels"]]]
        named = {
            text: any(seen_tags.names(text, name) for name in unseen)
            for text in frame["text"].unique()
        }
        frame = frame[~frame["text"].map(named)]
    known = [frame["item_id"].isin(native.item_ids) for native in natives.values()]
    return frame[np.logical_or.reduce(known)]


def training_pairs(
    frame: pd.DataFrame,
    natives: Mapping[str, Vectors],
    kinds: Sequence[Kind],
    paired_by: str,
    seed: int,
) -> TrainingPairs:
    """The pairs of the given kinds; kinds without any pair are left out."""
    tables = {kind: items.pairs(frame, *kind, by=paired_by, seed=seed) for kind in kinds}
    tables = {kind: table for kind, table in tables.items() if len(table)}
    classes = {name for table in tables.values() for name in table["class"]} - {""}
    numbers = {name: number for number, name in enumerate(sorted(classes))}
    numbers[""] = pairing.UNKNOWN
    return TrainingPairs(
        {
            kind: np.column_stack(
                [
                    natives[modality].rows(table[column])
                    for modality, column in zip(kind, ("a_item", "b_item"), strict=True)
                ]
            )
            for kind, table in tables.items()
        },
        {kind: table[["a_clip", "b_clip"]].to_numpy() for kind, table in tables.items()},
        {kind: table["class"].map(numbers).to_numpy() for kind, table in tables.items()},
    )
