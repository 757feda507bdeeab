# SPDX-License-Identifier: Apache-2.0
"""The tongue slides out along a path: up over the lower teeth, across the lip, then down.

Two shapes: a lift that is complete early, so that a tip between the teeth needs no more, and the
slide. Points keep their place across the tongue while its middle line follows the path.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..landmarks import LOWER_TEETH_EDGE_Y, MOUTH_CORNER
from .fields import DoubleArray, smoothstep
from .members import Member
from .motion import Motion, moved

LIFT_SLIDE, FULL_SLIDE = 4.0, 27.0  # mm that the tip has come forward
GATE_Y = LOWER_TEETH_EDGE_Y + 3.2  # height of the middle line over teeth and lip
LIP_Z = MOUTH_CORNER[2] + 12.5  # where the path leaves the lip and bends down
BEND_RADIUS = 10.0
FLATTER = 0.45  # of the tongue's thickness is lost at its tip


def lift(member: Member) -> Motion:
    return _slid(member, LIFT_SLIDE)


def out(member: Member) -> Motion:
    """The rest of the way after the lift."""
    return _slid(member, FULL_SLIDE).plus(_slid(member, LIFT_SLIDE), -1.0)


def _slid(member: Member, slide: float) -> Motion:
    v = member.uv[:, 1]
    reach = smoothstep(0.1, 0.95, v)
    line = _middle_line(member)
    before_y = np.interp(member.points.z, *line)
    along = member.points.z + slide * reach
    y, z, angle = _path(along, line, smoothstep(0.0, LIFT_SLIDE, np.array([slide])).item())
    thin = 1 - FLATTER * smoothstep(0.3, 0.9, v)
    offset = (member.points.y - before_y) * thin
    narrow = 1 - 0.16 * smoothstep(0.3, 0.9, v)
    target = np.stack(
        [member.points.x * narrow, y + offset * np.cos(angle), z + offset * np.sin(angle)], axis=1
    )
    stretch = 1 + slide * 0.035 * smoothstep(0.1, 0.4, v)
    zero, one = np.zeros_like(v), np.ones_like(v)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[one, zero, zero], [zero, c, -s], [zero, s, c]])
    scale = np.array([[narrow, zero, zero], [zero, thin, zero], [zero, zero, stretch]])
    gradient = np.moveaxis(turn, -1, 0) @ np.moveaxis(scale, -1, 0)
    return moved(member, target - member.points.xyz, gradient - np.eye(3))


def _middle_line(member: Member) -> tuple[DoubleArray, DoubleArray]:
    """Height of the tongue's middle over z, from stations along it."""
    edges = np.linspace(member.points.z.min(), member.points.z.max() + 1e-6, 13)
    z, y = [], []
    for low, high in pairwise(edges):
        inside = (member.points.z >= low) & (member.points.z < high)
        if inside.any():
            z.append((low + high) / 2)
            y.append((member.points.y[inside].min() + member.points.y[inside].max()) / 2)
    return np.array(z), np.array(y)


def _path(
    s: DoubleArray, line: tuple[DoubleArray, DoubleArray], lifted: float
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """y, z and downward angle (radians) of the middle line at `s`, which is z until the lip."""
    rest_y = np.interp(s, *line)
    y = rest_y + (GATE_Y - rest_y) * smoothstep(4.0, 22.0, s) * lifted
    angle = np.clip((s - LIP_Z) / BEND_RADIUS, 0.0, 1.1)
    straight = np.maximum(s - LIP_Z - 1.1 * BEND_RADIUS, 0.0)
    bent_z = LIP_Z + BEND_RADIUS * np.sin(angle) + straight * np.cos(1.1)
    drop = BEND_RADIUS * (1 - np.cos(angle)) + straight * np.sin(1.1)
    return y - drop, np.where(s > LIP_Z, bent_z, s), angle
