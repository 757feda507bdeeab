# SPDX-License-Identifier: Apache-2.0
"""The motion generator in two graphs: what a window of speech fixes, and one step of denoising.

Equal to `motion_generator`: a frame hears its own audio alone, so cross-attention is a linear map
of that audio, the same in every step. Its rows are made once per window, with and without speech.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .motion_generator import HEADS, MotionGenerator


class SpeechWindow(nn.Module):
    """Once per window: samples to rows, and the features that the next window starts from."""

    def __init__(self, original: MotionGenerator) -> None:
        super().__init__()
        hubert = original.audio_encoder
        self.front = nn.Sequential(hubert.feature_extractor, hubert.feature_projection)
        self.position = hubert.encoder.pos_conv_embed.folded()
        self.norm = hubert.encoder.layer_norm
        self.layers = nn.Sequential(*hubert.encoder.layers)
        self.map = original.audio_feature_map
        self.rows = AudioRows(original)
        self.previous, self.frames = original.config.previous, original.config.frames

    def forward(self, samples: Tensor, prev_audio: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.front(samples)
        hidden = self.layers(self.norm(hidden + self.position(hidden)))
        # Two hidden vectors a frame: interpolating to frames is the mean of pairs.
        audio = self.map(hidden.reshape(1, self.frames, 2, -1).mean(dim=2))
        return self.rows(audio, prev_audio), audio[:, -self.previous :]


class AudioRows(nn.Module):
    """Features [1, frames, width] and earlier ones to [layers, 2, L, width]: unheard, heard."""

    def __init__(self, original: MotionGenerator) -> None:
        super().__init__()
        width = original.config.width
        weights, biases = [], []
        for layer in original.denoising_net.layers():
            attention = layer.multihead_attn
            out, value = attention.out_proj, attention.in_proj_weight[2 * width :].double()
            weights.append((out.weight.double() @ value).float())
            inner = attention.in_proj_bias[2 * width :].double()
            biases.append((out.weight.double() @ inner + out.bias.double()).float())
        self.weight = nn.Parameter(
            torch.stack(weights).transpose(1, 2).unsqueeze(1).detach(), False
        )
        self.bias = nn.Parameter(torch.stack(biases)[:, None, None].detach(), False)
        self.null = nn.Parameter(original.null_audio_feat.detach().clone(), False)

    def forward(self, audio: Tensor, prev_audio: Tensor) -> Tensor:
        both = torch.cat([self.null.expand_as(audio), audio])
        memory = torch.cat([prev_audio.expand(2, -1, -1), both], dim=1)
        return torch.matmul(memory, self.weight) + self.bias


class DenoisingStep(nn.Module):
    """Noisy motion [1, frames, motion] to the guided clean one. `step` and `guidance` are [1].

    Until the first layer hears, both branches are one.
    """

    def __init__(self, original: MotionGenerator) -> None:
        super().__init__()
        net = original.denoising_net
        self.previous = original.config.previous
        self.projection = net.feature_proj
        self.layers = nn.ModuleList(net.layers())
        self.decoder = net.motion_dec
        table = (net.step_rows() + 0).detach()
        self.steps = nn.Parameter(table, requires_grad=False)
        self.positions = nn.Parameter(net.position_rows().detach().clone(), requires_grad=False)

    def forward(
        self, motion: Tensor, prev_motion: Tensor, rows: Tensor, step: Tensor, guidance: Tensor
    ) -> Tensor:
        x = self.projection(torch.cat([prev_motion, motion], dim=1))
        x = x + self.steps[step.to(torch.int64)] + self.positions
        for layer, heard in zip(self.layers, rows.unbind(0), strict=True):
            assert isinstance(layer, nn.TransformerDecoderLayer)
            x = layer.norm1(x + attend(layer.self_attn, x))
            x = layer.norm2(x + heard)
            x = layer.norm3(x + layer.linear2(functional.gelu(layer.linear1(x))))
        null, clean = self.decoder(x[:, self.previous :]).chunk(2)
        return torch.as_tensor(null + guidance * (clean - null))


def attend(attention: nn.MultiheadAttention, x: Tensor) -> Tensor:
    """Self-attention of every frame to all."""
    width = x.shape[2]
    inner = functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = (
        part.reshape(len(x), -1, HEADS, width // HEADS).transpose(1, 2)
        for part in inner.chunk(3, dim=2)
    )
    shares = torch.softmax(q @ k.transpose(2, 3) * (width // HEADS) ** -0.5, dim=-1)
    mixed = (shares @ v).transpose(1, 2).reshape(len(x), -1, width)
    return functional.linear(mixed, attention.out_proj.weight, attention.out_proj.bias)
