# SPDX-License-Identifier: Apache-2.0
"""HuBERT or wav2vec2 as the graph of a window: samples in, the vectors of its middle out."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..checkpoint import CheckpointError
from .folder import SpeechEncoder
from .window import EncoderWindow

# Silence is not to be made as loud as speech: below -40 dB of full scale the gain stays.
LEAST_VARIANCE = 1e-4
EPSILON = 1e-7  # as the published feature extractor has it

# Hidden vectors were made from clips of 20 s; a window has four seconds of what was before.
# Letters are made in the windows that their programs use: 10, 8 and 10 vectors.
HIDDEN = EncoderWindow(before=64_000, step=6_400, after=4_800, lead=0)
LETTERS = EncoderWindow(before=3_200, step=2_560, after=3_200, lead=8)


class SpeechWindow(nn.Module):
    """[1, samples] to [vectors, C]."""

    def __init__(self, encoder: SpeechEncoder, window: EncoderWindow, letters: bool) -> None:
        super().__init__()
        net = encoder.net
        self.front = nn.Sequential(net.feature_extractor, net.feature_projection)
        self.position = net.encoder.pos_conv_embed.folded()
        self.norm = net.encoder.layer_norm
        self.layers = nn.Sequential(*net.encoder.layers)
        self.norm_before = net.config.norm_before
        self.letters = encoder.letters if letters else None
        self.normalizes = encoder.normalizes
        self.least = 0.0 if letters else LEAST_VARIANCE
        self.window = window

    def forward(self, samples: Tensor) -> Tensor:
        if self.normalizes:
            centered = samples - samples.mean(dim=1, keepdim=True)
            variance = centered.square().mean(dim=1, keepdim=True) + EPSILON
            samples = centered / torch.clamp(variance, min=self.least).sqrt()
        x = self.front(samples)
        x = x + self.position(x)
        if not self.norm_before:
            x = self.norm(x)
        x = self.layers(x)
        if self.norm_before:
            x = self.norm(x)
        x = x[0, self.window.first : self.window.first + self.window.vectors]
        return torch.as_tensor(self.letters(x) if self.letters is not None else x)


def speech_window(
    encoder: SpeechEncoder, channels: int, row_width: int, window: EncoderWindow | None = None
) -> tuple[SpeechWindow, EncoderWindow]:
    """What an avatar of such features was trained with: hidden vectors, or letters. `window` takes
    the place of the usual one."""
    width = encoder.net.config.width
    count = encoder.letters.out_features if encoder.letters is not None else 0
    letters = channels != width
    if letters and channels != count:
        raise CheckpointError(
            f"{encoder.path}: an encoder of {width} channels and {count} letters; the avatar was "
            f"trained with features of {channels} channels"
        )
    usual = LETTERS if letters else HIDDEN
    window = usual if window is None else replace(window, lead=usual.lead)
    if row_width != (16 if letters else 2):
        raise CheckpointError(
            f"{encoder.path}: makes rows of {16 if letters else 2} vectors; the avatar was trained "
            f"with rows of {row_width}"
        )
    return SpeechWindow(encoder, window, letters).eval().requires_grad_(False), window
