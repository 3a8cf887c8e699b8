"""The networks of S's generation space (torch) and its losses: contrastive and adversarial.

Seth 2022, §III and appendix: a generator has four fully connected layers, a discriminator three
and a sigmoid; ReLU follows every layer but the last. Equation 1 judges a generated vector alone
(D(G(x))) and together with the text of its pair (D(G(x), T(t))). The two inputs differ in length,
so there are two discriminators.
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
from core.spaces.training import array_of, dropped, linear


def dense(sizes: Sequence[int], rng: np.random.Generator) -> nn.Sequential:
    """Fully connected layers of these sizes, with ReLU between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.ReLU(), linear(n_in, n_out, rng)]
    return nn.Sequential(*layers[1:])


class Generator(nn.Module):
    """G: (x − mean) / std, in training dropout, then four fully connected layers."""

    def __init__(
        self,
        mean: np.ndarray,
        std: float,
        config: GenerationConfig,
        n_dims: int,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        hidden = [config.n_hidden] * (N_LAYERS - 1)
        self.network = dense([len(mean), *hidden, n_dims], rng)
        self.mean: Tensor
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.std, self.dropout = std, config.input_dropout

    def forward(self, native: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """`rng` draws the dropout; without it there is none."""
        values = (native - self.mean) / self.std
        generated: Tensor = self.network(dropped(values, self.dropout, rng))
        return generated

    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight, bias) of each layer; the first includes the mean and std."""
        linears = [each for each in self.network if isinstance(each, nn.Linear)]
        found = [(array_of(each.weight), array_of(each.bias)) for each in linears]
        weight, bias = (each.astype(np.float64) for each in found[0])
        weight = weight / self.std
        bias = bias - weight @ array_of(self.mean)
        return [(weight.astype(np.float32), bias.astype(np.float32)), *found[1:]]


class Discriminator(nn.Module):
    """D(v), which judges a vector, and D(v, t), which judges it together with a text's."""

    def __init__(self, n_dims: int, n_hidden: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.alone = dense([n_dims, n_hidden, n_hidden, 1], rng)
        self.joint = dense([2 * n_dims, n_hidden, n_hidden, 1], rng)

    def generator_loss(self, generated: Tensor, text: Tensor) -> Tensor:
        """The generator's loss, −log D(G(x)) − log D(G(x), T(t)): the mean of a batch."""
        return _judge(self.alone, 1.0, generated) + _judge(self.joint, 1.0, generated, text)

    def discriminator_loss(self, generated: Tensor, text: Tensor) -> Tensor:
        """The discriminator's loss. Texts are real and generated vectors are not; jointly with a
        text only that text is real, and other texts are not (Reed et al. 2016, algorithm 1)."""
        real = _judge(self.alone, 1.0, text) + _judge(self.joint, 1.0, text, text)
        fake = _judge(self.alone, 0.0, generated) + _judge(self.joint, 0.0, generated, text)
        return real + fake + _judge(self.joint, 0.0, text.roll(1, 0), text)


def contrastive(
    generated: Tensor,
    text: Tensor,
    temperature: float,
    decoupled: bool,
    classes: Tensor | None = None,
) -> Tensor:
    """The mean of both directions' −log (exp(s_ii) / Σ_k exp(s_ik)), s cosines (S §III.C.1).

    `generated` and `text` are (n, k); row i of one belongs to row i of the other. With
    `decoupled` the sum is over k ≠ i, and a pair without any negative is left out. `classes` as in
    `core.spaces.losses`.
    """
    generated, text = functional.normalize(generated), functional.normalize(text)
    if not decoupled:
        return info_nce(
            generated, text, torch.tensor(1 / temperature, device=generated.device), classes
        )
    cosines = generated @ text.T / temperature
    apart = ~torch.eye(len(generated), dtype=torch.bool, device=generated.device)
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
