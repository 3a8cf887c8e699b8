"""Translation: one small tower per modality maps native vectors into a shared space.

Wu et al. 2021 (§2.2, §3.2): Linear(d, 256) → BatchNorm → ELU → Linear(256, 128) → unit norm per
modality, a margin loss over the pairs of a batch, Adam at 1e-3, batches of 4096, early stopping
on the validation loss. `TranslationConfig()` is that recipe. `core.spaces.translation_training`
fits it; projection needs NumPy alone.

    space = translation_training.fit(natives, pairs, clips, TranslationConfig(), seed=0)
    shared = space.project("audio", native)

Choices where the paper is silent:
* A tenth of the pairs is for validation, split by clip.
* An epoch of W's 130k pairs has 29 steps, so patience 5 means 145 steps without progress. With
  fewer pairs than a batch an epoch would be one step, and patience 5 would stop within seconds.
  With `min_steps` an epoch repeats the pairs until it has that many steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from core.errors import UserError
from core.recipe_checks import check_recipe
from core.spaces.projection import History, history_arrays, history_rows, project_rows
from core.vectors import unit_rows

BATCH_NORM_EPS = 1e-5  # torch's default
HISTORY = ("epoch", "train_loss", "validation_loss", "seconds")
STORED = HISTORY[:-1]  # without times, so that the same fit gives the same bytes
PARAMETERS = ("w1", "b1", "gamma", "beta", "mean", "var", "w2", "b2")
CENTRE = "centre"  # of a tower: the mean that `centred` takes away
PLUS = "+"  # between losses that are added up

Loss = Literal[
    "margin",
    "symmetric_margin",
    "info_nce",
    "siglip",
    "hardest_triplet",
    "supervised_contrastive",
    "prototypes",
    "supervised_contrastive+prototypes",
]
LEARNS_CLASSES = ("supervised_contrastive", "prototypes")


@dataclass(frozen=True)
class TranslationConfig:
    """How a translation is trained. The defaults are W's recipe.

    Parameters
    ----------
    loss : see `core.spaces.losses`
    temperature : of the losses with a softmax; for `info_nce` its start value, learned from there
    batch : the largest number of pairs in a step
    min_steps : the least number of steps in an epoch
    sampler : "balanced" draws every class equally often
    pairing : "redrawn" is for data paired by class alone: every draw pairs each item with a
        random item of its class
    same_class : "ignored": two pairs of one class are not negatives of each other
    share : share of the pairs to train on
    mismatched : share of these pairs that are wrong on purpose (see `core.spaces.pair_changes`)
    seed : added to the study's seed in this training alone
    words : how text joins: "after" the other two, into the space that they have made, or
        "together" with them
    windows : "own": an item is its own second (W). "train": other seconds of its recording train
        too, each as often as the others of its item. "query": they train, and a sound that is
        ranked as a query is the mean of its windows by loudness, as an uploaded file is
    centred : in the space, the mean of each modality's training items is taken away, and rows are
        scaled to unit length again. Modalities then surround one point, without the gap between
        them that contrastive losses leave (Liang et al. 2022, *Mind the gap*)
    towers : how many trainings with different seeds are averaged: their spaces are turned onto
        the first one's, unit outputs are averaged and scaled to unit length again (an ensemble of
        embeddings, as in Wortsman et al. 2022, §3.1, of outputs)

    Raises
    ------
    UserError
        A value is not among the choices, of another type or out of range.
    """

    n_hidden: int = 256
    n_dims: int = 128
    loss: Loss = "margin"
    margin: float = 1.0
    temperature: float = 0.07
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    dropout: float = 0.0
    input_dropout: float = 0.0
    batch: int = 4096
    min_steps: int = 1
    max_epochs: int = 200
    patience: int = 5
    validation_share: float = 0.1
    sampler: Literal["uniform", "balanced"] = "uniform"
    pairing: Literal["fixed", "redrawn"] = "fixed"
    same_class: Literal["negative", "ignored"] = "negative"
    words: Literal["after", "together"] = "after"
    share: float = 1.0
    mismatched: float = 0.0
    seed: int = 0
    windows: Literal["own", "train", "query"] = "own"
    centred: bool = False
    towers: int = 1

    def __post_init__(self) -> None:
        counts = ("n_hidden", "n_dims", "min_steps", "max_epochs", "patience", "towers")
        check_recipe(
            self,
            "translation",
            at_least=dict.fromkeys(counts, 1)
            | {
                "batch": 2,
                "weight_decay": 0,
                "mismatched": 0,
                "seed": 0,
            },
            above_zero=("learning_rate", "temperature", "share"),
            shares=("dropout", "input_dropout", "validation_share"),
            at_most={"share": 1, "mismatched": 1},
        )

    @property
    def learns_classes(self) -> bool:
        """Whether the loss itself learns from the classes: the space has seen the labels."""
        return any(name in LEARNS_CLASSES for name in self.loss.split(PLUS))

    @property
    def needs_classes(self) -> bool:
        """Whether training needs the class of each pair."""
        fields = (self.sampler, self.pairing, self.same_class)
        return self.learns_classes or fields != ("uniform", "fixed", "negative")


def in_words(recipe: Mapping[str, Any]) -> str:
    """What a person should know of a recipe (its fields): one line for a page's footer."""
    loss = str(recipe.get("loss", "margin"))
    said = [f"loss {loss.replace('_', ' ').replace(PLUS, ' + ')}"]
    if any(name in LEARNS_CLASSES for name in loss.split(PLUS)):
        said.append("learns from the labels")
    elif (recipe.get("pairing"), recipe.get("same_class")) != ("fixed", "negative"):
        said.append("pairs made with the labels")
    if recipe.get("centred"):
        said.append("centred by modality")
    if recipe.get("towers", 1) > 1:
        said.append(f"{recipe['towers']} trainings averaged")
    windows = recipe.get("windows", "own")
    if windows != "own":
        said.append("all windows of a recording train")
    if windows == "query":
        said.append("a ranked query is the mean of its recording's windows")
    return ", ".join(said)


@dataclass
class Translation:
    """Fitted towers by modality, as NumPy arrays, and the history of the training.

    A tower has `w1` (256, d), `b1`, the BatchNorm's `gamma`, `beta`, `mean`, `var` (256,), `w2`
    (128, 256) and `b2` (128,), all float32. Averaged towers are stacked: each of these has one
    more axis, the first. A centred tower has a `centre` (128,) as well. `history` has one dict per
    epoch with `epoch` (from 1), `train_loss`, `validation_loss` and `seconds`; of averaged towers
    it is the first one's.
    """

    towers: dict[str, dict[str, np.ndarray]]
    history: History = field(default_factory=list)
    best_epoch: int = 0

    @property
    def n_dims(self) -> int:
        return int(next(iter(self.towers.values()))["b2"].shape[-1])

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → shared vectors (n, 128) float32 with unit rows.

        Raises
        ------
        UserError
            The modality has no tower, or the vectors have another length.
        """
        if modality not in self.towers:
            known = ", ".join(sorted(self.towers))
            raise UserError(f"This space has no tower for {modality}: it was fitted for {known}.")
        tower = self.towers[modality]
        networks = [_network(one) for one in unstacked(tower)]
        centre = tower.get(CENTRE)

        def through(block: np.ndarray) -> np.ndarray:
            found = networks[0](block)
            if len(networks) > 1:
                outputs = np.stack([network(block) for network in networks])
                found = unit_rows(outputs.sum(axis=0), np.float64)
            return found if centre is None else unit_rows(found - centre, np.float64)

        n_native = tower["w1"].shape[-1]
        return project_rows(through, native, n_native, tower["b2"].shape[-1], modality)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        flat = {
            f"{modality}/{name}": tower[name]
            for modality, tower in self.towers.items()
            for name in (*PARAMETERS, CENTRE)
            if name in tower
        }
        flat["best_epoch"] = np.array(self.best_epoch)
        return flat | history_arrays(self.history, STORED)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Translation:
        """The inverse of `arrays`."""
        towers: dict[str, dict[str, np.ndarray]] = {}
        for key in arrays:
            modality, _, name = key.rpartition("/")
            if name in (*PARAMETERS, CENTRE):
                towers.setdefault(modality, {})[name] = np.asarray(arrays[key])
        best_epoch = int(np.asarray(arrays["best_epoch"]).item())
        return cls(towers, history_rows(arrays, STORED), best_epoch)


def unstacked(tower: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """The towers of a stack, or the one of a tower without a stack; without centres."""
    parts = {name: tower[name] for name in PARAMETERS}
    if parts["b1"].ndim == 1:
        return [parts]
    n_towers = len(parts["b1"])
    return [{name: array[row] for name, array in parts.items()} for row in range(n_towers)]


def _network(tower: Mapping[str, np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """One tower as a function of float64 vectors (n, d) -> (n, 128) with unit rows."""
    w = {name: tower[name].astype(np.float64) for name in PARAMETERS}
    slope = w["gamma"] / np.sqrt(w["var"] + BATCH_NORM_EPS)
    shift = (w["b1"] - w["mean"]) * slope + w["beta"]

    def through(block: np.ndarray) -> np.ndarray:
        hidden = block @ w["w1"].T * slope + shift
        hidden = np.where(hidden > 0, hidden, np.expm1(np.minimum(hidden, 0)))  # ELU
        return unit_rows(hidden @ w["w2"].T + w["b2"], np.float64)

    return through
