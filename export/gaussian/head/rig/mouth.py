# SPDX-License-Identifier: Apache-2.0
"""Fields of the lips and what hangs on them, for the own left side or the middle.

The sizes follow measurements of a mean head: the gap between the lips, in mm, is
33 jawOpen - 39 mouthClose + 13.7 mouthFunnel + 6.8 lowerDown + 7.1 upperUp + ..., the width of
the mouth 51 + 14 smile + 13 stretch - 9.3 pucker - 6.8 funnel. Speech targets are written against
these numbers, so a test holds the rendered lips to them.
"""

from __future__ import annotations

import numpy as np

from ..landmarks import MOUTH_CORNER, MOUTH_HALF_WIDTH, mouth_line
from .anatomy import jaw_slide, opening
from .fields import DoubleArray, Field, Points, along, bump, left_half, smoothstep

HALF_LIP = 14.0  # mm over which one half of a lip gives way to the other
CLOSE_SHARE_LOWER = 0.78  # of the way that mouthClose closes; the upper lip comes down the rest


def height(p: Points) -> DoubleArray:
    """Above the line of the mouth, mm."""
    return p.y - mouth_line(p.x)


def front(p: Points) -> DoubleArray:
    return smoothstep(-30, -8, p.z)


def upper_lip(p: Points, reach: float = 19.0) -> DoubleArray:
    """1 on the upper lip, fading to 0 at the base of the nose."""
    v = height(p)
    return np.where(p.upper, 1 - smoothstep(6.0, reach, v), 0.0) * front(p)


def lower_lip(p: Points, reach: float = 24.0) -> DoubleArray:
    """1 on the lower lip, fading to 0 at the chin."""
    v = -height(p)
    return np.where(p.upper, 0.0, 1 - smoothstep(8.0, reach, v)) * front(p)


def lips(p: Points) -> DoubleArray:
    """1 on the red of both lips, soft at its border and beyond the corners."""
    v = height(p)
    tall = np.where(p.upper, 1 - smoothstep(5.0, 12.0, v), 1 - smoothstep(7.0, 15.0, -v))
    wide = 1 - smoothstep(MOUTH_HALF_WIDTH - 2, MOUTH_HALF_WIDTH + 8, np.abs(p.x))
    return tall * wide * front(p)


def corner(p: Points, tall: float = 13.0, wide: float = 13.0, ramp: float = 1.5) -> DoubleArray:
    """1 at the own left corner, carried along the lips to 0 in the middle."""
    s = np.clip(p.x / MOUTH_HALF_WIDTH, 0, 1)
    beyond = np.exp(-((np.maximum(p.x - MOUTH_CORNER[0], 0) / wide) ** 2))
    return s**ramp * beyond * np.exp(-((height(p) / tall) ** 2)) * front(p)


def around(p: Points, wide: float = 22.0, tall: float = 17.0) -> DoubleArray:
    """A soft hill over the whole mouth."""
    return np.exp(-((p.x / wide) ** 4) - (height(p) / tall) ** 2) * front(p)


def thinned(p: Points, amount: float) -> DoubleArray:
    """Lips flattened towards their line; what lies beyond them follows and fades out."""
    v = height(p)
    return along(-amount * v * np.exp(-((v / 9.0) ** 2)) * lips(p), 0, 1, 0)


def level(p: Points, amount: float) -> DoubleArray:
    """Rounded lips do not smile: the ends of their line come down to its middle."""
    bow = mouth_line(p.x) - mouth_line(0.0)
    return along(-amount * bow * around(p, 34.0, 15.0), 0, 1, 0)


def jaw_open(p: Points) -> DoubleArray:
    """What is not rotation: the lips lag behind the teeth, the corners and cheeks draw in."""
    e = opening(p)
    out = along(lower_lip(p) * e, 0, 5.8, 0.8) + along(upper_lip(p) * e, 0, -0.8, 0)
    side = np.sign(p.x) * np.clip(np.abs(p.x) / MOUTH_HALF_WIDTH, 0, 1) ** 1.5
    reach = np.exp(
        -((np.maximum(np.abs(p.x) - MOUTH_CORNER[0], 0) / 14) ** 2) - (height(p) / 15) ** 2
    )
    out[:, 0] -= 2.9 * side * reach * front(p)
    hollow = np.exp(-(((np.abs(p.x) - 44) / 13) ** 2) - ((p.y + 58.5) / 17) ** 2) * front(p)
    return out - np.stack([np.sign(p.x) * 2.2 * hollow, 0 * hollow, 0.8 * hollow], axis=1)


def mouth_close(p: Points) -> DoubleArray:
    """Lips brought together against an open jaw, per unit: a little more than the jaw opens."""
    e = opening(p)
    gap = 39.0 * e
    down = -(1 - CLOSE_SHARE_LOWER) * gap * upper_lip(p, 17.0)
    up = CLOSE_SHARE_LOWER * gap * lower_lip(p, 25.0)
    # The open jaw also draws the lower lip back; sealing brings it forward again.
    back = -jaw_slide(p)[:, 2] * 0.8 * lower_lip(p, 25.0)
    return np.stack([np.zeros_like(e), down + up, back], axis=1)


def smile(p: Points) -> DoubleArray:
    k = corner(p, tall=14.0, wide=13.0, ramp=1.9)
    half = left_half(p)
    middle = np.exp(-((p.x / 17) ** 2) - (height(p) / 10) ** 2) * front(p) * half
    cheek = bump(p, (43, -32.4), (16, 14))
    out = along(k, 7.0, 8.0, -6.5) + along(cheek, 1.2, 4.2, 3.2) + along(middle, 0, 0.7, -1.8)
    return out + thinned(p, 0.16) * half[:, None]


def frown(p: Points) -> DoubleArray:
    k = corner(p, tall=12.0, wide=11.0, ramp=2.0)
    pull = bump(p, (23, -80.6), (13, 10))
    return along(k, 2.0, -5.6, -2.4) + along(pull, 0.3, -2.2, 0.4)


def dimple(p: Points) -> DoubleArray:
    k = corner(p, tall=10.0, wide=9.0, ramp=2.0)
    return along(k, 1.6, 2.4, -5.0)


def stretch(p: Points) -> DoubleArray:
    k = corner(p, tall=15.0, wide=14.0, ramp=1.3)
    neck = bump(p, (29, -85.2), (16, 14))
    out = along(k, 6.5, -2.0, -5.0) + along(neck, 1.5, -2.0, 0)
    return out + thinned(p, 0.14) * left_half(p)[:, None]


def press(p: Points) -> DoubleArray:
    half = left_half(p)
    flat = thinned(p, 0.30) + along(lips(p), 0, 0, -1.6)
    squeeze = (
        along(lower_lip(p, 16.0), 0, 1.25, 0) + along(upper_lip(p, 14.0), 0, -0.9, 0)
    ) * opening(p)[:, None]
    bulge = along(bump(p, (12, -79.5), (14, 6)), 0, 0.3, 1.0)
    return (flat + squeeze) * half[:, None] + bulge + along(corner(p), -0.3, 0.6, -1.0)


def pucker(p: Points) -> DoubleArray:
    """A kiss: corners in, everything forward, lips thick."""
    near = around(p, 29.0, 17.0)
    inward = 0.27 * p.x * np.exp(-((p.x / 37) ** 4) - (height(p) / 19) ** 2) * front(p)
    rounded = np.exp(-((p.x / 21) ** 2) - (height(p) / 17) ** 2) * front(p)
    out = along(near, 0, 0, 3.6) + along(rounded, 0, 0, 5.4)
    out[:, 0] -= inward
    # The middle of both lips swells and rolls out.
    swell = np.exp(-((p.x / 13) ** 2)) * lips(p)
    v = height(p)
    out[:, 1] += 0.16 * v * swell * np.exp(-((v / 10) ** 2))
    out[:, 1] += np.where(p.upper, -0.5, 0.5) * swell
    return out + level(p, 0.8)


def funnel(p: Points) -> DoubleArray:
    """Lips pushed out and apart, corners in: an O."""
    e = opening(p) ** 1.3
    near = around(p, 27.0, 17.0)
    inward = 0.16 * p.x * np.exp(-((p.x / 37) ** 4) - (height(p) / 19) ** 2) * front(p)
    out = along(near * (0.45 + 0.55 * e), 0, 0, 6.6)
    out += along(upper_lip(p) * e, 0, 5.6, 0.6) + along(lower_lip(p, 27.0) * e, 0, -8.1, 0)
    out[:, 0] -= inward
    return out + level(p, 0.6)


def mouth_left(p: Points) -> DoubleArray:
    shift = np.exp(-((p.x / 35) ** 4) - (height(p) / 21) ** 2) * front(p)
    cheek = bump(p, (42, -54.7), (16, 20))
    return along(shift, 9.0, 0, 0) + along(cheek, 1.0, 0.8, 1.6) + along(corner(p), 0, 0, -2.0)


def roll_lower(p: Points) -> DoubleArray:
    """The red of the lower lip turns in over the teeth; the skin below follows up."""
    e = opening(p) ** 0.5
    v = -height(p)
    red = np.where(p.upper, 0.0, 1 - smoothstep(3.0, 15.0, v)) * e * front(p)
    return along(red, 0, 1.2, -6.0) + along(lower_lip(p, 20.0) * e, 0, 2.5, 0)


def roll_upper(p: Points) -> DoubleArray:
    e = opening(p) ** 0.5
    red = np.where(p.upper, 1 - smoothstep(2.0, 12.0, height(p)), 0.0) * e * front(p)
    return along(red, 0, 2.4, -5.0) + along(upper_lip(p, 14.0) * e, 0, -0.6, 0)


def shrug_lower(p: Points) -> DoubleArray:
    """The chin boss pushes the lower lip up and out, and the upper lip a little with it."""
    chin = bump(p, (0, -94.3), (20, 14))
    e = opening(p) ** 0.5
    out = along(chin, 0, 5.0, 1.2) + along(lower_lip(p, 28.0) * e, 0, 6.2, 1.8)
    return (
        out
        + along(upper_lip(p) * e, 0, 0.6, 0.4)
        + along(
            np.exp(-(((np.abs(p.x) - MOUTH_CORNER[0]) / 9) ** 2) - (height(p) / 9) ** 2) * front(p),
            0,
            -1.0,
            0,
        )
    )


def shrug_upper(p: Points) -> DoubleArray:
    return along(upper_lip(p, 24.0) * opening(p) ** 0.5, 0, 5.3, 1.0)


def upper_up(p: Points) -> DoubleArray:
    side = left_half(p, HALF_LIP)
    peak = 0.75 + 0.25 * np.exp(-(((p.x - 10) / 9) ** 2))
    fold = bump(p, (19, -45.3), (11, 10))
    lift = upper_lip(p, 22.0) * opening(p) ** 0.5 * side * peak
    return along(lift, 0.6, 8.4, -1.0) + along(fold, 0.8, 2.2, 0.6)


def lower_down(p: Points) -> DoubleArray:
    side = left_half(p, HALF_LIP)
    peak = 0.75 + 0.25 * np.exp(-(((p.x - 9) / 9) ** 2))
    drop = lower_lip(p, 26.0) * opening(p) ** 0.5 * side * peak
    return along(drop, 0.6, -8.0, -1.0)


def cheek_puff(p: Points) -> DoubleArray:
    """Both cheeks; outwards from the middle of the mouth's bag."""
    outward = p.xyz - np.array([0.0, -53.0, -20.0])
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    cheek = np.exp(-(((np.abs(p.x) - 41) / 15) ** 2) - ((p.y + 52.8) / 19) ** 2)
    lip = np.exp(-((p.x / 24) ** 4) - ((height(p) - 3) / 9) ** 2) * 0.22
    puff: DoubleArray = outward * ((cheek + lip) * 9.0 * smoothstep(-50, -20, p.z))[:, None]
    return puff


MIDDLE: dict[str, Field] = {
    "jawOpen": jaw_open,
    "mouthClose": mouth_close,
    "mouthFunnel": funnel,
    "mouthPucker": pucker,
    "mouthRollLower": roll_lower,
    "mouthRollUpper": roll_upper,
    "mouthShrugLower": shrug_lower,
    "mouthShrugUpper": shrug_upper,
    "cheekPuff": cheek_puff,
}
LEFT: dict[str, Field] = {
    "mouthLeft": mouth_left,
    "mouthSmile": smile,
    "mouthFrown": frown,
    "mouthDimple": dimple,
    "mouthStretch": stretch,
    "mouthPress": press,
    "mouthUpperUp": upper_up,
    "mouthLowerDown": lower_down,
}
