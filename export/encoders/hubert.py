# SPDX-License-Identifier: Apache-2.0
"""HuBERT and wav2vec2: 16 kHz speech to one hidden vector per 20 ms, under the published names.

Seven convolutions, a positional convolution, and transformer layers: the same network in two
dialects. The first, of the base sizes, normalises channels over time in its first convolution and
the transformer behind each part; the second, of the large ones, normalises every convolution over
its channels and the transformer before each part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..shapes import Shape, numbered

STRIDES = (5, 2, 2, 2, 2, 2, 2)  # not in a checkpoint; the product is one hidden vector per 20 ms
HEAD_WIDTH = 64  # channels of one attention head, in every published size
FRAME = math.prod(STRIDES)  # samples between hidden vectors


@dataclass(frozen=True, slots=True)
class HubertConfig:
    kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_width: int = 512
    width: int = 768
    layers: int = 12
    feed_forward: int = 3072
    position_kernel: int = 128
    position_groups: int = 16
    head_width: int = HEAD_WIDTH
    conv_norm: Literal["first", "every"] = "first"  # over time, or each over its channels
    conv_bias: bool = False
    norm_before: bool = False  # of a transformer layer's parts

    @classmethod
    def of(cls, shapes: Mapping[str, Shape]) -> HubertConfig:
        """`norm_before` is not to be seen in shapes: it goes with `conv_norm` where published."""
        conv = "feature_extractor.conv_layers.{}.conv.weight"
        layer = "encoder.layers.{}.feed_forward.intermediate_dense.weight"
        names = ("weight_v", "parametrizations.weight.original1")
        stored = (f"encoder.pos_conv_embed.conv.{name}" for name in names)
        position = next((shapes[name] for name in stored if name in shapes), None)
        if position is None:
            raise KeyError("encoder.pos_conv_embed.conv.parametrizations.weight.original1")
        width, layers = position[0], numbered(shapes, conv)
        every = "feature_extractor.conv_layers.1.layer_norm.weight" in shapes
        if layers != len(STRIDES) or width % min(HEAD_WIDTH, width):
            raise ValueError(f"{layers} convolutions and a width of {width}")
        return cls(
            kernels=tuple(shapes[conv.format(i)][2] for i in range(layers)),
            conv_width=shapes[conv.format(0)][0],
            width=width,
            layers=numbered(shapes, layer),
            feed_forward=shapes[layer.format(0)][0],
            position_kernel=position[2],
            position_groups=width // position[1],
            head_width=min(HEAD_WIDTH, width),
            conv_norm="every" if every else "first",
            conv_bias="feature_extractor.conv_layers.0.conv.bias" in shapes,
            norm_before=every,
        )

    def frames(self, samples: int) -> int:
        """Hidden vectors of so many samples."""
        for kernel, stride in zip(self.kernels, STRIDES, strict=True):
            samples = (samples - kernel) // stride + 1
        return samples


class ChannelNorm(nn.LayerNorm):
    """Of [B, channels, time], over the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ConvLayer(nn.Module):
    """The first layer of the stack normalises each channel over time, or every one its channels."""

    def __init__(self, config: HubertConfig, index: int) -> None:
        super().__init__()
        width, kernel, stride = config.conv_width, config.kernels[index], STRIDES[index]
        inputs = width if index else 1
        self.conv = nn.Conv1d(inputs, width, kernel, stride=stride, bias=config.conv_bias)
        self.layer_norm: nn.Module | None = None
        if config.conv_norm == "every":
            self.layer_norm = ChannelNorm(width)
        elif index == 0:
            self.layer_norm = nn.GroupNorm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return functional.gelu(self.layer_norm(x) if self.layer_norm is not None else x)


class FeatureExtractor(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(ConvLayer(config, i) for i in range(len(STRIDES)))

    def forward(self, samples: Tensor) -> Tensor:
        x = samples.unsqueeze(1)
        for layer in self.conv_layers:
            x = layer(x)
        return x.transpose(1, 2)


class FeatureProjection(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(config.conv_width)
        self.projection = nn.Linear(config.conv_width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(self.layer_norm(x))  # type: ignore[no-any-return]


class LengthAndDirection(nn.Module):
    """A weight kept as a direction and, per kernel tap, a length (weight norm over dimension 2)."""

    def __init__(self, outputs: int, inputs: int, kernel: int) -> None:
        super().__init__()
        self.original0 = nn.Parameter(torch.ones(1, 1, kernel))
        self.original1 = nn.Parameter(torch.ones(outputs, inputs, kernel))

    def forward(self) -> Tensor:
        norm = self.original1.square().sum(dim=(0, 1), keepdim=True).sqrt()
        return self.original0 * self.original1 / norm


class PositionConvWeights(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        inputs = config.width // config.position_groups
        weight = LengthAndDirection(config.width, inputs, config.position_kernel)
        self.bias = nn.Parameter(torch.zeros(config.width))
        self.parametrizations = nn.ModuleDict({"weight": weight})


class PositionConv(nn.Module):
    """A grouped convolution over time."""

    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        self.config = config
        self.conv = PositionConvWeights(config)
        self.groups = config.position_groups
        self.padding = config.position_kernel // 2
        self.extra = 1 - config.position_kernel % 2  # an even kernel yields one frame too many

    def forward(self, x: Tensor) -> Tensor:
        weight: Tensor = self.conv.parametrizations["weight"]()
        y = functional.conv1d(
            x.transpose(1, 2), weight, self.conv.bias, padding=self.padding, groups=self.groups
        )
        return functional.gelu(y[:, :, : y.shape[2] - self.extra]).transpose(1, 2)

    def folded(self) -> PositionConv:
        """The same with its weight made once."""
        copy = PositionConv(self.config)
        weight = self.conv.parametrizations["weight"]().detach()
        copy.conv.parametrizations["weight"] = Fixed(weight)
        copy.conv.bias = self.conv.bias
        return copy


class Fixed(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self) -> Tensor:
        return self.weight


class Attention(nn.Module):
    def __init__(self, width: int, head_width: int) -> None:
        super().__init__()
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.head_width = head_width

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            project(x).unflatten(2, (-1, self.head_width)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = torch.softmax(q @ k.transpose(2, 3) * self.head_width**-0.5, dim=-1)
        return self.out_proj((scores @ v).transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, inner)
        self.output_dense = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.output_dense(functional.gelu(self.intermediate_dense(x)))  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        self.norm_before = config.norm_before
        self.attention = Attention(config.width, config.head_width)
        self.layer_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.feed_forward)
        self.final_layer_norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        if self.norm_before:
            x = x + self.attention(self.layer_norm(x))
            return torch.as_tensor(x + self.feed_forward(self.final_layer_norm(x)))
        x = self.layer_norm(x + self.attention(x))
        return self.final_layer_norm(x + self.feed_forward(x))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        self.norm_before = config.norm_before
        self.pos_conv_embed = PositionConv(config)
        self.layer_norm = nn.LayerNorm(config.width)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.pos_conv_embed(x)
        if not self.norm_before:
            x = self.layer_norm(x)
        for layer in self.layers:
            x = layer(x)
        return torch.as_tensor(self.layer_norm(x) if self.norm_before else x)


class Hubert(nn.Module):
    """[B, samples] to [B, frames, width]."""

    def __init__(self, config: HubertConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or HubertConfig()
        self.masked_spec_embed = nn.Parameter(torch.zeros(config.width))  # used in training alone
        self.feature_extractor = FeatureExtractor(config)
        self.feature_projection = FeatureProjection(config)
        self.encoder = Encoder(config)

    def forward(self, samples: Tensor) -> Tensor:
        return self.encoder(self.feature_projection(self.feature_extractor(samples)))  # type: ignore[no-any-return]
