# SPDX-License-Identifier: Apache-2.0
"""The networks that move a TalkingGaussian avatar, with the keys of its checkpoints.

N is the number of Gaussians. Both networks see a Gaussian's rest position through three planes of
features, and speech as a code of 32 numbers. The face also sees six action units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..audio_network import CODE, AudioCode, Mlp

BOUND = 0.15  # the planes cover [-BOUND, BOUND] in each coordinate
LEVELS = 12
FEATURES = 3 * LEVELS
ACTION_UNITS = (1, 4, 5, 6, 7, 45)
PLANES = {"xy": (0, 1), "yz": (1, 2), "xz": (0, 2)}  # in the order of the features


@dataclass(frozen=True, slots=True)
class GridSize:
    """Sizes of a plane's levels, each computed in float32 as in training."""

    base: int  # resolution of level 0
    growth: float  # from level to level

    def scales(self) -> NDArray[np.float32]:
        log2 = np.float32(np.log2(self.growth))
        levels = np.arange(LEVELS, dtype=np.float32)
        scales: NDArray[np.float32] = np.exp2(levels * log2) * np.float32(self.base) - np.float32(1)
        return scales

    def offsets(self) -> NDArray[np.int32]:
        """Where each level starts in the table; a level fills whole groups of 8."""
        sides = np.ceil(self.scales()).astype(np.int64) + 2
        sizes = -(-(sides * sides) // 8) * 8
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


FACE_GRID = GridSize(16, 1.0828409179163683)
MOUTH_GRID = GridSize(64, 0.9904674964312845)


class PlaneGrid(nn.Module):
    """Bilinear features of a point on one plane: [N, 2] in 0..1 to [N, 12].

    Every level holds all its corners, so nothing is hashed. A point outside the plane has no
    features: zeros, not those of the border.
    """

    embeddings: torch.Tensor
    offsets: torch.Tensor

    def __init__(self, size: GridSize) -> None:
        super().__init__()
        offsets = size.offsets()
        self.scales = [float(scale) for scale in size.scales()]
        self.starts = [int(start) for start in offsets]
        self.embeddings = nn.Parameter(torch.zeros(self.starts[-1], 1))
        self.register_buffer("offsets", torch.from_numpy(offsets))

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        inside = ((u >= 0) & (u <= 1)).all(dim=1)
        u = u.clamp(0, 1)
        levels = []
        for start, scale in zip(self.starts, self.scales, strict=False):
            side = int(np.ceil(scale)) + 2
            position = u * scale + 0.5
            corner = position.floor()
            share = position - corner
            at = start + corner[:, 0].long() + corner[:, 1].long() * side
            value = torch.zeros(len(u), dtype=u.dtype)
            for dy in (0, 1):
                for dx in (0, 1):
                    weight_x = share[:, 0] if dx else 1 - share[:, 0]
                    weight_y = share[:, 1] if dy else 1 - share[:, 1]
                    value = value + weight_x * weight_y * self.embeddings[at + dx + dy * side, 0]
            levels.append(torch.where(inside, value, 0))
        return torch.stack(levels, dim=1)


class MotionNetwork(AudioCode):
    """What face and mouth share."""

    def __init__(self, audio_channels: int, grid: GridSize) -> None:
        super().__init__(audio_channels)
        self.encoder_xy = PlaneGrid(grid)
        self.encoder_yz = PlaneGrid(grid)
        self.encoder_xz = PlaneGrid(grid)
        self.aud_ch_att_net = Mlp(FEATURES, 32, CODE)  # of the mouth, in its files but not used

    def encode(self, xyz: torch.Tensor) -> torch.Tensor:
        """[N, 3] to [N, 36]."""
        u = (xyz + BOUND) / (2 * BOUND)
        planes = (self.encoder_xy, self.encoder_yz, self.encoder_xz)
        found = [plane(u[:, at]) for plane, at in zip(planes, PLANES.values(), strict=True)]
        return torch.cat(found, dim=1)


class FaceNetwork(MotionNetwork):
    def __init__(self, audio_channels: int) -> None:
        super().__init__(audio_channels, FACE_GRID)
        self.exp_encode_net = Mlp(5, 16, 5)
        self.eye_att_net = Mlp(FEATURES, 16, 6)
        self.sigma_net = Mlp(FEATURES + CODE + 6, 64, 64, 11)

    def eye_attention(self, features: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.eye_att_net(features))

    def expression(self, action_units: torch.Tensor) -> torch.Tensor:
        """[1, 6] to [1, 6]: AU45, the blink, goes as it is."""
        return torch.cat([self.exp_encode_net(action_units[:, :5]), action_units[:, 5:]], dim=1)

    def hidden(
        self, features: torch.Tensor, code: torch.Tensor, action_units: torch.Tensor
    ) -> torch.Tensor:
        """[N, 11]: position 3, rotation 4, opacity 1 (not used), scale 3."""
        heard = code * self.aud_ch_att_net(features)
        seen = self.expression(action_units) * self.eye_attention(features)
        found: torch.Tensor = self.sigma_net(torch.cat([features, heard, seen], dim=1))
        return found


class MouthNetwork(MotionNetwork):
    def __init__(self, audio_channels: int) -> None:
        super().__init__(audio_channels, MOUTH_GRID)
        self.sigma_net = Mlp(FEATURES + CODE, 32, 32, 3)

    def hidden(self, features: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """[N, 3]: position."""
        heard = code.expand(len(features), CODE)
        found: torch.Tensor = self.sigma_net(torch.cat([features, heard], dim=1))
        return found
