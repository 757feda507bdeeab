# SPDX-License-Identifier: Apache-2.0
"""The convolution blocks of the portrait renderer, under their published parameter names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SameBlock2d(nn.Module):
    """Convolution, norm, (leaky) ReLU; the size stays."""

    def __init__(self, inputs: int, outputs: int, slope: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.conv(x)), self.slope)


class DownBlock2d(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(functional.relu(self.norm(self.conv(x))), 2)


class DownBlock3d(nn.Module):
    """Halves height and width; depth stays."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool3d(functional.relu(self.norm(self.conv(x))), (1, 2, 2))


class UpBlock3d(nn.Module):
    """Doubles height and width by repeating, then convolves; depth stays."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        doubled = functional.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
        return functional.relu(self.norm(self.conv(doubled)))


class ResBlock3d(nn.Module):
    """Norm before each convolution, and the input added last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm3d(channels)
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = nn.BatchNorm3d(channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(functional.relu(self.norm1(x)))
        return torch.add(x, self.conv2(functional.relu(self.norm2(inner))))


class SpectralConv2d(nn.Module):
    """A convolution whose stored weight is divided by its largest singular value, sigma = u W v.

    `u` and `v` are what training left: evaluation runs no power iteration.
    """

    def __init__(self, inputs: int, outputs: int, size: int, bias: bool = True) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.zeros(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.weight_u: Tensor
        self.weight_v: Tensor
        self.register_buffer("weight_u", torch.zeros(outputs))
        self.register_buffer("weight_v", torch.zeros(inputs * size * size))
        self.padding = size // 2

    def sigma(self) -> Tensor:
        return torch.dot(self.weight_u, torch.mv(self.weight_orig.flatten(1), self.weight_v))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(
            x, self.weight_orig / self.sigma(), self.bias, padding=self.padding
        )
