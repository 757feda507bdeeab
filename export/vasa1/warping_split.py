# SPDX-License-Identifier: Apache-2.0
"""W in two graphs without rank-5 sampling: what a portrait fixes, and what a frame moves.

Equal to `warping.Warping`:
- the hypotheses' reads are translations, so three small products a hypothesis (`sampling.shifted`);
- the hypothesis that nothing moves, and the heat of the source keypoints, are the portrait's;
- heat falls off separably; channels that are always zero are left out;
- the masks sum to 1, so the deformation is the grid plus the masked shifts of the keypoints;
- the last read gathers rows of a padded table (`sampling.read`);
- norms are folded, convolutions after doubling are sub-pixel, the two largest run slice by slice.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import sampling
from .depth_conv import SlicedConv3d, WideSum
from .folding import FoldedConv, with_norm
from .subpixel import DoubledConv
from .warping import LEAK, VARIANCE, Warping, axis, identity_grid

SMALLEST_DOUBLED = 4  # below it, the borders of the sub-pixel form cost more than it saves


class StaticWarp(NamedTuple):
    """What a frame needs of a portrait, beside its keypoints."""

    table: Tensor  # [(D + 2) (H + 2) (W + 2), channels] the appearance volume, a row per cell
    compressed: Tensor  # [compressed, D, H, W]
    still: Tensor  # [compressed, D, H, W] the compressed volume read on the identity grid
    heat: Tensor  # [K, D, H, W] of the source keypoints


class PortraitWarp(nn.Module):
    """Once per portrait."""

    def __init__(self, original: Warping) -> None:
        super().__init__()
        dense = original.dense_motion_network
        self.compress = FoldedConv(*with_norm(dense.compress, dense.norm))

    def forward(self, feature: Tensor, kp_s: Tensor) -> StaticWarp:
        """[1, channels, D, H, W] and [1, K, 3]."""
        compressed = functional.relu(self.compress(feature))[0]
        still = sampling.shifted(compressed, torch.zeros(1, 3))[0]
        heat = separable_heat(kp_s[0], compressed.shape[1:])
        return StaticWarp(sampling.rows(feature[0]), compressed, still, heat)


class FrameWarp(nn.Module):
    """Once per frame."""

    def __init__(self, original: Warping, size: int) -> None:
        """`size`: height and width of the appearance volume."""
        super().__init__()
        config, dense = original.config, original.dense_motion_network
        glass = dense.hourglass
        order = self._channels(config.keypoints + 1, config.compressed)

        self.downs = nn.ModuleList()
        for level, down in enumerate(glass.encoder.blocks()):
            weight, bias = with_norm(down.conv, down.norm)
            self.downs.append(FoldedConv(weight if level else weight[:, order], bias))
        self.ups = nn.ModuleList()
        lowest = size >> len(config.downs)
        for level, up in enumerate(glass.decoder.blocks()):
            folded = with_norm(up.conv, up.norm)
            small = lowest << level < SMALLEST_DOUBLED
            self.ups.append(RepeatedConv(*folded) if small else DoubledConv(*folded))
        weight, bias = with_norm(glass.decoder.conv, glass.decoder.norm)
        ups = config.ups[-1]
        kept = [*range(ups), *(ups + index for index in order)]
        self.last = SlicedConv3d(weight[:, kept], bias)
        self.mask = SlicedConv3d(dense.mask.weight, _bias(dense.mask))
        # Slices come first here, channels first there.
        wide = dense.occlusion.weight
        by_slice = wide.reshape(1, -1, config.depth, *wide.shape[2:]).transpose(1, 2)
        self.occlusion = WideSum(by_slice.flatten(1, 2), _bias(dense.occlusion))
        self.third = FoldedConv(*with_norm(original.third.conv, original.third.norm))
        self.fourth = FoldedConv(original.fourth.weight, original.fourth.bias)
        grid = identity_grid(torch.zeros(1, 1, config.depth, size, size))
        self.register_buffer("grid", grid)
        self.grid: Tensor

    @staticmethod
    def _channels(hypotheses: int, compressed: int) -> list[int]:
        """Where the hourglass' inputs of this form stand in the original's: still, heat, moved."""
        step = compressed + 1
        still = list(range(1, step))
        heat = [step * index for index in range(1, hypotheses)]
        moved = [step * index + 1 + c for index in range(1, hypotheses) for c in range(compressed)]
        return still + heat + moved

    def hourglass(self, x: Tensor) -> Tensor:
        """[1, inputs, D, H, W] to [D, outputs, H, W]."""
        skips = [x]
        for down in self.downs:
            skips.append(functional.avg_pool3d(functional.relu(down(skips[-1])), (1, 2, 2)))
        y = skips.pop()
        for up in self.ups:
            y = torch.cat([functional.relu(up(y)), skips.pop()], dim=1)
        return functional.relu(self.last(y[0].transpose(0, 1)))

    def deformation(self, features: Tensor, shift: Tensor) -> Tensor:
        """[D, H, W, 3]: the grid, plus each keypoint's shift by its mask."""
        masks = torch.softmax(self.mask(features), dim=1)[:, 1:]
        return self.grid + torch.einsum("dkhw,kc->dhwc", masks, shift)

    def forward(
        self,
        table: Tensor,
        compressed: Tensor,
        still: Tensor,
        heat: Tensor,
        kp_s: Tensor,
        kp_d: Tensor,
    ) -> Tensor:
        shift = (kp_s - kp_d)[0]
        moved = sampling.shifted(compressed, shift).flatten(0, 1)
        difference = separable_heat(kp_d[0], compressed.shape[1:]) - heat
        features = self.hourglass(torch.cat([still, difference, moved]).unsqueeze(0))
        occlusion = torch.sigmoid(self.occlusion(features.flatten(0, 1).unsqueeze(0)))
        bent = sampling.read(table, self.deformation(features, shift))
        x = functional.leaky_relu(self.third(bent.flatten(0, 1).unsqueeze(0)), LEAK)
        return torch.mul(self.fourth(x), occlusion)


class RepeatedConv(nn.Module):
    """The plain form: repeat, then convolve."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.conv = FoldedConv(weight, bias)

    def forward(self, x: Tensor) -> Tensor:
        doubled = functional.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
        return self.conv(doubled)  # type: ignore[no-any-return]


def separable_heat(kp: Tensor, sizes: torch.Size) -> Tensor:
    """[K, 3] to [K, D, H, W]: a Gaussian around each keypoint, as a product over the axes."""
    falls = [
        torch.exp(-(axis(cells) - kp[:, 2 - index, None]).square() / (2 * VARIANCE))
        for index, cells in enumerate(sizes)
    ]
    return falls[0][:, :, None, None] * falls[1][:, None, :, None] * falls[2][:, None, None, :]


def _bias(conv: nn.Conv2d | nn.Conv3d) -> Tensor:
    if conv.bias is None:
        raise ValueError("a convolution without bias")
    return conv.bias
