"""Names of encoder sets: one encoder a modality, joined by a plus.

`AUDIO+IMAGE`, or `AUDIO+IMAGE+TEXT` where there are words, in the order of the modalities.
Vectors that a dataset brought have `ready_MODALITY` in place of an encoder.
"""

import functools

from core import encoders

PLUS = "+"
READY = "ready_"


def encoder_set_name(*names: str) -> str:
    """One encoder a modality -> the name of their combination."""
    return PLUS.join(names)


def spaced(encoder_set: str) -> str:
    """The name of an encoder set as people read it: `logmel + hog`."""
    return encoder_set.replace(PLUS, f" {PLUS} ")


@functools.lru_cache(maxsize=256)
def _modalities_of(encoder_set: str) -> tuple[tuple[str, str], ...]:
    return tuple((_modality(name), name) for name in encoder_set.split(PLUS))


def encoders_by_modality(encoder_set: str) -> dict[str, str]:
    """`{modality: encoder}` of a pair's name, in the order audio, image, text.

    Raises
    ------
    UserError
        It names an encoder that is not registered.
    """
    return dict(_modalities_of(encoder_set))


def ready_name(modality: str) -> str:
    """What stands in place of an encoder for vectors that the data brought."""
    return f"{READY}{modality}"


def _modality(encoder: str) -> str:
    if encoder.startswith(READY):
        return encoder.removeprefix(READY)
    return str(encoders.card(encoder).modality)
