# SPDX-License-Identifier: Apache-2.0
"""Synthetic scenes for rasterizer tests and benchmarks, and the raw file they travel in.

`talking_head` is an ellipsoid head, neck and shoulders of thin splats, in camera axes (x right,
y down, the face looks towards -z). It is statistically like a trained avatar and somewhat harder:
about 24 splats on a covered pixel at 50,000.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

MAGIC = 0x53524B54  # "TKRS"
C0 = 0.28209479177387814


@dataclass(frozen=True, slots=True)
class Scene:
    means: FloatArray  # [N, 3]
    frames: FloatArray  # [N, 3, 3] rotation times scale; covariance = frame frame^T
    opacities: FloatArray  # [N]
    sh: FloatArray  # [N, B, 3]
    viewmat: FloatArray  # [4, 4] world to camera
    K: FloatArray  # [3, 3] pixels
    width: int
    height: int
    layers: NDArray[np.uint8]  # [N]
    background: FloatArray | NDArray[np.uint8] | None  # [3] colour, [H, W, 3] picture, or none
    antialias: bool = False
    convention: str = "gsplat"  # or "inria"
    near_plane: float = 0.01
    far_plane: float = 1e10
    eps2d: float = 0.3  # pixel^2
    radius_clip: float = 0.0  # pixels

    @property
    def sh_degree(self) -> int:
        return int(self.sh.shape[1] ** 0.5 + 0.5) - 1


def write_scene(scene: Scene, path: Path, workers: int = 1) -> None:
    """The format is described in tests/kernels/gaussian/scene_file.hpp."""
    background = scene.background
    kind = 2 if background is None else 0 if background.ndim == 1 else 1
    color = background if background is not None and kind == 0 else np.zeros(3)
    head = [MAGIC, len(scene.means), scene.sh_degree, scene.width, scene.height]
    flags = scene.antialias + 2 * (scene.convention == "inria")
    options = [scene.near_plane, scene.far_plane, scene.eps2d, scene.radius_clip]
    with path.open("wb") as out:
        out.write(np.array([*head, flags, kind, workers], np.int32).tobytes())
        out.write(np.array([*options, *color], np.float32).tobytes())
        for array in (scene.viewmat, scene.K, scene.means, scene.frames, scene.opacities, scene.sh):
            out.write(np.ascontiguousarray(array, np.float32).tobytes())
        out.write(np.ascontiguousarray(scene.layers, np.uint8).tobytes())
        if background is not None and kind == 1:
            out.write(np.ascontiguousarray(background, np.uint8).tobytes())


def rotations(quats: DoubleArray) -> DoubleArray:
    """[N, 3, 3] from unit quaternions (w, x, y, z)."""
    w, x, y, z = quats.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def talking_head(count: int, sh_degree: int = 0, size: int = 512) -> Scene:
    """Seeded with 1234 + count, so that every implementation can be shown the same head."""
    rng = np.random.default_rng(1234 + count)
    n_head, n_neck = int(0.72 * count), int(0.06 * count)
    n_shoulders = count - n_head - n_neck
    head = _ellipsoid(rng, n_head, (0, -0.12, 0), (0.72, 0.98, 0.82), 0.35)
    shoulders = _ellipsoid(rng, n_shoulders, (0, 1.75, 0.25), (1.45, 0.75, 0.55), 0.25)
    angle, y = rng.uniform(0, 2 * np.pi, n_neck), rng.uniform(0.6, 1.15, n_neck)
    cos, sin = np.cos(angle), np.sin(angle)
    neck = (
        np.column_stack([0.38 * cos, y, 0.1 + 0.38 * sin]),
        np.column_stack([cos, np.zeros(n_neck), sin]),
    )
    points, normals = (np.concatenate(part) for part in zip(head, neck, shoulders, strict=True))
    points = points + normals * rng.normal(0, 0.012, (count, 1))
    scales = _scales(rng, count, n_shoulders)
    frames = _orientations(rng, normals) * scales[:, None, :]
    opacities = 0.3 + 0.69 * rng.beta(2, 1.2, count)
    colors = _colors(rng, points, normals)
    rest = rng.normal(0, 0.04, (count, 15, 3))
    sh = np.concatenate([((colors - 0.5) / C0)[:, None], rest], axis=1)[:, : (sh_degree + 1) ** 2]
    order = np.argsort(_morton(points), kind="stable")
    focal = 0.5 * size / np.tan(np.radians(11))
    yaw = np.radians(8)
    viewmat = np.eye(4)
    viewmat[:3, :3] = [
        [np.cos(yaw), 0, np.sin(yaw)],
        [0, 1, 0],
        [-np.sin(yaw), 0, np.cos(yaw)],
    ]
    viewmat[:3, 3] = (0, -0.28, 6.6)
    return Scene(
        means=points[order].astype(np.float32),
        frames=frames[order].astype(np.float32),
        opacities=opacities[order].astype(np.float32),
        sh=sh[order].astype(np.float32),
        viewmat=viewmat.astype(np.float32),
        K=np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]], np.float32),
        width=size,
        height=size,
        layers=np.zeros(count, np.uint8),
        background=np.ones(3, np.float32),
    )


def random_splats(count: int, width: int, height: int, seed: int, sh_degree: int = 0) -> Scene:
    """Splats of every size, shape and opacity around a turned camera, some behind it."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(count + 1, 4))
    turns = rotations(axes / np.linalg.norm(axes, axis=1, keepdims=True))
    means = rng.uniform(-1.2, 1.2, (count, 3))
    means[::16] = rng.uniform(-8, 8, (len(means[::16]), 3))
    scales = np.exp(rng.uniform(-6, -2.5, (count, 1)) + rng.uniform(-3, 0, (count, 3)))
    scales[::10] *= 8
    sh = rng.normal(0, 0.3, (count, (sh_degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(-2, 2, (count, 3))
    viewmat = np.eye(4)
    viewmat[:3, :3] = turns[count]
    viewmat[2, 3] = 3
    focal = 1.37 * max(width, height)
    center = (width * rng.uniform(0.4, 0.6), height * rng.uniform(0.4, 0.6))
    K = [[focal, 0, center[0]], [0, 0.95 * focal, center[1]], [0, 0, 1]]
    return Scene(
        means=means.astype(np.float32),
        frames=(turns[:count] * scales[:, None, :]).astype(np.float32),
        opacities=rng.uniform(0, 1, count).astype(np.float32) ** 0.7,
        sh=sh.astype(np.float32),
        viewmat=viewmat.astype(np.float32),
        K=np.array(K, np.float32),
        width=width,
        height=height,
        layers=np.zeros(count, np.uint8),
        background=np.array([0.2, 0.5, 0.8], np.float32),
    )


def _frac(x: DoubleArray) -> DoubleArray:
    fraction: DoubleArray = x - np.floor(x)
    return fraction


def _ellipsoid(
    rng: np.random.Generator,
    count: int,
    center: tuple[float, float, float],
    axes: tuple[float, float, float],
    back: float,
) -> tuple[DoubleArray, DoubleArray]:
    """Points spread evenly over an ellipsoid, as trained splats are, thinned out behind."""
    size = np.array(axes)
    m = int(1.2 * count)
    while True:
        k = np.arange(m, dtype=np.float64)
        h = 2 * _frac(0.5 + 0.7548776662466927 * k) - 1
        turn = 2 * np.pi * _frac(0.5 + 0.5698402909980532 * k)
        r = np.sqrt(1 - h * h)
        d = np.column_stack([r * np.cos(turn), h, r * np.sin(turn)])
        area = np.linalg.norm(d / size, axis=1)
        keep = _frac(0.6180339887498949 * k) < area / area.max()
        keep &= (d[:, 2] < 0) | (_frac(0.41421356237 * k) < back)
        if keep.sum() >= count:
            break
        m = int(1.02 * m * count / keep.sum()) + 8
    d = d[keep][:count] + rng.normal(0, 0.25 / np.sqrt(count), (count, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    normals = d / size
    return center + d * size, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def _scales(rng: np.random.Generator, count: int, n_shoulders: int) -> DoubleArray:
    k = (50000 / count) ** 0.4
    s1 = np.exp(rng.normal(np.log(1.65 * k), 0.50, count))
    s1[count - n_shoulders :] *= 1.6
    big = rng.uniform(size=count) < 0.015
    s1 = np.clip(np.where(big, rng.uniform(5, 11, count), s1), 0.25, 12)
    s2 = s1 * rng.uniform(0.3, 1, count)
    s3 = np.minimum(s1, s2) * rng.uniform(0.05, 0.25, count)
    pixel = 6.6 / (256 / np.tan(np.radians(11)))  # world units at the head's depth
    scales: DoubleArray = np.column_stack([s1, s2, s3]) * pixel
    return scales


def _orientations(rng: np.random.Generator, normals: DoubleArray) -> DoubleArray:
    """[N, 3, 3] with the third axis across the surface, tilted a little."""
    n = normals + rng.normal(0, 0.15, normals.shape)
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    a = np.where(np.abs(n[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    t = np.cross(n, a)
    t /= np.linalg.norm(t, axis=1, keepdims=True)
    angle = rng.uniform(0, np.pi, (len(n), 1))
    u = np.cos(angle) * t + np.sin(angle) * np.cross(n, t)
    return np.stack([u, np.cross(n, u), n], axis=2)


def _colors(rng: np.random.Generator, p: DoubleArray, n: DoubleArray) -> DoubleArray:
    x, y, z = p.T
    light = 0.5 + 0.5 * np.clip(-0.8 * n[:, 2] - 0.3 * n[:, 1] - 0.2 * n[:, 0], 0, 1)
    base = np.tile([0.80, 0.60, 0.50], (len(p), 1))
    base[(y < -0.55) | ((z > 0.1) & (y < 0.4))] = (0.18, 0.11, 0.07)  # hair
    base[y > 1.05] = (0.15, 0.25, 0.45)  # cloth
    front = z < 0
    for side in (-0.26, 0.26):
        base[front & (((x - side) / 0.12) ** 2 + ((y + 0.18) / 0.06) ** 2 < 1)] = 0.9
    for side in (-0.26, 0.26):
        base[front & ((x - side) ** 2 + (y + 0.18) ** 2 < 0.045**2)] = (0.1, 0.15, 0.1)
    base[front & ((x / 0.24) ** 2 + ((y - 0.42) / 0.09) ** 2 < 1)] = (0.65, 0.20, 0.22)
    return np.clip(base * light[:, None] + rng.normal(0, 0.04, (len(p), 3)), 0.01, 0.99)


def _morton(points: DoubleArray) -> NDArray[np.int64]:
    """30-bit codes: neighbours in space become neighbours in memory."""
    low, high = points.min(0), points.max(0)
    cell = np.clip((points - low) / (high - low) * 1024, 0, 1023).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(10):
        for axis in range(3):
            code |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code


def main() -> None:
    """python -m talkrt.benchmarks.scenes head COUNT SH_DEGREE FILE"""
    arguments = sys.argv[1:]
    if len(arguments) != 4 or arguments[0] != "head":
        raise SystemExit(f"usage: {main.__doc__}")
    write_scene(talking_head(int(arguments[1]), int(arguments[2])), Path(arguments[3]))


if __name__ == "__main__":
    main()
