"""The run that trains a translation: towers, optimiser, early stopping, and its state on a stop.

Imports torch at its top, so it is imported by `translation.fit` alone, when it runs. All that is
random comes from generators derived from (seed, epoch): a state needs to carry no random state.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.spaces.losses import PairLoss
from core.spaces.pairing import Kind
from core.spaces.translation import HISTORY, TranslationConfig, history_arrays, history_rows

Batch = tuple[np.ndarray, np.ndarray]  # rows (n, 2) int64, classes (n,) int64
Reader = Callable[[np.ndarray], Tensor]
Dice = torch.Generator | None  # what dropout is thrown with

HELD_BYTES = 2 << 30  # vectors up to this size are kept on a GPU; larger ones stay mapped


class Tower(nn.Module):
    """Linear → BatchNorm → ELU → Linear → unit norm; in training, dropout before either Linear."""

    def __init__(self, n_in: int, config: TranslationConfig, rng: np.random.Generator) -> None:
        super().__init__()
        self.hidden = linear(n_in, config.n_hidden, rng)
        self.norm = nn.BatchNorm1d(config.n_hidden)
        self.out = linear(config.n_hidden, config.n_dims, rng)
        self.dropout, self.input_dropout = config.dropout, config.input_dropout

    def forward(self, native: Tensor, dice: torch.Generator | None = None) -> Tensor:
        native = self._drop(native, self.input_dropout, dice)
        hidden = functional.elu(self.norm(self.hidden(native)))
        hidden = self._drop(hidden, self.dropout, dice)
        return functional.normalize(self.out(hidden), dim=1)

    def _drop(self, values: Tensor, share: float, dice: torch.Generator | None) -> Tensor:
        if not self.training or share == 0:
            return values
        kept = torch.empty_like(values).bernoulli_(1 - share, generator=dice)
        return values * kept / (1 - share)

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


class Given(nn.Module):
    """In place of a tower, for vectors that lie in the shared space already."""

    def forward(self, shared: Tensor, dice: torch.Generator | None = None) -> Tensor:
        return shared


class Run:
    """What is held between epochs. `epoch` counts finished ones."""

    def __init__(
        self,
        config: TranslationConfig,
        n_native: Mapping[str, int],
        seed: int,
        device: torch.device,
        given: Sequence[str] = (),
    ) -> None:
        rng = np.random.default_rng([seed, 2])
        self.config, self.device = config, device
        self.towers: dict[str, Tower | Given] = {
            m: Given() if m in given else Tower(n, config, rng) for m, n in sorted(n_native.items())
        }
        self.pair_loss = PairLoss(config.loss, config.margin, config.temperature)
        self.model = nn.ModuleDict(
            {"towers": nn.ModuleDict(self.towers), "loss": self.pair_loss}
        ).to(device)
        # Without weight decay AdamW is Adam; with it, weights shrink and biases and norms do not.
        shrinking: list[nn.Parameter] = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": shrinking, "weight_decay": config.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )
        self.epoch, self.best_epoch, self.history = 0, 0, list[dict[str, float]]()
        self.best = self._copy()

    @property
    def finished(self) -> bool:
        stale = self.epoch - self.best_epoch >= self.config.patience
        return self.epoch >= self.config.max_epochs or (self.epoch > 0 and stale)

    def loss(self, kind: Kind, batch: Batch, read: Mapping[str, Reader], dice: Dice) -> Tensor:
        rows, classes = batch
        a, b = (self.towers[m](read[m](rows[:, side]), dice) for side, m in enumerate(kind))
        ignored = None
        if self.config.same_class == "ignored":
            ignored = torch.from_numpy(classes).to(self.device)
        loss: Tensor = self.pair_loss(a, b, ignored)
        return loss

    def train_epoch(
        self,
        batches: Mapping[Kind, Iterator[Batch]],
        n_steps: int,
        read: Mapping[str, Reader],
        rng: np.random.Generator,
    ) -> float:
        """`n_steps` steps, each on one batch of every kind; the mean loss."""
        self.model.train()
        dice = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for _ in range(n_steps):
            losses = [self.loss(kind, next(source), read, dice) for kind, source in batches.items()]
            loss = torch.stack(losses).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return float(total) / n_steps

    @torch.no_grad()
    def evaluate(self, batches: Mapping[Kind, list[Batch]], read: Mapping[str, Reader]) -> float:
        """Mean over the kinds of the mean loss by pair; NaN where nothing was held out."""
        self.model.eval()
        means = []
        for kind, parts in batches.items():
            losses = [float(self.loss(kind, part, read, None)) for part in parts]
            sizes = [len(rows) for rows, _ in parts]
            if sizes:
                means.append(float(np.average(losses, weights=sizes)))
        return float(np.mean(means)) if means else math.nan

    def close_epoch(self, train_loss: float, validation_loss: float, seconds: float) -> None:
        """Record the epoch and keep its weights when it is the best so far.

        Without validation pairs every epoch is the best so far: the last one is kept.
        """
        self.epoch += 1
        row = dict(zip(HISTORY, (self.epoch, train_loss, validation_loss, seconds), strict=True))
        lowest = min((r["validation_loss"] for r in self.history), default=math.inf)
        self.history.append(row)
        if math.isnan(validation_loss) or validation_loss < lowest:
            self.best_epoch, self.best = self.epoch, self._copy()

    def best_towers(self) -> dict[str, dict[str, np.ndarray]]:
        current = self._copy()
        self.model.load_state_dict(self.best)
        fitted = {m: tower for m, tower in self.towers.items() if isinstance(tower, Tower)}
        towers = {m: tower.arrays() for m, tower in fitted.items()}
        self.model.load_state_dict(current)
        return towers

    def state(self) -> dict[str, np.ndarray]:
        """All that `restore` needs, as a flat dict of arrays."""
        state = {f"model/{name}": array_of(t) for name, t in self.model.state_dict().items()}
        state |= {f"best/{name}": array_of(t) for name, t in self.best.items()}
        for name, parameter in self.model.named_parameters():
            for moment, tensor in self.optimizer.state[parameter].items():
                state[f"adam/{name}/{moment}"] = array_of(tensor)
        return state | history_arrays(self.history) | {"best_epoch": np.array(self.best_epoch)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state`. Raises `ValueError` when it belongs to another kind of run."""
        part = functools.partial(tensors_of, state, self.device)
        try:
            self.model.load_state_dict(part("model/"))
        except RuntimeError as error:
            raise ValueError(f"this state belongs to other towers: {error}") from error
        self.best = part("best/")
        for name, parameter in self.model.named_parameters():
            self.optimizer.state[parameter] = part(f"adam/{name}/")
            if "step" in self.optimizer.state[parameter]:  # kept on the CPU by torch
                step = self.optimizer.state[parameter]["step"]
                self.optimizer.state[parameter]["step"] = step.cpu()
        self.history = history_rows(state)
        self.epoch, self.best_epoch = len(self.history), int(state["best_epoch"])

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.model.state_dict().items()}


def reader(native: np.ndarray, device: torch.device) -> Reader:
    """A function from rows (n,) to their vectors (n, d) float32 on the device.

    On the CPU nothing but the rows asked for is copied: a memory map stays one, and runs over the
    same vectors in several processes share its pages.
    """
    if device.type != "cpu" and native.nbytes <= HELD_BYTES:
        held = torch.tensor(np.asarray(native, dtype=np.float32), device=device)
        return lambda rows: held[torch.from_numpy(rows).to(device)]
    return lambda rows: torch.from_numpy(np.asarray(native[rows], dtype=np.float32)).to(device)


def linear(n_in: int, n_out: int, rng: np.random.Generator) -> nn.Linear:
    """torch's own initialisation (uniform within ±1/√n_in), from our generator."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = 1.0 / math.sqrt(n_in)
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            values = rng.uniform(-bound, bound, size=tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))
    return layer


def tensors_of(
    state: Mapping[str, np.ndarray], device: torch.device, prefix: str
) -> dict[str, Tensor]:
    """The arrays of a state whose names begin with `prefix`, as tensors by what follows it."""
    return {
        name.removeprefix(prefix): torch.tensor(np.asarray(array), device=device)
        for name, array in state.items()
        if name.startswith(prefix)
    }


def array_of(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()
