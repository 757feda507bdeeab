# SPDX-License-Identifier: Apache-2.0
"""M: a portrait to its head pose, expression and canonical keypoints (ConvNeXt V2)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..shapes import Shape, numbered

EPSILON = 1e-6  # of every norm in this network


class Motion(NamedTuple):
    pitch: Tensor  # [B, bins] logits over angles, see keypoints.degrees
    yaw: Tensor
    roll: Tensor
    t: Tensor  # [B, 3]
    exp: Tensor  # [B, keypoints * 3]
    scale: Tensor  # [B, 1]
    kp: Tensor  # [B, keypoints * 3] canonical keypoints


@dataclass(frozen=True, slots=True)
class MotionExtractorConfig:
    widths: tuple[int, ...] = (96, 192, 384, 768)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    keypoints: int = 21
    bins: int = 66

    @classmethod
    def of(cls, shapes: Mapping[str, Shape]) -> MotionExtractorConfig:
        name = "detector.stages.{}.{}.dwconv.weight"
        stages = numbered(shapes, name.format("{}", 0))
        return cls(
            widths=tuple(shapes[name.format(stage, 0)][0] for stage in range(stages)),
            depths=tuple(numbered(shapes, name.format(stage, "{}")) for stage in range(stages)),
            keypoints=shapes["detector.fc_kp.weight"][0] // 3,
            bins=shapes["detector.fc_pitch.weight"][0],
        )


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)
        normed = functional.layer_norm(last, last.shape[-1:], self.weight, self.bias, EPSILON)
        return normed.permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """Global response norm over [B, H, W, C]: a channel's energy against the mean channel's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        energy = x.square().sum(dim=(1, 2), keepdim=True).sqrt()
        share = energy / (energy.mean(dim=-1, keepdim=True) + EPSILON)
        return self.gamma * (x * share) + self.beta + x


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.grn = ResponseNorm(4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        inner = self.pwconv2(self.grn(functional.gelu(self.pwconv1(inner))))
        return torch.add(x, inner.permute(0, 3, 1, 2))


class Detector(nn.Module):
    def __init__(self, config: MotionExtractorConfig) -> None:
        super().__init__()
        widths = config.widths
        self.downsample_layers = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0]))]
        )
        for a, b in itertools.pairwise(widths):
            self.downsample_layers.append(
                nn.Sequential(ChannelNorm(a), nn.Conv2d(a, b, 2, stride=2))
            )
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth)))
            for width, depth in zip(widths, config.depths, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=EPSILON)
        self.fc_kp = nn.Linear(widths[-1], 3 * config.keypoints)
        self.fc_scale = nn.Linear(widths[-1], 1)
        self.fc_pitch = nn.Linear(widths[-1], config.bins)
        self.fc_yaw = nn.Linear(widths[-1], config.bins)
        self.fc_roll = nn.Linear(widths[-1], config.bins)
        self.fc_t = nn.Linear(widths[-1], 3)
        self.fc_exp = nn.Linear(widths[-1], 3 * config.keypoints)

    def forward(self, image: Tensor) -> Motion:
        x = image
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        x = self.norm(x.mean(dim=(2, 3)))
        return Motion(
            pitch=self.fc_pitch(x),
            yaw=self.fc_yaw(x),
            roll=self.fc_roll(x),
            t=self.fc_t(x),
            exp=self.fc_exp(x),
            scale=self.fc_scale(x),
            kp=self.fc_kp(x),
        )


class MotionExtractor(nn.Module):
    """RGB in [0, 1], [B, 3, H, W]; H and W are multiples of 32."""

    def __init__(self, config: MotionExtractorConfig | None = None) -> None:
        super().__init__()
        self.config = config or MotionExtractorConfig()
        self.detector = Detector(self.config)

    def forward(self, image: Tensor) -> Motion:
        return self.detector(image)  # type: ignore[no-any-return]
