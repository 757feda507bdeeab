# SPDX-License-Identifier: Apache-2.0
"""W as it is published: an appearance volume bent from source keypoints to driving keypoints.

D, H, W are the volume's depth, height and width; K its keypoints. Grids list coordinates as
(x, y, z). This form samples a rank-5 tensor, which few runtimes can: `warping_split.py` ships.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..shapes import Shape, numbered
from .blocks import DownBlock3d, SameBlock2d, UpBlock3d

VARIANCE = 0.01  # of a keypoint's heat, in volume units squared
LEAK = 0.01


@dataclass(frozen=True, slots=True)
class WarpingConfig:
    channels: int = 32  # of the appearance volume
    depth: int = 16
    keypoints: int = 21
    compressed: int = 4
    downs: tuple[int, ...] = (64, 128, 256, 512, 1024)
    ups: tuple[int, ...] = (512, 256, 128, 64, 32)
    mask_size: int = 7
    outputs: int = 256

    @property
    def hourglass_inputs(self) -> int:
        return (self.keypoints + 1) * (self.compressed + 1)

    @property
    def hourglass_outputs(self) -> int:
        return self.ups[-1] + self.hourglass_inputs

    @classmethod
    def of(cls, shapes: Mapping[str, Shape]) -> WarpingConfig:
        dense = "dense_motion_network."
        glass = dense + "hourglass."
        blocks = numbered(shapes, glass + "encoder.down_blocks.{}.conv.weight")
        width = shapes[dense + "mask.weight"]
        channels = shapes[dense + "compress.weight"][1]
        return cls(
            channels=channels,
            depth=shapes["third.conv.weight"][1] // channels,
            keypoints=width[0] - 1,
            compressed=shapes[dense + "compress.weight"][0],
            downs=tuple(
                shapes[f"{glass}encoder.down_blocks.{i}.conv.weight"][0] for i in range(blocks)
            ),
            ups=tuple(
                shapes[f"{glass}decoder.up_blocks.{i}.conv.weight"][0] for i in range(blocks)
            ),
            mask_size=width[2],
            outputs=shapes["fourth.weight"][0],
        )


class Warped(NamedTuple):
    feature: Tensor  # [B, outputs, H, W]
    deformation: Tensor  # [B, D, H, W, 3] where each cell of the volume is read
    occlusion: Tensor  # [B, 1, H, W]


class Encoder(nn.Module):
    def __init__(self, config: WarpingConfig) -> None:
        super().__init__()
        widths = (config.hourglass_inputs, *config.downs)
        self.down_blocks = nn.ModuleList(DownBlock3d(a, b) for a, b in itertools.pairwise(widths))

    def blocks(self) -> list[DownBlock3d]:
        return [block for block in self.down_blocks if isinstance(block, DownBlock3d)]


class Decoder(nn.Module):
    def __init__(self, config: WarpingConfig) -> None:
        super().__init__()
        skips = (0, *reversed(config.downs[:-1]))  # concatenated behind what comes up
        widths = (config.downs[-1], *config.ups)
        self.up_blocks = nn.ModuleList(
            UpBlock3d(a + skip, b) for a, skip, b in zip(widths, skips, config.ups, strict=False)
        )
        outputs = config.hourglass_outputs
        self.conv = nn.Conv3d(outputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def blocks(self) -> list[UpBlock3d]:
        return [block for block in self.up_blocks if isinstance(block, UpBlock3d)]


class Hourglass(nn.Module):
    def __init__(self, config: WarpingConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def forward(self, x: Tensor) -> Tensor:
        skips = [x]
        for down in self.encoder.down_blocks:
            skips.append(down(skips[-1]))
        y = skips.pop()
        for up in self.decoder.up_blocks:
            y = torch.cat([up(y), skips.pop()], dim=1)
        return functional.relu(self.decoder.norm(self.decoder.conv(y)))


class DenseMotion(nn.Module):
    """Weighs a hypothesis per keypoint, and one that nothing moves, in each cell of the volume."""

    def __init__(self, config: WarpingConfig) -> None:
        super().__init__()
        size = config.mask_size
        self.compress = nn.Conv3d(config.channels, config.compressed, 1)
        self.norm = nn.BatchNorm3d(config.compressed)
        self.hourglass = Hourglass(config)
        self.mask = nn.Conv3d(
            config.hourglass_outputs, config.keypoints + 1, size, padding=size // 2
        )
        self.occlusion = nn.Conv2d(config.hourglass_outputs * config.depth, 1, 7, padding=3)

    def hypotheses(self, grid: Tensor, kp_d: Tensor, kp_s: Tensor) -> Tensor:
        """[B, K + 1, D, H, W, 3]: the grid as it is, then moved with each keypoint."""
        shift = torch.cat([torch.zeros_like(kp_s[:, :1]), kp_s - kp_d], dim=1)
        return grid + shift[:, :, None, None, None]

    def hourglass_input(self, feature: Tensor, grid: Tensor, kp_d: Tensor, kp_s: Tensor) -> Tensor:
        f = functional.relu(self.norm(self.compress(feature)))
        moved = self.hypotheses(grid, kp_d, kp_s)
        batch, count = moved.shape[:2]
        repeated = f.repeat_interleave(count, dim=0)
        read = functional.grid_sample(repeated, moved.flatten(0, 1), align_corners=False)
        heat = gaussians(grid, kp_d) - gaussians(grid, kp_s)
        still = torch.zeros_like(heat[:, :1])
        heat = torch.cat([still, heat], dim=1).unsqueeze(2)
        return torch.cat([heat, read.reshape(batch, count, *read.shape[1:])], dim=2).flatten(1, 2)

    def forward(self, feature: Tensor, kp_d: Tensor, kp_s: Tensor) -> tuple[Tensor, Tensor]:
        grid = identity_grid(feature)
        features = self.hourglass(self.hourglass_input(feature, grid, kp_d, kp_s))
        weights = torch.softmax(self.mask(features), dim=1).unsqueeze(-1)
        deformation = (weights * self.hypotheses(grid, kp_d, kp_s)).sum(dim=1)
        return deformation, torch.sigmoid(self.occlusion(features.flatten(1, 2)))


class Warping(nn.Module):
    def __init__(self, config: WarpingConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or WarpingConfig()
        self.dense_motion_network = DenseMotion(config)
        self.third = SameBlock2d(config.channels * config.depth, config.outputs, LEAK)
        self.fourth = nn.Conv2d(config.outputs, config.outputs, 1)

    def forward(self, feature: Tensor, kp_d: Tensor, kp_s: Tensor) -> Warped:
        """The volume [B, channels, D, H, W]; driving and source keypoints [B, K, 3]."""
        deformation, occlusion = self.dense_motion_network(feature, kp_d, kp_s)
        bent = functional.grid_sample(feature, deformation, align_corners=False)
        return Warped(
            self.fourth(self.third(bent.flatten(1, 2))) * occlusion, deformation, occlusion
        )


def identity_grid(volume: Tensor) -> Tensor:
    """[D, H, W, 3]. Its corners are the centres of the corner cells, though samples are read as if
    they were the cells' outer corners: the grid is no identity, and the weights know it."""
    axes = [axis(n).to(volume) for n in volume.shape[2:]]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], dim=-1)


def axis(cells: int) -> Tensor:
    return 2 * torch.arange(cells) / (cells - 1) - 1


def gaussians(grid: Tensor, kp: Tensor) -> Tensor:
    """[B, K, D, H, W]: how near each cell is to each keypoint."""
    distance = (grid - kp[:, :, None, None, None]).square().sum(dim=-1)
    return torch.exp(-distance / (2 * VARIANCE))
