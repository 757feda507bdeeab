# SPDX-License-Identifier: Apache-2.0
"""Camera paths as JSON.

{"size": [512, 512],
 "keys": [{"t": 0, "position": [0, 0, 0.7], "target": [0, 0, 0], "up": [0, 1, 0], "fov": 26},
          {"t": 2, "viewmat": [16 numbers, row-major, or 4 rows], "K": [9 numbers, or 3 rows]}]}

`keys` are passed through at their times (seconds; without any, one a second); `frames` instead of
`keys`, without times, are the pictures themselves. A bare list is `keys`. `target`, `up`, and both
`fov` (degrees from top to bottom) and `K` may be left out: the plan's are taken. K is for pictures
of `size`, by default that of the video.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from talkrt.camera_path import CameraPath, KeyPoses, Pictures
from talkrt.cameras import Camera, DoubleArray, look_at, pinhole
from talkrt.errors import Error

MAX_CAMERAS = 1_000_000
_REACH = 1e6  # what the engine draws, and no coordinate exceeds


def read_camera_path(path: Path, home: Camera, target: DoubleArray, up: DoubleArray) -> CameraPath:
    """`home`, `target` and `up` are the plan's, home for the size of the video. Raises Error with
    the field, what was found and what was expected."""
    root = _Value(_load(path), path, "")
    keys: _Value | None = root
    frames: _Value | None = None
    size = home.size
    if not isinstance(root.found, list):
        known = {"keys", "frames", "size"}
        keys, frames = root.member("keys", known), root.member("frames", known)
        stated = root.member("size", known)
        size = home.size if stated is None else _size(stated)
    if (keys is None) == (frames is None):
        root.refuse("an object with keys or with frames, not both, or a list of keys")
    poses = (keys or frames or root).items(1, MAX_CAMERAS)
    reader = _PoseReader(home, target, up, size)
    cameras = tuple(reader.read(pose, timed=frames is None) for pose in poses)
    if frames is not None:
        return Pictures(cameras)
    return KeyPoses(_times(poses), cameras)


@dataclass(frozen=True, slots=True)
class _PoseReader:
    home: Camera
    target: DoubleArray
    up: DoubleArray
    size: tuple[int, int]  # that K is for

    def read(self, pose: _Value, timed: bool) -> Camera:
        known = {"viewmat", "K", "position", "target", "up", "fov"} | ({"t"} if timed else set())
        viewmat, position = pose.member("viewmat", known), pose.member("position", known)
        if (viewmat is None) == (position is None):
            pose.refuse("a viewmat, or a position with target and up")
        matrix = self._looking(pose, position, known) if position else _viewmat(viewmat or pose)
        K, fov = pose.member("K", known), pose.member("fov", known)
        if K is not None and fov is not None:
            pose.refuse("K or fov, not both")
        if K is not None:
            return Camera(matrix, _intrinsics(K), self.size).resized(self.home.size)
        if fov is not None:
            return Camera(matrix, pinhole(fov.number(0.01, 179), self.home.size), self.home.size)
        return Camera(matrix, self.home.K, self.home.size)

    def _looking(self, pose: _Value, position: _Value, known: set[str]) -> DoubleArray:
        target, up = pose.member("target", known), pose.member("up", known)
        aim = self.target if target is None else target.vector()
        above = self.up if up is None else up.vector()
        try:
            return look_at(position.vector(), aim, above)
        except Error as error:
            raise Error(f"{pose.where}: {error}") from None


def _times(poses: Sequence[_Value]) -> tuple[float, ...]:
    stated = [pose.found.get("t") for pose in poses]
    if all(time is None for time in stated):
        return tuple(float(index) for index in range(len(poses)))
    times: list[float] = []
    for pose in poses:
        value = pose.member("t")
        if value is None:
            pose.refuse("a time t: either every key has one or none")
        time = value.number(0.0, 1e6)
        if times and time <= times[-1]:
            value.refuse(f"more than {times[-1]:g}, the time before")
        times.append(time)
    return tuple(times)


def _viewmat(value: _Value) -> DoubleArray:
    matrix = value.matrix(4, _REACH)
    rotation = matrix[:3, :3]
    if (matrix[3] != [0, 0, 0, 1]).any():
        value.refuse("a matrix, row-major, whose last row is 0 0 0 1")
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        value.refuse("a rigid matrix: a rotation, then a translation")
    return matrix


def _intrinsics(value: _Value) -> DoubleArray:
    K = value.matrix(3, 1e6)
    if K[0, 1] or K[1, 0] or (K[2] != [0, 0, 1]).any() or not (K[0, 0] > 0 and K[1, 1] > 0):
        value.refuse("fx 0 cx, 0 fy cy, 0 0 1 with fx and fy above 0, in pixels")
    return K


def _size(value: _Value) -> tuple[int, int]:
    sides = [side.found for side in value.items(2, 2)]
    if not all(isinstance(side, int) and 1 <= side <= 8192 for side in sides):
        value.refuse("width and height, each an integer of 1 to 8192")
    return sides[0], sides[1]


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Error(f"{path}: no such camera path", "TALKRT_ERROR_NOT_FOUND") from None
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror})", "TALKRT_ERROR_IO") from None
    except (ValueError, RecursionError) as error:
        raise Error(f"{path}: is not JSON ({error})") from None


@dataclass(frozen=True, slots=True)
class _Value:
    """A JSON value that knows where it stands."""

    found: Any
    path: Path
    name: str

    @property
    def where(self) -> str:
        return f"{self.path}: {self.name}" if self.name else str(self.path)

    def refuse(self, expected: str) -> NoReturn:
        raise Error(f"{self.where} is {_described(self.found)}, expected {expected}")

    def member(self, key: str, known: set[str] | None = None) -> _Value | None:
        if not isinstance(self.found, dict):
            self.refuse("an object")
        if known is not None and (unknown := self.found.keys() - known):
            words = ", ".join(sorted(known))
            raise Error(f"{self.where} has a {min(unknown)!r}, expected some of: {words}")
        if key not in self.found:
            return None
        return _Value(self.found[key], self.path, f"{self.name}.{key}" if self.name else key)

    def items(self, least: int, most: int) -> list[_Value]:
        if not isinstance(self.found, list) or not least <= len(self.found) <= most:
            self.refuse(f"a list of {least}" + ("" if least == most else f" to {most}"))
        name = self.name or "keys"
        return [_Value(item, self.path, f"{name}[{i}]") for i, item in enumerate(self.found)]

    def number(self, least: float, most: float) -> float:
        is_number = isinstance(self.found, int | float) and not isinstance(self.found, bool)
        if not is_number or not least <= self.found <= most or math.isnan(self.found):
            self.refuse(f"a number of {least:g} to {most:g}")
        return float(self.found)

    def vector(self) -> DoubleArray:
        return np.array([item.number(-_REACH, _REACH) for item in self.items(3, 3)])

    def matrix(self, side: int, reach: float) -> DoubleArray:
        """Square, as rows or as one list."""
        if isinstance(self.found, list) and len(self.found) == side:
            rows = [row.items(side, side) for row in self.items(side, side)]
        else:
            flat = self.items(side * side, side * side)
            rows = [flat[side * i : side * (i + 1)] for i in range(side)]
        return np.array([[item.number(-reach, reach) for item in row] for row in rows])


def _described(found: Any) -> str:
    if isinstance(found, list):
        return f"a list of {len(found)}"
    if isinstance(found, dict):
        return "an object with " + (", ".join(sorted(found)) or "nothing")
    text = json.dumps(found)
    return text if len(text) <= 40 else text[:37] + "..."
