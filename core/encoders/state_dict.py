"""State dicts of torch, read with `weights_only`: nothing in a file is run."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.encoders.base import Refuse, checked


def read(
    path: Path, shapes: Mapping[str, tuple[int, ...]], refuse: Refuse
) -> dict[str, np.ndarray]:
    """The float32 arrays of a state dict that `shapes` names; others are ignored.

    Raises the error of `refuse`: it cannot be read, is no state dict, or is another network's.
    """
    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise refuse(f"cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise refuse("is no state dict of torch, or a cut-off one") from error
    if not isinstance(loaded, dict):
        raise refuse("does not hold a state dict")
    tensors = {
        name: value.float().numpy()
        for name, value in loaded.items()
        if name in shapes and isinstance(value, torch.Tensor)
    }
    return checked(tensors, shapes, refuse)
