"""The run that trains generators: networks, optimisers, early stopping, and its state on a stop.

Imports torch at its top, so it is imported by `generation.fit` alone, when it runs. Everything
random comes from generators derived from (seed, epoch): a state needs to carry no random state.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import UserError
from core.spaces import pairing
from core.spaces.generation import (
    HISTORY,
    NORM_FLOOR,
    TEXT,
    GenerationConfig,
    Snapshot,
    State,
    Trainable,
    history_arrays,
    history_rows,
)
from core.spaces.generation_networks import Discriminator, Generator, contrastive
from core.spaces.pairing import Kind, Pairs, Pools
from core.spaces.translation import N_VALIDATION_DRAWS
from core.spaces.translation_training import array_of, reader, tensors_of

EMBED_BATCH = 64
Batch = tuple[Kind, np.ndarray, np.ndarray]  # rows (n, 2) int64, classes (n,) int64
Source = Pairs | Pools


class Texts:
    """The texts' vectors (m, k), and the encoder that makes them where it is fine-tuned."""

    def __init__(
        self,
        native: np.ndarray,
        device: torch.device,
        encoder: Trainable | None,
        words: Sequence[str],
    ) -> None:
        self.vectors = torch.tensor(np.asarray(native, dtype=np.float32), device=device)
        self.encoder, self.module = encoder, encoder.module if encoder else nn.Module()
        self.ids = encoder.tokens(words) if encoder else []
        self.module.requires_grad_(True)

    def of(self, rows: np.ndarray) -> Tensor:
        return self.vectors[torch.from_numpy(rows).to(self.vectors.device)]

    def embed(self, rows: np.ndarray) -> Tensor:
        """Through the encoder as it is now; (n, k), to be differentiated."""
        assert self.encoder is not None
        ids, mask = self.encoder.padded([self.ids[row] for row in rows])
        found: Tensor = self.encoder.pool(self.module, ids, mask).float()
        return found

    @torch.no_grad()
    def refresh(self, rows: np.ndarray) -> None:
        for start in range(0, len(rows), EMBED_BATCH):
            part = rows[start : start + EMBED_BATCH]
            self.vectors[torch.from_numpy(part)] = self.embed(part)


class Run:
    """What is held between epochs. `epoch` counts finished ones."""

    def __init__(
        self,
        config: GenerationConfig,
        natives: Mapping[str, np.ndarray],
        train: Mapping[Kind, Source],
        held_out: Mapping[Kind, Source],
        seed: int,
        device: torch.device,
        encoder: Trainable | None,
        words: Sequence[str],
    ) -> None:
        self.config, self.seed, self.device = config, seed, device
        self.train, self.modalities = train, [modality for modality, _ in train]
        self.n_dims = natives[TEXT].shape[1]
        self.read = {modality: reader(natives[modality], device) for modality in self.modalities}
        self.texts = Texts(natives[TEXT], device, encoder, words)
        self.validation = list(_validation(held_out, config, seed))
        self.shown = _shown(train, held_out, config, seed)
        rng = np.random.default_rng([seed, 2])
        self.generators = {
            kind[0]: Generator(
                *_moments(natives[kind[0]], train[kind], config), config, self.n_dims, rng
            )
            for kind in sorted(train)
        }
        nets: dict[str, nn.Module] = {"generators": nn.ModuleDict(self.generators)}
        if config.loss == "discriminator":
            nets["discriminator"] = Discriminator(self.n_dims, config.n_hidden, rng)
        self.nets = nn.ModuleDict({**nets, "text": self.texts.module}).to(device)
        self._optimizers()
        self.epoch, self.best_epoch, self.history = 0, 0, list[dict[str, float]]()
        self.best = self._copy()

    def _optimizers(self) -> None:
        config = self.config
        kind = torch.optim.SGD if config.optimizer == "sgd" else torch.optim.Adam
        groups: list[dict[str, Any]] = [{"params": list(self.nets["generators"].parameters())}]
        tuned = list(self.texts.module.parameters())
        if tuned:
            groups.append({"params": tuned, "lr": config.text_learning_rate})
        self.optimizers = [kind(groups, lr=config.learning_rate)]
        if "discriminator" in self.nets:
            judging = self.nets["discriminator"].parameters()
            self.optimizers.append(kind(judging, lr=config.learning_rate))

    # -- what an epoch is ----------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Adversarial losses do not fall as the vectors get better: they never stop a run early."""
        stale = self.epoch - self.best_epoch >= self.config.patience
        stops = self.config.loss == "contrastive" and self.epoch > 0 and stale
        return self.epoch >= self.config.max_epochs or stops

    @property
    def tuning(self) -> bool:
        """Whether this epoch trains the text encoder: always, or before the discriminator plays."""
        before = self.config.loss == "contrastive" or self.epoch < self.config.tuning_epochs
        return self.texts.encoder is not None and before

    @property
    def playing(self) -> bool:
        return self.config.loss == "discriminator" and not self.tuning

    def train_epoch(self) -> None:
        started = time.perf_counter()
        rng = np.random.default_rng([self.seed, 1, self.epoch + 1])
        batches: list[Batch] = []
        for kind, source in self.train.items():
            drawn = pairing.steps(source, self.config.batch, rng, balanced=False)
            n_batches = pairing.n_batches(len(source), self.config.batch)
            batches += [(kind, *part) for part in itertools.islice(drawn, n_batches)]
        dice = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        losses = [self._step(batches[row], dice) for row in rng.permutation(len(batches))]
        if self.tuning:
            self._refresh()
        means = (*torch.stack(losses).mean(dim=0).tolist(), *self._validate())
        self._close_epoch(*means, seconds=time.perf_counter() - started)

    def _step(self, batch: Batch, dice: torch.Generator) -> Tensor:
        losses = self._losses(batch, dice)
        # All were computed with the networks as they are; each then moves its own alone.
        for loss, optimizer in zip(losses, self.optimizers, strict=False):
            if loss.requires_grad:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
        return torch.stack(losses).detach()

    def _losses(self, batch: Batch, dice: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The generator's loss and the discriminator's (NaN where it does not play)."""
        (modality, _), rows, classes = batch
        made = self.generators[modality](self.read[modality](rows[:, 0]), dice)
        learning = self.tuning and dice is not None
        text = self.texts.embed(rows[:, 1]) if learning else self.texts.of(rows[:, 1])
        if self.playing:
            judge = self.nets["discriminator"]
            assert isinstance(judge, Discriminator)
            return judge.fooled(made, text), judge.mistaken(made.detach(), text)
        ignored = torch.from_numpy(classes).to(self.device)
        loss = contrastive(
            made,
            text,
            self.config.temperature,
            self.config.own,
            ignored if self.config.same_class == "ignored" else None,
        )
        return loss, torch.tensor(math.nan, device=self.device)

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        if not self.validation:
            return math.nan, math.nan
        losses = [torch.stack(self._losses(batch)) for batch in self.validation]
        sizes = torch.tensor([float(len(rows)) for _, rows, _ in self.validation])
        means = (torch.stack(losses).cpu() * sizes[:, None]).sum(dim=0) / sizes.sum()
        return float(means[0]), float(means[1])

    def _refresh(self) -> None:
        """Texts anew: those that are looked at, or all when this was the last tuning epoch."""
        if self.config.loss == "discriminator" and self.epoch + 1 == self.config.tuning_epochs:
            self.texts.refresh(np.arange(len(self.texts.ids)))
            return
        used = [rows[:, 1] for _, rows, _ in self.validation] + [self.shown[0][TEXT]]
        self.texts.refresh(np.unique(np.concatenate(used)))

    def _close_epoch(self, *losses: float, seconds: float) -> None:
        train, judged, validation, judged_validation = losses
        lowest = min((row["validation_loss"] for row in self.history), default=math.inf)
        better = self.playing or math.isnan(validation) or validation < lowest
        self.epoch += 1
        if not math.isfinite(train):
            raise UserError(
                f"The generators' loss is no number any more after epoch {self.epoch}: lower "
                "learning_rate, or set centred, so that large native numbers are scaled."
            )
        values = (self.epoch, train, validation, judged, judged_validation, seconds)
        self.history.append(dict(zip(HISTORY, values, strict=True)))
        if better:  # of epochs with a discriminator, the last
            self.best_epoch, self.best = self.epoch, self._copy()

    # -- what comes of it ----------------------------------------------------------------------

    @torch.no_grad()
    def snapshot(self) -> Snapshot:
        rows, partners = self.shown
        vectors = {}
        for modality, own in rows.items():
            if modality == TEXT:
                made = self.texts.of(own)
            else:
                made = self.generators[modality](self.read[modality](own))
            vectors[modality] = array_of(functional.normalize(made)).astype(np.float16)
        return Snapshot(self.epoch, rows, partners, vectors)

    def best_layers(self) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
        """The best epoch's generators; the text encoder is left as it was then."""
        self.nets.load_state_dict(self.best)
        self.texts.module.requires_grad_(False)
        return {modality: self.generators[modality].layers() for modality in self.modalities}

    def state(self) -> State:
        """All that `restore` needs, as a flat dict of arrays."""
        state = {f"now/{name}": array_of(t) for name, t in self.nets.state_dict().items()}
        state |= {f"best/{name}": array_of(t) for name, t in self.best.items()}
        for number, optimizer in enumerate(self.optimizers):
            for row, moments in optimizer.state_dict()["state"].items():
                for name, value in moments.items():
                    if value is not None:
                        at = f"optimizer/{number}/{row}/{name}"
                        state[at] = array_of(torch.as_tensor(value))
        if self.texts.encoder is not None:
            state["texts"] = array_of(self.texts.vectors)
        return state | history_arrays(self.history) | {"best_epoch": np.array(self.best_epoch)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from `state`. Raises `ValueError` when it belongs to another kind of run."""
        part = functools.partial(tensors_of, state, self.device)
        try:
            self.nets.load_state_dict(part("now/"))
        except RuntimeError as error:
            raise ValueError(f"this state belongs to other networks: {error}") from error
        self.best = part("best/")
        for number, optimizer in enumerate(self.optimizers):
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in part(f"optimizer/{number}/").items():
                row, _, name = key.partition("/")
                moments.setdefault(int(row), {})[name] = value
            optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
        if "texts" in state:
            self.texts.vectors = torch.tensor(state["texts"], device=self.device)
        self.history = history_rows(state)
        self.epoch, self.best_epoch = len(self.history), int(state["best_epoch"])

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.nets.state_dict().items()}


def _moments(
    native: np.ndarray, source: Source, config: GenerationConfig
) -> tuple[np.ndarray, float]:
    """The mean (d,) and the deviation from it, over all numbers, of the vectors trained on; 0 and 1
    where they are left as they are."""
    total = np.zeros(native.shape[1])
    if not config.centred:
        return total, 1.0
    squares = 0.0
    rows = np.unique(source.draw(np.random.default_rng(0))[0][:, 0])
    for start in range(0, len(rows), 4096):
        block = native[rows[start : start + 4096]].astype(np.float64)
        total += block.sum(axis=0)
        squares += float(np.square(block).sum(axis=1).sum())
    mean = total / len(rows)
    variance = squares / len(rows) - float(mean @ mean)
    return mean, max(math.sqrt(max(variance, 0.0) / len(mean)), NORM_FLOOR)


def _validation(
    held_out: Mapping[Kind, Source], config: GenerationConfig, seed: int
) -> list[Batch]:
    """The validation batches: the same ones after every epoch."""
    found: list[Batch] = []
    for kind, source in held_out.items():
        rng = np.random.default_rng([seed, 3])
        for _ in range(N_VALIDATION_DRAWS if isinstance(source, Pools) else 1):
            rows, classes = source.draw(rng)
            parts = np.array_split(np.arange(len(rows)), pairing.n_batches(len(rows), config.batch))
            found += [(kind, rows[part], classes[part]) for part in parts if len(part)]
    return found


def _shown(
    train: Mapping[Kind, Source],
    held_out: Mapping[Kind, Source],
    config: GenerationConfig,
    seed: int,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The pairs of every snapshot: rows by modality, and their texts' rows."""
    rows: dict[str, np.ndarray] = {}
    partners: dict[str, np.ndarray] = {}
    for kind, source in held_out.items():
        source = source if len(source) else train[kind]
        drawn, _ = source.draw(np.random.default_rng([seed, 3]))
        _, first = np.unique(drawn[:, 0], return_index=True)
        chosen = drawn[np.sort(first)[: config.snapshot_pairs]]
        rows[kind[0]], partners[kind[0]] = chosen[:, 0], chosen[:, 1]
    rows[TEXT] = partners[TEXT] = np.unique(np.concatenate(list(partners.values())))
    return rows, partners
