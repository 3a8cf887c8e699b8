"""A study in the workspace: its artefacts, and how to read them.

Pages, `report` and `search` all read through this module, so their numbers agree. `core.record`
has the names of a study's artefacts.

    study = open_study(Store("workspace/demo"))
    vectors = study.shared("logmel+hog", "translation", "audio")

Spaces: `translation` and `pca` are fitted on the subset `translation` of a split, and so is
`generation` (S), which maps sounds and pictures into the text encoder's space (`generation_tuned`:
one that was fine-tuned along). `cca` is in closed form; `united` has towers that learned from the
labels beside it, and texts.
`translation_all` and `united_all` are fitted on all pairs; they serve retrieval and have no scores.
"""

import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import items, media_roots, record, taxonomy, test_sets
from core.encoder_sets import encoder_set_name, encoders_by_modality
from core.errors import MediaError, MissingArtefact, UserError
from core.files import leaves_root, media_source
from core.lab import runs
from core.once import Once, read_once
from core.spaces import pca, translation
from core.spaces.fitted import STORED, PcaSpace, Space
from core.store import Artefact, Store, damaged
from core.studies import forests
from core.vectors import Vectors, read_vectors

TUNED = "generation_tuned"
GENERATED = {"generation": "", TUNED: ".tuned"}  # space -> the end of its artefact's name
BESIDE = ("cca", "united")  # what a training may lack
SPACES = ("translation", "pca", *BESIDE, "translation_all", "united_all", *GENERATED)
ALL = "all"
ON_ALL_PAIRS = {"translation_all": "translation", "united_all": "united"}  # space -> file


def taxonomy_of(ingested: Artefact) -> taxonomy.Taxonomy:
    """A dataset's relation of labels: its ontology, or the built-in one if it has all classes."""
    if ingested.has("ontology.json"):
        return taxonomy.parse(ingested.read_bytes("ontology.json"), "ontology.json")
    known = taxonomy.demo()
    if known.unknown(ingested.json("dataset.json")["paired_classes"]):
        return taxonomy.flat()
    return known


def media_root(ingested: Artefact) -> str:
    """The folder or URL of a dataset's media; the demo's media are inside the artefact."""
    root = str(ingested.json("dataset.json")["root"])
    if root.startswith("/") or "://" in root:
        return root
    if leaves_root(root):
        raise MediaError(f"The media folder {root!r} is outside its workspace and is not opened.")
    return ingested.address(root)


def open_study(store: Store, digest_: str | None = None) -> "Study":
    """The study whose digest begins like this, or the newest one.

    Raises
    ------
    MissingArtefact
        The workspace has no study, or not this one.
    Damaged
        Its record is not what was written; or a record that may be the newest one's.
    """
    found, broken = record.readable(store)
    for digest, error in broken.items():
        if digest.startswith(digest_ or ""):
            raise error
    if digest_ and found:
        found += runs.records(store)
    if not found:
        raise MissingArtefact(
            f"The workspace {store.root} has no study yet: run "
            f"`python -m precompute all --dataset demo --workspace {store.root}`."
        )
    if digest_ is None:
        return Study(store, found[0])
    for values in found:
        if values["digest"].startswith(digest_):
            return Study(store, values)
    known = ", ".join(values["digest"] for values in found)
    raise MissingArtefact(f"The workspace {store.root} has no study {digest_!r}: it has {known}.")


class Study:
    """A study, read-only. Reads are cached; arrays are memory-mapped."""

    test_set = ""  # see `core.tested_study`

    def __init__(self, store: Store, record: dict[str, Any]) -> None:
        self.store = store
        self.digest: str = record["digest"]
        self.config: dict[str, Any] = record["config"]
        self.record = record
        self.artefacts: dict[str, list[str]] = record["artefacts"]
        self.once = Once()  # what `read_once` keeps
        self.own: Study = self  # the study with its own dataset, see `core.tested_study`

    # -- contents ----------------------------------------------------------------------------

    @property
    def encoders(self) -> dict[str, list[str]]:
        """The encoders of each modality."""
        return {m: list(self.config[m]) for m in items.MODALITIES if self.config.get(m)}

    @property
    def encoder_sets(self) -> list[tuple[str, ...]]:
        """Every combination of one encoder per modality."""
        return list(itertools.product(*self.encoders.values()))

    def has_audio_and_image(self, encoder_set: str) -> bool:
        """Whether an encoder set has sounds and pictures, which W's studies compare."""
        return {"audio", "image"} <= set(self.modalities(encoder_set))

    def modalities(self, encoder_set: str) -> dict[str, str]:
        """`{modality: encoder}` of an encoder set."""
        return encoders_by_modality(encoder_set)

    @property
    def default_encoder_set(self) -> str:
        return encoder_set_name(*self.encoder_sets[0])

    @functools.cached_property
    def dataset(self) -> dict[str, Any]:
        """The dataset's card: name, classes, licence, how it is paired, its root."""
        card: dict[str, Any] = self.artefact("ingest").json("dataset.json")
        return card

    @property
    def classes(self) -> list[str]:
        """Every class, in the order of all pages."""
        return list(self.dataset["classes"])

    @property
    def paired_classes(self) -> list[str]:
        """The classes with both sounds and pictures, used for training and scores."""
        return list(self.dataset["paired_classes"])

    @functools.cached_property
    def item_s(self) -> float:
        """The length of the collection's sounds in seconds; uploads are cut into such windows."""
        frame = self.items()
        sounds = frame["duration_s"][frame["modality"] == "audio"]
        return float(sounds.median()) if len(sounds) else 1.0

    @property
    def n_splits(self) -> int:
        return 1 if "run" in self.record else int(self._splits["split"].max()) + 1

    def has(self, name: str) -> bool:
        """Whether the study has an artefact; reading it may still find damage."""
        return name in self.artefacts

    def artefact(self, name: str) -> Artefact:
        """A finished artefact of this study.

        Raises
        ------
        MissingArtefact
            It has not been computed; the message names the command.
        Damaged
            It is gone, or not what was written.
        """
        found = self._open(name) if name in self.artefacts else None
        if found is None and name in self.artefacts:
            raise damaged(self.store, "/".join(self.artefacts[name]), "it is missing")
        if found is None:
            stage = name.split(":")[0]
            if "run" in self.record:
                raise MissingArtefact(
                    f"A run of the lab has nothing of the stage `{stage}`: it has one translation "
                    "and its measures, so open its study for this."
                )
            raise MissingArtefact(
                f"Nothing of the stage `{stage}` has been computed for this study yet: run "
                f"`{self.command(stage)}`."
            )
        return found

    def command(self, stage: str = "all") -> str:
        """The command that computes a stage of this study."""
        parts = ["python -m precompute", stage, "--dataset", str(self.config["dataset"])]
        parts += ["--size", str(self.config["size"])] if self.config["size"] else []
        known = self.dataset if self.has("ingest") else {}
        for modality in known.get("modalities", self.encoders):
            parts += [f"--{modality}", ",".join(self.encoders.get(modality, ["none"]))]
        parts += ["--workspace", self.store.root]
        return " ".join(parts)

    @read_once
    def _open(self, name: str) -> Artefact | None:
        stage, digest_ = self.artefacts[name]
        return self.store.open(stage, digest_)

    # -- items -------------------------------------------------------------------------------

    @functools.cached_property
    def _splits(self) -> pd.DataFrame:
        return self.artefact("ingest").table("splits.parquet")

    @read_once
    def items(self, split: int = 0) -> pd.DataFrame:
        """The item table with the `subset` of one split and each item's single `class`."""
        frame = self.artefact("ingest").table("items.parquet")
        frame = items.with_subset(frame, self._splits, split)
        frame["class"] = items.single_labels(frame)
        return frame.set_index("item_id", drop=False)

    def media_of(self, item_id: str) -> tuple[Path | bytes, str]:
        """An item's file (a path on this machine, or its bytes from a URL), and its name.

        Raises
        ------
        MediaError
            The item is a vector without a file, its path leaves the dataset's folder, or nobody
            has allowed that folder.
        """
        path = str(self.items().loc[item_id, "path"])
        if not path:
            raise MediaError("This item is a vector of the dataset: it has no sound or picture.")
        if leaves_root(path):
            raise MediaError(f"The item's file {path!r} is outside its dataset and is not opened.")
        ingested = self.artefact("ingest")
        if ingested.has(inside := f"{self.dataset['root']}/{path}"):
            ingested.check(inside)
        root = media_root(ingested)
        media_roots.check(self.store, root)
        return media_source(root, path), path

    # -- vectors and spaces ------------------------------------------------------------------

    def spaces(self, encoder_set: str) -> list[str]:
        """The spaces of an encoder set, in the order of `SPACES`."""
        return [space for space in SPACES if self.has_space(encoder_set, space)]

    def has_space(self, encoder_set: str, space: str) -> bool:
        name, file = self._place(encoder_set, space, 0)
        found = self.has(name)
        return found and (file not in BESIDE or self.artefact(name).has(f"{file}.safetensors"))

    def _place(self, encoder_set: str, space: str, split: int) -> tuple[str, str]:
        """The artefact of a space, and the beginning of its files."""
        if space in ON_ALL_PAIRS:
            return f"train:{encoder_set}:{ALL}", ON_ALL_PAIRS[space]
        elsewhere = f"{space}:{encoder_set}:{split}"  # a run's PCA is that of its study
        if space in GENERATED:
            return f"generate:{encoder_set}:{split}{GENERATED[space]}", "generation"
        return elsewhere if elsewhere in self.artefacts else f"train:{encoder_set}:{split}", space

    def extracted(self, encoder: str) -> Artefact:
        """The artefact with an encoder's vectors; raises as `artefact`."""
        return self.artefact(f"extract:{encoder}")

    @read_once
    def native(self, encoder: str) -> Vectors:
        """The native vectors of one encoder."""
        return read_vectors(self.extracted(encoder), "vectors.npy")

    @read_once
    def shared(self, encoder_set: str, space: str, modality: str, split: int = 0) -> Vectors:
        """Every item of one modality in a shared space."""
        artefact, file = self._trained(encoder_set, space, split)
        return read_vectors(artefact, f"{file}.{modality}.npy", f"{modality}.items.parquet")

    @read_once
    def space(self, encoder_set: str, space: str, split: int = 0) -> Space:
        """A fitted space, to project new vectors into."""
        if space == "translation":  # of a run of the lab it may be another one
            space = self.record.get("run", {}).get("space", space)
        artefact, file = self._trained(encoder_set, space, split)
        if file in STORED:
            return STORED[file](artefact.tensors(f"{file}.safetensors"))
        return PcaSpace(
            {
                modality: pca.Pca.from_arrays(artefact.tensors(f"pca.{modality}.safetensors"))
                for modality in encoders_by_modality(encoder_set)
            }
        )

    def _trained(self, encoder_set: str, space: str, split: int) -> tuple[Artefact, str]:
        if space not in SPACES:
            raise UserError(f"There is no space {space!r}: expected one of {', '.join(SPACES)}.")
        name, file = self._place(encoder_set, space, split)
        if self.has(name) and not self.has_space(encoder_set, space):
            raise MissingArtefact(f"This study has no space {space}: it was trained without it.")
        return self.artefact(name), file

    def trained_with(self, encoder_set: str) -> dict[str, str]:
        """The recipes of the translation and the united space in words, as far as trained."""
        made = self._open(name) if self.has(name := f"train:{encoder_set}:0") else None
        key = made.manifest["key"] if made else {}
        recipes = {"translation": key.get("recipe"), "united space": key.get("united")}
        return {space: translation.in_words(one) for space, one in recipes.items() if one}

    def history(self, encoder_set: str, part: int | str = 0) -> pd.DataFrame:
        """`epoch, train_loss, validation_loss, seconds` of one translation's training."""
        return self.artefact(f"train:{encoder_set}:{part}").table("history.parquet")

    def generation_history(self, encoder_set: str, split: int = 0) -> pd.DataFrame:
        """As `history` of the generators' training, with `train_discriminator_loss` and
        `validation_discriminator_loss`, which are NaN without a discriminator."""
        return self.artefact(f"generate:{encoder_set}:{split}").table("generation_history.parquet")

    @read_once
    def text_encoder_state(
        self, encoder_set: str, split: int = 0, space: str = "generation"
    ) -> dict[str, np.ndarray] | None:
        """The parameters of the text encoder that was fine-tuned for a generation space; None if
        it was not."""
        name = f"generate:{encoder_set}:{split}{GENERATED[space]}"
        if not self.has(name) or not self.artefact(name).has("text_encoder.safetensors"):
            return None
        return self.artefact(name).tensors("text_encoder.safetensors")

    # -- results -----------------------------------------------------------------------------

    @read_once
    def measurements(self) -> pd.DataFrame:
        """All measurements, one per row (see `core.studies.measure`)."""
        evaluated = [name for name in sorted(self.artefacts) if name.startswith("evaluate:")]
        mine = [name for name in evaluated if test_sets.name_of(name) == self.test_set]
        frames = [self.artefact(name).table("measurements.parquet") for name in mine]
        if not frames:
            self.artefact("evaluate")  # raises, naming the command
        return pd.concat(frames, ignore_index=True).assign(tested_on=self.test_set)

    @read_once
    def predictions(self, encoder_set: str, split: int = 0) -> pd.DataFrame:
        """`item_id, target, system, truth, predicted, confidence` of the test items."""
        return self.artefact(f"evaluate:{encoder_set}:{split}").table("predictions.parquet")

    @read_once
    def queries(self, encoder_set: str, split: int = 0) -> pd.DataFrame:
        """`item_id, direction, space, ndcg, precision_at_10, average_precision` per query."""
        return self.artefact(f"evaluate:{encoder_set}:{split}").table("queries.parquet")

    @read_once
    def tagged(self, encoder_set: str, split: int = 0) -> pd.DataFrame:
        """`item_id, target, space, system, truth, predicted, score`: each test item's best tag in
        the zero-shot study; `system` is the wording."""
        return self.artefact(f"evaluate:{encoder_set}:{split}").table("tagged.parquet")

    @read_once
    def forest(self, encoder_set: str, system: str) -> forests.Forest:
        """The first seed's forest of SMA, SMI, MMP or MMT, trained on all of `train`."""
        evaluated = self.artefact(f"evaluate:{encoder_set}:0")
        if not evaluated.has("forests.safetensors"):
            raise MissingArtefact("This study has no forests: it needs sounds and pictures.")
        tensors = evaluated.tensors("forests.safetensors")
        mine = {
            name.split("/", 1)[1]: value
            for name, value in tensors.items()
            if name.startswith(f"{system}/")
        }
        if not mine:
            raise MissingArtefact(f"This study has no forest of the system {system}.")
        return forests.Forest.from_arrays(mine)

    def mapped(self, encoder_set: str) -> list[str]:
        """The spaces that have maps; none before they are drawn."""
        made = self._open(name) if self.has(name := f"maps:{encoder_set}") else None
        return made.manifest.get("spaces", []) if made else []

    @read_once
    def map(self, encoder_set: str, space: str, method: str, n_dims: int) -> pd.DataFrame:
        """One map: `item_id, modality, x, y, z`; `z` is NaN in two dimensions.

        Raises
        ------
        MissingArtefact
            It has not been computed; the message names the command.
        """
        columns = ["item_id", "modality", "x", "y", "z"]
        where = {"space": space, "method": method, "n_dims": n_dims}
        found = self.artefact(f"maps:{encoder_set}").table("maps.parquet", columns, where)
        if found.empty:
            again = f"run `{self.command('maps')}`"
            raise MissingArtefact(f"There is no {method} map of {space}: {again}.")
        return found

    @read_once
    def epochs(self, encoder_set: str) -> pd.DataFrame:
        """`epoch, item_id, modality, partner, x, y`: the validation pairs of the generation space
        after each kept epoch (0: before the first); `partner` is the item's text."""
        return self.artefact(f"maps:{encoder_set}:epochs").table("epochs.parquet")
