# SPDX-License-Identifier: Apache-2.0
"""Where the parts of the head lie: the numbers that appearance and rig share.

Everything here is in MILLIMETRES in the head frame (origin between the eyeball centres, +x the
head's own left, +y up, +z out of the face), for the own left side where a side is meant: the
head is symmetric in x but for hair, brows and light. Parts themselves are in metres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DoubleArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Eyes. What shows of an eye is an ellipsoid, not a sphere, so that it fills both corners.
EYE_CENTER = (32.0, 0.0, 0.0)
SCLERA_RADII = (18.5, 14.2, 14.2)
IRIS_RADIUS = 8.1
PUPIL_RADIUS = 3.0
# The iris slides on the sclera: to look sideways it turns about a point further back, since the
# ellipsoid is flatter in x. Turn yaw by GAZE_YAW_SHARE of the angle about GAZE_YAW_CENTER, pitch
# in full about EYE_CENTER. At rest the irises already look at the camera.
GAZE_YAW_CENTER = (32.0, 0.0, -9.9)
GAZE_YAW_SHARE = 0.6

# Lids. t runs along the fissure from the inner corner (0) to the outer (1).
FISSURE_X = (14.8, 50.8)
LID_RADIUS = 16.2  # of the lid's outer skin in y and z; its x radius is LID_RADIUS + LID_EXTRA_X
LID_EXTRA_X = 5.45
LID_THICKNESS = 1.5

# Mouth.
MOUTH_HALF_WIDTH = 25.4
MOUTH_CORNER = (25.4, -61.7, 20.6)
UPPER_TEETH_EDGE_Y = -67.0
LOWER_TEETH_EDGE_Y = -64.9

# Jaw: one fixed axis below the condyles stands for their rotation and gliding.
JAW_PIVOT = (0.0, -42.0, -62.0)
JAW_DEGREES = 25.0  # at jawOpen = 1

SKULL_PIVOT = (0.0, -28.0, -70.0)
EAR_CENTER = (72.5, -12.0, -64.0)


def fissure_profile(t: ArrayLike, peak: float, power: float) -> DoubleArray:
    """A hump over the fissure: 0 at both corners, 1 at t = peak."""
    u = np.clip(np.asarray(t, np.float64), 0.0, 1.0)
    hump: DoubleArray = np.sin(np.pi * u ** (np.log(0.5) / np.log(peak))) ** power
    return hump


def fissure_x(t: ArrayLike) -> DoubleArray:
    return FISSURE_X[0] + (FISSURE_X[1] - FISSURE_X[0]) * np.asarray(t, np.float64)


def fissure_t(x: ArrayLike) -> DoubleArray:
    """Inverse of fissure_x, within 0..1."""
    span = FISSURE_X[1] - FISSURE_X[0]
    return np.clip((np.abs(np.asarray(x, np.float64)) - FISSURE_X[0]) / span, 0.0, 1.0)


def corner_line(t: ArrayLike) -> DoubleArray:
    """Height of the line from the inner to the outer corner: the outer one is higher."""
    return -2.9 + 3.5 * np.asarray(t, np.float64)


def lower_edge_y(t: ArrayLike) -> DoubleArray:
    """Height of the lower lid's edge, eyes open."""
    return corner_line(t) - 5.3 * fissure_profile(t, 0.58, 0.75)


def upper_edge_y(t: ArrayLike, blink: float = 0.0) -> DoubleArray:
    """Height of the upper lid's edge; at blink 1 it overlaps the lower lid by .4 mm."""
    opened = corner_line(t) + 7.8 * fissure_profile(t, 0.45, 0.68)
    return opened + (lower_edge_y(t) - 0.4 - opened) * blink


def crease_y(t: ArrayLike) -> DoubleArray:
    """Height of the crease above the upper lid."""
    u = 0.02 + 0.96 * np.asarray(t, np.float64)
    return corner_line(t) + 1.0 + 11.7 * fissure_profile(u, 0.46, 0.62)


def lid_z(x: ArrayLike, y: ArrayLike, radius: ArrayLike = LID_RADIUS) -> DoubleArray:
    """Depth of the ellipsoid that the lids slide on, own left eye."""
    r = np.asarray(radius, np.float64)
    u = (np.asarray(x, np.float64) - EYE_CENTER[0]) / (r + LID_EXTRA_X)
    v = (np.asarray(y, np.float64) - EYE_CENTER[1]) / r
    return EYE_CENTER[2] + r * np.sqrt(np.maximum(0.02, 1 - u * u - v * v))


def mouth_line(x: ArrayLike) -> DoubleArray:
    """Height of the line where the lips meet; a slight smile lifts its ends."""
    ax = np.minimum(np.abs(np.asarray(x, np.float64)), MOUTH_HALF_WIDTH)
    bow = 0.6 * np.exp(-(((ax - 7.5) / 4.5) ** 2)) + 3.0 * (ax / MOUTH_HALF_WIDTH) ** 2.4
    line: DoubleArray = -64.7 + bow
    return line


def brow_line(u: ArrayLike) -> DoubleArray:
    """[N, 2] x and y of the middle of the own left brow; u runs from inner (0) to outer (1) end."""
    s = np.clip(np.asarray(u, np.float64), 0.0, 1.0)
    fall = np.clip((s - 0.62) / 0.38, 0, 1)
    y = 19.4 + 5.2 * np.sin(np.pi * s**1.4 * 0.9) - 2.4 * fall * fall * (3 - 2 * fall)
    return np.stack([13.0 + 43.0 * s, y], axis=-1)
