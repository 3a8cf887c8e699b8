"""What the studies of one encoder set and split work on: items, labels, vectors in every space."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from core import encoders, items, taxonomy
from core.encoder_sets import READY
from core.store import Artefact
from core.studies import combined
from core.studies.forest_cells import ALIGNED, SCALED, Labelled
from core.study import TUNED, taxonomy_of
from core.vectors import Vectors, read_vectors

SPACES = ("translation", "pca")  # W's
BESIDE = ("cca", "united")  # where a training has them
GENERATION = "generation"
NATIVE = "native"  # the encoders' own vectors, where encoders share a published space
AUDIO_IMAGE = ("audio", "image")  # the modalities of W's classification, mix-in and centroids


def published_joint(by_modality: Mapping[str, str]) -> tuple[str, ...]:
    """The modalities whose encoders share a published space (such as CLIP's), else none.

    `by_modality` is `{modality: encoder}`.
    """
    joint = {
        modality: encoders.card(encoder).joint
        for modality, encoder in by_modality.items()
        if not encoder.startswith(READY)
    }
    names = [name for name in joint.values() if name]
    return tuple(modality for modality, name in joint.items() if name and names.count(name) > 1)


@dataclass(frozen=True)
class EvaluationData:
    """What the studies of one encoder set and split work on."""

    items: pd.DataFrame  # with `subset`
    classes: list[str]  # every class
    paired_classes: list[str]  # the classes of training and scores
    paired_by: str
    taxonomy: taxonomy.Taxonomy
    vectors: dict[str, dict[str, Vectors]]  # space -> modality -> every item
    # The same where a query is a whole recording, not its item.
    queries: dict[str, dict[str, Vectors]] = field(default_factory=dict)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(next(iter(self.vectors.values())))

    @property
    def has_audio_and_image(self) -> bool:
        """Whether sounds and pictures have shared spaces, which W's studies compare."""
        return set(AUDIO_IMAGE) <= set(self.modalities) and set(SPACES) <= set(self.vectors)

    def of(self, modality: str, *subsets: str) -> pd.DataFrame:
        """The items of a modality in some subsets that have vectors."""
        frame = items.of(self.items, modality)
        known = frame["item_id"].isin(next(iter(self.vectors.values()))[modality].item_ids)
        return frame[known & frame["subset"].isin(subsets)].reset_index(drop=True)

    def held_out(self, modality: str) -> pd.DataFrame:
        """The items to rank: `crossmodal`, or if that is empty all that no space was fitted on."""
        chosen = self.of(modality, "crossmodal")
        return chosen if len(chosen) else self.of(modality, "train", "test")

    def single(self, modality: str, subset: str) -> pd.DataFrame:
        """The items of a subset with exactly one of the paired classes."""
        frame = self.of(modality, subset)
        keep = items.class_numbers(frame, self.paired_classes) >= 0
        return frame[keep].reset_index(drop=True)

    def labelled(self, subset: str) -> dict[str, dict[str, Labelled]]:
        """space -> modality -> the single-label items of a subset.

        Beside W's spaces there are those of SMT (`core.studies.combined`), made with the
        unlabelled items of the translation subset.
        """
        found: dict[str, dict[str, Labelled]] = {}
        for modality in AUDIO_IMAGE:
            frame, unlabelled = self.single(modality, subset), self.of(modality, "translation")
            numbers = items.class_numbers(frame, self.paired_classes)
            for space, other, prepare in (
                ("translation", ALIGNED, combined.aligned),
                ("pca", SCALED, combined.scaled),
            ):
                if space not in self.vectors:
                    continue
                vectors = self.vectors[space][modality]
                x = vectors.take(frame["item_id"])
                found.setdefault(space, {})[modality] = Labelled(x, numbers)
                prepared = prepare(x, vectors.take(unlabelled["item_id"]))
                found.setdefault(other, {})[modality] = Labelled(prepared, numbers)
        return found


@dataclass(frozen=True)
class Sources:
    """The artefacts that one encoder set and split are evaluated from."""

    natives: Mapping[str, Artefact]  # by modality
    trained: Artefact | None
    generated: Artefact | None
    joint: tuple[str, ...]  # modalities whose native vectors are compared too
    tuned: Artefact | None = None  # the generation space with a fine-tuned text encoder

    def vectors(self) -> dict[str, dict[str, Vectors]]:
        """space -> modality -> every item."""
        found: dict[str, dict[str, Vectors]] = {}
        files = [(space, space, self.trained) for space in (*SPACES, *BESIDE)]
        files += [(GENERATION, GENERATION, self.generated), (TUNED, GENERATION, self.tuned)]
        for space, file, artefact in files:
            if artefact is None:
                continue
            mine = {
                name: read_vectors(artefact, f"{file}.{name}.npy", f"{name}.items.parquet")
                for name in self.natives
                if artefact.has(f"{file}.{name}.npy")
            }
            if mine:
                found[space] = mine
        if self.joint:
            found[NATIVE] = {
                name: read_vectors(self.natives[name], "vectors.npy") for name in self.joint
            }
        return found

    def queries(self) -> dict[str, dict[str, Vectors]]:
        """space -> modality -> the mean of every recording's windows, where a recipe has them."""
        trained, found = self.trained, dict[str, dict[str, Vectors]]()
        for space, name in itertools.product((*SPACES, *BESIDE), self.natives) if trained else ():
            file = f"{space}.{name}.recordings.npy"
            if trained and trained.has(file):
                ids = f"{name}.items.parquet"
                found.setdefault(space, {})[name] = read_vectors(trained, file, ids)
        return found


def read(ingested: Artefact, split: int, sources: Sources) -> EvaluationData:
    """The data of one encoder set and split."""
    card = ingested.json("dataset.json")
    frame = items.with_subset(
        ingested.table("items.parquet"), ingested.table("splits.parquet"), split
    )
    return EvaluationData(
        frame,
        card["classes"],
        card["paired_classes"],
        card["paired_by"],
        taxonomy_of(ingested),
        sources.vectors(),
        sources.queries(),
    )
