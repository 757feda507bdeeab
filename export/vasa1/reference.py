# SPDX-License-Identifier: Apache-2.0
"""The published inference, restated window for window: what a runtime is tested against.

speech -> windows -> features -> denoised motion -> units -> smoothed -> driving keypoints -> frames

It runs the networks in the form in which they were published, in float32, and draws its noise from
`noise`, so that equal seeds mean equal frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import diffusion, noise
from .composition import Composition, Driving, Source, compose
from .graphs import Renderer
from .keypoints import degrees, rotation
from .motion_generator import MotionGenerator
from .speech_windows import Samples, extended, frames_of, windows
from .template import MotionTrack, Template, denormalise, smooth

Array = NDArray[np.float32]
# A window's noise for a step [frames, motion]; step 0 is what windows start from.
Noise = Callable[[int, int], Array]
# (window, features heard, (previous motion, previous features)) to motion, all [1, n, ...]
Denoise = Callable[[int, Tensor, tuple[Tensor, Tensor]], Tensor]
# (motion, features heard, previous ones, step, guidance) to clean motion
Guided = Callable[[Tensor, Tensor, tuple[Tensor, Tensor], int, float], Tensor]


@dataclass(frozen=True, slots=True)
class Sampling:
    count: int = 50  # denoising steps; the published sampler takes all of the schedule's
    eta: float = 1.0  # 1: draws noise in each step, as published; 0: none (DDIM)
    guidance: float = 2.8


def seeded(net: MotionGenerator, seed: int) -> Noise:
    shape = net.config.frames, net.config.motion

    def draw(window: int, step: int) -> Array:
        return noise.normal(seed, window, step, shape[0] * shape[1]).reshape(shape)

    return draw


def denoiser(
    net: MotionGenerator, sampling: Sampling, draw: Noise, guided: Guided | None = None
) -> Denoise:
    """`guided` stands for the network's own, for who listens in."""
    clean_of = guided or net.guided
    schedule = diffusion.cosine(net.config.steps)
    at = diffusion.times(schedule.steps, sampling.count)
    steps = diffusion.reverse(schedule, at, sampling.eta)
    # Every window starts from the noise of the first.
    start = torch.from_numpy(draw(0, 0)).unsqueeze(0)

    def denoise(window: int, audio: Tensor, prev: tuple[Tensor, Tensor]) -> Tensor:
        x = start
        for step in steps:
            clean = clean_of(x, audio, prev, step.t, sampling.guidance)
            x = step.keep * x + step.clean * clean
            if step.noise > 0:
                x = x + step.noise * torch.from_numpy(draw(window, step.t)).unsqueeze(0)
        return x

    return denoise


def generated(
    net: MotionGenerator,
    speech: Samples,
    denoise: Denoise,
    hear: Callable[[Array], Tensor] | None = None,
) -> Array:
    """Normalised motion [N, motion] for a clip. Each window continues the one before it."""
    config = net.config
    prev = net.start_motion_feat.detach(), net.start_audio_feat.detach()
    found = []
    for index, window in enumerate(windows(speech, config.frames)):
        samples = extended(window)[None]
        audio = hear(samples) if hear else net.audio_features(torch.from_numpy(samples))
        motion = denoise(index, audio, prev)
        prev = motion[:, -config.previous :], audio[:, -config.previous :]
        found.append(motion[0].detach().numpy())
    return np.concatenate(found)[: frames_of(len(speech))]


def motion_of(values: Array, template: Template, alpha: float = 0.01) -> MotionTrack:
    return smooth(denormalise(values, template), alpha)


@dataclass(frozen=True, slots=True)
class Portrait:
    source: Source
    feature: Tensor  # [1, channels, D, H, W]


def portrait_of(renderer: Renderer, image: Array) -> Portrait:
    """From a crop [1, 3, 256, 256] in [0, 1]."""
    given = torch.from_numpy(image)
    found = renderer.motion(given)
    R = rotation(degrees(found.pitch), degrees(found.yaw), degrees(found.roll))
    kp, exp = (value.reshape(1, -1, 3) for value in (found.kp, found.exp))
    source = Source(kp, exp, found.scale, found.t, R)
    return Portrait(source, renderer.appearance(given))


def driving_keypoints(
    renderer: Renderer, source: Source, track: MotionTrack, options: Composition | None = None
) -> Tensor:
    """[N, K, 3], stitched."""
    parts = (torch.from_numpy(part) for part in (track.exp, track.scale, track.t, track.angles))
    return compose(source, Driving(*parts), options or Composition(), renderer.stitching)


def pictures(
    renderer: Renderer, feature: Tensor, x_s: Tensor, driving: Sequence[Tensor] | Tensor
) -> Iterator[NDArray[np.uint8]]:
    """A frame [H, W, 3] for each set of driving keypoints [K, 3]; fractions are cut."""
    for x_d in driving:
        warped = renderer.warping(feature, x_d.unsqueeze(0), x_s).feature
        yield eight_bit(renderer.generator(warped))


def eight_bit(rgb: Tensor) -> NDArray[np.uint8]:
    """[1, 3, H, W] in [0, 1] to [H, W, 3]."""
    scaled: Array = np.clip(rgb[0].permute(1, 2, 0).detach().numpy(), 0, 1) * np.float32(255)
    return scaled.astype(np.uint8)
