"""Losses that pull the two items of a pair together: torch tensors in, a scalar out.

Conventions: `a` and `b` are (n, d) float32 with unit rows; row i of `a` and row i of `b` are a
pair; s_ij = a_i · b_j. `classes` is an (n,) int64 tensor of the pairs' classes, or None. With
classes, two pairs of one class are not negatives of each other (a class below 0 is unknown: such a
pair is a negative of all others). A batch without negatives has loss 0.

`supervised_contrastive` and `prototypes` learn from the classes themselves: a space trained with
one of them has seen the labels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.spaces.translation import PLUS, Loss

CHUNK_ELEMENTS = 1 << 22  # similarities computed at once: 16 MB, within a large cache
MAX_SCALE = 100.0  # CLIP's limit on the learned inverse temperature


def margin_loss(
    a: Tensor,
    b: Tensor,
    margin: float = 1.0,
    classes: Tensor | None = None,
    *,
    symmetric: bool = False,
) -> Tensor:
    """Mean over i ≠ j of max(0, margin − s_ii + s_ij): Wu et al. 2021, §2.2 and §3.2.

    `symmetric` adds the other direction, max(0, margin − s_jj + s_ij), and halves the sum: the
    "sum of hinges" of Kiros et al. 2014 (Faghri et al. 2018, eq. 5), as a mean.

    No (n, n) matrix is kept: the forward pass goes through blocks of rows and sums the gradient
    too. For s_ij that is 1/(n(n−1)) where its hinge is open, and for s_ii minus the number of open
    hinges in row i. Therefore the loss can be differentiated once, not twice.
    """
    loss: Tensor = _Margin.apply(a, b, margin, classes, symmetric)
    return loss


class _Margin(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor, margin: float, classes: Tensor | None, symmetric: bool
    ) -> Tensor:
        n = len(a)
        pull = margin - (a * b).sum(1)  # (n,): margin − s_ii
        grad_a, grad_b = torch.zeros_like(a), torch.zeros_like(b)
        total = torch.zeros((), dtype=torch.float64, device=a.device)
        n_terms = n * (n - 1) if classes is None else 0
        n_rows = max(1, CHUNK_ELEMENTS // max(n, 1))
        for start in range(0, n, n_rows):
            stop = min(start + n_rows, n)
            block = slice(start, stop)
            similarity = a[block] @ b.T  # (rows, n)
            same = None if classes is None else _same_class(classes, block)
            if same is not None:
                n_terms += same.numel() - int(same.sum())
            hinges = similarity + pull[block, None]
            total += _open(hinges, same, start)
            opened = hinges.sum(1, keepdim=True)
            grad_a[block] -= opened * b[block]
            grad_b[block] -= opened * a[block]
            if symmetric:
                columns = similarity.add_(pull)
                total += _open(columns, same, start)
                opened = columns.sum(0).unsqueeze(1)
                grad_a -= opened * b
                grad_b -= opened * a
                hinges += columns
            grad_a[block].addmm_(hinges, b)
            grad_b.addmm_(hinges.T, a[block])
        scale = 1.0 / max(n_terms * (2 if symmetric else 1), 1)
        ctx.save_for_backward(grad_a.mul_(scale), grad_b.mul_(scale))
        return (total * scale).to(a.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        grad_a, grad_b = ctx.saved_tensors
        return grad_a * grads[0], grad_b * grads[0], None, None, None


def _open(hinges: Tensor, same: Tensor | None, start: int) -> Tensor:
    """Sum of the positive hinges; `hinges` becomes, in place, 1 where open and 0 elsewhere."""
    hinges.diagonal(start).zero_()
    if same is not None:
        hinges.masked_fill_(same, 0.0)
    total = hinges.clamp_(min=0.0).sum()
    hinges.sign_()
    return total


def _same_class(classes: Tensor, block: slice = slice(None)) -> Tensor:
    """(rows, n) bool: true where two pairs are not negatives, also for a pair and itself."""
    rows = torch.arange(len(classes), device=classes.device)
    same = (classes[block, None] == classes) & (classes[block, None] >= 0)
    return same | (rows[block, None] == rows)


def hardest_triplet(
    a: Tensor, b: Tensor, margin: float = 1.0, classes: Tensor | None = None
) -> Tensor:
    """Both directions' hinge with only the batch's hardest negative: Faghri et al. 2018, eq. 6."""
    similarity = a @ b.T
    paired = similarity.diagonal()
    others = similarity.masked_fill(_eye(a) if classes is None else _same_class(classes), -math.inf)
    hinges = [functional.relu(margin - paired + others.amax(dim)) for dim in (1, 0)]
    return (hinges[0].mean() + hinges[1].mean()) / 2


def info_nce(a: Tensor, b: Tensor, scale: Tensor, classes: Tensor | None = None) -> Tensor:
    """Mean of both directions' softmax cross-entropy over scale · s_ij: Radford et al. 2021."""
    logits = scale * (a @ b.T)
    if classes is not None:
        logits = logits.masked_fill(_same_class(classes) & ~_eye(a), -math.inf)
    target = torch.arange(len(a), device=a.device)
    rows, columns = (functional.cross_entropy(x, target) for x in (logits, logits.T))
    return (rows + columns) / 2


def siglip(
    a: Tensor, b: Tensor, scale: Tensor, bias: Tensor, classes: Tensor | None = None
) -> Tensor:
    """−1/n · Σ_ij log σ(z_ij (scale · s_ij + bias)), z = 1 for pairs, −1 otherwise.

    Zhai et al. 2023, *Sigmoid loss for language image pre-training*, §3.2.
    """
    signs = torch.where(_eye(a), 1.0, -1.0)
    terms = -functional.logsigmoid(signs * (scale * (a @ b.T) + bias))
    if classes is not None:
        terms = terms.masked_fill(_same_class(classes) & ~_eye(a), 0.0)
    return terms.sum() / max(len(a), 1)


def supervised_contrastive(
    a: Tensor, b: Tensor, temperature: float, classes: Tensor | None = None
) -> Tensor:
    """Mean of both directions' −1/|P_i| · Σ_{p ∈ P_i} log softmax_p(s_i / temperature).

    P_i are the items of the other modality with the class of item i, its own partner among them:
    the loss of Khosla et al. 2020, *Supervised contrastive learning*, eq. 2, across two
    modalities. Without classes it is `info_nce` with a fixed temperature.
    """
    logits = (a @ b.T) / temperature
    positive = (_eye(a) if classes is None else _same_class(classes)).to(logits.dtype)
    terms = [
        (functional.log_softmax(x, dim=1) * positive).sum(1) / positive.sum(1)
        for x in (logits, logits.T)
    ]
    return -(terms[0].mean() + terms[1].mean()) / 2


def prototypes(items: Tensor, classes: Tensor, centres: Tensor, temperature: float) -> Tensor:
    """Mean softmax cross-entropy of the items' classes over items · prototypes / temperature.

    One prototype a class, for all modalities: NormFace (Wang et al. 2017, eq. 8) with a fixed
    scale. Items of unknown class (below 0) are left out; without known classes the loss is 0.

    Parameters
    ----------
    items : (n, d) with unit rows, of any modality
    classes : (n,) int64
    centres : (n_classes, d); only their directions count
    """
    known = classes >= 0
    if not bool(known.any()):
        return items.sum() * 0.0
    logits = items[known] @ functional.normalize(centres, dim=1).T / temperature
    return functional.cross_entropy(logits, classes[known])


def _eye(a: Tensor) -> Tensor:
    return torch.eye(len(a), dtype=torch.bool, device=a.device)


class PairLoss(nn.Module):
    """A loss by name, with its own parameters: an inverse temperature, a bias, prototypes.

    Names joined by a plus are added up. `n_classes`, `n_dims` and `rng` are for prototypes alone.
    """

    def __init__(
        self,
        name: Loss,
        margin: float,
        temperature: float,
        n_classes: int = 0,
        n_dims: int = 0,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.names, self.margin, self.temperature = name.split(PLUS), margin, temperature
        if name == "info_nce":
            self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))
        if name == "siglip":  # its authors' start: scale 10, bias −10
            self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
            self.bias = nn.Parameter(torch.tensor(-10.0))
        if "prototypes" in self.names:
            drawn = (rng or np.random.default_rng(0)).normal(size=(max(n_classes, 1), n_dims))
            self.centres = nn.Parameter(torch.from_numpy(drawn.astype(np.float32)))

    def forward(self, a: Tensor, b: Tensor, classes: Tensor | None = None) -> Tensor:
        total = self._of(self.names[0], a, b, classes)
        for name in self.names[1:]:
            total = total + self._of(name, a, b, classes)
        return total

    def _of(self, name: str, a: Tensor, b: Tensor, classes: Tensor | None) -> Tensor:
        if name == "margin":
            return margin_loss(a, b, self.margin, classes)
        if name == "symmetric_margin":
            return margin_loss(a, b, self.margin, classes, symmetric=True)
        if name == "hardest_triplet":
            return hardest_triplet(a, b, self.margin, classes)
        if name == "supervised_contrastive":
            return supervised_contrastive(a, b, self.temperature, classes)
        if name == "prototypes":
            if classes is None:
                raise ValueError("prototypes need the classes of the pairs")
            both = torch.cat([a, b]), torch.cat([classes, classes])
            return prototypes(*both, self.centres, self.temperature)
        scale = self.log_scale.exp().clamp(max=MAX_SCALE)
        if name == "info_nce":
            return info_nce(a, b, scale, classes)
        return siglip(a, b, scale, self.bias, classes)
