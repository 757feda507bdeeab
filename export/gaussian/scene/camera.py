# SPDX-License-Identifier: Apache-2.0
"""From where a scene is seen at first: given in a file, or found from where its splats are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gather import Scene
from .source import SceneError, refuse

DoubleArray = NDArray[np.float64]

DIRECTIONS = {
    f"{sign}{axis}": np.eye(3)[i] * (-1.0 if sign else 1.0)
    for i, axis in enumerate("xyz")
    for sign in ("", "-")
}
FIELD_OF_VIEW = 50.0  # degrees, along the shorter side
PITCH = 15.0  # degrees that the automatic camera looks down
REACH = 4.0
RIM = 0.1  # of the box's sides: what lies so little outside of it is to be seen too
MARGIN = 1.05  # of its distance
NEAREST = 0.05  # its least distance: nothing before 0.01 is drawn
SAMPLE = 200_000  # splats that say where the scene is
MAX_FOCAL, MAX_SHIFT = 1e6, 1e6  # as FORMAT.md limits fx, fy and the translation


@dataclass(frozen=True, slots=True)
class Camera:
    viewmat: DoubleArray  # [4, 4] world to camera
    K: DoubleArray  # [3, 3] pixels

    def manifest(self) -> dict[str, list[float]]:
        return {
            "viewmat": [float(x) + 0.0 for x in self.viewmat.ravel()],  # no -0.0
            "K": [float(x) + 0.0 for x in self.K.ravel()],
        }


@dataclass(frozen=True, slots=True)
class Core:
    """The box about where most of a scene is. A capture's splats reach into the far background:
    what is more than REACH times as far from the median as a quarter of them does not count."""

    low: DoubleArray  # [3]
    high: DoubleArray  # [3]

    @property
    def centre(self) -> DoubleArray:
        """The point that an orbit turns about."""
        middle: DoubleArray = (self.low + self.high) / 2
        return middle


def core(scene: Scene) -> Core:
    means, _, weights = _sample(scene)
    shares = (0.01, 0.25, 0.5, 0.75, 0.99)
    q = np.array([[_quantile(column, weights, share) for column in means.T] for share in shares])
    low = np.maximum(q[0], q[2] - REACH * (q[2] - q[1]))
    high = np.minimum(q[4], q[2] + REACH * (q[3] - q[2]))
    return Core(low, high)


def automatic(scene: Scene, box: Core, up: DoubleArray, width: int, height: int) -> Camera:
    """Looks at the middle of the box from the front and a little above, so far off that what is in
    the box is in the picture."""
    means, sizes, _ = _sample(scene)
    rim = RIM * (box.high - box.low)
    inside = np.flatnonzero(((means >= box.low - rim) & (means <= box.high + rim)).all(axis=1))
    if len(inside) == 0:  # splats around an empty middle
        inside = np.arange(len(means))
    rotation = _facing(up)
    seen = (means[inside] - box.centre) @ rotation.T
    focal = 0.5 * min(width, height) / np.tan(np.radians(FIELD_OF_VIEW / 2))
    half = np.array([width, height]) / 2 / focal
    needed = ((np.abs(seen[:, :2]) + sizes[inside, None]) / half).max(axis=1) - seen[:, 2]
    distance = max(MARGIN * float(needed.max()), NEAREST)
    viewmat = np.eye(4)
    viewmat[:3, :3] = rotation
    viewmat[:3, 3] = -rotation @ box.centre + [0, 0, distance]
    return Camera(viewmat, np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]))


def read_camera(path: Path) -> Camera:
    """{"viewmat": [16 numbers], "K": [9 numbers]}, flat or in rows."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{path}: is not JSON: {error}") from None
    if not isinstance(found, dict):
        refuse(path, "the camera", type(found).__name__, 'an object {"viewmat": [...], "K": [...]}')
    camera = Camera(_matrix(path, found, "viewmat", 4), _matrix(path, found, "K", 3))
    rotation, K = camera.viewmat[:3, :3], camera.K
    rigid = np.abs(rotation @ rotation.T - np.eye(3)).max() <= 1e-3 and np.linalg.det(rotation) > 0
    if not rigid or (camera.viewmat[3] != [0, 0, 0, 1]).any():
        refuse(path, "viewmat", "no rotation and translation", "world to camera, last row 0 0 0 1")
    if np.abs(camera.viewmat[:3, 3]).max() > MAX_SHIFT:
        refuse(path, "the translation of viewmat", "too far", f"at most {MAX_SHIFT:g}")
    fx, fy = K[0, 0], K[1, 1]
    plain = np.array([[fx, 0, K[0, 2]], [0, fy, K[1, 2]], [0, 0, 1]])
    if (plain != K).any() or not (0 < fx <= MAX_FOCAL and 0 < fy <= MAX_FOCAL):
        expected = f"[fx, 0, cx, 0, fy, cy, 0, 0, 1] with fx and fy above 0, at most {MAX_FOCAL:g}"
        refuse(path, "K", str([float(x) for x in K.ravel()]), expected)
    return camera


def _matrix(path: Path, found: dict[str, Any], name: str, side: int) -> DoubleArray:
    try:
        matrix: DoubleArray = np.array(found[name], np.float64).reshape(side, side)
    except KeyError:
        refuse(path, name, "absent", f"{side * side} numbers")
    except (TypeError, ValueError):
        refuse(path, name, "something else", f"{side * side} numbers, row by row")
    if not np.isfinite(matrix).all():
        refuse(path, name, "not finite", f"{side * side} finite numbers")
    return matrix


def _facing(up: DoubleArray) -> DoubleArray:
    """World to camera [3, 3]: +x of the world to the right where it can be, looking down a little.

    With -y up that is COLMAP's first camera, with +y OpenGL's, with +z a plan on a table.
    """
    right = np.array([0.0, 1.0, 0.0]) if up[0] else np.array([1.0, 0.0, 0.0])
    level = np.array([right, -up, np.cross(right, -up)])
    cos, sin = np.cos(np.radians(PITCH)), np.sin(np.radians(PITCH))
    facing: DoubleArray = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ level
    return facing


def _sample(scene: Scene) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Means [n, 3], two standard deviations [n] and weights [n] of some splats."""
    step = max(1, scene.count // SAMPLE)
    weights = scene.opacities[::step].astype(np.float64)
    if not weights.any():
        weights = np.ones_like(weights)
    sizes = 2 * scene.scales[::step].max(axis=1).astype(np.float64)
    return scene.means[::step].astype(np.float64), sizes, weights


def _quantile(values: DoubleArray, weights: DoubleArray, share: float) -> float:
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(sums, share * sums[-1])]])
