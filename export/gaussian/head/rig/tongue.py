# SPDX-License-Identifier: Apache-2.0
"""The tongue comes out in two steps: lifted over the lower teeth at once, then forward."""

from __future__ import annotations

import numpy as np

from ..landmarks import LOWER_TEETH_EDGE_Y
from .fields import DoubleArray, smoothstep
from .members import Member
from .motion import Motion, moved

LIFT_FORWARD = 5.0  # mm that the tip moves while it is lifted: to the edge of the teeth
OUT = 24.0  # mm further at tongueOut = 1
DROOP = 6.0  # mm that the tip sinks over the lower lip


def lift(member: Member) -> Motion:
    """The front of the tongue flattens and rises until it can pass between the teeth."""
    front = smoothstep(0.35, 0.9, member.uv[:, 1])
    middle = float(member.points.y[member.uv[:, 1] > 0.6].mean())
    flatter = 0.4 * front
    rise = (LOWER_TEETH_EDGE_Y + 1.0 - middle) * front
    means = np.stack(
        [-0.18 * member.points.x * front, rise - flatter * (member.points.y - middle),
         LIFT_FORWARD * front], axis=1)  # fmt: skip
    gradient = np.zeros((member.count, 3, 3))
    gradient[:, 1, 1] = -flatter
    return moved(member, means, gradient)


def out(member: Member) -> Motion:
    v = member.uv[:, 1]
    reach = smoothstep(0.15, 1.0, v)
    droop = smoothstep(0.6, 1.0, v)
    means = np.stack([np.zeros_like(v), -DROOP * droop, OUT * reach], axis=1)
    gradient = np.zeros((member.count, 3, 3))
    gradient[:, 2, 2] = _slope(reach, member.points.z) * OUT
    gradient[:, 1, 2] = -_slope(droop, member.points.z) * DROOP
    return moved(member, means, np.clip(gradient, -0.6, 0.6))


def _slope(value: DoubleArray, z: DoubleArray) -> DoubleArray:
    """d value / d z from samples: a local line through the neighbours along the tongue."""
    order = np.argsort(z)
    smooth = np.convolve(value[order], np.ones(41) / 41, mode="same")
    steps = np.maximum(np.gradient(np.sort(z)), 1e-3)
    slope = np.convolve(np.gradient(smooth) / steps, np.ones(41) / 41, mode="same")
    result = np.empty_like(slope)
    result[order] = np.clip(slope, 0, 0.06)
    return result
