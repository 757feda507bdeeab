# SPDX-License-Identifier: Apache-2.0
"""Driving keypoints from a portrait's motion and a generated one, as published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor, nn

from .keypoints import rotation, transform
from .stitching import stitch

LIPS = (6, 12, 14, 17, 19, 20)

Region = Literal["all", "exp", "pose", "lip"]


@dataclass(frozen=True, slots=True)
class Source:
    """A portrait's motion."""

    kp: Tensor  # [1, K, 3] canonical keypoints
    exp: Tensor  # [1, K, 3]
    scale: Tensor  # [1, 1]
    t: Tensor  # [1, 3]
    R: Tensor  # [1, 3, 3]

    @property
    def x(self) -> Tensor:
        return transform(self.kp, self.R, self.exp, self.scale, self.t)


@dataclass(frozen=True, slots=True)
class Driving:
    """Frames of generated motion."""

    exp: Tensor  # [N, K, 3]
    scale: Tensor  # [N, 1]
    t: Tensor  # [N, 3]
    angles: Tensor  # [N, 3] pitch, yaw, roll, degrees

    def rotations(self) -> Tensor:
        return rotation(self.angles[:, :1], self.angles[:, 1:2], self.angles[:, 2:])


@dataclass(frozen=True, slots=True)
class Composition:
    region: Region = "all"
    keep_volume: bool = False  # scale motion by the face's size ("expression-friendly", relative)
    multiplier: float = 1.1  # of all motion away from the source


def compose(
    source: Source, driving: Driving, options: Composition, stitching: nn.Module | None = None
) -> Tensor:
    """[N, K, 3]. Motion is relative to the first frame's, but for the lips of the whole."""
    region, frames = options.region, len(driving.exp)
    R = source.R
    if region in ("all", "pose"):
        turned = driving.rotations()
        R = turned @ turned[:1].transpose(1, 2) @ source.R
    scale = source.scale * driving.scale / driving.scale[:1]
    t = source.t + driving.t - driving.t[:1]
    changed = source.exp + driving.exp - driving.exp[:1]
    exp = source.exp.expand(frames, -1, -1).clone()
    if region in ("all", "exp"):
        exp = changed
        exp[:, LIPS] = driving.exp[:, LIPS]
    elif region == "lip":
        exp[:, LIPS] = changed[:, LIPS]
    x = transform(source.kp.expand(frames, -1, -1), R, exp, scale, t)
    x_s = source.x.expand(frames, -1, -1)
    if options.keep_volume:
        x = x_s + hull_ratio(x_s[0], x[0]) * (x - x[:1])
    if stitching is not None:
        x = stitch(stitching, x_s, x)
    return x_s + options.multiplier * (x - x_s)


def hull_ratio(x_s: Tensor, x_d: Tensor) -> float:
    """How much more room the source's keypoints take than the driving ones, as a length."""
    from scipy.spatial import ConvexHull

    source, driving = (
        ConvexHull(points.detach().numpy().astype(np.float64)).volume for points in (x_s, x_d)
    )
    return float((source / driving) ** 0.5)
