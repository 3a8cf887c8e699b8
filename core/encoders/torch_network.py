"""Networks run by torch: batches on its device, and folded convolutions.

The networks are frozen, so each is a function of its weights: a batch normalisation after a
convolution is folded into it once, when loaded (in float64: the vectors keep six digits), and the
weights are laid out once for the processor (`core.encoders.packed`).

Convolutional networks get one medium at a time on a CPU: it keeps a core busy and stays in the
cache (OpenL3's sound takes 204 ms in batches of one, 236 of eight; HCNN 89 and 112), and the vector
does not depend on the batch at all. CUDA gets many, and convolves in full float32, not in TF32, so
that both devices agree.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.base import BatchEncoder, Card

if TYPE_CHECKING:
    import torch

Forward = Callable[["torch.Tensor"], "torch.Tensor"]
N_PER_BATCH_CUDA = 64  # media at a time on a GPU


def device() -> "torch.device":
    """The first CUDA device when torch can use one, else the CPU.

    The process decides how many cores torch uses (`OMP_NUM_THREADS`, which the workers of
    `precompute` set to one); nothing here changes it.
    """
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TorchEncoder(BatchEncoder):
    """A network of torch and the preprocessing before it.

    forward : a batch of prepared media, as one float32 tensor, to `(b, dim)`
    n_per_batch : media at a time on a CPU
    module : the network where it is one of `torch.nn`
    """

    def __init__(
        self,
        card: Card,
        prepare: Callable[[np.ndarray], np.ndarray],
        forward: Forward,
        weights_sha256: str,
        n_threads: int,
        n_per_batch: int = 1,
        module: Any = None,
    ) -> None:
        import torch

        if device().type == "cuda":
            n_per_batch = N_PER_BATCH_CUDA
            torch.backends.cudnn.allow_tf32 = False
        super().__init__(card, prepare, self._run, weights_sha256, n_per_batch, n_threads)
        self.forward = forward
        self.module = module

    def _run(self, batch: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.forward(torch.from_numpy(batch).to(device())).float().cpu().numpy()


def channels_last(forward: Forward) -> Forward:
    """`forward` of `(b, channels, height, width)`, for batches `(b, height, width, channels)`."""
    return lambda x: forward(x.permute(0, 3, 1, 2))


def folded(
    weight: np.ndarray, bias: np.ndarray, norm: Sequence[np.ndarray], epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of one convolution that replaces a convolution and the norm after it.

    Parameters
    ----------
    weight : `(out, in, h, w)`
    bias : `(out,)`
    norm : gamma, beta, mean and variance, each `(out,)`
    epsilon : added to the variance by the normalisation
    """
    scale, shift = _affine(norm, epsilon)
    return weight * scale[:, None, None, None], bias * scale + shift


def scale_and_shift(
    norm: Sequence[np.ndarray], epsilon: float
) -> tuple["torch.Tensor", "torch.Tensor"]:
    """A frozen batch normalisation that follows no convolution, each `(1, channels, 1, 1)`."""
    import torch

    scale, shift = (
        torch.from_numpy(part.astype(np.float32)).reshape(1, -1, 1, 1).to(device())
        for part in _affine(norm, epsilon)
    )
    return scale, shift


def _affine(norm: Sequence[np.ndarray], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = (np.asarray(each, np.float64) for each in norm)
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - mean * scale
