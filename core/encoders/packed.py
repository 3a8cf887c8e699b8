"""Frozen layers whose weights are laid out for the processor once, when they are loaded.

oneDNN, which torch uses on a CPU, multiplies by weights laid out in blocks. torch lays them out
again at every call. Here that is done once, and a ReLU is applied in the same pass, by the
operators that torch's own compiler emits for a frozen network
(`torch/_inductor/fx_passes/mkldnn_fusion.py`). A typed query through BERT takes 40 % less time, a
picture through ResNet-50 7 to 24 % less, depending on the processor, through EfficientNet-Lite2 a
quarter less (EXPERIMENTS.md; the public
`torch.utils.mkldnn` is slower than plain layers). The operators are private: where a build of torch
lacks them, and on CUDA, plain layers are used. The numbers agree to float32 rounding.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.torch_network import device

if TYPE_CHECKING:
    import torch

_OPERATORS = (
    "_linear_pointwise",
    "_reorder_linear_weight",
    "_convolution_pointwise",
    "_reorder_convolution_weight",
)


def can_pack() -> bool:
    """Whether networks run on a CPU through oneDNN, and torch has the operators."""
    import torch

    return (
        device().type == "cpu"
        and torch.backends.mkldnn.is_available()
        and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)
    )


class Convolution:
    """A convolution and the ReLU or ReLU6 after it: `(b, in, h, w)` to `(b, out, h', w')` float32.

    In memory the channels are last, the order in which oneDNN and cuDNN convolve fastest.

    Parameters
    ----------
    weight : `(out, in / groups, kernel, kernel)`, any float
    bias : `(out,)`
    stride, padding : along both sides
    groups : of channels that are convolved separately
    relu : whether negative values become zero
    at_most : with `relu`, larger values become this one (6 for a ReLU6)
    """

    def __init__(
        self,
        weight: np.ndarray,
        bias: np.ndarray,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        relu: bool = True,
        at_most: float = math.inf,
    ) -> None:
        import torch

        self.stride, self.padding, self.groups = stride, padding, groups
        self.relu, self.at_most = relu, at_most
        self._bias = torch.from_numpy(np.ascontiguousarray(bias, dtype=np.float32)).to(device())
        plain = torch.from_numpy(np.ascontiguousarray(weight, dtype=np.float32)).to(device())
        self._packed = can_pack()
        self._weight = (
            torch.ops.mkldnn._reorder_convolution_weight(
                plain, [padding] * 2, [stride] * 2, [1, 1], groups
            )
            if self._packed
            else plain.contiguous(memory_format=torch.channels_last)
        )

    def __call__(self, x: "torch.Tensor") -> "torch.Tensor":
        import torch
        from torch.nn import functional

        if not self._packed:
            y = functional.conv2d(
                x, self._weight, self._bias, self.stride, self.padding, groups=self.groups
            )
            return y.clamp_(0, self.at_most) if self.relu else y
        bounded = self.relu and math.isfinite(self.at_most)
        y = torch.ops.mkldnn._convolution_pointwise(
            x.contiguous(memory_format=torch.channels_last),
            self._weight,
            self._bias,
            [self.padding] * 2,
            [self.stride] * 2,
            [1, 1],
            self.groups,
            "hardtanh" if bounded else "relu" if self.relu else "none",
            [0.0, self.at_most] if bounded else [],
            "",
        )
        assert isinstance(y, torch.Tensor)
        return y


def pack_linear(module: Any) -> None:
    """Lay out the weights of every linear layer of a frozen float32 network, in place.

    Each layer's `weight` becomes None: the network can no longer be trained or saved.
    """
    import torch

    if not can_pack():
        return
    layers: list[Any] = [one for one in module.modules() if type(one) is torch.nn.Linear]
    for layer in layers:
        layer.forward = _product(layer)
        layer.weight = None


def _product(layer: Any) -> Any:
    """The forward function of a linear layer, with packed weights."""
    import torch

    weight, bias = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach()), layer.bias

    def product(x: torch.Tensor) -> Any:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")

    return product
