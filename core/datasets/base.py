'''What a dataset is: a module with a `CARD` and two functions, `fingerprint` and `ingest`.

To add a dataset, write one file here and add one line to `REGISTRY` in `__init__.py`. This one
reads `FOLDER/*.wav` with the class in front of a hyphen (`flute-01.wav`):

    from core import items
    from core.datasets import media_files, splits
    from core.datasets.base import DatasetCard, Ingested

    CARD = DatasetCard("hyphen", "Sounds named by class", "CC0", "", "One second of each file.")

    def fingerprint(request):
        """Changes whenever the data changes; must be quick."""
        return media_files.fingerprint(request.spec.root())

    def ingest(request, draft, run):
        """Reads the data; may take hours."""
        root = request.spec.root()
        frame = items.table(
            items.Item(f"audio:{path}", path, "audio", (path.split("-")[0],), path)
            for path in media_files.listing(root)
        )
        classes = sorted({label for labels in frame["labels"] for label in labels})
        return Ingested(
            CARD, frame, splits.by_class(frame, classes, request), classes, paired_by="class",
            root=str(root), notes=["The classes are taken from the file names."],
        )

Media files are not copied: items name them by their path below `root`. A file that cannot be used
is reported as `Rejected`; only data that is unusable as a whole raises a `UserError`. Helpers:
`media_files` (find and check files), `table_file` (read tables), `tracks` (music tracks of any
length), `template_texts` (texts for data without captions) and `splits` (random subsets by clip).
A module whose `NAME:TEXT` holds settings in place of a path defines `canonical(spec)` as well: the
text in one fixed spelling.
'''

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from core import items
from core.errors import UserError, shown
from core.store import Draft

# Runs a module-level function over picklable tasks on all cores; results come in any order. The
# last argument is the title of the progress bar.
ParallelMap = Callable[[Callable[[Any], Any], Sequence[Any], str], Iterable[Any]]


@dataclass(frozen=True)
class DatasetCard:
    """General facts about a dataset, known before it is read."""

    name: str
    title: str
    licence: str
    citation: str
    description: str


@dataclass(frozen=True)
class Spec:
    """The dataset's name and path, as in `NAME:PATH`; "" for a generated dataset."""

    name: str
    path: str

    def root(self) -> Path:
        """The absolute path. Raises `UserError` if no path is given or nothing is there."""
        if not self.path:
            raise UserError(f"The dataset {self.name!r} needs a path: write {self.name}:PATH.")
        try:
            root = Path(self.path).expanduser().resolve()
            there = root.exists()
        except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, no such user
            raise UserError(
                f"{shown(self.path)} cannot be a path ({error}): expected {self.name}:PATH."
            ) from error
        if not there:
            raise UserError(
                f"There is nothing at {root}: expected the data of {self.name}:PATH there."
            )
        return root


@dataclass(frozen=True)
class Request:
    """The part of a study's configuration that a dataset needs.

    size : number of clips (or pairs, tracks) to use; None for all
    splits : number of random splits; None for the default of `splits.n_splits`
    """

    spec: Spec
    size: int | None
    seed: int
    splits: int | None


@dataclass(frozen=True)
class Rejected:
    """A file or row that cannot be used, and the reason in one sentence."""

    path: str
    modality: str
    reason: str


def first_reason(rejected: Sequence[Rejected]) -> str:
    """The end of an error message: the first reason, "" if nothing was rejected."""
    return f" The first reason: {rejected[0].reason}" if rejected else ""


@dataclass
class Ingested:
    """Items, their splits, the rejected files, and the facts that pages show.

    items : as `core.items.table` makes them
    splits : as `core.items.split_table` makes them
    classes : class names in the order of all figures
    paired_by : "clip" if the items of one clip are pairs, "class" if pairs are drawn by class
    root : the folder that the items' paths are relative to
    notes : sentences for the Overview page
    vectors : ready vectors by modality, `(n, d) float32`, in the order of `vector_row`
    ontology : text of the ontology of the labels, if the dataset has one
    scored : the classes that are classified; None for all classes that can be paired
    descriptions : a longer text for each class, for zero-shot tagging
    tag_list : the published list that the tags come from, such as "moodtheme"; "" without one
    """

    card: DatasetCard
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
    tag_list: str = ""

    def describe(self) -> dict[str, Any]:
        """The contents of `dataset.json`."""
        scored = self.scored
        if scored is None:
            scored = items.paired_classes(self.items, self.classes)
        return {
            **asdict(self.card),
            "classes": self.classes,
            "modalities": [m for m in items.MODALITIES if (self.items["modality"] == m).any()],
            "paired_classes": scored,
            "paired_by": self.paired_by,
            "root": self.root,
            "descriptions": self.descriptions,
            "tag_list": self.tag_list,
            "notes": self.notes,
            "n_clips": int(self.items["clip_id"].nunique()),
            "n_rejected": len(self.rejected),
            "ready_vectors": {modality: f"ready.{modality}.npy" for modality in self.vectors},
        }


class Dataset(Protocol):
    """The module of a dataset."""

    CARD: DatasetCard

    def fingerprint(self, request: Request) -> Mapping[str, Any]:
        """Identifies the data as it is now; the data is ingested again when this changes."""

    def ingest(self, request: Request, draft: Draft, run: ParallelMap) -> Ingested:
        """Items, splits and rejected files.

        `draft` takes intermediate files, `run` spreads work over all cores. Raises `UserError` if
        the data is unusable as a whole.
        """
