"""Translation: a small tower per modality that carries native vectors into one shared space.

Wu et al. 2021 (§2.2, §3.2): Linear(d, 256) → BatchNorm → ELU → Linear(256, 128) → unit norm for
each modality, a margin loss over the pairs of a batch, Adam at 1e-3, batches of 4096, early
stopping on the validation loss. `TranslationConfig()` is that recipe; what else it offers stands
beside it with its source. Training needs torch; `Translation.project` is NumPy alone.

Where the paper is silent:
* The validation pairs are a tenth, parted by clip.
* An epoch of W's 130k pairs has 29 steps, so patience 5 means 145 steps without progress. With
  fewer pairs than a batch an epoch would be one step and patience 5 would stop within seconds;
  `min_steps` goes through the pairs again until an epoch has that many steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.errors import UserError
from core.spaces import pairing
from core.spaces.pairing import Kind, Pairs, Pools

BATCH_NORM_EPS = 1e-5  # torch's default
NORM_FLOOR = 1e-12
N_VALIDATION_DRAWS = 8  # redrawn pairs: how often every validation item is paired
HISTORY = ("epoch", "train_loss", "validation_loss", "seconds")
PARAMETERS = ("w1", "b1", "gamma", "beta", "mean", "var", "w2", "b2")

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class TranslationConfig:
    """How a translation is trained. The defaults are W's recipe.

    `loss`: see `losses.NAMES`; `margin` and `temperature` (its start, learned from there)
    as the loss has them. `batch`: the largest number of pairs in a step. `min_steps`: of an
    epoch. `sampler` "balanced" draws every class equally often. `pairing` "redrawn" is for data
    paired by class alone: every draw pairs each item with a random item of its class.
    `same_class` "ignored": two pairs of one class are no negatives of each other. `words`: how
    a third modality comes in, "after" the two others into the space that they made, or "together".
    """

    n_hidden: int = 256
    n_dims: int = 128
    loss: str = "margin"
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


@dataclass
class Translation:
    """Fitted towers, by modality, as NumPy arrays; and how the training went.

    A tower has `w1` (256, d), `b1`, the BatchNorm's `gamma`, `beta`, `mean`, `var`
    (256,), `w2` (128, 256) and `b2` (128,), all float32. `history`: one dict an epoch with
    `epoch` (from 1), `train_loss`, `validation_loss` and `seconds`.
    """

    towers: dict[str, dict[str, np.ndarray]]
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0

    @property
    def n_dims(self) -> int:
        return len(next(iter(self.towers.values()))["b2"])

    def project(self, modality: str, native: np.ndarray) -> np.ndarray:
        """Native vectors (n, d) → shared vectors (n, 128) float32 with unit rows.

        Worked in float64, so that a vector's image does not depend on its neighbours in the batch.
        Raises `UserError` on a modality without a tower and on vectors of another length.
        """
        tower = self.towers.get(modality)
        if tower is None:
            known = ", ".join(sorted(self.towers))
            raise UserError(f"This space has no tower for {modality}: it was fitted for {known}.")
        native = np.asarray(native)
        n_expected = tower["w1"].shape[1]
        if native.ndim != 2 or native.shape[1] != n_expected:
            raise UserError(
                f"Vectors of shape {native.shape} cannot enter this space: its {modality} tower "
                f"takes {n_expected} numbers a row; use the encoder the space was fitted with."
            )
        w = {name: tower[name].astype(np.float64) for name in PARAMETERS}
        slope = w["gamma"] / np.sqrt(w["var"] + BATCH_NORM_EPS)
        shift = (w["b1"] - w["mean"]) * slope + w["beta"]
        shared = np.empty((len(native), len(w["b2"])), dtype=np.float32)
        for start in range(0, len(native), 4096):
            hidden = native[start : start + 4096].astype(np.float64) @ w["w1"].T
            hidden = hidden * slope + shift
            hidden = np.where(hidden > 0, hidden, np.expm1(np.minimum(hidden, 0)))  # ELU
            out = hidden @ w["w2"].T + w["b2"]
            norm = np.linalg.norm(out, axis=1, keepdims=True)
            shared[start : start + 4096] = out / np.maximum(norm, NORM_FLOOR)
        return shared

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as a flat dict of arrays, for the store."""
        flat = {
            f"{modality}/{name}": tower[name]
            for modality, tower in self.towers.items()
            for name in PARAMETERS
        }
        return flat | history_arrays(self.history) | {"best_epoch": np.array(self.best_epoch)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Translation:
        """The inverse of `arrays`."""
        towers: dict[str, dict[str, np.ndarray]] = {}
        for key in arrays:
            modality, _, name = key.rpartition("/")
            if name in PARAMETERS:
                towers.setdefault(modality, {})[name] = np.asarray(arrays[key])
        return cls(towers, history_rows(arrays), int(np.asarray(arrays["best_epoch"]).item()))


def fit(
    natives: Mapping[str, np.ndarray],
    pairs: Mapping[Kind, np.ndarray],
    clips: Mapping[Kind, np.ndarray],
    config: TranslationConfig,
    seed: int,
    *,
    pair_classes: Mapping[Kind, np.ndarray] | None = None,
    given: tuple[str, ...] = (),
    progress: Callable[[dict[str, float]], None] | None = None,
    checkpoint: Callable[[State], None] | None = None,
    checkpoint_every: int = 5,
    resume: Mapping[str, np.ndarray] | None = None,
    device: str | None = None,
) -> Translation:
    """Train one tower per modality of `pairs` on the translation subset.

    `natives`: (n, d) float vectors by modality, memory maps welcome. `pairs`: by kind, e.g.
    ("audio", "image"), (p, 2) int rows into the two; in W's one-sided loss the first modality is
    the anchor. The loss is the mean over the kinds. `clips`: by kind, the pairs' clip ids (p,),
    or (p, 2) where the halves come from two clips: whatever shares a clip stays on one side of the
    validation split. `pair_classes`: by kind, (p,) class ids, needed for the balanced sampler,
    redrawn pairs and `same_class="ignored"`. `given`: modalities whose vectors lie in the
    shared space already (unit rows of `n_dims`): they get no tower, the others are drawn to them.

    `progress` gets each epoch's history row. `checkpoint` gets, every `checkpoint_every`
    epochs, a flat dict of arrays; handed back as `resume` (with everything else unchanged) the
    run goes on from there and ends as if it had not been interrupted. On one CPU the result is
    a function of the arguments alone. `device`: CUDA when there is one.

    Raises `UserError` when there are too few pairs or clips, or vectors that are not finite.
    """
    import torch

    from core.spaces.translation_training import Run, reader

    kinds = _validate(natives, pairs, clips, pair_classes, config)
    split = pairing.split_pools if config.pairing == "redrawn" else pairing.split_pairs
    train, validation = split(kinds, config.validation_share, np.random.default_rng([seed, 0]))
    held_out = {kind: _held_out(source, config, seed) for kind, source in validation.items()}
    _require_enough(train, held_out, config)

    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    modalities = sorted({modality for kind in kinds for modality in kind})
    read = {m: reader(natives[m], place) for m in modalities}
    n_native = {m: natives[m].shape[1] for m in modalities}

    run = Run(config, n_native, seed, place, given)
    if resume is not None:
        run.restore(resume)
    balanced = config.sampler == "balanced"
    n_batches = [pairing.n_batches(len(source), config.batch) for source in train.values()]
    while not run.finished:
        started = time.perf_counter()
        rng = np.random.default_rng([seed, 1, run.epoch + 1])  # by epoch: resumed draws alike
        batches = {
            kind: pairing.steps(source, config.batch, rng, balanced=balanced)
            for kind, source in train.items()
        }
        train_loss = run.train_epoch(batches, max(config.min_steps, *n_batches), read, rng)
        run.close_epoch(train_loss, run.evaluate(held_out, read), time.perf_counter() - started)
        if progress is not None:
            progress(run.history[-1])
        if checkpoint is not None and (run.finished or run.epoch % checkpoint_every == 0):
            checkpoint(run.state())
    return Translation(run.best_towers(), run.history, run.best_epoch)


def history_arrays(history: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """One float64 array a column, under `history/`."""
    return {f"history/{name}": np.array([row[name] for row in history]) for name in HISTORY}


def history_rows(arrays: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    """The inverse of `history_arrays`; epochs are ints again."""
    columns = [np.asarray(arrays[f"history/{name}"]).tolist() for name in HISTORY]
    rows = [dict(zip(HISTORY, row, strict=True)) for row in zip(*columns, strict=True)]
    return [row | {"epoch": int(row["epoch"])} for row in rows]


def _held_out(source: Pairs | Pools, config: TranslationConfig, seed: int) -> list[tuple]:
    """The validation batches: the same ones after every epoch."""
    rng = np.random.default_rng([seed, 3])
    n_draws = N_VALIDATION_DRAWS if isinstance(source, Pools) else 1
    draws = [source.draw(rng) for _ in range(n_draws)]
    rows = np.concatenate([rows for rows, _ in draws])
    classes = np.concatenate([classes for _, classes in draws])
    n_batches = pairing.n_batches(len(rows), config.batch)
    return [
        (rows[i], classes[i]) for i in np.array_split(np.arange(len(rows)), n_batches) if len(i)
    ]


def _require_enough(
    train: Mapping[Kind, Pairs | Pools], held_out: Mapping[Kind, list], config: TranslationConfig
) -> None:
    for kind, source in train.items():
        n_held_out = sum(len(rows) for rows, _ in held_out[kind])
        if len(source) < 2 or (config.validation_share > 0 and n_held_out < 2):
            raise UserError(
                f"Too few {kind[0]}–{kind[1]} pairs to train a translation: {len(source)} to train "
                f"on and {n_held_out} to validate with, at least 2 each are needed, from different "
                "clips; add clips, or set validation_share to 0."
            )


def _validate(
    natives: Mapping[str, np.ndarray],
    pairs: Mapping[Kind, np.ndarray],
    clips: Mapping[Kind, np.ndarray],
    pair_classes: Mapping[Kind, np.ndarray] | None,
    config: TranslationConfig,
) -> dict[Kind, Pairs]:
    """The arguments of `fit` checked and in one form: clips as numbers, (p, 2)."""
    if config.batch < 2:
        raise ValueError(f"batch {config.batch}: a pair needs at least one other as its negative")
    needs_classes = (
        config.sampler == "balanced"
        or config.pairing == "redrawn"
        or config.same_class == "ignored"
    )
    if needs_classes and pair_classes is None:
        raise ValueError("balanced sampling, redrawn pairs and ignored classes need pair_classes")
    if not pairs:
        raise UserError("A translation needs pairs of two modalities, and there are none.")
    names = np.unique(np.concatenate([np.asarray(clips[kind]).ravel() for kind in pairs]))
    kinds: dict[Kind, Pairs] = {}
    for kind, given in pairs.items():
        rows = np.asarray(given, dtype=np.int64).reshape(-1, 2)
        ids = np.searchsorted(names, np.asarray(clips[kind]))
        ids = np.stack([ids, ids], axis=1) if ids.ndim == 1 else ids
        classes = np.full(len(rows), pairing.UNKNOWN)
        if pair_classes is not None:
            classes = np.asarray(pair_classes[kind], dtype=np.int64)
        if not len(rows) == len(ids) == len(classes):
            raise ValueError(
                f"{kind}: {len(rows)} pairs, {len(ids)} clips and {len(classes)} classes"
            )
        for side, modality in enumerate(kind):
            n_items = len(natives[modality])
            if len(rows) and not 0 <= rows[:, side].min() <= rows[:, side].max() < n_items:
                raise ValueError(f"{kind}: pairs name {modality} rows outside 0…{n_items - 1}")
            pairing.require_finite(
                natives[modality], np.unique(rows[:, side]), modality, "translation"
            )
        kinds[kind] = Pairs(rows, classes, ids.astype(np.int64))
    return kinds
