# SPDX-License-Identifier: Apache-2.0
"""Shading that moves with the face: folds that deepen, cheeks that catch the light.

The neutral head carries its light baked in, so a fold that forms has to bring its own shadow. Each
function gives the relative change of colour [N] at coefficient 1, for the own left side or the
middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from .fields import DoubleArray, Points, bump, smoothstep

Shade = Callable[[Points], DoubleArray]


def crease(
    p: Points, line: Sequence[tuple[float, float]], width: float, depth: float, ridge: float = 0.35
) -> DoubleArray:
    """A dark line along the polyline, with a lit ridge to its right as one walks along it."""
    xy = p.xyz[:, :2]
    nearest = np.full(len(xy), np.inf)
    signed = np.zeros(len(xy))
    position = np.zeros(len(xy))
    points = np.array(line, np.float64)
    for i, (a, b) in enumerate(pairwise(points)):
        ab = b - a
        t = np.clip(((xy - a) @ ab) / (ab @ ab), 0, 1)
        off = xy - a - t[:, None] * ab
        distance = np.hypot(off[:, 0], off[:, 1])
        closer = distance < nearest
        nearest = np.where(closer, distance, nearest)
        signed = np.where(closer, np.sign(ab[1] * off[:, 0] - ab[0] * off[:, 1]), signed)
        position = np.where(closer, (i + t) / (len(points) - 1), position)
    taper = np.sin(np.pi * np.clip(0.06 + 0.88 * position, 0, 1)) ** 0.7
    dark = np.exp(-((nearest / width) ** 2))
    lit = np.where(signed > 0, np.exp(-(((nearest - 2.1 * width) / (1.3 * width)) ** 2)), 0.0)
    return (ridge * lit - dark) * depth * taper * smoothstep(-25, -10, p.z)


def smile(p: Points) -> DoubleArray:
    fold = crease(p, [(31.5, -61.7), (30.0, -54.7), (24.5, -46.8), (17, -38.3)], 3.1, 0.14)
    apple = bump(p, (41, -28.5), (12, 9))
    under = bump(p, (38, -46.0), (10, 8))
    corner = bump(p, (29.5, -61.1), (2.6, 3.4))
    return fold + 0.05 * apple - 0.05 * under - 0.14 * corner


def frown(p: Points) -> DoubleArray:
    return crease(p, [(27, -64.2), (29, -70.3), (29, -78.5)], 1.8, 0.13)


def dimple(p: Points) -> DoubleArray:
    return -0.18 * bump(p, (31, -61.1), (2.4, 4.2)) + 0.04 * bump(p, (36, -58.4), (4, 5))


def stretch(p: Points) -> DoubleArray:
    return crease(p, [(33, -72.4), (33.5, -62.0), (29, -53.1)], 2.2, 0.09)


def upper_up(p: Points) -> DoubleArray:
    return crease(p, [(27, -58.4), (22, -47.8), (15.5, -37.9)], 3.3, 0.09)


def nose_sneer(p: Points) -> DoubleArray:
    fold = crease(p, [(26, -54.9), (21, -46.0), (14.5, -36.2)], 3.3, 0.10)
    bunny = crease(p, [(4, -9), (9, -13), (12, -17)], 1.3, 0.10)
    bunny += crease(p, [(3, -3), (8, -6), (11, -10)], 1.2, 0.08)
    return fold + bunny


def cheek_squint(p: Points) -> DoubleArray:
    under = crease(p, [(20, -13), (32, -16.5), (44, -13.5)], 1.6, 0.09)
    feet = crease(p, [(55, 0), (61, 3)], 0.9, 0.08) + crease(p, [(55, -4), (62, -5)], 0.9, 0.08)
    return under + feet + 0.05 * bump(p, (42, -22.5), (12, 8))


def eye_squint(p: Points) -> DoubleArray:
    return crease(p, [(19, -10), (31, -13.5), (43, -11)], 1.5, 0.10)


def brow_inner_up(p: Points) -> DoubleArray:
    """Forehead lines, broken and uneven, over the middle of the face."""
    across = np.exp(-((np.abs(p.x) / 27) ** 4)) * smoothstep(-10, 10, p.z)
    wave = p.y - 1.6 * np.cos(p.x / 11.0) - 0.5 * np.sin(p.x / 4.3)
    lines = sum(
        depth * np.exp(-(((wave - level) / 1.5) ** 2))
        - 0.5 * depth * np.exp(-(((wave - level - 3.4) / 2.0) ** 2))
        for level, depth in ((35.0, 0.085), (43.0, 0.075), (51.0, 0.05))
    )
    return -np.asarray(lines) * across


def brow_outer_up(p: Points) -> DoubleArray:
    first = crease(p, [(58, 29), (45, 36), (30, 37)], 1.5, 0.07)
    return first + crease(p, [(54, 38), (42, 43.5), (30, 44)], 1.5, 0.05)


def brow_down(p: Points) -> DoubleArray:
    """The two upright lines between the brows, and the shadow of the brow on the lid."""
    upright = crease(p, [(5.5, 13), (6.8, 20), (6.0, 29)], 1.6, 0.16)
    return upright - 0.08 * bump(p, (20, 13), (10, 4.5))


def shrug_lower(p: Points) -> DoubleArray:
    across = np.exp(-((np.abs(p.x) / 15) ** 4)) * smoothstep(0, 10, p.z)
    return -0.12 * np.exp(-(((p.y + 79.5 + 0.012 * p.x**2) / 2.6) ** 2)) * across


def press(p: Points) -> DoubleArray:
    return -0.10 * bump(p, (29.5, -62.0), (2.6, 4.0))


def jaw_open(p: Points) -> DoubleArray:
    """Both sides: the fold from the nose stretches into a soft line, the cheek hollows."""
    q = Points(np.abs(p.xyz * [1, 0, 0]) + p.xyz * [0, 1, 1], p.upper)
    fold = crease(q, [(34, -74.4), (31, -58.4), (17, -38.8)], 3.0, 0.08)
    return fold - 0.07 * bump(q, (46, -56.6), (9, 14))


MIDDLE: dict[str, Shade] = {
    "jawOpen": jaw_open,
    "browInnerUp": brow_inner_up,
    "mouthShrugLower": shrug_lower,
}
LEFT: dict[str, Shade] = {
    "mouthSmile": smile,
    "mouthFrown": frown,
    "mouthDimple": dimple,
    "mouthStretch": stretch,
    "mouthUpperUp": upper_up,
    "mouthPress": press,
    "noseSneer": nose_sneer,
    "cheekSquint": cheek_squint,
    "eyeSquint": eye_squint,
    "browOuterUp": brow_outer_up,
    "browDown": brow_down,
}
