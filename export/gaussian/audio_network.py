# SPDX-License-Identifier: Apache-2.0
"""What TalkingGaussian and GaussianTalker hear with: eight rows of audio features to 32 numbers.

Names of members are those of the checkpoints' keys.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

WINDOW = 8  # rows: the frame before, at and after the one that is drawn
CODE = 32


class AudioNet(nn.Module):
    """Each row on its own: [8, C, W] to [8, 32], where W is 16 or 2 feature frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = (channels, 32, 32, 64, 64)
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv1d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(0.02)]
        self.encoder_conv = nn.Sequential(*layers)
        self.encoder_fc1 = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.02), nn.Linear(64, CODE))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        code: torch.Tensor = self.encoder_fc1(self.encoder_conv(rows).squeeze(2))
        return code


class AudioAttNet(nn.Module):
    """How much each of the eight rows counts: [8, 32] to weights [8] that sum to 1."""

    def __init__(self) -> None:
        super().__init__()
        widths = (CODE, 16, 8, 4, 2, 1)
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv1d(a, b, 3, padding=1), nn.LeakyReLU(0.02)]
        self.attentionConvNet = nn.Sequential(*layers)
        self.attentionNet = nn.Sequential(nn.Linear(WINDOW, WINDOW), nn.Softmax(dim=1))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        weights: torch.Tensor = self.attentionNet(self.attentionConvNet(codes.T[None]).squeeze(1))
        return weights.squeeze(0)


class AudioCode(nn.Module):
    """Both: a window [8, C, W] to its code [1, 32]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.audio_net = AudioNet(channels)
        self.audio_att_net = AudioAttNet()

    def audio(self, window: torch.Tensor) -> torch.Tensor:
        codes = self.audio_net(window)
        code: torch.Tensor = self.audio_att_net(codes)[None] @ codes
        return code


class Mlp(nn.Module):
    """Linear layers without biases, ReLU between them and none after the last."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(widths))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index, layer in enumerate(self.net):
            x = layer(torch.relu(x) if index else x)
        return x
