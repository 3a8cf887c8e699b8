"""The networks of S's generation space, and its two losses: contrastive, and a game of two.

Seth 2022, §III and appendix: a generator is four fully connected layers, a discriminator three
and a sigmoid; ReLU follows every layer but the last. Equation 1 asks two things of a generated
vector: whether it looks like a text's (D(G(x))), and whether it does beside the text that it
belongs to (D(G(x), T(t))). The two take vectors of unlike length, so there are two discriminators.

Imports torch at its top, so it is imported by `generating` alone, when that runs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.spaces.generation import N_LAYERS, GenerationConfig
from core.spaces.losses import info_nce
from core.spaces.translation_training import array_of, linear


def dense(sizes: Sequence[int], rng: np.random.Generator) -> nn.Sequential:
    """Fully connected layers of these sizes, with ReLU between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.ReLU(), linear(n_in, n_out, rng)]
    return nn.Sequential(*layers[1:])


class Generator(nn.Module):
    """G: (x − mean) / deviation, in training dropout, then four fully connected layers."""

    def __init__(
        self,
        mean: np.ndarray,
        deviation: float,
        config: GenerationConfig,
        n_dims: int,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        hidden = [config.n_hidden] * (N_LAYERS - 1)
        self.network = dense([len(mean), *hidden, n_dims], rng)
        self.mean: Tensor
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.deviation, self.dropout = deviation, config.input_dropout

    def forward(self, native: Tensor, dice: torch.Generator | None = None) -> Tensor:
        """`dice`: what dropout is thrown with; without, nothing is dropped."""
        values = (native - self.mean) / self.deviation
        if dice is not None and self.dropout:
            kept = torch.empty_like(values).bernoulli_(1 - self.dropout, generator=dice)
            values = values * kept / (1 - self.dropout)
        made: Tensor = self.network(values)
        return made

    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight, bias) of each layer; the first has the mean and deviation in it."""
        linears = [each for each in self.network if isinstance(each, nn.Linear)]
        found = [(array_of(each.weight), array_of(each.bias)) for each in linears]
        weight, bias = (each.astype(np.float64) for each in found[0])
        weight = weight / self.deviation
        bias = bias - weight @ array_of(self.mean)
        return [(weight.astype(np.float32), bias.astype(np.float32)), *found[1:]]


class Discriminator(nn.Module):
    """D(v), which judges a vector, and D(v, t), which judges it beside a text's."""

    def __init__(self, n_dims: int, n_hidden: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.alone = dense([n_dims, n_hidden, n_hidden, 1], rng)
        self.beside = dense([2 * n_dims, n_hidden, n_hidden, 1], rng)

    def fooled(self, made: Tensor, text: Tensor) -> Tensor:
        """−log D(G(x)) − log D(G(x), T(t)), the mean of a batch: what a generator lowers."""
        return _judge(self.alone, 1.0, made) + _judge(self.beside, 1.0, made, text)

    def mistaken(self, made: Tensor, text: Tensor) -> Tensor:
        """What the discriminator lowers: texts are real, generated vectors are not, and beside a
        text only that text itself is (others' texts are not: Reed et al. 2016, algorithm 1)."""
        real = _judge(self.alone, 1.0, text) + _judge(self.beside, 1.0, text, text)
        fake = _judge(self.alone, 0.0, made) + _judge(self.beside, 0.0, made, text)
        return real + fake + _judge(self.beside, 0.0, text.roll(1, 0), text)


def contrastive(
    made: Tensor, text: Tensor, temperature: float, own: str, classes: Tensor | None = None
) -> Tensor:
    """The mean of both directions' −log (exp(s_ii) / Σ_k exp(s_ik)), s cosines (S §III.C.1).

    `made` and `text` are (n, k); row i of one belongs to row i of the other. `own` "left_out"
    sums over k ≠ i; a pair without any other is then left out itself. `classes` as in `losses`.
    """
    made, text = functional.normalize(made), functional.normalize(text)
    if own == "counted":
        return info_nce(made, text, torch.tensor(1 / temperature, device=made.device), classes)
    cosines = made @ text.T / temperature
    apart = ~torch.eye(len(made), dtype=torch.bool, device=made.device)
    if classes is not None:
        apart &= (classes[:, None] != classes) | (classes[:, None] < 0)
    some = apart.any(dim=1)
    if not some.any():
        return cosines.sum() * 0
    others = cosines.masked_fill(~apart, -math.inf)
    sums = (others[some].logsumexp(dim=1) + others.T[some].logsumexp(dim=1)) / 2
    return (sums - cosines.diagonal()[some]).mean()


def _judge(network: nn.Sequential, truth: float, *vectors: Tensor) -> Tensor:
    judged = network(torch.cat(vectors, dim=1))
    return functional.binary_cross_entropy_with_logits(judged, torch.full_like(judged, truth))
