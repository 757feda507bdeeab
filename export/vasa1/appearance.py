# SPDX-License-Identifier: Apache-2.0
"""F: a portrait to its appearance volume, once per portrait."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ..shapes import Shape, numbered
from .blocks import DownBlock2d, ResBlock3d, SameBlock2d


@dataclass(frozen=True, slots=True)
class AppearanceConfig:
    widths: tuple[int, ...] = (64, 128, 256)  # after the first convolution and each halving
    channels: int = 32  # of the volume
    depth: int = 16
    residual_blocks: int = 6

    @classmethod
    def of(cls, shapes: Mapping[str, Shape]) -> AppearanceConfig:
        downs = numbered(shapes, "down_blocks.{}.conv.weight")
        names = ["first.conv.weight", *(f"down_blocks.{i}.conv.weight" for i in range(downs))]
        channels = shapes["resblocks_3d.3dr0.conv1.weight"][0]
        return cls(
            widths=tuple(shapes[name][0] for name in names),
            channels=channels,
            depth=shapes["second.weight"][0] // channels,
            residual_blocks=numbered(shapes, "resblocks_3d.3dr{}.conv1.weight"),
        )


class AppearanceExtractor(nn.Module):
    """RGB in [0, 1], [B, 3, H, W], to [B, channels, depth, H / 4, W / 4] (two halvings)."""

    def __init__(self, config: AppearanceConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AppearanceConfig()
        widths = config.widths
        self.first = SameBlock2d(3, widths[0])
        self.down_blocks = nn.ModuleList(DownBlock2d(a, b) for a, b in itertools.pairwise(widths))
        self.second = nn.Conv2d(widths[-1], config.channels * config.depth, 1)
        self.resblocks_3d = nn.Sequential()
        for index in range(config.residual_blocks):
            self.resblocks_3d.add_module(f"3dr{index}", ResBlock3d(config.channels))

    def forward(self, image: Tensor) -> Tensor:
        x = self.first(image)
        for block in self.down_blocks:
            x = block(x)
        x = self.second(x)
        volume = x.reshape(len(x), self.config.channels, self.config.depth, *x.shape[2:])
        return self.resblocks_3d(volume)  # type: ignore[no-any-return]
