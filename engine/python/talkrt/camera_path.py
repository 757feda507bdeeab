# SPDX-License-Identifier: Apache-2.0
"""Moving cameras: around a point, between key poses, or picture by picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from talkrt.cameras import Camera, DoubleArray, look_at
from talkrt.errors import Error

MAX_ELEVATION = 89.0  # degrees; straight above, "upright" has no meaning


class CameraPath(Protocol):
    def count(self, fps: Fraction) -> int:
        """Pictures from its beginning to its end."""

    def camera(self, index: int, fps: Fraction) -> Camera:
        """Of picture `index`; may go on after the end."""


@dataclass(frozen=True, slots=True)
class Orbit:
    """Around `target` at the distance of `home`, starting where that stands. Positive degrees turn
    counter-clockwise seen from above. Picture i is at degrees * i / count, so that whole turns loop
    without a doubled picture. A swing goes to either side instead, as a sine."""

    home: Camera
    target: DoubleArray  # [3]
    up: DoubleArray  # [3] unit length
    degrees: float = 360.0
    seconds: float = 8.0
    elevation: float | None = None  # degrees above the target; None: home's
    swing: bool = False

    def count(self, fps: Fraction) -> int:
        return max(1, round(self.seconds * float(fps)))

    def camera(self, index: int, fps: Fraction) -> Camera:
        share = index / self.count(fps)
        turned = math.sin(2 * math.pi * share) if self.swing else share
        return self.at(math.radians(self.degrees * turned))

    def at(self, azimuth: float) -> Camera:
        """`azimuth` in radians from where home stands."""
        offset = self.home.position - self.target
        distance = float(np.linalg.norm(offset))
        if not distance > 0.0:
            raise Error("the plan's camera stands in the point that it should turn about")
        height = float(offset @ self.up)
        level = offset - height * self.up
        if np.linalg.norm(level) < 1e-6 * distance:  # home looks straight down
            level = self.home.viewmat[1, :3] - (self.home.viewmat[1, :3] @ self.up) * self.up
        level = level / np.linalg.norm(level)
        raised = math.degrees(math.asin(max(-1.0, min(1.0, height / distance))))
        elevation = raised if self.elevation is None else self.elevation
        steep = math.radians(max(-MAX_ELEVATION, min(MAX_ELEVATION, elevation)))
        around = math.cos(azimuth) * level + math.sin(azimuth) * np.cross(self.up, level)
        eye = self.target + distance * (math.cos(steep) * around + math.sin(steep) * self.up)
        return Camera(look_at(eye, self.target, self.up), self.home.K, self.home.size)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Exactly these cameras, one a picture; the last one stays."""

    cameras: tuple[Camera, ...]

    def count(self, fps: Fraction) -> int:
        return len(self.cameras)

    def camera(self, index: int, fps: Fraction) -> Camera:
        return self.cameras[min(index, len(self.cameras) - 1)]


@dataclass(frozen=True, slots=True)
class KeyPoses:
    """Through the cameras at their times: positions along a Catmull-Rom curve (each key's velocity
    is the mean over its two neighbours), rotations by slerp, intrinsics linearly. Stands still
    before and after."""

    times: tuple[float, ...]  # seconds, ascending
    cameras: tuple[Camera, ...]

    def count(self, fps: Fraction) -> int:
        span = Fraction(self.times[-1]) - Fraction(self.times[0])
        return int(span * fps) + 1

    def camera(self, index: int, fps: Fraction) -> Camera:
        return self.at(self.times[0] + float(index / fps))

    def at(self, seconds: float) -> Camera:
        last = len(self.times) - 1
        if last == 0 or seconds <= self.times[0]:
            return self.cameras[0]
        if seconds >= self.times[last]:
            return self.cameras[last]
        after = int(np.searchsorted(self.times, seconds, side="right"))
        begin, end = self.times[after - 1], self.times[after]
        s = (seconds - begin) / (end - begin)
        first, second = self.cameras[after - 1], self.cameras[after]
        rotation = _slerp(first.viewmat[:3, :3], second.viewmat[:3, :3], s)
        velocities = self._velocity(after - 1), self._velocity(after)
        eye = _hermite(first.position, second.position, *velocities, s, end - begin)
        viewmat = np.eye(4)
        viewmat[:3, :3] = rotation
        viewmat[:3, 3] = -rotation @ eye
        return Camera(viewmat, (1 - s) * first.K + s * second.K, first.size)

    def _velocity(self, key: int) -> DoubleArray:
        before, after = max(0, key - 1), min(len(self.times) - 1, key + 1)
        moved = self.cameras[after].position - self.cameras[before].position
        return moved / (self.times[after] - self.times[before])


def _hermite(
    p0: DoubleArray, p1: DoubleArray, v0: DoubleArray, v1: DoubleArray, s: float, span: float
) -> DoubleArray:
    ease = s * s * (3 - 2 * s)
    return (
        (1 - ease) * p0
        + ease * p1
        + span * (s * (1 - s) ** 2 * v0 - s * s * (1 - s) * v1)
    )  # fmt: skip


def _slerp(start: DoubleArray, end: DoubleArray, s: float) -> DoubleArray:
    """A share `s` of the turn from one rotation to the other, the short way."""
    a, b = _quaternion(start), _quaternion(end)
    if a @ b < 0:
        b = -b
    angle = math.acos(min(1.0, float(a @ b)))
    if angle < 1e-6:
        mixed = (1 - s) * a + s * b
    else:
        mixed = (math.sin((1 - s) * angle) * a + math.sin(s * angle) * b) / math.sin(angle)
    return _rotation(mixed / np.linalg.norm(mixed))


def _quaternion(R: DoubleArray) -> DoubleArray:
    """w first, from the largest of its four components, which no rounding can spoil."""
    squares = np.array(
        [
            1 + R[0, 0] + R[1, 1] + R[2, 2],
            1 + R[0, 0] - R[1, 1] - R[2, 2],
            1 - R[0, 0] + R[1, 1] - R[2, 2],
            1 - R[0, 0] - R[1, 1] + R[2, 2],
        ]
    )
    products = np.array(
        [
            [squares[0], R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]],
            [R[2, 1] - R[1, 2], squares[1], R[0, 1] + R[1, 0], R[0, 2] + R[2, 0]],
            [R[0, 2] - R[2, 0], R[0, 1] + R[1, 0], squares[2], R[1, 2] + R[2, 1]],
            [R[1, 0] - R[0, 1], R[0, 2] + R[2, 0], R[1, 2] + R[2, 1], squares[3]],
        ]
    )
    row: NDArray[np.float64] = products[int(np.argmax(squares))]
    return row / np.linalg.norm(row)


def _rotation(q: DoubleArray) -> DoubleArray:
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
