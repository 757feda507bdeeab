# SPDX-License-Identifier: Apache-2.0
"""G as it ships: equal to `generator.Generator`, with fewer products.

- spectral norm is folded;
- what reads the repeated feature map does so in sub-pixel form (`subpixel`);
- norms of repeated pixels are taken before repeating, once for a block's two uses of them;
- in a shortcut, the shift's convolution and the 1x1 convolution behind it are one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .folding import FoldedConv, without_spectral_norm
from .generator import Generator
from .spade import SLOPE, Spade, SpadeResnetBlock
from .subpixel import DoubledConv, QuadrupledConv2d


class FastSpade(nn.Module):
    """The scale (1 added) and shift of a norm, from the feature map `repeat` times smaller."""

    def __init__(self, original: Spade, repeat: int) -> None:
        super().__init__()
        shared = original.mlp_shared[0]
        assert isinstance(shared, nn.Conv2d)
        weight, bias = shared.weight, _given(shared.bias)
        form = {1: FoldedConv, 2: DoubledConv, 4: QuadrupledConv2d}[repeat]
        self.shared = form(weight, bias)
        self.scale = FoldedConv(original.mlp_gamma.weight, _given(original.mlp_gamma.bias) + 1)
        self.shift = FoldedConv(original.mlp_beta.weight, original.mlp_beta.bias)

    def hidden(self, seg: Tensor) -> Tensor:
        return functional.relu(self.shared(seg))

    def forward(self, normed: Tensor, seg: Tensor) -> Tensor:
        hidden = self.hidden(seg)
        return torch.add(normed * self.scale(hidden), self.shift(hidden))


class FastResnetBlock(nn.Module):
    """`x` [B, C, h, w] is what the block before left; it is repeated here, twice when `doubles`."""

    def __init__(self, original: SpadeResnetBlock, repeat: int, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        self.norm_0 = FastSpade(original.norm_0, repeat)
        self.conv_0 = without_spectral_norm(original.conv_0)
        self.norm_1 = FastSpade(original.norm_1, repeat)
        self.conv_1 = without_spectral_norm(original.conv_1)
        self.learned_shortcut = original.learned_shortcut
        if original.learned_shortcut:
            self.norm_s = FastSpade(original.norm_s, repeat)
            self.conv_s = without_spectral_norm(original.conv_s)
            self.norm_s.shift = _then_1x1(self.norm_s.shift, self.conv_s)

    def forward(self, x: Tensor, seg: Tensor) -> Tensor:
        normed = functional.instance_norm(x)
        if self.doubles:
            normed = functional.interpolate(normed, scale_factor=2.0, mode="nearest")
        inner = self.conv_0(functional.leaky_relu(self.norm_0(normed, seg), SLOPE))
        inner = functional.instance_norm(inner)
        inner = self.conv_1(functional.leaky_relu(self.norm_1(inner, seg), SLOPE))
        if not self.learned_shortcut:
            return torch.add(x, inner)
        hidden = self.norm_s.hidden(seg)
        shortcut = self.conv_s(normed * self.norm_s.scale(hidden)) + self.norm_s.shift(hidden)
        return torch.add(shortcut, inner)


class FastGenerator(nn.Module):
    def __init__(self, original: Generator) -> None:
        super().__init__()
        self.fc = FoldedConv(original.fc.weight, original.fc.bias)
        self.middle = nn.ModuleList(
            FastResnetBlock(block, 1, doubles=False) for block in original.middle_blocks()
        )
        self.up_0 = FastResnetBlock(original.up_0, 2, doubles=True)
        self.up_1 = FastResnetBlock(original.up_1, 4, doubles=True)
        picture = original.conv_img[0]
        assert isinstance(picture, nn.Conv2d)
        self.picture = FoldedConv(picture.weight, picture.bias)
        self.upscale = original.config.upscale

    def forward(self, feature: Tensor) -> Tensor:
        x = self.fc(feature)
        for block in self.middle:
            x = block(x, feature)
        x = self.up_1(self.up_0(x, feature), feature)
        x = self.picture(functional.leaky_relu(x, SLOPE))
        return torch.sigmoid(functional.pixel_shuffle(x, self.upscale))


def _then_1x1(first: FoldedConv, second: FoldedConv) -> FoldedConv:
    """One convolution for a 3x3 and the 1x1 behind it."""
    mix = second.weight[:, :, 0, 0].double()
    weight = torch.einsum("oc,cixy->oixy", mix, first.weight.double())
    bias = mix @ _given(first.bias).double()
    return FoldedConv(weight.float(), bias.float())


def _given(bias: Tensor | None) -> Tensor:
    if bias is None:
        raise ValueError("a convolution without bias")
    return bias
