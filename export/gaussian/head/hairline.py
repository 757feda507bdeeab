# SPDX-License-Identifier: Apache-2.0
"""Where hair grows: above a line drawn around the head."""

from __future__ import annotations

import numpy as np

from .landmarks import DoubleArray
from .noise import Noise

# Azimuth about the head's axis, degrees from the front, and the height of the line there, mm.
AZIMUTH = (0, 20, 38, 50, 60, 68, 76, 84, 92, 104, 118, 132, 155, 180)
HEIGHT = (67, 67, 62, 50, 32, 12, -14, -6, 20, 12, -18, -52, -70, -74)
AXIS_Z = -62.0
FADE = 9.0  # mm over which the hair grows dense


def coverage(p: DoubleArray, noise: Noise) -> DoubleArray:
    """0 at the line, 1 where hair is dense."""
    azimuth = np.degrees(np.arctan2(np.abs(p[:, 0]), p[:, 2] - AXIS_Z))
    line = np.interp(azimuth, AZIMUTH, HEIGHT)
    c: DoubleArray = (p[:, 1] - line + 1.5 * noise(p, 5.0, 123)) / FADE
    return c
