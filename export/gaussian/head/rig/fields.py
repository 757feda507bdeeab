# SPDX-License-Identifier: Apache-2.0
"""Displacement fields: smooth functions from points to millimetres of motion.

A field is written once for the head's own left half (x > 0) and mirrored for the right. It is
differentiated by finite differences, so that Gaussians turn and stretch with the skin they lie
on. Everything in this package is in millimetres; build.py converts to metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

STEP = 0.1  # mm, of the central differences
STILL = 2e-3  # mm; fields are smooth, so where they move nothing they do not turn either
STRETCH = (0.55, 1.6)  # beyond this a stretched disc is drawn as a dash, not as skin


@dataclass(frozen=True, slots=True)
class Points:
    """Where a field is evaluated. The lips touch at rest, so which lip a point belongs to is a
    label that travels with it, not something to be read off its height."""

    xyz: DoubleArray  # [N, 3] mm
    upper: BoolArray  # [N] above the line of the mouth

    @property
    def x(self) -> DoubleArray:
        return self.xyz[:, 0]

    @property
    def y(self) -> DoubleArray:
        return self.xyz[:, 1]

    @property
    def z(self) -> DoubleArray:
        return self.xyz[:, 2]

    def moved(self, by: DoubleArray) -> Points:
        return Points(self.xyz + by, self.upper)


Field = Callable[[Points], DoubleArray]  # [N, 3] mm

MIRROR = np.array([-1.0, 1.0, 1.0])


def mirrored(field: Field) -> Field:
    """The field of the other side of the head."""

    def other(p: Points) -> DoubleArray:
        moved: DoubleArray = field(Points(p.xyz * MIRROR, p.upper)) * MIRROR
        return moved

    return other


def jacobian(field: Field, p: Points) -> DoubleArray:
    """[N, 3, 3], d displacement_i / d x_j, with the stretch of I + J kept within STRETCH."""
    gradient = np.zeros((len(p.xyz), 3, 3))
    moving = np.abs(field(p)).max(axis=1) > STILL
    near = Points(p.xyz[moving], p.upper[moving])
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = STEP
        slope = (field(near.moved(step)) - field(near.moved(-step))) / (2 * STEP)
        gradient[moving, :, axis] = slope
    return limited(gradient)


def limited(gradient: DoubleArray) -> DoubleArray:
    """The gradient of a displacement, less what would stretch or crush a Gaussian too far."""
    kept = np.zeros_like(gradient)
    moving = np.abs(gradient).max(axis=(1, 2)) > 1e-4
    u, stretch, vt = np.linalg.svd(np.eye(3) + gradient[moving])
    kept[moving] = (u * np.clip(stretch, *STRETCH)[:, None, :]) @ vt - np.eye(3)
    return kept


def smoothstep(low: float | DoubleArray, high: float | DoubleArray, x: DoubleArray) -> DoubleArray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    result: DoubleArray = t * t * (3 - 2 * t)
    return result


def bump(
    p: Points, centre: tuple[float, float], sigma: tuple[float, float], behind: float = -30.0
) -> DoubleArray:
    """A Gaussian hill in x and y, 1 at its centre, on the front of the head only."""
    hill = np.exp(-(((p.x - centre[0]) / sigma[0]) ** 2) - ((p.y - centre[1]) / sigma[1]) ** 2)
    front: DoubleArray = hill * smoothstep(behind - 15, behind + 5, p.z)
    return front


def along(weight: DoubleArray, *direction: float) -> DoubleArray:
    moved: DoubleArray = weight[:, None] * np.array(direction)
    return moved


def left_half(p: Points, width: float = 6.0) -> DoubleArray:
    """1 on the own left, 0 on the right, and with its mirror image 1 everywhere."""
    return smoothstep(-width, width, p.x)
