"""The encoders that made a study's vectors, loaded again to embed queries and tags.

An artefact of the stage `extract` names the weights that made it. Loading with other weights is
refused, so a new file and a stored item are always embedded by the same network.
"""

import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from core import encoders
from core.encoders import joined
from core.encoders.base import Encoder
from core.encoders.hub_text import TextEncoder
from core.errors import UserError
from core.once import Once
from core.store import Artefact

Extracted = Callable[[str], Artefact]  # an encoder's name -> the artefact with its vectors

N_THREADS = 2  # a query's batch is small: more threads cost more than they save
_LOADED = Once(weakref.WeakValueDictionary())  # encoders in use anywhere in this process


def load_encoder(
    name: str, extracted: Extracted, weights_dir: Path | None, *, trainable: bool = False
) -> Encoder:
    """The encoder that made the vectors of an `extract` artefact.

    It is shared by all who use it, unless it is `trainable`.

    Parameters
    ----------
    name : the encoder's registered name, or several joined
    extracted : gives the artefact with an encoder's vectors
    weights_dir : where weights are looked for first
    trainable : see `core.encoders.load`

    Raises
    ------
    UserError
        The weights are absent, or differ from those that made the vectors.
    """
    if joined.is_joined(name):
        parts = joined.parts(name)
        loaded = tuple(load_encoder(part.name, extracted, weights_dir) for part in parts)
        return joined.Joined(encoders.card(name), loaded, tuple(part.weight for part in parts))
    if encoders.card(name).fitted:
        from core.encoders import lsa

        return lsa.Lsa.from_arrays(extracted(name).tensors("encoder.safetensors"))
    expected = extracted(name).manifest.get("weights_sha256")

    def load() -> Encoder:
        encoder = encoders.load(name, weights_dir, n_threads=N_THREADS, trainable=trainable)
        if encoder.weights_sha256 != expected:
            raise UserError(
                f"The weights of {name} differ from those that embedded this collection: point "
                "--weights at the same file, or run the study again."
            )
        return encoder

    return load() if trainable else _LOADED.get((name, expected, str(weights_dir)), load)


def load_tuned(
    name: str, extracted: Extracted, state: Mapping[str, np.ndarray], weights_dir: Path | None
) -> Encoder:
    """A text encoder with the parameters that fine-tuning gave it; see `load_encoder`.

    Raises
    ------
    UserError
        As `load_encoder`, or the parameters belong to another network.
    """
    import torch

    encoder = load_encoder(name, extracted, weights_dir, trainable=True)
    tensors = {key: torch.from_numpy(np.array(value)) for key, value in state.items()}
    try:
        if not isinstance(encoder, TextEncoder):
            raise RuntimeError(f"{name} has no network")
        encoder.module.load_state_dict(tensors)
        encoder.freeze()
    except RuntimeError as error:
        raise UserError(
            f"The fine-tuned parameters of {name} belong to another network: run the study again."
        ) from error
    return encoder
