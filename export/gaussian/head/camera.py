# SPDX-License-Identifier: Apache-2.0
"""The portrait camera of the synthetic head, and the picture behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TARGET = np.array([0.0, -0.033, -0.06])  # metres, in the middle of the frame
DISTANCE = 1.01  # metres from the target
ELEVATION_DEGREES = 4.0  # a little above the eyes, as portraits are taken
FRAME_HEIGHT = 0.366  # metres that the frame shows at the target

GLOW_CENTER = (0.42, 0.42)  # of width and height: brighter behind the shadow side
BACKDROP_DARK = np.array([0.205, 0.225, 0.25])
BACKDROP_LIGHT = np.array([0.40, 0.43, 0.465])


def viewmat() -> NDArray[np.float64]:
    """[4, 4] world to camera: +x right, +y down, +z forward."""
    a = np.radians(ELEVATION_DEGREES)
    right = np.array([1.0, 0.0, 0.0])
    forward = np.array([0.0, -np.sin(a), -np.cos(a)])
    view = np.eye(4)
    view[:3, :3] = right, np.cross(forward, right), forward
    view[:3, 3] = -view[:3, :3] @ (TARGET - DISTANCE * forward)
    return view


def intrinsics(width: int = 512, height: int = 512) -> NDArray[np.float64]:
    """[3, 3] in pixels."""
    focal = height * DISTANCE / FRAME_HEIGHT
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])


def background(size: int = 64) -> NDArray[np.uint8]:
    """[size, size, 3] a soft glow on a dark wall."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    glow = np.exp(-((x - GLOW_CENTER[0]) ** 2 + (y - GLOW_CENTER[1]) ** 2) / 0.24)[..., None]
    color = BACKDROP_DARK + (BACKDROP_LIGHT - BACKDROP_DARK) * glow
    picture: NDArray[np.uint8] = (color * 255 + 0.5).astype(np.uint8)
    return picture
