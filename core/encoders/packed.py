"""Frozen layers whose weights are laid out for the processor once, when they are loaded.

oneDNN, which torch convolves with on a CPU, multiplies by weights laid out in blocks. torch lays
them out anew at every call, and its matrix products do the like: of one picture through ResNet-50
that is a fifth of the time, through a transformer's linear layers a seventh (EXPERIMENTS.md). Here
the layout is made once and a rectifier is applied in the same pass, by the operators that torch's
own compiler emits for a frozen network (`torch/_inductor/fx_passes/mkldnn_fusion.py`). They have no
public name: where a build of torch lacks them, and on CUDA, the layers are torch's plain ones. The
numbers agree to float32 rounding.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders.torch_device import device

if TYPE_CHECKING:
    import torch

_OPERATORS = (
    "_linear_pointwise",
    "_reorder_linear_weight",
    "_convolution_pointwise",
    "_reorder_convolution_weight",
)


def can_pack() -> bool:
    """Whether networks run on a CPU through oneDNN, and torch has the operators for it."""
    import torch

    return (
        device().type == "cpu"
        and torch.backends.mkldnn.is_available()
        and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)
    )


class Convolution:
    """A convolution, and the rectifier after it: `(b, in, h, w)` to `(b, out, h', w')` float32.

    Pictures travel `(b, h, w, channels)` in memory, the order in which oneDNN and cuDNN convolve
    without rearranging.

    Parameters
    ----------
    weight : `(out, in, kernel, kernel)`, any float
    bias : `(out,)`
    stride, padding : along both sides
    rectified : whether what is negative becomes zero
    """

    def __init__(
        self,
        weight: np.ndarray,
        bias: np.ndarray,
        *,
        stride: int = 1,
        padding: int = 0,
        rectified: bool = True,
    ) -> None:
        import torch

        self.stride, self.padding, self.rectified = stride, padding, rectified
        self._bias = torch.from_numpy(np.ascontiguousarray(bias, dtype=np.float32)).to(device())
        plain = torch.from_numpy(np.ascontiguousarray(weight, dtype=np.float32)).to(device())
        self._packed = can_pack()
        self._weight = (
            torch.ops.mkldnn._reorder_convolution_weight(plain, [padding] * 2, [stride] * 2)
            if self._packed
            else plain.contiguous(memory_format=torch.channels_last)
        )

    def __call__(self, x: "torch.Tensor") -> "torch.Tensor":
        import torch
        from torch.nn import functional

        if not self._packed:
            y = functional.conv2d(x, self._weight, self._bias, self.stride, self.padding)
            return functional.relu_(y) if self.rectified else y
        y = torch.ops.mkldnn._convolution_pointwise(
            x.contiguous(memory_format=torch.channels_last),
            self._weight,
            self._bias,
            [self.padding] * 2,
            [self.stride] * 2,
            [1, 1],
            1,
            "relu" if self.rectified else "none",
            [],
            "",
        )
        assert isinstance(y, torch.Tensor)
        return y


def pack_linear(module: Any) -> None:
    """Lay out the weights of every linear layer of a frozen float32 network, in place.

    The layers' own `weight` is let go: such a network can neither be trained nor saved.
    """
    import torch

    if not can_pack():
        return
    layers: list[Any] = [one for one in module.modules() if type(one) is torch.nn.Linear]
    for layer in layers:
        layer.forward = _product(layer)
        layer.weight = None


def _product(layer: Any) -> Any:
    """What a linear layer does, by weights of its own."""
    import torch

    weight, bias = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach()), layer.bias

    def product(x: torch.Tensor) -> Any:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")

    return product
