# SPDX-License-Identifier: Apache-2.0
"""What the networks' outputs do to the Gaussians: TalkingGaussian's own activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import normalize, softplus

from ..raw_gaussians import RawGaussians

FACE_STEP = (1e-2, 1e-2, 1e-2)
MOUTH_STEP = (1e-2 / 5, 1e-2, 1e-2 / 5)  # lips and teeth part along y


@dataclass(frozen=True, slots=True)
class Moved:
    means: torch.Tensor  # [N, 3]
    quats: torch.Tensor  # [N, 4] unit length, w first
    scales: torch.Tensor  # [N, 3]


def move_face(raw: RawGaussians, hidden: torch.Tensor) -> Moved:
    """`hidden` [N, 11]: position 3, rotation 4, opacity 1 (not used), scale 3."""
    return Moved(
        means=torch.from_numpy(raw.xyz) + torch.tensor(FACE_STEP) * hidden[:, 0:3],
        quats=normalize(torch.from_numpy(raw.rotation) + hidden[:, 3:7]),
        scales=softplus(torch.from_numpy(raw.scaling) + hidden[:, 8:11]),
    )


def move_mouth(raw: RawGaussians, hidden: torch.Tensor) -> Moved:
    """`hidden` [N, 3]: position. The inside of a mouth does not change its shape."""
    return Moved(
        means=torch.from_numpy(raw.xyz) + torch.tensor(MOUTH_STEP) * hidden,
        quats=normalize(torch.from_numpy(raw.rotation)),
        scales=softplus(torch.from_numpy(raw.scaling)),
    )


def opacities(raw: RawGaussians) -> torch.Tensor:
    """[N], the same in every frame."""
    return torch.sigmoid(torch.from_numpy(np.array(raw.opacity[:, 0])))
