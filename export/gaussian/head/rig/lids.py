# SPDX-License-Identifier: Apache-2.0
"""The lids as they really move: on arcs over the eyeball, stopped by each other.

The upper lid is a patch with parameters (t, v): t from the inner to the outer corner, v from its
edge (0) to the crease (1). Its pose is a function of where its edge stands, and the edge is a
function of all channels that move it. Shapes are differences of that function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..landmarks import (
    LID_RADIUS,
    LID_THICKNESS,
    crease_y,
    fissure_t,
    fissure_x,
    lid_z,
    lower_edge_y,
    upper_edge_y,
)
from .fields import DoubleArray, Points, along, smoothstep

V_EDGE = -0.14  # v of the inner border of the lid, LID_THICKNESS below its outer skin
OVERLAP = 0.4  # mm that closed lids overlap
DOWN_FOLLOW = 0.40  # of the open height that the upper lid drops when the eye looks down
UP_FOLLOW = 2.8  # mm that it rises when the eye looks up
WIDE = 3.8  # mm
SQUINT_UPPER = 0.8  # mm that the upper lid drops in a squint
SQUINT_LOWER = 2.7  # mm that the lower lid rises
DOWN_LOWER = 1.6  # mm that the lower lid drops when the eye looks down
UP_LOWER = 0.7
BLINK_LOWER = 1.0
CHEEK_LOWER = 1.6


@dataclass(frozen=True, slots=True)
class LidPose:
    """Channels of one eye that move its lids, each 0 to 1."""

    blink: float = 0.0
    look_down: float = 0.0
    look_up: float = 0.0
    wide: float = 0.0
    squint: float = 0.0
    cheek: float = 0.0


REST = LidPose()


def fullness(t: DoubleArray, power: float = 0.7) -> DoubleArray:
    """0 at the corners of the eye, 1 in its middle."""
    full: DoubleArray = np.sin(np.pi * np.clip(t, 0.0, 1.0)) ** power
    return full


def lower_rise(pose: LidPose) -> float:
    """mm that the middle of the lower lid rises: a plain sum, so that only the upper lid needs
    correctives."""
    return (
        SQUINT_LOWER * pose.squint
        + BLINK_LOWER * pose.blink
        + CHEEK_LOWER * pose.cheek
        - DOWN_LOWER * pose.look_down
        + UP_LOWER * pose.look_up
    )


def edge_height(t: DoubleArray, pose: LidPose) -> DoubleArray:
    """y of the upper lid's edge; closed, it stops on the lower lid wherever that stands."""
    open_edge, low = upper_edge_y(t), lower_edge_y(t)
    tall = fullness(t, 0.6)
    edge = open_edge - (open_edge - low) * DOWN_FOLLOW * pose.look_down
    edge += tall * (UP_FOLLOW * pose.look_up + WIDE * pose.wide - SQUINT_UPPER * pose.squint)
    shut = low + fullness(t) * lower_rise(pose) - OVERLAP
    return np.maximum(edge + (shut - edge) * pose.blink, shut)


def upper_lid(t: DoubleArray, v: DoubleArray, pose: LidPose) -> DoubleArray:
    """[N, 3] points of the own left upper lid."""
    edge, top = edge_height(t, pose), crease_y(t)
    full = np.maximum(upper_edge_y(t) - lower_edge_y(t), 0.5)
    shut = np.clip((upper_edge_y(t) - edge) / full, -0.3, 1.0)
    up = np.clip(v, 0.0, None)
    x = fissure_x(t)
    y = edge + (top + 0.6 - 0.9 * shut - edge) * up
    # Open, the upper part of the lid is tucked under the fold; closed, it comes out flush.
    tuck = (1.9 * (1 - shut) + 0.25 * shut) * smoothstep(0.62, 1.05, up)
    bulge = 0.3 * np.sin(np.pi * np.clip(up, 0, 1))
    radius = LID_RADIUS + bulge - tuck - np.minimum(v, 0) / V_EDGE * LID_THICKNESS
    return np.stack([x, y, lid_z(x, y, radius)], axis=1)


def upper_lid_frames(t: DoubleArray, v: DoubleArray, pose: LidPose) -> DoubleArray:
    """[N, 3, 3]: along the lid, up the lid, and outwards with unit length."""
    step = 0.01
    across = (upper_lid(t + step, v, pose) - upper_lid(t - step, v, pose)) / (2 * step)
    up = (upper_lid(t, v + step, pose) - upper_lid(t, v - step, pose)) / (2 * step)
    out = np.cross(across, up)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return np.stack([across, up, out], axis=-1)


def edge_turn(t: DoubleArray, pose: LidPose) -> DoubleArray:
    """Degrees that the lid's edge has turned down about the middle of the eye."""
    at_rest, posed = (upper_lid(t, np.zeros_like(t), p) for p in (REST, pose))
    angle = [np.arctan2(point[:, 1], point[:, 2]) for point in (at_rest, posed)]
    turn: DoubleArray = np.degrees(angle[0] - angle[1])
    return turn


def lower_lid(p: Points) -> DoubleArray:
    """1 at the own left lower lid's edge and rim, fading down the cheek; 0 above the eye."""
    t = np.where(p.x > 0, fissure_t(p.x), 0.0)
    below = lower_edge_y(t) - p.y
    fade = np.where(below > 0, np.exp(-((below / 6.0) ** 2)), 1 - smoothstep(1.6, 4.0, -below))
    return fullness(t, 0.8) * fade * smoothstep(-8, 2, p.z)


def lower_field(pose: LidPose, p: Points) -> DoubleArray:
    rise = lower_rise(pose)
    nasal = -0.5 * pose.squint - 0.6 * pose.blink
    weight = lower_lid(p)
    # Up along the eyeball, which bulges forward above the lower lid.
    forward = rise * np.clip(-p.y / LID_RADIUS, 0.0, 0.6)
    return np.stack([nasal * weight, rise * weight, forward * weight], axis=1)


def fold(p: Points) -> DoubleArray:
    """1 on the skin just above the crease of the own left upper lid."""
    t = np.where(p.x > 0, fissure_t(p.x), 0.0)
    above = p.y - crease_y(t)
    band = np.where(above > 0, np.exp(-((above / 5.0) ** 2)), np.exp(-((above / 3.0) ** 2)))
    return fullness(t, 0.5) * band * smoothstep(-8, 2, p.z)


def fold_field(pose: LidPose, p: Points) -> DoubleArray:
    """The fold unrolls as the lid comes down, and rolls up as it rises."""
    down = (
        1.3 * pose.blink
        + 0.9 * pose.look_down
        - 0.9 * (pose.look_up + pose.wide)
        + 0.8 * pose.squint
    )
    return along(fold(p), 0, -down, -0.25 * down)
