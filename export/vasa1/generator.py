# SPDX-License-Identifier: Apache-2.0
"""G: the warped feature map to a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..shapes import Shape, numbered
from .spade import HIDDEN, SLOPE, SpadeResnetBlock


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    labels: int = 256  # channels of the warped feature map
    middle: int = 512
    middle_blocks: int = 6
    ups: tuple[int, int] = (256, 64)  # widths after each doubling
    hidden: int = HIDDEN
    upscale: int = 2  # of the last pixel shuffle

    @classmethod
    def of(cls, shapes: Mapping[str, Shape]) -> GeneratorConfig:
        middle, labels = shapes["fc.weight"][:2]
        return cls(
            labels=labels,
            middle=middle,
            middle_blocks=numbered(shapes, "G_middle_{}.conv_0.weight_orig"),
            ups=(shapes["up_0.conv_1.weight_orig"][0], shapes["up_1.conv_1.weight_orig"][0]),
            hidden=shapes["G_middle_0.norm_0.mlp_shared.0.weight"][0],
            upscale=round((shapes["conv_img.0.weight"][0] / 3) ** 0.5),
        )


class Generator(nn.Module):
    """[B, labels, h, w] to RGB in [0, 1], [B, 3, 8 h, 8 w]."""

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GeneratorConfig()
        labels, hidden, (first, second) = config.labels, config.hidden, config.ups
        self.fc = nn.Conv2d(labels, config.middle, 3, padding=1)
        for index in range(config.middle_blocks):
            block = SpadeResnetBlock(config.middle, config.middle, labels, hidden)
            self.add_module(f"G_middle_{index}", block)
        self.up_0 = SpadeResnetBlock(config.middle, first, labels, hidden)
        self.up_1 = SpadeResnetBlock(first, second, labels, hidden)
        self.conv_img = nn.Sequential(
            nn.Conv2d(second, 3 * config.upscale**2, 3, padding=1),
            nn.PixelShuffle(config.upscale),
        )

    def middle_blocks(self) -> list[SpadeResnetBlock]:
        names = (f"G_middle_{index}" for index in range(self.config.middle_blocks))
        return [self.get_submodule(name) for name in names]  # type: ignore[misc]

    def forward(self, feature: Tensor) -> Tensor:
        x = self.fc(feature)
        for block in self.middle_blocks():
            x = block(x, feature)
        x = self.up_0(functional.interpolate(x, scale_factor=2.0), feature)
        x = self.up_1(functional.interpolate(x, scale_factor=2.0), feature)
        return torch.sigmoid(self.conv_img(functional.leaky_relu(x, SLOPE)))
