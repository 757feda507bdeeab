# SPDX-License-Identifier: Apache-2.0
"""Spatially adaptive normalisation: a feature map scales and shifts another, pixel by pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import SpectralConv2d

HIDDEN = 128  # channels between the feature map and its scale and shift
SLOPE = 0.2


class Spade(nn.Module):
    def __init__(self, channels: int, labels: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(labels, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, seg: Tensor) -> Tensor:
        shared = self.mlp_shared(functional.interpolate(seg, size=x.shape[2:], mode="nearest"))
        scale, shift = 1 + self.mlp_gamma(shared), self.mlp_beta(shared)
        return torch.add(functional.instance_norm(x) * scale, shift)


class SpadeResnetBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, labels: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.conv_0 = SpectralConv2d(inputs, middle, 3)
        self.conv_1 = SpectralConv2d(middle, outputs, 3)
        self.norm_0 = Spade(inputs, labels, hidden)
        self.norm_1 = Spade(middle, labels, hidden)
        self.learned_shortcut = inputs != outputs
        if self.learned_shortcut:
            self.conv_s = SpectralConv2d(inputs, outputs, 1, bias=False)
            self.norm_s = Spade(inputs, labels, hidden)

    def forward(self, x: Tensor, seg: Tensor) -> Tensor:
        inner = self.conv_0(functional.leaky_relu(self.norm_0(x, seg), SLOPE))
        inner = self.conv_1(functional.leaky_relu(self.norm_1(inner, seg), SLOPE))
        shortcut = self.conv_s(self.norm_s(x, seg)) if self.learned_shortcut else x
        return torch.add(shortcut, inner)
