"""Generation: audio and image vectors mapped into the space of a text encoder.

Seth 2022 §III: a generator of four fully connected layers maps a native vector to one of the text
encoder, d → … → k. Text vectors stay where their encoder puts them. The loss is the symmetric
contrastive one over the cosines of a batch, or the appendix's discriminator; the text encoder is
frozen, or fine-tuned with it. `GenerationConfig()` is S's recipe.
`core.spaces.generation_training` fits it; projection needs NumPy alone.

Choices where the paper is silent or contradicts itself:
* The hidden layers have 512 units and ReLU, because its discriminator's layers have ReLU.
* Its equation sums over k ≠ i; its prose ("the softmax … across all") and the work that it cites
  sum over all k. The prose is followed; `decoupled` is the equation as printed (Yeh et al. 2022,
  *Decoupled contrastive learning*).
* Its cosines are not scaled; `temperature` below 1 is an option.
* The validation pairs are split by clip, and the best epoch is kept. S has 75/15/10 (§III.D): 15 of
  the 90 % of clips that are not for testing.
* A text encoder is fine-tuned without its dropout, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.errors import UserError
from core.recipe_checks import check_recipe
from core.spaces.projection import History, history_arrays, history_rows, project_rows
from core.vectors import unit_rows

TEXT = "text"
N_LAYERS = 4
HISTORY = (
    "epoch",
    "train_loss",
    "validation_loss",
    "train_discriminator_loss",
    "validation_discriminator_loss",
    "seconds",
)
STORED = HISTORY[:-1]  # without times, so that the same fit gives the same bytes


@dataclass(frozen=True)
class GenerationConfig:
    """How generators are trained. The defaults are S's recipe.

    Parameters
    ----------
    loss : "contrastive" (§III.C), or "discriminator" (appendix, equation 1)
    decoupled : leave a pair's own cosine out of the sum below the fraction
    text : "frozen" (S's baseline), or "finetuned": the text encoder is trained too. With the
        discriminator this is the appendix's second variant: for `tuning_epochs` the captions
        train the encoder alone (`core.spaces.text_vectors`), then it is frozen, and generators and
        discriminator start
    centred : subtract the mean of the native vectors and divide by one number, so that their
        standard deviation is 1; S used them unchanged
    input_dropout, pairing, same_class : as in `core.spaces.translation.TranslationConfig`
    validation_share : of the pairs that are not for testing
    snapshots : the most epochs drawn on the moving map
    snapshot_pairs : the validation pairs per modality drawn there

    Raises
    ------
    UserError
        A value is not among the choices, of another type or out of range.
    """

    loss: Literal["contrastive", "discriminator"] = "contrastive"
    decoupled: bool = False
    text: Literal["frozen", "finetuned"] = "frozen"
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 1e-3
    text_learning_rate: float = 1e-3
    temperature: float = 1.0
    batch: int = 16
    n_hidden: int = 512
    centred: bool = False
    input_dropout: float = 0.0
    max_epochs: int = 100
    tuning_epochs: int = 10
    patience: int = 10
    validation_share: float = 15 / 90
    pairing: Literal["fixed", "redrawn"] = "fixed"
    same_class: Literal["negative", "ignored"] = "negative"
    snapshots: int = 40
    snapshot_pairs: int = 100

    def __post_init__(self) -> None:
        counts = ("n_hidden", "max_epochs", "patience")
        check_recipe(
            self,
            "generation",
            at_least=dict.fromkeys(counts, 1) | {"batch": 2, "tuning_epochs": 0},
            above_zero=("temperature", "learning_rate", "text_learning_rate"),
            shares=("validation_share", "input_dropout"),
        )

    @property
    def needs_classes(self) -> bool:
        """Whether training needs the class of each pair."""
        return (self.pairing, self.same_class) != ("fixed", "negative")


@dataclass
class Generation:
    """Fitted generators by modality: `layers` of (weight (out, in), bias (out,)) float32.

    `n_dims` is k, of the text space. `history` has one dict per epoch with the names of
    `HISTORY`; the discriminator's losses are NaN in epochs without it.
    """

    generators: dict[str, list[tuple[np.ndarray, np.ndarray]]]
    n_dims: int
    history: History = field(default_factory=list)
    best_epoch: int = 0

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → (n, k) float32 with unit rows; text vectors are only scaled.

        Raises
        ------
        UserError
            The modality has no generator, or the vectors have another length.
        """
        if modality != TEXT and modality not in self.generators:
            known = ", ".join([*self.generators, TEXT])
            raise UserError(f"This space has no generator for {modality}: it has {known}.")
        layers = self.generators.get(modality, [])
        wide = [(weight.astype(np.float64).T, bias) for weight, bias in layers]

        def through(block: np.ndarray) -> np.ndarray:
            for number, (weight, bias) in enumerate(wide):
                block = (np.maximum(block, 0) if number else block) @ weight + bias
            return unit_rows(block, np.float64)

        n_native = layers[0][0].shape[1] if layers else self.n_dims
        return project_rows(through, native, n_native, self.n_dims, modality)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        flat = {"n_dims": np.array(self.n_dims), "best_epoch": np.array(self.best_epoch)}
        for modality, layers in self.generators.items():
            for number, (weight, bias) in enumerate(layers):
                flat[f"{modality}/{number}/weight"] = weight
                flat[f"{modality}/{number}/bias"] = bias
        return flat | history_arrays(self.history, STORED)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Generation:
        """The inverse of `arrays`."""
        generators = {
            modality: [
                (arrays[f"{modality}/{number}/weight"], arrays[f"{modality}/{number}/bias"])
                for number in range(N_LAYERS)
            ]
            for modality in sorted(k.split("/")[0] for k in arrays if k.endswith("/0/weight"))
        }
        n_dims, best_epoch = (int(np.asarray(arrays[k]).item()) for k in ("n_dims", "best_epoch"))
        return cls(generators, n_dims, history_rows(arrays, STORED), best_epoch)


@dataclass(frozen=True)
class Snapshot:
    """Validation pairs after an epoch (0: before the first), always the same ones.

    All by modality, text included. `rows`: (n,) int64 rows of its natives. `partners`: (n,)
    int64, the row of the text in the same pair. `vectors`: (n, k) float16 with unit rows.
    """

    epoch: int
    rows: dict[str, np.ndarray]
    partners: dict[str, np.ndarray]
    vectors: dict[str, np.ndarray]
