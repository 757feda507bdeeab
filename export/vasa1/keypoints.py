# SPDX-License-Identifier: Apache-2.0
"""Keypoint mathematics: pose logits to degrees, degrees to rotation, and keypoints into the volume.

The volume is [-1, 1] along x (right), y (down) and z (into the image). Keypoints are row vectors.
"""

from __future__ import annotations

import torch
from torch import Tensor

BIN_DEGREES = 3.0  # an angle's logits cover -97.5 to 97.5 degrees in bins of 3
FIRST_BIN = -97.5


def degrees(logits: Tensor) -> Tensor:
    """[B, bins] to [B, 1]: the expected angle under the logits' distribution."""
    bins = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    expected = (torch.softmax(logits, dim=-1) * bins).sum(dim=-1, keepdim=True)
    return expected * BIN_DEGREES + FIRST_BIN


def rotation(pitch: Tensor, yaw: Tensor, roll: Tensor) -> Tensor:
    """Degrees, each [B, 1], to [B, 3, 3], which multiplies row vectors from the right."""
    x, y, z = (torch.deg2rad(angle).reshape(-1) for angle in (pitch, yaw, roll))
    cx, sx, cy, sy, cz, sz = x.cos(), x.sin(), y.cos(), y.sin(), z.cos(), z.sin()
    # (Rz Ry Rx)^T, written out
    rows = (
        (cz * cy, sz * cy, -sy),
        (cz * sy * sx - sz * cx, sz * sy * sx + cz * cx, cy * sx),
        (cz * sy * cx + sz * sx, sz * sy * cx - cz * sx, cy * cx),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def transform(kp: Tensor, R: Tensor, exp: Tensor, scale: Tensor, t: Tensor) -> Tensor:
    """Canonical keypoints [B, K, 3] into the volume: scale (kp R + exp) + (t_x, t_y, 0)."""
    flat = t * torch.tensor([1.0, 1.0, 0.0], dtype=t.dtype, device=t.device)
    posed: Tensor = scale.reshape(-1, 1, 1) * (kp @ R + exp) + flat.unsqueeze(1)
    return posed
