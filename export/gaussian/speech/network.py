# SPDX-License-Identifier: Apache-2.0
"""The speech_to_motion network: a causal residual TCN at 50 steps per second.

One module, two forms with the same weights: `SpeechNet` maps whole sequences (training), and
`SpeechStep` maps one step and its states (the exported graph). Look-ahead comes from delayed
targets: step n answers for an audio time that lies 1920 samples before the end of its input.

States of the step form: the normaliser's mean and peak, then the past inputs of each convolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .visemes import REST_TARGETS

MELS = 80
STEP_FRAMES = 2
COEFFICIENTS = 14
CLOSURE, ENERGY, PAUSE = range(COEFFICIENTS, COEFFICIENTS + 3)  # the raw outputs behind them
VISEME_CLASSES = 48  # of the auxiliary head, which only training uses
FEATURES = STEP_FRAMES * MELS + 1

# Running normalisation. It has no weights: both forms run the same few lines.
_MEAN_RATE = 1 / 150  # of the mean, per step: 3 s
_PEAK_DECAY = 0.0046  # nats per step: 1 dB/s
_GATE_BELOW, _GATE_WIDTH = 5.0, 0.7  # the mean learns from steps within 22 dB of the peak
_SCALE, _LIMIT = 0.4, 4.0
_PART = 256  # steps that are normalised at once

# Pauses rest: between these probabilities of a long pause the coefficients go to rest.
_REST_FROM, _REST_FULL = 0.06, 0.15


@dataclass(frozen=True, slots=True)
class Shape:
    width: int = 160
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)  # sees 2.6 s back


def normalise(mel: Tensor, mean: Tensor, peak: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One step: mel [B, 2, 80], mean [B, 80], peak [B, 1] -> features [B, 161], mean, peak.

    The mean over recent speech takes out microphone, room and gain; the gate keeps pauses from
    being taken for a new microphone.
    """
    average = mel.mean(dim=1)
    level = average.mean(dim=1, keepdim=True)
    peak = torch.maximum(level, peak - _PEAK_DECAY)
    gate = torch.sigmoid((level - peak + _GATE_BELOW) / _GATE_WIDTH)
    mean = mean + _MEAN_RATE * gate * (average - mean)
    centred = torch.clamp((mel - mean.unsqueeze(1)) * _SCALE, -_LIMIT, _LIMIT)
    features = torch.cat([centred.flatten(1), (level - peak) * _SCALE], dim=1)
    return features, mean, peak


class Convolution(nn.Module):
    """A causal convolution of three taps, `dilation` steps apart, as one matrix product."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.inputs, self.dilation = inputs, dilation
        self.linear = nn.Linear(3 * inputs, outputs)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, inputs], past [B, 2 * dilation, inputs] -> [B, T, outputs] and the new past."""
        joined = torch.cat([past, x], dim=1)
        length, d = x.shape[1], self.dilation
        taps = [joined[:, i * d : i * d + length] for i in range(3)]
        return self.linear(torch.cat(taps, dim=2)), joined[:, length:]


class Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = Convolution(width, width, dilation)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        mixed, past = self.mix(self.norm(x), past)
        return x + self.out(functional.silu(mixed)), past


class SpeechNet(nn.Module):
    """The sequence form; the trained weights belong to it."""

    initial_mean: Tensor
    initial_peak: Tensor
    rest: Tensor

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.register_buffer("initial_mean", torch.zeros(MELS))
        self.register_buffer("initial_peak", torch.zeros(1))
        self.stem = Convolution(FEATURES, shape.width, 1)
        self.blocks = nn.ModuleList(Block(shape.width, d) for d in shape.dilations)
        self.norm = nn.LayerNorm(shape.width)
        self.register_buffer("rest", torch.tensor(REST_TARGETS, dtype=torch.float32))
        self.head = nn.Linear(shape.width, PAUSE + 1)
        self.visemes = nn.Linear(shape.width, VISEME_CLASSES)

    def past_shapes(self) -> list[tuple[int, int]]:
        """[steps, channels] of each convolution's past, in order."""
        convolutions = [m for m in self.modules() if isinstance(m, Convolution)]
        return [(2 * c.dilation, c.inputs) for c in convolutions]

    def trunk(self, features: Tensor, pasts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """features [B, T, 161] -> hidden [B, T, width] and the new pasts."""
        x, past = self.stem(features, pasts[0])
        after = [past]
        for block, before in zip(self.blocks, pasts[1:], strict=True):
            x, past = block(x, before)
            after.append(past)
        return self.norm(x), after

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features from `normalise_sequence` -> raw outputs [B, T, 17] and viseme scores."""
        batch = features.shape[0]
        pasts = [features.new_zeros(batch, *shape) for shape in self.past_shapes()]
        hidden, _ = self.trunk(features, pasts)
        return self.head(hidden), self.visemes(hidden)

    def outputs(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Raw outputs [..., 17] -> coefficients [..., 14], closure [..., 1], energy [..., 1].

        What a loss takes for a compromise between speech and a pause, a viewer sees as a mouth
        ajar: the probability of a pause decides instead.
        """
        coefficients, closure, energy, pause = torch.split(
            torch.sigmoid(raw), [COEFFICIENTS, 1, 1, 1], dim=-1
        )
        resting = torch.clamp((pause - _REST_FROM) / (_REST_FULL - _REST_FROM), 0.0, 1.0)
        return coefficients + resting * (self.rest - coefficients), closure, energy


@torch.no_grad()
def normalise_sequence(mel: Tensor, mean: Tensor, peak: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """mel [B, T, 2, 80] -> features [B, T, 161] and the last mean and peak.

    `normalise` over all steps at once: the peak is a running maximum of levels that rise with time,
    and a mean that learns at the rates r is a sum weighted by the product of all 1 - r.
    """
    parts = []
    for part in torch.split(mel, _PART, dim=1):  # the products fade: not too many steps at once
        average = part.mean(dim=2)
        level = average.mean(dim=2)
        ramp = _PEAK_DECAY * torch.arange(1, level.shape[1] + 1, dtype=level.dtype)
        risen = torch.cat([peak, level + ramp], dim=1).cummax(dim=1).values
        peaks = risen[:, 1:] - ramp
        rate = _MEAN_RATE * torch.sigmoid((level - peaks + _GATE_BELOW) / _GATE_WIDTH)
        kept = torch.cumprod(1 - rate, dim=1).unsqueeze(2)
        learned = torch.cumsum(rate.unsqueeze(2) / kept * average, dim=1)
        means = kept * (mean.unsqueeze(1) + learned)
        centred = torch.clamp((part - means.unsqueeze(2)) * _SCALE, -_LIMIT, _LIMIT)
        above = (level - peaks).unsqueeze(2) * _SCALE
        parts.append(torch.cat([centred.flatten(2), above], dim=2))
        mean, peak = means[:, -1], peaks[:, -1:]
    return torch.cat(parts, dim=1), mean, peak


class SpeechStep(nn.Module):
    """The streaming form: mel [1, 2, 80] and states -> outputs and new states.

    Returns coefficients [1, 14], closure [1, 1], energy [1, 1], then the states in the order they
    were given: mean [1, 80], peak [1, 1], pasts.
    """

    def __init__(self, net: SpeechNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, mel: Tensor, mean: Tensor, peak: Tensor, *pasts: Tensor
    ) -> tuple[Tensor, ...]:
        features, mean, peak = normalise(mel, mean, peak)
        hidden, after = self.net.trunk(features.unsqueeze(1), list(pasts))
        coefficients, closure, energy = self.net.outputs(self.net.head(hidden.squeeze(1)))
        return coefficients, closure, energy, mean, peak, *after
