# SPDX-License-Identifier: Apache-2.0
"""Speech features to motion: a transformer that removes noise from a window of motion.

A window is `previous` frames of context and `frames` new ones, L together. This is the form that
was published; `denoising_split.py` is the one that ships.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..encoders.hubert import Hubert, HubertConfig
from ..shapes import Shape, numbered

HEADS = 8  # not in a checkpoint
HUBERT = "audio_encoder."
PUBLISHED_HUBERT = HubertConfig()
# Tables that a checkpoint may carry though they follow from its configuration.
RECOMPUTED = ("denoising_net.alignment_mask", "denoising_net.TE.pe", "denoising_net.PE.pe")
RECOMPUTED_PREFIX = "diffusion_sched."

# The first published code added the encoding of position L to every token, the later one its own
# position's to each. Weights do not say with which they were trained; the released ones are older.
Positions = Literal["constant", "per_token"]


@dataclass(frozen=True, slots=True)
class MotionConfig:
    motion: int = 73  # numbers per frame
    frames: int = 100
    previous: int = 10
    width: int = 256
    layers: int = 8
    feed_forward: int = 1024
    decoder: int = 128  # hidden units of the last two layers
    steps: int = 50  # of diffusion, T
    positions: Positions = "constant"
    hubert: HubertConfig | None = PUBLISHED_HUBERT  # None: features are given, not heard

    @property
    def length(self) -> int:
        return self.previous + self.frames

    @classmethod
    def of(
        cls, shapes: Mapping[str, Shape], frames: int, steps: int, positions: Positions
    ) -> MotionConfig:
        """`frames` and `steps` are not to be seen from the shape of any weight."""
        layer = "denoising_net.transformer.layers.{}.linear1.weight"
        _, previous, motion = shapes["start_motion_feat"]
        width = shapes["null_audio_feat"][2]
        if width % HEADS:
            raise ValueError(f"a width of {width} for {HEADS} heads")
        heard = {k.removeprefix(HUBERT): v for k, v in shapes.items() if k.startswith(HUBERT)}
        return cls(
            motion=motion,
            frames=frames,
            previous=previous,
            width=width,
            layers=numbered(shapes, layer),
            feed_forward=shapes[layer.format(0)][0],
            decoder=shapes["denoising_net.motion_dec.0.weight"][0],
            steps=steps,
            positions=positions,
            hubert=HubertConfig.of(heard) if heard else None,
        )


def sinusoids(rows: int, width: int) -> Tensor:
    """[rows, width]: sine in even columns, cosine in odd ones."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(rows).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


class Denoiser(nn.Module):
    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.diff_step_map = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.feature_proj = nn.Linear(config.motion, width)
        layer = nn.TransformerDecoderLayer(
            width, HEADS, config.feed_forward, activation="gelu", batch_first=True
        )
        self.transformer = nn.TransformerDecoder(layer, config.layers)
        self.motion_dec = nn.Sequential(
            nn.Linear(width, config.decoder), nn.GELU(), nn.Linear(config.decoder, config.motion)
        )

    def layers(self) -> list[nn.TransformerDecoderLayer]:
        layers = self.transformer.layers
        return [layer for layer in layers if isinstance(layer, nn.TransformerDecoderLayer)]

    def step_rows(self) -> Tensor:
        """[T + 1, width]: what step t adds to every token."""
        return self.diff_step_map(sinusoids(self.config.steps + 1, self.config.width))  # type: ignore[no-any-return]

    def position_rows(self) -> Tensor:
        """[L, width], or [1, width] for all tokens."""
        length = self.config.length
        table = sinusoids(length + 1, self.config.width)
        return table[length:] if self.config.positions == "constant" else table[:length]

    def forward(
        self, motion: Tensor, audio: Tensor, prev_motion: Tensor, prev_audio: Tensor, step: Tensor
    ) -> Tensor:
        """The clean motion [B, L, motion] behind a noisy one [B, frames, motion] of `step` [B]."""
        tokens = self.feature_proj(torch.cat([prev_motion, motion], dim=1))
        tokens = tokens + self.step_rows()[step].unsqueeze(1) + self.position_rows()
        memory = torch.cat([prev_audio, audio], dim=1)
        # A frame hears its own audio alone. True blocks.
        mask = ~torch.eye(self.config.length, dtype=torch.bool)
        return self.motion_dec(self.transformer(tokens, memory, memory_mask=mask))  # type: ignore[no-any-return]


class MotionGenerator(nn.Module):
    def __init__(self, config: MotionConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MotionConfig()
        self.start_motion_feat = nn.Parameter(torch.zeros(1, config.previous, config.motion))
        self.start_audio_feat = nn.Parameter(torch.zeros(1, config.previous, config.width))
        self.null_audio_feat = nn.Parameter(torch.zeros(1, 1, config.width))
        self.denoising_net = Denoiser(config)
        if config.hubert is not None:
            self.audio_encoder = Hubert(config.hubert)
            self.audio_feature_map = nn.Linear(config.hubert.width, config.width)

    def audio_features(self, samples: Tensor) -> Tensor:
        """A window's padded samples [B, S] to [B, frames, width]."""
        return self.features_of(self.audio_encoder(samples))

    def features_of(self, hidden: Tensor) -> Tensor:
        """Hidden vectors, two a frame, to one feature a frame."""
        return self.audio_feature_map(to_frames(hidden, self.config.frames))  # type: ignore[no-any-return]

    def guided(
        self, motion: Tensor, audio: Tensor, prev: tuple[Tensor, Tensor], step: int, guidance: float
    ) -> Tensor:
        """The clean motion [1, frames, motion], pushed away from what silence-in-training gives."""
        both = torch.cat([self.null_audio_feat.expand_as(audio), audio])
        prev_motion, prev_audio = (part.expand(2, -1, -1) for part in prev)
        steps = torch.tensor([step, step])
        clean = self.denoising_net(motion.expand(2, -1, -1), both, prev_motion, prev_audio, steps)
        null, heard = clean[:, -self.config.frames :].chunk(2)
        return torch.as_tensor(null + guidance * (heard - null))


def to_frames(hidden: Tensor, frames: int) -> Tensor:
    """[B, N, width] to [B, frames, width], interpolated; for N = 2 frames the mean of pairs."""
    resized = functional.interpolate(hidden.transpose(1, 2), size=frames, mode="linear")
    return resized.transpose(1, 2)
