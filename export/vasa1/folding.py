# SPDX-License-Identifier: Apache-2.0
"""Folds what is constant at inference into the convolution before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import SpectralConv2d

Conv = nn.Conv2d | nn.Conv3d
Norm = nn.BatchNorm2d | nn.BatchNorm3d


def with_norm(conv: Conv, norm: Norm) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does both. In float64: the division is done once."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None or conv.bias is None:
        raise ValueError("a norm without running statistics, or a convolution without bias")
    scale = norm.weight.double() / (variance.double() + norm.eps).sqrt()
    weight = conv.weight.double() * scale.reshape(-1, *(1 for _ in conv.weight.shape[1:]))
    bias = (conv.bias.double() - mean.double()) * scale + norm.bias.double()
    return weight.float(), bias.float()


class FoldedConv(nn.Module):
    """A convolution of any rank that keeps its size, with fixed weights."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), False)
        self.padding = weight.shape[-1] // 2

    def forward(self, x: Tensor) -> Tensor:
        convolve = functional.conv2d if self.weight.ndim == 4 else functional.conv3d
        return convolve(x, self.weight, self.bias, padding=self.padding)


def without_spectral_norm(conv: SpectralConv2d) -> FoldedConv:
    weight = conv.weight_orig.double()
    sigma = torch.dot(conv.weight_u.double(), torch.mv(weight.flatten(1), conv.weight_v.double()))
    return FoldedConv((weight / sigma).float(), conv.bias)
