# SPDX-License-Identifier: Apache-2.0
"""Evenly spread points on a signed distance's surface, and frames of discs that lie on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .landmarks import BoolArray, DoubleArray
from .sdf import Shape, gradient, unit

Spacing = Callable[[DoubleArray], DoubleArray]  # mm between neighbours, at points

CELL = 3.0  # mm, of the grid that finds the surface
OVERSAMPLE = 5.0  # candidates for each point kept
ON_SURFACE = 0.2  # mm


def sample_surface(
    shape: Shape,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    spacing: Spacing,
    rng: np.random.Generator,
    keep: Callable[[DoubleArray], BoolArray] | None = None,
) -> tuple[DoubleArray, DoubleArray]:
    """Points and outward normals. Where `keep` is false nothing is placed."""
    p = _candidates(shape, low, high, spacing, rng)
    if keep is not None:
        p = p[keep(p)]
    p = project(shape, p)
    p = p[np.abs(shape(p)) < ON_SURFACE]
    p = p[thin(p, 0.78 * spacing(p))]
    p = relax(shape, p, spacing)
    return p, unit(gradient(shape, p))


def _candidates(
    shape: Shape,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    spacing: Spacing,
    rng: np.random.Generator,
) -> DoubleArray:
    axes = [np.arange(a, b, CELL) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = grid[np.abs(shape(grid)) < CELL]
    # A slab of two cells' thickness holds the surface: expected points follow from its area.
    area = CELL**3 / (2 * CELL)
    wanted = OVERSAMPLE * area / spacing(cells) ** 2
    count = rng.poisson(wanted)
    p = np.repeat(cells, count, axis=0)
    order = rng.permutation(len(p))
    jitter = rng.uniform(-CELL / 2, CELL / 2, p.shape)
    return (p + jitter)[order]


def project(shape: Shape, p: DoubleArray, steps: int = 4) -> DoubleArray:
    """Newton steps along the gradient."""
    for _ in range(steps):
        g = gradient(shape, p)
        p = p - g * (shape(p) / np.maximum(0.3, (g * g).sum(1)))[:, None]
    return p


def thin(p: DoubleArray, radius: DoubleArray) -> NDArray[np.intp]:
    """Indices of a subset in which no point has an earlier one within its radius."""
    neighbours = cKDTree(p).query_ball_point(p, radius)
    taken = np.zeros(len(p), bool)
    for i, near in enumerate(neighbours):
        taken[i] = not taken[near].any()
    return np.flatnonzero(taken)


def relax(shape: Shape, p: DoubleArray, spacing: Spacing, rounds: int = 6) -> DoubleArray:
    """Pushes neighbours apart along the surface, which closes the holes that darts leave."""
    for _ in range(rounds):
        distance, index = cKDTree(p).query(p, k=7)
        away = p[:, None] - p[index[:, 1:]]
        s = spacing(p)
        push = np.maximum(0.0, 1.15 * s[:, None] - distance[:, 1:])
        step = (unit(away) * push[..., None]).sum(1) * 0.22
        length = np.linalg.norm(step, axis=1, keepdims=True)
        step *= np.minimum(1.0, 0.35 * s[:, None] / np.maximum(length, 1e-9))
        n = unit(gradient(shape, p))
        p = project(shape, p + step - n * (n * step).sum(1, keepdims=True), steps=1)
    return p


def disc_frames(normals: DoubleArray, sigma: DoubleArray | float, thickness: float) -> DoubleArray:
    """[N, 3, 3] round discs across the normals."""
    n = unit(normals)
    up = np.where(np.abs(n[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    t = unit(np.cross(up, n))
    axes = np.stack([t, np.cross(n, t), n], axis=-1)
    s = np.broadcast_to(np.asarray(sigma, np.float64), len(n))
    frames: DoubleArray = axes * np.stack([s, s, np.full(len(n), thickness)], axis=-1)[:, None, :]
    return frames


def strand_frames(direction: DoubleArray, normals: DoubleArray, sigmas: DoubleArray) -> DoubleArray:
    """[N, 3, 3] long splats: first axis along `direction`, third across the normals."""
    t = unit(direction)
    b = unit(np.cross(normals, t))
    axes = np.stack([t, b, np.cross(t, b)], axis=-1)
    return axes * sigmas[:, None, :]
