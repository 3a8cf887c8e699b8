"""A study seen through one of its test datasets: its spaces, and the items of other data in them.

Pages and commands read it like any study. Spaces, classifiers and trainings are the study's; items,
vectors, measurements, predictions and maps are the test dataset's. Nothing was trained on its
items: all are in the subset `test`, but those whose file the study has too (`unpaired`).

    tested = open_tested(study, "realmedia")
    tested.shared("logmel+hog", "translation", "audio")   # realmedia in the study's space
"""

import functools
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from core import items, test_sets
from core.encoder_sets import encoders_by_modality
from core.errors import UserError
from core.once import read_once
from core.store import Artefact
from core.stored_encoders import load_tuned
from core.studies import forests
from core.study import GENERATED, Study, media_root
from core.vectors import Vectors, read_vectors

ITS_OWN = ("ingest", "extract", "evaluate", "maps")  # stages whose artefacts a test dataset has
TEST = "test"  # the subset of all items that are tested


def names(study: Study) -> list[str]:
    """The names of the test datasets that a study has read."""
    return [test_sets.name_of(name) for name in study.artefacts if name.startswith("ingest:")]


def open_tested(study: Study, test_set: str) -> "TestedStudy":
    """The study through a test dataset, given by its name.

    Raises
    ------
    UserError
        The study has no such test dataset.
    """
    if test_set not in (known := names(study)):
        raise UserError(
            f"The study {study.digest} has no test dataset {test_set!r}: it has "
            f"{', '.join(known) or 'none, which `--also-test` names'}."
        )
    return TestedStudy(study, test_set)


def with_subset(own: Artefact, tested: Artefact) -> pd.DataFrame:
    """The items of a test dataset with the column `subset`: `test`, or `unpaired` for those whose
    file is one of the study's too."""
    frame = tested.table("items.parquet")
    mine = own.table("items.parquet", ["path"])["path"].unique()
    known = {_file(own, path) for path in mine if path}
    paths = frame["path"].unique()
    shared = frame["path"].isin([one for one in paths if one and _file(tested, one) in known])
    return frame.assign(subset=np.where(shared, items.UNPAIRED, TEST))


def _file(ingested: Artefact, path: str) -> str:
    return str(PurePosixPath(media_root(ingested)) / path)


class TestedStudy(Study):
    """A study, read-only, with the items of a test dataset in place of its own."""

    __test__ = False  # pytest takes classes with this beginning for tests

    def __init__(self, own: Study, test_set: str) -> None:
        super().__init__(own.store, own.record)
        self.own, self.test_set = own, test_set

    def _named(self, name: str) -> str:
        stage = name.partition(":")[0]
        takes_end = stage in ITS_OWN and test_sets.MARK not in name
        return name + test_sets.end(self.test_set) if takes_end else name

    def has(self, name: str) -> bool:
        return super().has(self._named(name))

    def artefact(self, name: str) -> Artefact:
        return super().artefact(self._named(name))

    def extracted(self, encoder: str) -> Artefact:
        """The artefact with the study's own vectors: encoders are loaded as they made these."""
        return self.own.extracted(encoder)

    def modalities(self, encoder_set: str) -> dict[str, str]:
        """`{modality: encoder}` of an encoder set, as far as the test dataset has items."""
        there = self.dataset["modalities"]
        return {m: name for m, name in encoders_by_modality(encoder_set).items() if m in there}

    @functools.cached_property
    def dataset(self) -> dict[str, Any]:
        """The card of the test dataset; notes say what the study has not seen of it."""
        card: dict[str, Any] = self.artefact("ingest").json("dataset.json")
        title = self.own.dataset.get("title") or self.own.dataset["name"]
        subsets = with_subset(self.own.artefact("ingest"), self.artefact("ingest"))["subset"]
        notes = [f"Nothing was trained on these items: the spaces and classifiers are of {title}."]
        if n_known := int((subsets != TEST).sum()):
            notes.append(
                f"{n_known:,} items are of files that the study has too: they are not tested."
            )
        return {
            **card,
            "title": f"{self.test_set}, tested in the spaces of {title}",
            "notes": notes,
        }

    @property
    def n_splits(self) -> int:
        return self.own.n_splits

    @property
    def paired_classes(self) -> list[str]:
        """The classes that the study's classifiers know."""
        return self.own.paired_classes

    @read_once
    def items(self, split: int = 0) -> pd.DataFrame:
        """The item table of the test dataset, the same for every split."""
        frame = with_subset(self.own.artefact("ingest"), self.artefact("ingest"))
        frame["class"] = items.single_labels(frame)
        return frame.set_index("item_id", drop=False)

    @read_once
    def native(self, encoder: str) -> Vectors:
        """The native vectors of one encoder."""
        return read_vectors(self.artefact(f"extract:{encoder}"), "vectors.npy")

    @read_once
    def shared(self, encoder_set: str, space: str, modality: str, split: int = 0) -> Vectors:
        """Every item of one modality, projected into a space of the study."""
        encoder = encoders_by_modality(encoder_set)[modality]
        vectors = self.native(encoder)
        array = vectors.array
        state = None
        if modality == "text" and space in GENERATED:
            state = self.text_encoder_state(encoder_set, split, space)
        if state is not None:
            recorded: Any = self.record.get("weights_dir")
            folder = Path(recorded) if recorded else None
            tuned = load_tuned(encoder, self.own.extracted, state, folder)
            array = tuned.embed(list(self.items().loc[vectors.item_ids, "text"]))
        fit = self.space(encoder_set, space, split)
        return Vectors(vectors.item_ids, fit.project(modality, array))

    @read_once
    def forest(self, encoder_set: str, system: str) -> forests.Forest:
        """The study's own forest; see `core.study.Study.forest`."""
        return self.own.forest(encoder_set, system)
