# SPDX-License-Identifier: Apache-2.0
"""A 3x3 convolution after repeating each pixel r times, without making the repeated pixels.

Of r x r output pixels over one input pixel, each sees the same few inputs through weights that
coincide: those are added up once. Along one axis, output phase p of r sees input offsets

    floor((p + tap - 1) / r)   for tap = 0, 1, 2

so the first phase sees (-1, 0), the last (0, 1), and all between them the pixel itself alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

FIRST, MIDDLE, LAST = 0, 1, 2
# [seen inputs, taps] by class of phase: which taps fall on which input
MERGE = {
    FIRST: torch.tensor([[1.0, 0, 0], [0, 1, 1]]),
    MIDDLE: torch.tensor([[1.0, 1, 1]]),
    LAST: torch.tensor([[1.0, 1, 0], [0, 0, 1]]),
}


def merged(weight: Tensor, row: int, column: int) -> Tensor:
    """[..., 3, 3] to the weights of one class of output pixels, [..., 1 or 2, 1 or 2]."""
    down, across = (MERGE[kind].to(weight) for kind in (row, column))
    return torch.einsum("ay,...yx,bx->...ab", down, weight, across)


def interleave(phases: Tensor) -> Tensor:
    """[B, r, r, ..., H, W], output phases by row and column, to [B, ..., r H, r W]."""
    rank = phases.ndim
    order = (0, *range(3, rank - 2), rank - 2, 1, rank - 1, 2)
    moved = phases.permute(order)
    height, r, width, _ = moved.shape[-4:]
    return moved.reshape(*moved.shape[:-4], height * r, width * r)


class DoubledConv(nn.Module):
    """For r = 2, and any depth before height and width: one 2x2 convolution yields all four phases.

    It runs on (H + 1) (W + 1) positions; each phase is a window of the result.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        kinds = [(row, column) for row in (FIRST, LAST) for column in (FIRST, LAST)]
        stacked = torch.cat([merged(weight.double(), *kind) for kind in kinds]).float()
        self.weight = nn.Parameter(stacked.detach(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach().repeat(len(kinds)), requires_grad=False)
        self.outputs = len(bias)
        depth = weight.shape[2:-2]
        self.padding = (*(size // 2 for size in depth), 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        convolve = functional.conv2d if x.ndim == 4 else functional.conv3d
        y = convolve(x, self.weight, self.bias, padding=self.padding)
        height, width = x.shape[-2:]
        y = y.reshape(len(y), 2, 2, self.outputs, *y.shape[2:])
        rows = [
            torch.stack([y[:, p, q, ..., p : p + height, q : q + width] for q in (0, 1)], dim=1)
            for p in (0, 1)
        ]
        return interleave(torch.stack(rows, dim=1))


class QuadrupledConv2d(nn.Module):
    """For r = 4: nine classes of output pixels stand for the sixteen, 25 products for 144."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.outputs = len(bias)
        self.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
        exact = weight.double()
        ends = (FIRST, LAST)
        groups = {
            "corners": [(row, column) for row in ends for column in ends],
            "rows": [(row, MIDDLE) for row in ends],
            "columns": [(MIDDLE, column) for column in ends],
            "middle": [(MIDDLE, MIDDLE)],
        }
        self.weights = nn.ParameterDict(
            {
                name: nn.Parameter(
                    torch.cat([merged(exact, *kind) for kind in kinds]).float().detach(), False
                )
                for name, kinds in groups.items()
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]

        def convolve(name: str) -> Tensor:
            weight = self.weights[name]
            bias = self.bias.repeat(len(weight) // self.outputs)
            padding = (weight.shape[2] - 1, weight.shape[3] - 1)
            y = functional.conv2d(x, weight, bias, padding=padding)
            return y.reshape(len(y), -1, self.outputs, *y.shape[2:])

        corners, rows, columns = convolve("corners"), convolve("rows"), convolve("columns")
        middle = convolve("middle")[:, 0]

        def ends(first: Tensor, between: Tensor, last: Tensor) -> Tensor:
            return torch.stack([first, between, between, last], dim=1)

        top = ends(
            corners[:, 0, :, :height, :width],
            rows[:, 0, :, :height],
            corners[:, 1, :, :height, 1:],
        )
        between = ends(columns[:, 0, :, :, :width], middle, columns[:, 1, :, :, 1:])
        bottom = ends(corners[:, 2, :, 1:, :width], rows[:, 1, :, 1:], corners[:, 3, :, 1:, 1:])
        return interleave(ends(top, between, bottom))
