"""Names of encoder sets: one encoder per modality, joined by a plus.

`AUDIO+IMAGE` or `AUDIO+IMAGE+TEXT`, in this order. Vectors of the dataset itself have the name
`ready_MODALITY` instead of an encoder's. The encoder of a modality may itself be several joined
(`core.encoders.joined`): in `yamnet_lite+musicnn+hog` the first two are for sound, so they are one
encoder. Pages write a set as `yamnet_lite+musicnn × hog`.
"""

import functools
import itertools

from core import encoders
from core.encoders.joined import EQUALS, PLUS

CROSS = " × "
READY = "ready_"


def encoder_set_name(*names: str) -> str:
    """The name of the set of these encoders."""
    return PLUS.join(names)


def spaced(encoder_set: str) -> str:
    """The name of an encoder set as people read it: `logmel × hog`."""
    return CROSS.join(encoders_by_modality(encoder_set).values())


@functools.lru_cache(maxsize=256)
def _modalities_of(encoder_set: str) -> tuple[tuple[str, str], ...]:
    by_modality = itertools.groupby(encoder_set.split(PLUS), _modality)
    return tuple((modality, PLUS.join(names)) for modality, names in by_modality)


def encoders_by_modality(encoder_set: str) -> dict[str, str]:
    """`{modality: encoder}` of an encoder set, in the order audio, image, text.

    Raises
    ------
    UserError
        An encoder is not registered.
    """
    return dict(_modalities_of(encoder_set))


def ready_name(modality: str) -> str:
    """The name that stands for an encoder where the dataset has vectors of its own."""
    return f"{READY}{modality}"


def _modality(encoder: str) -> str:
    if encoder.startswith(READY):
        return encoder.removeprefix(READY)
    return str(encoders.card(encoder.partition(EQUALS)[0]).modality)
