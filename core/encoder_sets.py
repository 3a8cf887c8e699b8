"""Names of encoder sets: one encoder per modality, joined by a plus.

`AUDIO+IMAGE` or `AUDIO+IMAGE+TEXT`, in this order. Vectors of the dataset itself have the name
`ready_MODALITY` instead of an encoder's.
"""

import functools

from core import encoders

PLUS = "+"
READY = "ready_"


def encoder_set_name(*names: str) -> str:
    """The name of the set of these encoders."""
    return PLUS.join(names)


def spaced(encoder_set: str) -> str:
    """The name of an encoder set as people read it: `logmel + hog`."""
    return encoder_set.replace(PLUS, f" {PLUS} ")


@functools.lru_cache(maxsize=256)
def _modalities_of(encoder_set: str) -> tuple[tuple[str, str], ...]:
    return tuple((_modality(name), name) for name in encoder_set.split(PLUS))


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
    return str(encoders.card(encoder).modality)
