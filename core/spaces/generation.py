"""Generation: sounds (and pictures) carried into the space of a text encoder.

Seth 2022 §III: a generator of four fully connected layers turns a native vector into one of the
text encoder's, d → … → k. Texts stay where their encoder puts them. Trained with the symmetric
contrastive loss over the cosines of a batch, or with the appendix's discriminator; the text encoder
is frozen, or fine-tuned along. `GenerationConfig()` is S's recipe. Training needs torch;
`Generation.project` is NumPy alone.

Where the paper is silent or says two things:
* The hidden layers have 512 units and ReLU, as its discriminator's layers have ReLU.
* Its equation sums over k ≠ i; its prose ("the softmax … across all") and the work that it cites
  sum over all k. The prose is followed; `own="left_out"` is the equation as printed (Yeh et al.
  2022, *Decoupled contrastive learning*).
* Its cosines are not scaled; `temperature` below 1 is an option beside it.
* The validation pairs are S's 15 %, parted by clip, and the best epoch is kept.
* A text encoder is fine-tuned without its dropout, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from core.errors import UserError
from core.spaces import pairing
from core.spaces.pairing import Pairs

TEXT = "text"
N_LAYERS = 4
NORM_FLOOR = 1e-12
HISTORY = (
    "epoch",
    "train_loss",
    "validation_loss",
    "train_discriminator_loss",
    "validation_discriminator_loss",
    "seconds",
)
CHOICES = {
    "loss": ("contrastive", "discriminator"),
    "own": ("counted", "left_out"),
    "text": ("frozen", "finetuned"),
    "optimizer": ("sgd", "adam"),
    "pairing": ("fixed", "redrawn"),
    "same_class": ("negative", "ignored"),
}

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class GenerationConfig:
    """How generators are trained. The defaults are S's recipe.

    `loss` "contrastive" (§III.C), or "discriminator" (appendix, equation 1). `text` "frozen"
    (S's baseline); "finetuned" trains the text encoder along (contrastive loss); with the
    discriminator it is the appendix's second variant: for `tuning_epochs` the captions tune the
    encoder with the contrastive loss, then it is frozen and the two networks play.
    `own`: whether a pair's own cosine counts in the sum below the fraction. `centred`: native
    vectors have their mean taken off and are divided by one number, so that they have deviation 1;
    S's were used as they were. `input_dropout`, `pairing` and `same_class` as in
    `translation.TranslationConfig`. At most `snapshots` epochs are drawn on the moving map, of
    `snapshot_pairs` validation pairs a modality.
    """

    loss: Literal["contrastive", "discriminator"] = "contrastive"
    own: Literal["counted", "left_out"] = "counted"
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
    validation_share: float = 0.15
    pairing: Literal["fixed", "redrawn"] = "fixed"
    same_class: Literal["negative", "ignored"] = "negative"
    snapshots: int = 40
    snapshot_pairs: int = 100

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UserError(
                    f"generation: {name} is {getattr(self, name)!r}, expected {' or '.join(known)}."
                )
        least = {"batch": 2, "n_hidden": 1, "max_epochs": 1, "patience": 1, "tuning_epochs": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise UserError(
                    f"generation: {name} is {getattr(self, name)}, expected {lowest} at least."
                )
        if self.temperature <= 0:
            raise UserError(f"generation: temperature is {self.temperature}, expected above 0.")
        for name in ("validation_share", "input_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(
                    f"generation: {name} is {getattr(self, name)}, expected from 0 to below 1."
                )


class Trainable(Protocol):
    """A text encoder that can be fine-tuned: see `core.encoders.hub_text.TextEncoder`."""

    module: Any

    @property
    def pool(self) -> Callable[[Any, Any, Any], Any]: ...

    def tokens(self, texts: Sequence[str]) -> list[list[int]]: ...

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]: ...


@dataclass(frozen=True)
class Snapshot:
    """Validation pairs after an epoch (0: before the first), the same ones every time.

    `rows` by modality, text included: (n,) int64 rows of its natives. `partners` by modality:
    (n,) int64, the row of the text that each belongs to. `vectors` by modality: (n, k) float16
    with unit rows.
    """

    epoch: int
    rows: dict[str, np.ndarray]
    partners: dict[str, np.ndarray]
    vectors: dict[str, np.ndarray]


@dataclass
class Generation:
    """Fitted generators, by modality: `layers` of (weight (out, in), bias (out,)) float32.

    `n_dims`: k, of the text space. `history`: one dict an epoch with the names of `HISTORY`;
    the discriminator's losses are NaN where it did not play.
    """

    generators: dict[str, list[tuple[np.ndarray, np.ndarray]]]
    n_dims: int
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → (n, k) float32 with unit rows; texts are only scaled.

        Worked in float64, so that a vector's image does not depend on its neighbours in the batch.
        Raises `UserError` on a modality without a generator and vectors of another length.
        """
        if modality != TEXT and modality not in self.generators:
            known = ", ".join([*self.generators, TEXT])
            raise UserError(f"This space has no generator for {modality}: it has {known}.")
        native = np.asarray(native)
        layers = self.generators.get(modality, [])
        n_expected = layers[0][0].shape[1] if layers else self.n_dims
        if native.ndim != 2 or native.shape[1] != n_expected:
            raise UserError(
                f"Vectors of shape {native.shape} cannot enter this space: it takes {n_expected} "
                f"numbers a row of {modality}; use the encoder the space was fitted with."
            )
        shared = np.empty((len(native), self.n_dims), dtype=np.float32)
        for start in range(0, len(native), 4096):
            out = native[start : start + 4096].astype(np.float64)
            for number, (weight, bias) in enumerate(layers):
                out = (np.maximum(out, 0) if number else out) @ weight.astype(np.float64).T + bias
            norms = np.linalg.norm(out, axis=1, keepdims=True)
            shared[start : start + 4096] = out / np.maximum(norms, NORM_FLOOR)
        return shared

    def arrays(self) -> State:
        """Everything as a flat dict of arrays, for the store."""
        flat: State = {"n_dims": np.array(self.n_dims), "best_epoch": np.array(self.best_epoch)}
        for modality, layers in self.generators.items():
            for number, (weight, bias) in enumerate(layers):
                flat[f"{modality}/{number}/weight"] = weight
                flat[f"{modality}/{number}/bias"] = bias
        return flat | history_arrays(self.history)

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
        return cls(generators, n_dims, history_rows(arrays), best_epoch)


def fit(
    natives: Mapping[str, np.ndarray],
    pairs: Mapping[str, np.ndarray],
    clips: Mapping[str, np.ndarray],
    config: GenerationConfig,
    seed: int,
    *,
    classes: Mapping[str, np.ndarray] | None = None,
    encoder: Trainable | None = None,
    words: Sequence[str] = (),
    snapshot: Callable[[Snapshot], None] | None = None,
    checkpoint: Callable[[State], None] | None = None,
    resume: Mapping[str, np.ndarray] | None = None,
    device: str | None = None,
) -> Generation:
    """Train one generator a modality of `pairs` on its pairs with texts.

    `natives`: (n, d) float by modality, text included. `pairs`: by modality (text is not among
    them), (p, 2) int rows of its natives and the texts'. `clips`: by modality, the pairs' clip
    ids (p,), or (p, 2) where the halves come from two clips: whatever shares a clip stays on one
    side of the validation split. `classes`: by modality, (p,) int, needed for redrawn pairs and
    `same_class="ignored"`. `encoder` and `words` (one a text): what `text="finetuned"`
    trains. The encoder is changed in place, and its texts have to be embedded anew.

    `snapshot` gets validation pairs before the first epoch and after each. `checkpoint` gets a
    flat dict of arrays after every epoch; handed back as `resume` (with everything else
    unchanged, the encoder as it was at the beginning) the run goes on from there and ends as if it
    had not been interrupted. `device`: CUDA when there is one.

    Raises `UserError` when there are too few pairs or clips, vectors that are not finite, or
    nothing to fine-tune.
    """
    import torch

    from core.spaces.generation_training import Run

    if config.text == "finetuned" and (encoder is None or len(words) != len(natives[TEXT])):
        raise UserError(
            "This text encoder cannot be fine-tuned: use bert, minilm, clip_text or clap_text, or "
            "leave it frozen."
        )
    kinds = _validate(natives, pairs, clips, classes, config)
    split = pairing.split_pools if config.pairing == "redrawn" else pairing.split_pairs
    train, held_out = split(kinds, config.validation_share, np.random.default_rng([seed, 0]))
    for kind, source in train.items():
        if len(source) < 2 or (config.validation_share > 0 and len(held_out[kind]) < 2):
            raise UserError(
                f"Too few pairs of {kind[0]} and text to train a generator: {len(source)} to train "
                f"on and {len(held_out[kind])} to validate with, at least 2 each are needed, from "
                "different clips; add clips, or set validation_share to 0."
            )
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    tuned = encoder if config.text == "finetuned" else None
    run = Run(config, natives, train, held_out, seed, place, tuned, words)
    if resume is not None:
        run.restore(resume)
    elif snapshot is not None:
        snapshot(run.snapshot())
    while not run.finished:
        run.train_epoch()
        if snapshot is not None:
            snapshot(run.snapshot())
        if checkpoint is not None:
            checkpoint(run.state())
    return Generation(run.best_layers(), run.n_dims, run.history, run.best_epoch)


def history_arrays(history: list[dict[str, float]]) -> State:
    """One float64 array a column, under `history/`."""
    return {f"history/{name}": np.array([row[name] for row in history]) for name in HISTORY}


def history_rows(arrays: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    """The inverse of `history_arrays`; epochs are ints again."""
    columns = [np.asarray(arrays[f"history/{name}"]).tolist() for name in HISTORY]
    rows = [dict(zip(HISTORY, row, strict=True)) for row in zip(*columns, strict=True)]
    return [row | {"epoch": int(row["epoch"])} for row in rows]


def _validate(
    natives: Mapping[str, np.ndarray],
    pairs: Mapping[str, np.ndarray],
    clips: Mapping[str, np.ndarray],
    classes: Mapping[str, np.ndarray] | None,
    config: GenerationConfig,
) -> dict[pairing.Kind, Pairs]:
    """The arguments of `fit` checked and in the form of `pairing`."""
    if not pairs:
        raise UserError("A generator needs pairs of sound or picture with text: there are none.")
    if classes is None and (config.pairing == "redrawn" or config.same_class == "ignored"):
        raise ValueError("redrawn pairs and ignored classes need the pairs' classes")
    names = np.unique(np.concatenate([np.asarray(clips[modality]).ravel() for modality in pairs]))
    kinds: dict[pairing.Kind, Pairs] = {}
    for modality, given in pairs.items():
        rows = np.asarray(given, dtype=np.int64).reshape(-1, 2)
        ids = np.searchsorted(names, np.asarray(clips[modality]))
        ids = np.stack([ids, ids], axis=1) if ids.ndim == 1 else ids
        known = np.full(len(rows), pairing.UNKNOWN) if classes is None else classes[modality]
        kind = (modality, TEXT)
        for side, name in enumerate(kind):
            pairing.require_finite(natives[name], np.unique(rows[:, side]), name, "generator")
        kinds[kind] = Pairs(rows, np.asarray(known, dtype=np.int64), ids.astype(np.int64))
    return kinds
