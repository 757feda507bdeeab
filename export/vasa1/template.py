# SPDX-License-Identifier: Apache-2.0
"""Motion numbers between the generator's normalised range and the renderer's units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

POSE = ("scale", "t", "pitch", "yaw", "roll")  # the order behind the expression
POSE_WIDTH = 7
NORMALISE_EPSILON = 1e-9  # in this direction alone, as the training code had it


@dataclass(frozen=True, slots=True)
class Template:
    """The training set's statistics. Angles in degrees."""

    mean_exp: Array  # [63]
    std_exp: Array
    min_pose: Array  # [7] scale, t, pitch, yaw, roll
    max_pose: Array


@dataclass(frozen=True, slots=True)
class MotionTrack:
    """N frames of motion in the renderer's units."""

    exp: Array  # [N, K, 3]
    scale: Array  # [N, 1]
    t: Array  # [N, 3]
    angles: Array  # [N, 3] pitch, yaw, roll, degrees

    def __len__(self) -> int:
        return len(self.exp)

    @property
    def pose(self) -> Array:
        return np.concatenate([self.scale, self.t, self.angles], axis=1)


def denormalise(values: Array, template: Template) -> MotionTrack:
    """[N, motion] of the generator; numbers behind the pose are not used."""
    width = template.mean_exp.size
    exp = values[:, :width] * template.std_exp + template.mean_exp
    span = template.max_pose - template.min_pose
    pose = values[:, width : width + POSE_WIDTH] * span + template.min_pose
    return MotionTrack(exp.reshape(len(exp), -1, 3), pose[:, :1], pose[:, 1:4], pose[:, 4:])


def normalise(track: MotionTrack, template: Template) -> Array:
    """[N, 70]: what `denormalise` takes."""
    exp = track.exp.reshape(len(track), -1) - template.mean_exp
    span = template.max_pose - template.min_pose
    pose = (track.pose - template.min_pose) / (span + NORMALISE_EPSILON)
    return np.concatenate([exp / (template.std_exp + NORMALISE_EPSILON), pose], axis=1).astype(
        np.float32
    )


def smooth(track: MotionTrack, alpha: float = 0.01) -> MotionTrack:
    """Follows the pose from the first frame on, `alpha` of each new frame. Expression stays."""
    pose = track.pose
    followed = np.empty_like(pose)
    state = pose[0]
    for index, row in enumerate(pose):
        state = alpha * row + (1 - alpha) * state
        followed[index] = state
    return MotionTrack(track.exp, followed[:, :1], followed[:, 1:4], followed[:, 4:])
