"""Training of a translation (torch): see `core.spaces.translation` for the recipe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.spaces import averaging, pair_changes, pairing
from core.spaces.losses import PairLoss
from core.spaces.pairing import NO_WINDOWS, Kind, Pairs, Pools, Windows
from core.spaces.training import (
    Batch,
    Reader,
    ResumableTraining,
    State,
    array_of,
    device_named,
    dropped,
    linear,
    reader,
)
from core.spaces.translation import HISTORY, Translation, TranslationConfig

CHECKPOINT_EVERY = 5  # epochs
TOWER = "tower/"  # in a stored state: the finished trainings of several
TOWER_SEEDS = 10_007  # between the seeds of averaged towers, so that splits share none
N_VALIDATION_DRAWS = 8  # redrawn pairs: how often each validation item is paired


def fit(
    natives: Mapping[str, np.ndarray],
    pairs: Mapping[Kind, np.ndarray],
    clips: Mapping[Kind, np.ndarray],
    config: TranslationConfig,
    seed: int,
    *,
    pair_classes: Mapping[Kind, np.ndarray] | None = None,
    frozen: tuple[str, ...] = (),
    windows: Mapping[str, Windows] = NO_WINDOWS,
    checkpoint: Callable[[State], None] | None = None,
    resume: Mapping[str, np.ndarray] | None = None,
    device: str | None = None,
) -> Translation:
    """Train one tower per modality of `pairs`; on one CPU the arguments determine the result.

    Parameters
    ----------
    natives : by modality, (n, d) float vectors; memory maps are fine
    pairs : by kind, such as ("audio", "image"), (p, 2) int rows into the two; in W's one-sided
        loss the first modality is the anchor. The loss is the mean over the kinds
    clips : by kind, the clip ids of the pairs (p,), or (p, 2) where the items of a pair come from
        two clips. Items of one clip are all in training or all in validation
    pair_classes : by kind, (p,) class ids, for recipes with `needs_classes`
    frozen : modalities whose vectors are already in the shared space (unit rows of `n_dims`);
        they get no tower, and the others are trained towards them
    windows : by modality, the rows of each item's other windows; every time a pair is drawn for
        training, one of its item's windows is taken at random
    checkpoint : called every `CHECKPOINT_EVERY` epochs with a flat dict of arrays
    resume : such a dict; with all other arguments unchanged the run continues from there and
        ends as if it had not been interrupted
    device : by default CUDA if there is one

    Raises
    ------
    UserError
        There are too few pairs or clips, or vectors that are not finite.
    """
    if config.needs_classes and pair_classes is None:
        raise ValueError(
            "classes in the loss, balanced sampling, redrawn pairs and ignored classes need "
            "pair_classes"
        )
    checked = pairing.checked_pairs(natives, pairs, clips, pair_classes, "translation")
    kinds = pair_changes.thinned(checked, config.share, seed)
    fits: list[Translation] = []
    finished: State = {}
    stored = resume or {}
    interrupted = {name: array for name, array in stored.items() if not name.startswith(TOWER)}

    def keep(state: State) -> None:
        if checkpoint is not None:
            checkpoint(state | finished)

    for number in range(config.towers):
        prefix = f"{TOWER}{number}/"
        tower = {
            k.removeprefix(prefix): array for k, array in stored.items() if k.startswith(prefix)
        }
        if tower:
            fits.append(Translation.from_arrays(tower))
        else:
            run_seed = seed + TOWER_SEEDS * number
            fitted = _fit_once(
                natives, kinds, config, run_seed, frozen, windows, keep, interrupted, device
            )
            fits.append(fitted)
            interrupted = {}
        finished |= {f"{prefix}{name}": array for name, array in fits[-1].arrays().items()}
    return _completed(fits, natives, kinds, config, frozen)


def _fit_once(
    natives: Mapping[str, np.ndarray],
    kinds: Mapping[Kind, Pairs],
    config: TranslationConfig,
    seed: int,
    frozen: tuple[str, ...],
    windows: Mapping[str, Windows],
    checkpoint: Callable[[State], None],
    resume: Mapping[str, np.ndarray],
    device: str | None,
) -> Translation:
    """One training, from the start or from the state of an interrupted one."""
    parts = pairing.split(
        kinds, config.pairing, config.validation_share, np.random.default_rng([seed, 0])
    )
    train, validation = (pair_changes.mismatched(part, config.mismatched, seed) for part in parts)
    place = device_named(device)
    run = TranslationTraining(config, natives, train, seed, place, frozen, windows)
    if resume:
        run.restore(resume, place)
    held_out = {kind: validation_batches(part, config, seed) for kind, part in validation.items()}
    while not run.finished:
        started = time.perf_counter()
        train_loss = run.train_epoch()
        run.close_epoch(train_loss, run.evaluate(held_out), time.perf_counter() - started)
        if run.finished or run.epoch % CHECKPOINT_EVERY == 0:
            checkpoint(run.state())
    return Translation(run.best_towers(), run.history, run.best_epoch)


def _completed(
    fits: list[Translation],
    natives: Mapping[str, np.ndarray],
    kinds: Mapping[Kind, Pairs],
    config: TranslationConfig,
    frozen: tuple[str, ...],
) -> Translation:
    """The trained towers, averaged and centred where the recipe says so."""
    if len(fits) == 1 and not config.centred:
        return fits[0]
    balanced = config.sampler == "balanced"
    items = {m: averaging.training_items(kinds, m, balanced=balanced) for m in fits[0].towers}
    rows = {m: some for m, (some, _) in items.items()}
    fitted = fits[0]
    if len(fits) > 1:
        fitted = averaging.averaged(fits, natives, rows, turned=not frozen)
    if config.centred:
        fitted = averaging.centred(fitted, natives, rows, {m: w for m, (_, w) in items.items()})
    return fitted


def validation_batches(source: Pairs | Pools, config: TranslationConfig, seed: int) -> list[Batch]:
    """The validation batches: the same ones after every epoch."""
    rng = np.random.default_rng([seed, 3])
    draws = [
        source.draw(rng) for _ in range(N_VALIDATION_DRAWS if isinstance(source, Pools) else 1)
    ]
    rows, classes = (np.concatenate(parts) for parts in zip(*draws, strict=True))
    return pairing.batches(rows, classes, config.batch)


class Tower(nn.Module):
    """Linear → BatchNorm → ELU → Linear → unit norm; in training, dropout before either Linear."""

    def __init__(self, n_in: int, config: TranslationConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.hidden = linear(n_in, config.n_hidden, rng)
        self.norm = nn.BatchNorm1d(config.n_hidden)
        self.out = linear(config.n_hidden, config.n_dims, rng)
        self.dropout, self.input_dropout = config.dropout, config.input_dropout

    def forward(self, native: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """`rng` draws the dropout; without it there is none."""
        native = dropped(native, self.input_dropout, rng)
        hidden = functional.elu(self.norm(self.hidden(native)))
        return functional.normalize(self.out(dropped(hidden, self.dropout, rng)), dim=1)

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies under the names of `translation.PARAMETERS`."""
        tensors = {
            "w1": self.hidden.weight,
            "b1": self.hidden.bias,
            "gamma": self.norm.weight,
            "beta": self.norm.bias,
            "mean": self.norm.running_mean,
            "var": self.norm.running_var,
            "w2": self.out.weight,
            "b2": self.out.bias,
        }
        return {name: array_of(tensor) for name, tensor in tensors.items() if tensor is not None}


class Frozen(nn.Module):
    """In place of a tower, for vectors that are already in the shared space."""

    def forward(self, shared: Tensor, rng: torch.Generator | None = None) -> Tensor:
        return shared


class TranslationTraining(ResumableTraining):
    """The towers, their loss and optimizer between epochs."""

    def __init__(
        self,
        config: TranslationConfig,
        natives: Mapping[str, np.ndarray],
        train: Mapping[Kind, Pairs | Pools],
        seed: int,
        device: torch.device,
        frozen: Sequence[str] = (),
        windows: Mapping[str, Windows] = NO_WINDOWS,
    ) -> None:
        self.config, self.train, self.seed, self.device = config, train, seed, device
        self.windows = windows
        rng = np.random.default_rng([seed, 2])
        modalities = sorted({modality for kind in train for modality in kind})
        self.read: dict[str, Reader] = {m: reader(natives[m], device) for m in modalities}
        self.towers: dict[str, Tower | Frozen] = {
            m: Frozen() if m in frozen else Tower(natives[m].shape[1], config, rng)
            for m in modalities
        }
        n_classes = 1 + max(part.largest_class for part in train.values())
        self.pair_loss = PairLoss(
            config.loss, config.margin, config.temperature, n_classes, config.n_dims, rng
        )
        networks = nn.ModuleDict({"towers": nn.ModuleDict(self.towers), "loss": self.pair_loss})
        networks.to(device)
        # Without weight decay AdamW is Adam; with it, weights shrink and biases and norms do not.
        shrinking: list[nn.Parameter] = [p for p in networks.parameters() if p.ndim > 1]
        others = [p for p in networks.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": shrinking, "weight_decay": config.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )
        super().__init__(networks, [optimizer], HISTORY)

    @property
    def finished(self) -> bool:
        return self.epoch >= self.config.max_epochs or self.is_stale(self.config.patience)

    def loss(
        self,
        kind: Kind,
        batch: Batch,
        rng: torch.Generator | None,
        draws: np.random.Generator | None = None,
    ) -> Tensor:
        """The loss of one batch; `draws` chooses one window of each item at random."""
        rows, classes = batch
        numbers: np.ndarray | None = classes
        if not self.config.learns_classes:
            numbers = pairing.no_negatives(rows, classes, self.config.same_class)
        known = None if numbers is None else torch.from_numpy(numbers).to(self.device)
        shown = rows if draws is None else self.drawn(kind, rows, draws)
        a, b = (self.towers[m](self.read[m](shown[:, side]), rng) for side, m in enumerate(kind))
        loss: Tensor = self.pair_loss(a, b, known)
        return loss

    def drawn(self, kind: Kind, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Pairs (n, 2) in which each item is one of its windows, at random."""
        sides = [
            self.windows[m].draw(rows[:, side], rng) if m in self.windows else rows[:, side]
            for side, m in enumerate(kind)
        ]
        return np.stack(sides, axis=1)

    def train_epoch(self) -> float:
        """One epoch: steps that each take one batch of every kind; the mean loss."""
        self.networks.train()
        config = self.config
        draws = np.random.default_rng([self.seed, 1, self.epoch + 1])
        sources: dict[Kind, Iterator[Batch]] = {
            kind: pairing.steps(source, config.batch, draws, balanced=config.sampler == "balanced")
            for kind, source in self.train.items()
        }
        n_batches = [pairing.n_batches(len(part), config.batch) for part in self.train.values()]
        n_steps = max(config.min_steps, *n_batches)
        rng = torch.Generator(self.device).manual_seed(int(draws.integers(2**62)))
        (optimizer,) = self.optimizers
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for _ in range(n_steps):
            losses = [self.loss(kind, next(source), rng, draws) for kind, source in sources.items()]
            loss = torch.stack(losses).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total) / n_steps

    @torch.no_grad()
    def evaluate(self, held_out: Mapping[Kind, Sequence[Batch]]) -> float:
        """Mean over the kinds of the mean loss per pair; NaN where nothing was held out."""
        self.networks.eval()
        means = []
        for kind, batches in held_out.items():
            losses = [float(self.loss(kind, batch, None)) for batch in batches]
            if losses:
                means.append(float(np.average(losses, weights=[len(rows) for rows, _ in batches])))
        return float(np.mean(means)) if means else math.nan

    def best_towers(self) -> dict[str, dict[str, np.ndarray]]:
        """The towers of the best epoch."""
        self.networks.load_state_dict(self.best)
        return {m: tower.arrays() for m, tower in self.towers.items() if isinstance(tower, Tower)}
