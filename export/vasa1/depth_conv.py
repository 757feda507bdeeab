# SPDX-License-Identifier: Apache-2.0
"""A 3-D convolution as a 2-D one: each depth tap's product for each slice, then shifted and added.

CPU runtimes have fast kernels for two dimensions and a slow one for three; products are the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SlicedConv3d(nn.Module):
    """[D, C, H, W], one volume with its slices as the batch, to [D, outputs, H, W]."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.taps = weight.shape[2]
        by_tap = weight.permute(2, 0, 1, 3, 4).flatten(0, 1)
        self.weight = nn.Parameter(by_tap.detach().clone(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach().reshape(1, -1, 1, 1).clone(), requires_grad=False)
        self.padding = weight.shape[-1] // 2

    def forward(self, x: Tensor) -> Tensor:
        depth, reach = len(x), self.taps // 2
        y = functional.conv2d(x, self.weight, padding=self.padding)
        y = functional.pad(y, (0, 0, 0, 0, 0, 0, reach, reach))
        parts = y.chunk(self.taps, dim=1)
        total = parts[0][:depth] + self.bias
        for tap in range(1, self.taps):
            total = total + parts[tap][tap : tap + depth]
        return total


class WideSum(nn.Module):
    """A large convolution to one channel: a product per tap and pixel, then a sum of shifted maps.

    A kernel of k x k over C channels becomes C -> k*k at each pixel, then k*k -> 1 with a weight of
    1 for each tap.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        _, channels, size, _ = weight.shape
        taps = weight[0].reshape(channels, size * size).T
        self.products = nn.Parameter(taps[:, :, None, None].detach().clone(), requires_grad=False)
        shifts = torch.eye(size * size).reshape(1, size * size, size, size)
        self.shifts = nn.Parameter(shifts, requires_grad=False)
        self.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
        self.padding = size // 2

    def forward(self, x: Tensor) -> Tensor:
        maps = functional.conv2d(x, self.products)
        return functional.conv2d(maps, self.shifts, self.bias, padding=self.padding)
