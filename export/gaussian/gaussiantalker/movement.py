# SPDX-License-Identifier: Apache-2.0
"""What the network's outputs do to the Gaussians: GaussianTalker's own activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn.functional import normalize

from ..raw_gaussians import RawGaussians


@dataclass(frozen=True, slots=True)
class Moved:
    means: torch.Tensor  # [N, 3]
    quats: torch.Tensor  # [N, 4] unit length, w first
    scales: torch.Tensor  # [N, 3]
    opacities: torch.Tensor  # [N]
    sh: torch.Tensor  # [N, 16, 3]


def move(raw: RawGaussians, deltas: Mapping[str, torch.Tensor]) -> Moved:
    """`deltas` [N, outputs] are added before the activations."""
    sh = torch.from_numpy(raw.sh)
    return Moved(
        means=torch.from_numpy(raw.xyz) + deltas["pos"],
        quats=normalize(torch.from_numpy(raw.rotation) + deltas["rotations"]),
        scales=torch.exp(torch.from_numpy(raw.scaling) + deltas["scales"]),
        opacities=torch.sigmoid(torch.from_numpy(raw.opacity) + deltas["opacity"])[:, 0],
        sh=sh + deltas["shs"].view(sh.shape),
    )
