"""What the networks run by torch share: the device, folded convolutions, batches.

The networks are frozen, so each is written as one function of its weights: a batch normalisation
after a convolution is folded into it once, at loading (in float64: the vectors keep six digits),
and its weights are laid out once (`core.encoders.packed`).

A CPU is handed one thing at a time: these networks keep a core busy with one (measured on one core:
OpenL3's sound 204 ms in batches of one, 236 of eight; VGG-16 286 and 319; HCNN 89 and 112;
ResNet-50 78, and 80 in fours), it stays in the cache, and the vector is the same to the last bit
whatever came with it. CUDA is handed many, and convolves in full float32, not in TF32, so that both
devices agree.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.base import Card, embed_batches
from core.encoders.torch_device import N_PER_BATCH_CUDA, device
from core.errors import UserError

if TYPE_CHECKING:
    import torch

Forward = Callable[["torch.Tensor"], "torch.Tensor"]  # (b, c, h, w) to (b, dim)


def folded(
    weight: np.ndarray, bias: np.ndarray, norm: Sequence[np.ndarray], epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of the convolution that does what this one and the norm after it do.

    Parameters
    ----------
    weight : `(out, in, h, w)`
    bias : `(out,)`
    norm : gamma, beta, mean and variance, each `(out,)`
    epsilon : that the normalisation adds to the variance
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


class TorchEncoder:
    """A network and the preprocessing before it.

    prepare : one medium -> `(height, width, channels)` float32
    forward : a batch of those, channels second, to the vectors
    """

    def __init__(
        self,
        card: Card,
        prepare: Callable[[np.ndarray], np.ndarray],
        forward: Forward,
        weights_sha256: str,
        n_threads: int,
    ) -> None:
        self.card = card
        self.prepare = prepare
        self.forward = forward
        self.weights_sha256: str | None = weights_sha256
        self.n_threads = n_threads
        self.n_per_batch = 1
        if device().type == "cuda":
            import torch

            self.n_per_batch = N_PER_BATCH_CUDA
            torch.backends.cudnn.allow_tf32 = False

    def embed(self, media: Sequence[Any]) -> np.ndarray:
        """`(n, dim)` float32; see `core.encoders.base.Encoder.embed`."""
        return embed_batches(
            self.prepare, self.run, media, self.card.dim, self.n_per_batch, self.n_threads
        )

    def run(self, batch: np.ndarray) -> np.ndarray:
        """`(b, dim)` float32 of `(b, height, width, channels)` float32: the bare network."""
        import torch

        with torch.inference_mode():
            tensor = torch.from_numpy(batch).to(device()).permute(0, 3, 1, 2)
            return self.forward(tensor).float().cpu().numpy()


def refusal(path: Path, card: Card) -> Callable[[str], UserError]:
    """What makes the one sentence about a file that is not the weights of a card."""
    known = card.weights[0]

    def refuse(found: str) -> UserError:
        return UserError(
            f"{path} {found}; {card.name} expects {known.name} from {known.address}: "
            "put that file in its place."
        )

    return refuse
