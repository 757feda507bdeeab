# SPDX-License-Identifier: Apache-2.0
"""Where hair grows, and the shell it fills above the skull."""

from __future__ import annotations

import numpy as np

from .landmarks import DoubleArray
from .noise import Noise
from .sdf import smoothstep
from .skull import skull

# Azimuth about the head's axis, degrees from the front, and the height of the line there, mm.
AZIMUTH = (0, 20, 36, 48, 58, 66, 74, 82, 90, 104, 118, 132, 155, 180)
HEIGHT = (64, 63, 58, 48, 33, 14, -12, -8, 18, 12, -18, -52, -70, -74)
AXIS_Z = -62.0
FADE = 9.0  # mm over which the hair grows dense
PART_X = 25.0  # mm, where the hair is parted


def above_line(p: DoubleArray) -> DoubleArray:
    """0 at the hairline, 1 where hair is dense, on in the same units."""
    azimuth = np.degrees(np.arctan2(np.abs(p[:, 0]), p[:, 2] - AXIS_Z))
    c: DoubleArray = (p[:, 1] - np.interp(azimuth, AZIMUTH, HEIGHT)) / FADE
    return c


def coverage(p: DoubleArray, noise: Noise) -> DoubleArray:
    """above_line with an edge as irregular as grown hair's."""
    return above_line(p) + 1.5 / FADE * noise(p, 5.0, 123)


def shell_height(p: DoubleArray) -> DoubleArray:
    """Thickness of the hair in mm: it swells smoothly from the line, so that the silhouette is
    clean from every side; fullest over the forehead on the side the hair is swept to."""
    x, y, z = p.T
    inside = above_line(p)
    top = smoothstep(25, 85, y)
    front = smoothstep(-70, 5, z)
    swept = smoothstep(PART_X + 6, PART_X - 30, x)
    full = 5.0 + 9.0 * top + 10.5 * top * front * (0.35 + 0.65 * swept)
    parting = 1 - 0.2 * np.exp(-(((x - PART_X) / 4) ** 2)) * smoothstep(50, 80, y) * front
    rise = smoothstep(-0.4, 2.6, inside) ** 0.8
    h: DoubleArray = full * parting * rise
    return h


def shell(p: DoubleArray) -> DoubleArray:
    """Signed distance, roughly, to the outside of the hair."""
    return skull(p) - shell_height(p)
