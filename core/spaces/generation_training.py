"""Training of generators (torch): see `core.spaces.generation` for the recipe."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import UserError
from core.spaces import pairing
from core.spaces.generation import HISTORY, TEXT, Generation, GenerationConfig, Snapshot
from core.spaces.generation_networks import Discriminator, Generator, contrastive
from core.spaces.pairing import Kind, Pairs, Pools
from core.spaces.text_vectors import TextVectors, Trainable
from core.spaces.training import Reader, ResumableTraining, State, array_of, device_named, reader
from core.spaces.translation_training import N_VALIDATION_DRAWS

MIN_STD = 1e-12
KindBatch = tuple[Kind, np.ndarray, np.ndarray]  # rows (n, 2) int64, classes (n,) int64
Source = Pairs | Pools


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
    """Train one generator per modality of `pairs` on its pairs with texts.

    Parameters
    ----------
    natives : by modality, text included, (n, d) float vectors
    pairs : by modality without text, (p, 2) int rows of its natives and of the texts
    clips : by modality, the clip ids of the pairs (p,), or (p, 2) where the items of a pair come
        from two clips. Items of one clip are all in training or all in validation
    classes : by modality, (p,) class ids, for recipes with `needs_classes`
    encoder, words : the text encoder and the texts, one per text vector, for `text="finetuned"`.
        The encoder is changed in place, so its texts have to be embedded again
    snapshot : called with validation pairs before the first epoch and after each
    checkpoint : called after every epoch with a flat dict of arrays
    resume : such a dict; with all other arguments unchanged, and the encoder as it was at the
        start, the run continues from there and ends as if it had not been interrupted
    device : by default CUDA if there is one

    Raises
    ------
    UserError
        There are too few pairs or clips, vectors that are not finite, or no text encoder that can
        be fine-tuned.
    """
    if config.text == "finetuned" and (encoder is None or len(words) != len(natives[TEXT])):
        raise UserError(
            "This text encoder cannot be fine-tuned: use bert, minilm, clip_text or clap_text, or "
            "leave it frozen."
        )
    if config.needs_classes and classes is None:
        raise ValueError("redrawn pairs and ignored classes need the pairs' classes")

    def by_kind(values: Mapping[str, np.ndarray]) -> dict[Kind, np.ndarray]:
        return {(modality, TEXT): values[modality] for modality in pairs}

    known = None if classes is None else by_kind(classes)
    kinds = pairing.checked_pairs(natives, by_kind(pairs), by_kind(clips), known, "generator")
    train, held_out = pairing.split(
        kinds, config.pairing, config.validation_share, np.random.default_rng([seed, 0])
    )
    tuned = encoder if config.text == "finetuned" else None
    place = device_named(device)
    run = GenerationTraining(config, natives, train, held_out, seed, place, tuned, words)
    if resume is not None:
        run.restore(resume, place)
    elif snapshot is not None:
        snapshot(run.snapshot())
    while not run.finished:
        run.train_epoch()
        if snapshot is not None:
            snapshot(run.snapshot())
        if checkpoint is not None:
            checkpoint(run.state())
    return Generation(run.best_layers(), run.n_dims, run.history, run.best_epoch)


class GenerationTraining(ResumableTraining):
    """The generators, the discriminator, the texts and the optimizers between epochs."""

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
        self.read: dict[str, Reader] = {m: reader(natives[m], device) for m in self.modalities}
        self.texts = TextVectors(natives[TEXT], device, encoder, words)
        self.validation = _validation_batches(held_out, config, seed)
        self.shown = _snapshot_pairs(train, held_out, config, seed)
        rng = np.random.default_rng([seed, 2])
        self.generators = {
            kind[0]: Generator(
                *_moments(natives[kind[0]], train[kind], config), config, self.n_dims, rng
            )
            for kind in sorted(train)
        }
        parts: dict[str, nn.Module] = {"generators": nn.ModuleDict(self.generators)}
        self.discriminator: Discriminator | None = None
        if config.loss == "discriminator":
            self.discriminator = Discriminator(self.n_dims, config.n_hidden, rng)
            parts["discriminator"] = self.discriminator
        networks = nn.ModuleDict({**parts, "text": self.texts.module}).to(device)

        optimizer = torch.optim.SGD if config.optimizer == "sgd" else torch.optim.Adam
        groups: list[dict[str, Any]] = [{"params": list(parts["generators"].parameters())}]
        tuned = list(self.texts.module.parameters())
        if tuned:
            groups.append({"params": tuned, "lr": config.text_learning_rate})
        optimizers = [optimizer(groups, lr=config.learning_rate)]
        if self.discriminator is not None:
            parameters = self.discriminator.parameters()
            optimizers.append(optimizer(parameters, lr=config.learning_rate))
        super().__init__(networks, optimizers, HISTORY)

    # -- epochs ---------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Adversarial losses do not fall as the vectors improve: they never stop a run early."""
        stops = self.config.loss == "contrastive" and self.is_stale(self.config.patience)
        return self.epoch >= self.config.max_epochs or stops

    @property
    def tunes_text(self) -> bool:
        """Whether this epoch trains the text encoder together with the generators."""
        return self.texts.encoder is not None and self.config.loss == "contrastive"

    @property
    def prepares_text(self) -> bool:
        """Whether this epoch trains the text encoder alone, before the adversaries begin."""
        before = self.config.loss == "discriminator" and self.epoch < self.config.tuning_epochs
        return self.texts.encoder is not None and before

    @property
    def is_adversarial(self) -> bool:
        return self.config.loss == "discriminator" and not self.prepares_text

    def train_epoch(self) -> None:
        started = time.perf_counter()
        draws = np.random.default_rng([self.seed, 1, self.epoch + 1])
        losses = self._text_steps(draws) if self.prepares_text else self._steps(draws)
        if self.tunes_text or self.prepares_text:
            self._refresh_texts()
        train, discriminator = torch.stack(losses).mean(dim=0).tolist()
        if not math.isfinite(train):
            raise UserError(
                f"The generators' loss is not a number after epoch {self.epoch + 1}: lower "
                "learning_rate, or set centred, so that large native numbers are scaled."
            )
        validation, validation_discriminator = self._validate()
        values = (train, validation, discriminator, validation_discriminator)
        # Of adversarial epochs the last is kept.
        self.close_epoch(*values, time.perf_counter() - started, best=self.is_adversarial)

    def _steps(self, draws: np.random.Generator) -> list[Tensor]:
        """One step for each batch of pairs."""
        batches: list[KindBatch] = []
        for kind, source in self.train.items():
            drawn = pairing.steps(source, self.config.batch, draws, balanced=False)
            n_batches = pairing.n_batches(len(source), self.config.batch)
            batches += [(kind, *part) for part in itertools.islice(drawn, n_batches)]
        rng = torch.Generator(self.device).manual_seed(int(draws.integers(2**62)))
        return [
            self._step(self._losses(batches[row], rng)) for row in draws.permutation(len(batches))
        ]

    def _text_steps(self, draws: np.random.Generator) -> list[Tensor]:
        """One step for each batch of the training pairs' texts; the generators have no part."""
        drawn = [source.draw(draws)[0][:, 1] for source in self.train.values()]
        rows = draws.permutation(np.unique(np.concatenate(drawn)))
        return [self._step(self._alone(loss)) for loss in self._text_losses(rows, draws)]

    def _text_losses(self, rows: np.ndarray, draws: np.random.Generator) -> Iterator[Tensor]:
        for part in np.array_split(rows, pairing.n_batches(len(rows), self.config.batch)):
            yield self.texts.views_loss(part, self.config.temperature, draws)

    def _alone(self, loss: Tensor) -> tuple[Tensor, Tensor]:
        """A loss without a discriminator's beside it."""
        return loss, torch.tensor(math.nan, device=self.device)

    def _step(self, losses: tuple[Tensor, Tensor]) -> Tensor:
        # All losses are computed before any network changes; each optimizer changes its own.
        for loss, optimizer in zip(losses, self.optimizers, strict=False):
            if loss.requires_grad:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
        return torch.stack(losses).detach()

    def _losses(self, batch: KindBatch, rng: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """The generator's loss and the discriminator's (NaN without it); `rng` is for training."""
        (modality, _), rows, classes = batch
        generated = self.generators[modality](self.read[modality](rows[:, 0]), rng)
        if self.is_adversarial:
            assert self.discriminator is not None
            text = self.texts.of(rows[:, 1])
            return (
                self.discriminator.generator_loss(generated, text),
                self.discriminator.discriminator_loss(generated.detach(), text),
            )
        learns = self.tunes_text and rng is not None
        text = self.texts.embed(rows[:, 1]) if learns else self.texts.of(rows[:, 1])
        same = pairing.no_negatives(rows, classes, self.config.same_class)
        ignored = None if same is None else torch.from_numpy(same).to(self.device)
        loss = contrastive(generated, text, self.config.temperature, self.config.decoupled, ignored)
        return self._alone(loss)

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        if not self.validation:
            return math.nan, math.nan
        if self.prepares_text:
            rows = np.unique(np.concatenate([rows[:, 1] for _, rows, _ in self.validation]))
            views = np.random.default_rng([self.seed, 4])
            alone = torch.stack(list(self._text_losses(rows, views)))
            return float(alone.mean()), math.nan
        losses = [torch.stack(self._losses(batch, None)) for batch in self.validation]
        sizes = torch.tensor([float(len(rows)) for _, rows, _ in self.validation])
        means = (torch.stack(losses).cpu() * sizes[:, None]).sum(dim=0) / sizes.sum()
        return float(means[0]), float(means[1])

    def _refresh_texts(self) -> None:
        """Embed the texts in use again, or all texts if this was the last tuning epoch."""
        if self.prepares_text and self.epoch + 1 == self.config.tuning_epochs:
            self.texts.refresh(np.arange(len(self.texts.ids)))
            return
        used = [rows[:, 1] for _, rows, _ in self.validation] + [self.shown[0][TEXT]]
        self.texts.refresh(np.unique(np.concatenate(used)))

    # -- results --------------------------------------------------------------------------------

    @torch.no_grad()
    def snapshot(self) -> Snapshot:
        rows, partners = self.shown
        vectors = {}
        for modality, mine in rows.items():
            if modality == TEXT:
                found = self.texts.of(mine)
            else:
                found = self.generators[modality](self.read[modality](mine))
            vectors[modality] = array_of(functional.normalize(found)).astype(np.float16)
        return Snapshot(self.epoch, rows, partners, vectors)

    def best_layers(self) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
        """The best epoch's generators; the text encoder gets the weights of that epoch too."""
        self.networks.load_state_dict(self.best)
        self.texts.module.requires_grad_(False)
        return {modality: self.generators[modality].layers() for modality in self.modalities}

    def state(self) -> State:
        tuned = self.texts.encoder is not None
        return super().state() | ({"texts": array_of(self.texts.vectors)} if tuned else {})

    def restore(self, state: Mapping[str, np.ndarray], device: torch.device) -> None:
        super().restore(state, device)
        if "texts" in state:
            self.texts.vectors = torch.tensor(state["texts"], device=device)


def _moments(
    native: np.ndarray, source: Source, config: GenerationConfig
) -> tuple[np.ndarray, float]:
    """The mean (d,) and std over all numbers of the training vectors; 0 and 1 if not centred."""
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
    return mean, max(math.sqrt(max(variance, 0.0) / len(mean)), MIN_STD)


def _validation_batches(
    held_out: Mapping[Kind, Source], config: GenerationConfig, seed: int
) -> list[KindBatch]:
    """The validation batches: the same ones after every epoch."""
    found: list[KindBatch] = []
    for kind, source in held_out.items():
        rng = np.random.default_rng([seed, 3])
        for _ in range(N_VALIDATION_DRAWS if isinstance(source, Pools) else 1):
            batches = pairing.batches(*source.draw(rng), config.batch)
            found += [(kind, *batch) for batch in batches]
    return found


def _snapshot_pairs(
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
