"""EfficientNet-Lite in torch's own layers, as its publishers have it: for tests and benchmarks."""

import torch
from torch import nn
from torch.nn import functional

from core.encoders import efficientnet_lite


class Same(nn.Conv2d):
    """Padded as TensorFlow's `same`: the odd pixel at the end."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size, stride = self.kernel_size[0], self.stride[0]
        h, w = (max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[2:])
        x = functional.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))
        return self._conv_forward(x, self.weight, self.bias)


class PlainBlock(nn.Module):
    def __init__(self, block: efficientnet_lite.Block) -> None:
        super().__init__()
        _, before, inside, after, kernel, stride = block
        self.skips = stride == 1 and before == after
        self.widens = inside != before
        if self.widens:
            self._expand_conv = nn.Conv2d(before, inside, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inside, eps=1e-3)
        self._depthwise_conv = Same(inside, inside, kernel, stride, groups=inside, bias=False)
        self._bn1 = nn.BatchNorm2d(inside, eps=1e-3)
        self._project_conv = nn.Conv2d(inside, after, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(after, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class PlainNetwork(nn.Module):
    """The network in torch's own layers, under the published names."""

    def __init__(self, variant: efficientnet_lite.Variant) -> None:
        super().__init__()
        self._conv_stem = Same(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.ModuleList(map(PlainBlock, efficientnet_lite.blocks(variant)))
        self._conv_head = nn.Conv2d(variant.channels[-1], 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
