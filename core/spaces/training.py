"""What both trainings share: reading rows, layers, early stopping, and the state between epochs.

Imports torch. Everything random comes from generators derived from (seed, epoch), so a state
contains no random state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core.spaces.projection import History, history_arrays, history_rows

State = dict[str, np.ndarray]
Batch = tuple[np.ndarray, np.ndarray]  # rows (n, 2) int64, classes (n,) int64
Reader = Callable[[np.ndarray], Tensor]

HELD_BYTES = 2 << 30  # vectors up to this size are copied to a GPU; larger ones stay mapped


class ResumableTraining:
    """Networks and optimizers between epochs; the best epoch's weights are kept."""

    def __init__(
        self,
        networks: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        columns: Sequence[str],
    ) -> None:
        self.networks, self.optimizers, self.columns = networks, optimizers, columns
        self.history: History = []
        self.best_epoch = 0
        self.best = self._copy()

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    def is_stale(self, patience: int) -> bool:
        return self.epoch > 0 and self.epoch - self.best_epoch >= patience

    def close_epoch(self, *values: float, best: bool = False) -> None:
        """Record an epoch, and keep its weights if it is the best so far or `best` says so.

        `values` are those of `columns` after the epoch's number. Without validation pairs each
        epoch is the best so far: the last one is kept.
        """
        losses = [row["validation_loss"] for row in self.history]
        row = dict(zip(self.columns, (self.epoch + 1, *values), strict=True))
        self.history.append(row)
        loss = row["validation_loss"]
        if best or math.isnan(loss) or loss < min(losses, default=math.inf):
            self.best_epoch, self.best = self.epoch, self._copy()

    def state(self) -> State:
        """All that `restore` needs, as a flat dict of arrays."""
        state = {f"now/{name}": array_of(t) for name, t in self.networks.state_dict().items()}
        state |= {f"best/{name}": array_of(t) for name, t in self.best.items()}
        for number, optimizer in enumerate(self.optimizers):
            for row, moments in optimizer.state_dict()["state"].items():
                for name, value in moments.items():
                    if value is not None:
                        at = f"optimizer/{number}/{row}/{name}"
                        state[at] = array_of(torch.as_tensor(value))
        state["best_epoch"] = np.array(self.best_epoch)
        return state | history_arrays(self.history, self.columns)

    def restore(self, state: Mapping[str, np.ndarray], device: torch.device) -> None:
        """Continue from a `state`. Raises `ValueError` when it belongs to other networks."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): torch.tensor(np.asarray(array))
                for name, array in state.items()
                if name.startswith(prefix)
            }

        try:
            self.networks.load_state_dict(part("now/"))
        except RuntimeError as error:
            raise ValueError(f"this state belongs to other networks: {error}") from error
        self.best = {name: tensor.to(device) for name, tensor in part("best/").items()}
        for number, optimizer in enumerate(self.optimizers):
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in part(f"optimizer/{number}/").items():
                row, _, name = key.partition("/")
                moments.setdefault(int(row), {})[name] = value
            # It moves what belongs on the device there; the step count stays on the CPU.
            optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
        self.history = history_rows(state, self.columns)
        self.best_epoch = int(state["best_epoch"])

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.networks.state_dict().items()}


def device_named(name: str | None) -> torch.device:
    """The device of this name; by default CUDA if there is one."""
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def reader(native: np.ndarray, device: torch.device) -> Reader:
    """A function from rows (n,) to their vectors (n, d) float32 on the device.

    On the CPU only the rows asked for are copied: a memory map stays one, and runs over the same
    vectors in several processes share its pages.
    """
    if device.type != "cpu" and native.nbytes <= HELD_BYTES:
        held = torch.tensor(np.asarray(native, dtype=np.float32), device=device)
        return lambda rows: held[torch.from_numpy(rows).to(device)]
    return lambda rows: torch.from_numpy(np.asarray(native[rows], dtype=np.float32)).to(device)


def linear(n_in: int, n_out: int, rng: np.random.Generator) -> nn.Linear:
    """A layer with torch's own initialisation (uniform within ±1/√n_in), drawn from `rng`."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = 1.0 / math.sqrt(n_in)
    with torch.no_grad():
        for parameter in (layer.weight, layer.bias):
            values = rng.uniform(-bound, bound, size=tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))
    return layer


def dropped(values: Tensor, share: float, rng: torch.Generator | None) -> Tensor:
    """Dropout with its own generator; without one, or with share 0, the values unchanged."""
    if rng is None or share == 0:
        return values
    kept = torch.empty_like(values).bernoulli_(1 - share, generator=rng)
    return values * kept / (1 - share)


def array_of(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()
