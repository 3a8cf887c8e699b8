"""Where torch networks run: the GPU when there is one, else the cores of this machine.

How many cores torch uses is the process's own affair (`OMP_NUM_THREADS`, which the workers of
`precompute` set to one): nothing here changes it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


N_PER_BATCH_CUDA = 64  # media that a network is handed at once there


def device() -> "torch.device":
    """The first CUDA device when torch can use one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
