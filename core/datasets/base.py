"""What a dataset is: a module with a `CARD` and two functions.

`fingerprint` is cheap and says what the data is now, so that changed data is ingested again;
`ingest` turns what lies on disk into items, splits and a list of what was rejected, and is the
only one that takes time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from core import items
from core.errors import UserError
from core.store import Draft

T = TypeVar("T")
R = TypeVar("R")

# Of data that brings no subsets; rankings are then measured on what no space was fitted on.
SHARES = {"translation": 0.5, "train": 0.25, "test": 0.25}
SMALL_SET = 2_000  # items; below it one random split says little, so several are drawn
SMALL_SET_SPLITS = 5

# Runs a module-level function over picklable tasks on all cores; results come in any order.
ParallelMap = Callable[[Callable[[Any], Any], Sequence[Any], str], Iterable[Any]]


@dataclass(frozen=True)
class Card:
    """What is known of a dataset before it is read."""

    name: str
    title: str
    licence: str
    citation: str
    description: str


@dataclass(frozen=True)
class Spec:
    """Which dataset, and where it lies ("" for one that is made on the spot)."""

    name: str
    path: str

    def root(self) -> Path:
        """The path, absolute.

        Raises
        ------
        UserError
            No path was given, or nothing lies there.
        """
        if not self.path:
            raise UserError(f"The dataset {self.name!r} needs a path: write {self.name}:PATH.")
        root = Path(self.path).expanduser().resolve()
        if not root.exists():
            raise UserError(
                f"There is nothing at {root}: expected the data of {self.name}:PATH there."
            )
        return root


@dataclass(frozen=True)
class Request:
    """What a study wants of a dataset."""

    spec: Spec
    size: int | None
    seed: int
    splits: int | None


@dataclass(frozen=True)
class Rejected:
    """One file or row that could not be taken in, and why, in one sentence."""

    path: str
    modality: str
    reason: str


@dataclass
class Ingested:
    """Items, their splits, what was rejected, and the facts that pages show.

    `ontology` is the text of the ontology that the dataset's labels belong to, where it brings
    one. `scored` are the classes that take part in classification; None means all those that
    have items of two modalities. `descriptions` put every class into a longer text, for zero-shot
    tagging.
    """

    card: Card
    items: pd.DataFrame
    splits: pd.DataFrame
    classes: list[str]
    paired_by: str
    root: str
    notes: list[str]
    rejected: list[Rejected] = field(default_factory=list)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    ontology: bytes | None = None
    scored: list[str] | None = None
    descriptions: dict[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """What goes into `dataset.json`."""
        return {
            **asdict(self.card),
            "classes": self.classes,
            "modalities": [m for m in items.MODALITIES if (self.items["modality"] == m).any()],
            "paired_classes": paired_classes(self.items, self.classes)
            if self.scored is None
            else self.scored,
            "paired_by": self.paired_by,
            "root": self.root,
            "descriptions": self.descriptions,
            "notes": self.notes,
            "n_clips": int(self.items["clip_id"].nunique()),
            "n_rejected": len(self.rejected),
            "ready_vectors": {modality: f"ready.{modality}.npy" for modality in self.vectors},
        }


class Dataset(Protocol):
    """The module of a dataset."""

    CARD: Card

    def fingerprint(self, request: Request) -> Mapping[str, Any]: ...

    def ingest(self, request: Request, draft: Draft, run: ParallelMap) -> Ingested: ...


def paired_classes(frame: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """The classes that a shared space can be measured on, in class order.

    Those with both sounds and pictures; where a collection lacks either, those with items of two
    modalities.
    """
    sides = frame["modality"].isin(["audio", "image"])
    has_audio_and_image = frame["modality"][sides].nunique() == 2
    counted = frame[sides] if has_audio_and_image else frame
    n_modalities = counted["modality"].groupby(items.single_labels(counted)).nunique()
    return [name for name in classes if n_modalities.get(name, 0) >= 2]


def n_splits(request: Request, n_items: int) -> int:
    """How many random splits: as asked, else 5 for a small set, whose one split says little."""
    if request.splits is not None:
        if request.splits < 1:
            raise UserError(f"The number of splits is {request.splits}: expected 1 or more.")
        return request.splits
    return SMALL_SET_SPLITS if n_items < SMALL_SET else 1


def in_threads(function: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
    """Map over tasks whose work releases the GIL (decoding), in order."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, tasks))


def random_splits(frame: pd.DataFrame, trained: Sequence[str], request: Request) -> pd.DataFrame:
    """Random splits by clip, stratified by class and modality, of the classes in `trained`.

    Clips of other classes, or without exactly one label, are in no subset of any split.
    """
    single = items.single_labels(frame)
    strata: dict[str, str] = {}
    for clip_id, class_name, modality in zip(
        frame["clip_id"], single, frame["modality"], strict=True
    ):
        if class_name in set(trained):
            strata[clip_id] = f"{class_name}/{'both' if clip_id in strata else modality}"
    return items.split_table(
        [
            items.split_by_clip(strata, SHARES, seed=request.seed * 1_000 + split)
            for split in range(n_splits(request, len(frame)))
        ]
    )
