"""Joined encoders: several encoders of one modality whose vectors stand side by side as one.

    yamnet_lite+musicnn              both count alike
    yamnet_lite=10+musicnn=2.5       YAMNet's part is four times as long

The vector of each part is scaled to unit length, multiplied by its weight, and put beside the
others. The weights are ratios: the whole vector is then scaled to length √d, so that its numbers
are about 1 whatever the weights. A part that is all zeros stays zeros.

Every part hears sound at its own rate. `embed` of a joined encoder takes sound at the highest of
them; where a file is at hand, decode it at the rate of each part and `join` their vectors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from core.encoders.base import Card, Encoder
from core.errors import UserError
from core.vectors import unit_rows

PLUS, EQUALS = "+", "="
VERSION = 1  # raised whenever the same parts give another vector; part of cache keys


class Part(NamedTuple):
    """An encoder of a joined one, and its weight."""

    name: str
    weight: float


def is_joined(name: str) -> bool:
    """Whether this is the name of a joined encoder, or of one encoder with a weight."""
    return PLUS in name or EQUALS in name


def parts(name: str) -> tuple[Part, ...]:
    """The encoders that a name joins, in its order; of a plain name itself alone.

    Raises
    ------
    UserError
        A weight is not a number above 0, an encoder is named twice, or a single one has a weight.
    """
    if not is_joined(name):
        return (Part(name, 1.0),)
    found = tuple(_part(text, name) for text in name.split(PLUS))
    names = [part.name for part in found]
    if len(set(names)) < len(names) or not all(names):
        raise UserError(
            f"The encoder {name!r} names an encoder twice or leaves one out: expected different "
            "encoders, such as yamnet_lite+musicnn."
        )
    if len(found) < 2:
        raise UserError(f"The encoder {name!r} is one alone, so it takes no weight: leave it out.")
    return found


def _part(text: str, whole: str) -> Part:
    name, equals, weight = text.partition(EQUALS)
    try:
        value = float(weight) if equals else 1.0
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise UserError(
            f"The encoder {whole!r} has the weight {weight!r}: expected a number above 0, such as "
            "yamnet_lite=10+musicnn=2.5."
        )
    return Part(name, value)


def canonical(name: str) -> str:
    """The one way in which a name is written: without weights that are all alike."""
    found = parts(name)
    if len({part.weight for part in found}) == 1:
        return PLUS.join(part.name for part in found)
    return PLUS.join(f"{part.name}{EQUALS}{part.weight:g}" for part in found)


def join(blocks: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Blocks of vectors side by side: each row of a block at unit length times its weight.

    Parameters
    ----------
    blocks : one `(n, d_i)` array per part, rows aligned
    weights : one number above 0 per part

    Returns
    -------
    (n, d) float32, d the sum of all d_i; rows of length √d, shorter where a part is all zeros
    """
    n_dims = sum(block.shape[1] for block in blocks)
    scale = math.sqrt(n_dims) / math.hypot(*weights)
    scaled = [
        unit_rows(block, np.float64) * (weight * scale)
        for block, weight in zip(blocks, weights, strict=True)
    ]
    return np.concatenate(scaled, axis=1).astype(np.float32)


def card(name: str, cards: Sequence[Card]) -> Card:
    """The card of a joined encoder, from those of its parts.

    Raises
    ------
    UserError
        The parts are for different modalities.
    """
    modality = cards[0].modality
    for other in cards[1:]:
        if other.modality != modality:
            raise UserError(
                f"The encoder {name!r} joins {cards[0].name} ({modality}) with {other.name} "
                f"({other.modality}): expected encoders of one modality."
            )
    return Card(
        name=name,
        modality=modality,
        dim=sum(each.dim for each in cards),
        title="; ".join(each.title for each in cards),
        licence="; ".join(f"{each.name}: {each.licence}" for each in cards),
        citation="; ".join(each.citation for each in cards),
        parameters=sum(each.parameters for each in cards),
        rate_hz=max((each.rate_hz for each in cards if each.rate_hz), default=None),
        hears_s=min(each.hears_s for each in cards),
        size_px=max((each.size_px for each in cards if each.size_px), default=None),
        fitted=any(each.fitted for each in cards),
        weights=tuple(file for each in cards for file in each.weights),
        version=VERSION,
    )


@dataclass(frozen=True)
class Joined:
    """Several loaded encoders of one modality as one.

    Parameters
    ----------
    card : made by `card`
    encoders : the parts
    weights : one per part
    """

    card: Card
    encoders: tuple[Encoder, ...]
    weights: tuple[float, ...]

    @property
    def weights_sha256(self) -> str | None:
        """None: each part has sums of its own."""
        return None

    def join(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """`(n, dim)` float32 of one block per part; see `join`."""
        return join(blocks, self.weights)

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        """`(n, dim)` float32; see `core.encoders.base.Encoder.embed`."""
        return self.join([encoder.embed(self._heard(encoder, media)) for encoder in self.encoders])

    def _heard(self, encoder: Encoder, media: Sequence[Any]) -> Sequence[Any]:
        """The media as a part takes them: sound at its own rate."""
        rate_hz = encoder.card.rate_hz
        if self.card.modality != "audio" or rate_hz == self.card.rate_hz:
            return media
        import soxr

        return [soxr.resample(samples, self.card.rate_hz, rate_hz) for samples in media]


def encoders_of(encoder: Encoder) -> tuple[Encoder, ...]:
    """The parts of a joined encoder; of any other itself alone."""
    return encoder.encoders if isinstance(encoder, Joined) else (encoder,)


def join_of(encoder: Encoder, blocks: Sequence[np.ndarray]) -> np.ndarray:
    """The vectors of an encoder from those of its parts, in the order of `encoders_of`."""
    return encoder.join(blocks) if isinstance(encoder, Joined) else blocks[0]
