# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras. Axes: +x right, +y down, +z forward; pixel centres lie at .5."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talkrt.errors import Error

DoubleArray = NDArray[np.float64]


class Camera(NamedTuple):
    """Unpacks into what Session.draw takes."""

    viewmat: DoubleArray  # [4, 4] world to camera: a rotation, then a translation
    K: DoubleArray  # [3, 3] pixels
    size: tuple[int, int]  # width, height

    @property
    def position(self) -> DoubleArray:
        """Where the camera stands in the world, [3]."""
        eye: DoubleArray = -self.viewmat[:3, :3].T @ self.viewmat[:3, 3]
        return eye

    def resized(self, size: tuple[int, int]) -> Camera:
        """For a picture of another size: the vertical field of view stays, and so does the place of
        the principal point relative to the centre, in units of the height."""
        scale = size[1] / self.size[1]
        K = self.K * [[scale], [scale], [1.0]]
        K[0, 2] = size[0] / 2 + (self.K[0, 2] - self.size[0] / 2) * scale
        return Camera(self.viewmat, K, size)

    def dollied(self, target: ArrayLike, factor: float) -> Camera:
        """Moved along its axis until `target` is `factor` times as deep."""
        viewmat = self.viewmat.copy()
        depth = viewmat[2, :3] @ np.asarray(target, np.float64) + viewmat[2, 3]
        viewmat[2, 3] += (factor - 1.0) * depth
        return Camera(viewmat, self.K, self.size)


def look_at(position: ArrayLike, target: ArrayLike, up: ArrayLike) -> DoubleArray:
    """The viewmat of a camera at `position` that sees `target` at its centre, upright.

    Raises Error when they leave open where to look or how to stand."""
    eye, aim, above = (np.asarray(value, np.float64) for value in (position, target, up))
    forward, right = aim - eye, np.cross(aim - eye, above)
    far, wide = np.linalg.norm(forward), np.linalg.norm(right)
    if not far > 0.0:
        raise Error(f"a camera at {_text(eye)} cannot look at that same point")
    if not wide > 1e-9 * far * max(float(np.linalg.norm(above)), 1e-300):
        raise Error(f"a camera that looks along its own up, {_text(above)}, has no right side")
    forward, right = forward / far, right / wide
    viewmat = np.eye(4)
    viewmat[:3, :3] = right, np.cross(forward, right), forward
    viewmat[:3, 3] = -viewmat[:3, :3] @ eye
    return viewmat


def pinhole(fov: float, size: tuple[int, int]) -> DoubleArray:
    """K of a camera with square pixels that sees `fov` degrees from top to bottom."""
    width, height = size
    focal = height / 2 / np.tan(np.radians(fov) / 2)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float64)


def _text(point: DoubleArray) -> str:
    return "[" + ", ".join(f"{value:g}" for value in point) + "]"
