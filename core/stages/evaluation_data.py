"""What the studies of one encoder set and split work on: items, labels, vectors in every space."""

from dataclasses import dataclass

import pandas as pd

from core import items, taxonomy
from core.store import Artefact
from core.studies.classification import Labelled
from core.vectors import Vectors, read_vectors

SPACES = ("translation", "pca")
GENERATION = "generation"
NATIVE = "native"  # vectors as their encoders give them, where both share a published space
SIDES = ("audio", "image")  # what W's classification, mix-in and centroids are about


@dataclass(frozen=True)
class Made:
    """The artefacts that one encoder set and split are studied through."""

    natives: dict[str, Artefact]  # by modality
    trained: Artefact | None
    generated: Artefact | None

    def vectors(self, joint: tuple[str, ...]) -> dict[str, dict[str, Vectors]]:
        """space -> modality -> every item; `joint` modalities are compared as they are too."""
        found: dict[str, dict[str, Vectors]] = {}
        for artefact, spaces in ((self.trained, SPACES), (self.generated, (GENERATION,))):
            for space in spaces if artefact is not None else ():
                assert artefact is not None
                found[space] = {
                    name: read_vectors(artefact, f"{space}.{name}.npy", f"{name}.items.parquet")
                    for name in self.natives
                    if artefact.has(f"{space}.{name}.npy")
                }
        if joint:
            found[NATIVE] = {
                name: read_vectors(self.natives[name], "vectors.npy") for name in joint
            }
        return found


@dataclass(frozen=True)
class Data:
    """What the studies of one encoder set and split work on."""

    items: pd.DataFrame  # with `subset`
    classes: list[str]  # every class
    paired_classes: list[str]  # those of training and scores
    paired_by: str
    taxonomy: taxonomy.Taxonomy
    vectors: dict[str, dict[str, Vectors]]  # space -> modality -> every item

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(next(iter(self.vectors.values())))

    @property
    def has_audio_and_image(self) -> bool:
        """Whether there are both sounds and pictures, fitted: what W's studies compare."""
        return set(SIDES) <= set(self.modalities) and set(SPACES) <= set(self.vectors)

    def of(self, modality: str, *subsets: str) -> pd.DataFrame:
        """The items of a modality in some subsets that have vectors."""
        frame = items.of(self.items, modality)
        known = frame["item_id"].isin(next(iter(self.vectors.values()))[modality].item_ids)
        return frame[known & frame["subset"].isin(subsets)].reset_index(drop=True)

    def held_out(self, modality: str) -> pd.DataFrame:
        """What rankings are measured on: `crossmodal`, or all that no space was fitted on."""
        chosen = self.of(modality, "crossmodal")
        return chosen if len(chosen) else self.of(modality, "train", "test")

    def labelled(self, subset: str) -> dict[str, dict[str, Labelled]]:
        """space -> modality -> the single-label items of a subset."""
        found: dict[str, dict[str, Labelled]] = {}
        for space in SPACES:
            for modality in SIDES:
                frame = self.single(modality, subset)
                vectors = self.vectors[space][modality].take(frame["item_id"])
                numbers = items.class_numbers(frame, self.paired_classes)
                found.setdefault(space, {})[modality] = Labelled(vectors, numbers)
        return found

    def single(self, modality: str, subset: str) -> pd.DataFrame:
        frame = self.of(modality, subset)
        keep = items.class_numbers(frame, self.paired_classes) >= 0
        return frame[keep].reset_index(drop=True)
