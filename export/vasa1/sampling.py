# SPDX-License-Identifier: Apache-2.0
"""Trilinear reads of a volume, zero outside, in operations that every runtime has.

On an axis of n cells a coordinate u in [-1, 1] lies at cell ((u + 1) n - 1) / 2: the cells' outer
edges, not the centres of the outer cells, are at -1 and 1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cell(u: Tensor, cells: int) -> Tensor:
    return ((u + 1) * cells - 1) / 2


def shift_matrix(delta: Tensor, cells: int) -> Tensor:
    """[K] shifts to [K, n, n]: row i weighs what cell i of the grid, moved by delta, reads."""
    at = torch.arange(cells, dtype=delta.dtype) * (cells / (cells - 1)) - 0.5
    moved = at + delta[:, None] * (cells / 2)
    distance = (moved[:, :, None] - torch.arange(cells, dtype=delta.dtype)).abs()
    return (1 - distance).clamp(min=0)


def shifted(volume: Tensor, delta: Tensor) -> Tensor:
    """[C, D, H, W] read on the identity grid moved by each of `delta` [K, 3] (x, y, z):
    [K, C, D, H, W], as three products, for a translation is separable."""
    channels, depth, height, width = volume.shape
    across, down, deep = (
        shift_matrix(delta[:, index], cells) for index, cells in enumerate((width, height, depth))
    )
    x = volume.reshape(1, channels * depth * height, width) @ across.transpose(1, 2)
    x = down[:, None] @ x.reshape(-1, channels * depth, height, width)
    x = deep[:, None] @ x.reshape(-1, channels, depth, height * width)
    return x.reshape(-1, channels, depth, height, width)


def rows(volume: Tensor) -> Tensor:
    """[C, D, H, W] to [(D + 2) (H + 2) (W + 2), C]: a row per cell, zero cells around."""
    padded = functional.pad(volume, (1, 1, 1, 1, 1, 1))
    return padded.permute(1, 2, 3, 0).reshape(-1, len(volume))


def read(table: Tensor, grid: Tensor) -> Tensor:
    """`rows` of a volume of the grid's size, at `grid` [D, H, W, 3] (x, y, z): [C, D, H, W]."""
    sizes = grid.shape[:3]
    lows, shares = [], []
    for axis, cells in enumerate(sizes):
        at = cell(grid[..., 2 - axis], cells).clamp(-1, cells)
        low = at.floor().clamp(max=cells - 1)
        lows.append(low + 1)
        shares.append(at - low)
    _, height, width = (cells + 2 for cells in sizes)
    # Whole numbers below 2^24: float32 holds them.
    first = ((lows[0] * height + lows[1]) * width + lows[2]).to(torch.int64).reshape(-1)
    total = None
    for corner in range(8):
        z, y, x = corner >> 2, corner >> 1 & 1, corner & 1
        weight = torch.ones_like(shares[0])
        for share, far in zip(shares, (z, y, x), strict=True):
            weight = weight * (share if far else 1 - share)
        part = table.index_select(0, first + ((z * height + y) * width + x)) * weight.reshape(-1, 1)
        total = part if total is None else total + part
    assert total is not None
    return total.reshape(*sizes, -1).permute(3, 0, 1, 2)
