"""The texts of a generation space: their vectors, and their encoder while it is fine-tuned.

S's appendix pre-trains the text encoder on the captions, without sound, and does not say how. Here
every caption is seen twice, each time without a random tenth of its tokens; the two views are a
pair, and other captions are negatives (Gao et al. 2021, *SimCSE*, whose table of such changes has
the deletion of words). Nothing but the encoder is trained by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.spaces.generation_networks import contrastive

EMBED_BATCH = 64
LEFT_OUT = 0.1  # of a text's tokens, in each of its two views


class Trainable(Protocol):
    """A text encoder that can be fine-tuned: see `core.encoders.hub_text.TextEncoder`."""

    module: Any

    @property
    def pool(self) -> Callable[[Any, Any, Any], Any]: ...

    def tokens(self, texts: Sequence[str]) -> list[list[int]]: ...

    def padded(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]: ...


class TextVectors:
    """The texts' vectors (m, k), and their encoder if it is fine-tuned."""

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
        """Through the encoder as it is now, with gradients: (n, k)."""
        return self._embed([self.ids[row] for row in rows])

    def views_loss(self, rows: np.ndarray, temperature: float, rng: np.random.Generator) -> Tensor:
        """The contrastive loss of two views of each text; equal texts are not negatives."""
        views = [[_shortened(self.ids[row], rng) for row in rows] for _ in range(2)]
        number: dict[tuple[int, ...], int] = {}
        same = [number.setdefault(tuple(self.ids[row]), len(number)) for row in rows]
        one, other = (self._embed(ids) for ids in views)
        classes = torch.tensor(same, device=one.device)
        return contrastive(one, other, temperature, False, classes)

    def _embed(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        assert self.encoder is not None
        ids, mask = self.encoder.padded(tokens)
        found: Tensor = self.encoder.pool(self.module, ids, mask).float()
        return found

    @torch.no_grad()
    def refresh(self, rows: np.ndarray) -> None:
        for start in range(0, len(rows), EMBED_BATCH):
            part = rows[start : start + EMBED_BATCH]
            self.vectors[torch.from_numpy(part)] = self.embed(part)


def _shortened(tokens: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Without a random tenth of the tokens; the marks of start and end stay, and one token."""
    if len(tokens) <= 3:
        return list(tokens)
    start, *inner, end = tokens
    kept = rng.random(len(inner)) >= LEFT_OUT
    if not kept.any():
        kept[rng.integers(len(inner))] = True
    return [start, *(token for token, keep in zip(inner, kept, strict=True) if keep), end]
