"""The losses against literal transcriptions of their sources."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.spaces import losses
from core.spaces.translation import Loss


def unit_pairs(n: int, d: int = 16, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, d, generator=generator, dtype=torch.float64)
    b = a + torch.randn(n, d, generator=generator, dtype=torch.float64)
    return functional.normalize(a, dim=1), functional.normalize(b, dim=1)


def explicit(a: Tensor, b: Tensor, margin: float, classes: Tensor | None, both: bool) -> float:
    """W's sentence as a double loop: other samples of the batch are the negatives."""
    n, terms = len(a), []
    for i in range(n):
        for j in range(n):
            if i == j or (classes is not None and 0 <= classes[i] == classes[j]):
                continue
            s_ij, s_ii, s_jj = float(a[i] @ b[j]), float(a[i] @ b[i]), float(a[j] @ b[j])
            terms.append(max(0.0, margin - s_ii + s_ij))
            if both:
                terms.append(max(0.0, margin - s_jj + s_ij))
    return sum(terms) / len(terms) if terms else 0.0


def off_diagonal(a: Tensor, b: Tensor, margin: float) -> Tensor:
    """The usual form: the off-diagonal copied out, the diagonal repeated."""
    n = len(a)
    similarity = a @ b.T
    negative = similarity[torch.eye(n) <= 0].reshape(n, n - 1)
    positive = similarity.diagonal().reshape(n, 1).repeat(1, n - 1)
    return torch.clamp(margin - positive + negative, min=0).mean()


@pytest.mark.parametrize("margin", [1.0, 0.3])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("with_classes", [False, True])
@pytest.mark.parametrize("chunk", [1, 50, 1 << 20])
def test_margin_loss_is_the_double_loop(
    monkeypatch: pytest.MonkeyPatch, margin: float, symmetric: bool, with_classes: bool, chunk: int
) -> None:
    monkeypatch.setattr(losses, "CHUNK_ELEMENTS", chunk)
    a, b = unit_pairs(13)
    classes = torch.tensor([0, 0, 1, -1, -1, 2, 2, 2, 3, 0, 1, 4, 5]) if with_classes else None
    loss = losses.margin_loss(a, b, margin, classes, symmetric=symmetric)
    assert loss.item() == pytest.approx(explicit(a, b, margin, classes, symmetric), rel=1e-12)


def test_margin_loss_and_gradient_equal_the_usual_form() -> None:
    a, b = unit_pairs(60)
    gradients = []
    for loss in (lambda x, y: losses.margin_loss(x, y, 0.4), lambda x, y: off_diagonal(x, y, 0.4)):
        x, y = a.clone().requires_grad_(), b.clone().requires_grad_()
        value = 3 * loss(x, y)
        value.backward()
        gradients.append((value.detach(), x.grad, y.grad))
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("with_classes", [False, True])
def test_margin_gradient_is_that_of_finite_differences(
    monkeypatch: pytest.MonkeyPatch, symmetric: bool, with_classes: bool
) -> None:
    monkeypatch.setattr(losses, "CHUNK_ELEMENTS", 20)
    a, b = unit_pairs(7, d=4, seed=3)
    classes = torch.tensor([0, 0, 1, 1, 2, -1, -1]) if with_classes else None

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return losses.margin_loss(x, y, 0.5, classes, symmetric=symmetric)

    a.requires_grad_()
    b.requires_grad_()
    assert torch.autograd.gradcheck(loss, (a, b))


def test_the_diagonal_does_not_count() -> None:
    """Perfect pairs, orthogonal to each other: margin 1 is just met, everything else is not."""
    eye = torch.eye(5)
    assert float(losses.margin_loss(eye, eye, 1.0)) == 0.0
    assert float(losses.margin_loss(eye, eye, 1.5)) == pytest.approx(0.5)


@pytest.mark.parametrize("name", get_args(Loss))
def test_a_batch_without_negatives_has_no_infinite_loss(name: Loss) -> None:
    a, b = unit_pairs(4)
    a, b = a.float().requires_grad_(), b.float().requires_grad_()
    pair_loss = losses.PairLoss(name, 1.0, 0.1, n_classes=1, n_dims=16)
    loss = pair_loss(a, b, torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(a.grad).all()
    # The positives of these have a loss too.
    if name != "siglip" and "supervised_contrastive" not in name:
        assert loss.item() == pytest.approx(0.0, abs=1e-6)


CLASSES = torch.tensor([0, 0, 1, -1, -1, 2, 2, 3, 0])


def negatives(classes: Tensor | None) -> np.ndarray:
    """(9, 9) bool: true where i and j are negatives of each other."""
    if classes is None:
        return ~np.eye(9, dtype=bool)
    c = classes.numpy()
    return ~np.eye(9, dtype=bool) & ((c[:, None] != c) | (c[:, None] < 0))


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_hardest_triplet_takes_one_negative_a_row_and_column(classes: Tensor | None) -> None:
    a, b = unit_pairs(9)
    s = (a @ b.T).numpy()
    others = np.where(negatives(classes), s, -np.inf)
    rows = np.maximum(0, 0.3 - s.diagonal() + others.max(axis=1))
    columns = np.maximum(0, 0.3 - s.diagonal() + others.max(axis=0))
    expected = (rows.mean() + columns.mean()) / 2
    assert float(losses.hardest_triplet(a, b, 0.3, classes)) == pytest.approx(expected)


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_info_nce_is_clip_pseudocode(classes: Tensor | None) -> None:
    a, b = unit_pairs(9)
    logits = math.exp(2.0) * (a @ b.T).numpy()
    logits[~negatives(classes) & ~np.eye(9, dtype=bool)] = -np.inf
    picked = []
    for x in (logits, logits.T):
        log_softmax = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        picked.append(-log_softmax.diagonal().mean())
    loss = losses.info_nce(a, b, torch.tensor(2.0, dtype=torch.float64).exp(), classes)
    assert float(loss) == pytest.approx(np.mean(picked))


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_siglip_is_its_pseudocode(classes: Tensor | None) -> None:
    a, b = unit_pairs(9)
    z = 2 * np.eye(9) - 1
    terms = -np.log(1 / (1 + np.exp(-z * (10.0 * (a @ b.T).numpy() - 10.0))))
    expected = terms[negatives(classes) | np.eye(9, dtype=bool)].sum() / 9
    loss = losses.siglip(a, b, torch.tensor(10.0), torch.tensor(-10.0), classes)
    assert float(loss) == pytest.approx(expected)


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_supervised_contrastive_is_the_published_sum(classes: Tensor | None) -> None:
    """Khosla et al. 2020, eq. 2, term by term, with the other modality's items as the contrast."""
    a, b = unit_pairs(9)
    scores = (a @ b.T / 0.3).numpy()
    same = ~negatives(classes)

    def one_way(s: np.ndarray) -> float:
        terms = []
        for i, row in enumerate(s):
            log_sum = math.log(sum(math.exp(value) for value in row))
            terms.append(-sum(row[p] - log_sum for p in np.flatnonzero(same[i])) / same[i].sum())
        return sum(terms) / len(terms)

    expected = (one_way(scores) + one_way(scores.T)) / 2
    found = losses.supervised_contrastive(a, b, 0.3, classes)
    assert found.item() == pytest.approx(expected, rel=1e-9)
    if classes is None:
        assert found.item() == pytest.approx(losses.info_nce(a, b, torch.tensor(1 / 0.3)).item())


def test_prototypes_are_a_softmax_over_cosines() -> None:
    items, _ = unit_pairs(9)
    centres = 5 * torch.randn(4, 16, generator=torch.Generator().manual_seed(3)).double()
    known = [i for i, c in enumerate(CLASSES.tolist()) if c >= 0]
    terms = []
    for i in known:
        cosines = [float(items[i] @ c / c.norm()) / 0.2 for c in centres]
        log_sum = math.log(sum(math.exp(value) for value in cosines))
        terms.append(log_sum - cosines[int(CLASSES[i])])
    found = losses.prototypes(items, CLASSES, centres, 0.2)
    assert found.item() == pytest.approx(sum(terms) / len(known), rel=1e-6)
    unknown = torch.full((9,), -1)
    assert losses.prototypes(items, unknown, centres, 0.2).item() == 0.0


def test_losses_joined_by_a_plus_are_added_up() -> None:
    a, b = (x.float() for x in unit_pairs(9))
    rng = np.random.default_rng
    both, one, other = (
        losses.PairLoss(name, 1.0, 0.1, 4, 16, rng(0))(a, b, CLASSES)
        for name in ("supervised_contrastive+prototypes", "supervised_contrastive", "prototypes")
    )
    assert both.item() == pytest.approx(one.item() + other.item(), rel=1e-6)
    with pytest.raises(ValueError, match="need the classes"):
        losses.PairLoss("prototypes", 1.0, 0.1, 4, 16)(a, b)
