# SPDX-License-Identifier: Apache-2.0
"""Signed distances, in mm: negative inside. Points are [N, 3], distances [N].

Blends are polynomial; their radius `k` is the width of the seam they round off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from .landmarks import DoubleArray

Shape = Callable[[DoubleArray], DoubleArray]
Ball = tuple[float, float, float, float]  # centre and radius of a tube's knot


def union(a: DoubleArray, b: DoubleArray, k: float) -> DoubleArray:
    h = np.maximum(k - np.abs(a - b), 0.0)
    return np.minimum(a, b) - h * h / (4 * k)


def cut(a: DoubleArray, tool: DoubleArray, k: float) -> DoubleArray:
    """`a` with `tool` carved away."""
    return -union(-a, tool, k)


def ellipsoid(p: DoubleArray, centre: Sequence[float], radii: Sequence[float]) -> DoubleArray:
    r = np.asarray(radii, np.float64)
    q = p - np.asarray(centre)
    k0 = np.sqrt(((q / r) ** 2).sum(-1))
    k1 = np.sqrt(((q / r**2) ** 2).sum(-1))
    d: DoubleArray = k0 * (k0 - 1) / np.maximum(k1, 1e-6)
    return d


def capsule(p: DoubleArray, a: Ball, b: Ball) -> DoubleArray:
    """A tube from ball a to ball b, its radius changing evenly."""
    start, axis = np.array(a[:3]), np.array(b[:3]) - np.array(a[:3])
    h = np.clip(((p - start) @ axis) / (axis @ axis), 0.0, 1.0)
    d: DoubleArray = np.linalg.norm(p - start - h[:, None] * axis, axis=1)
    d -= a[3] + (b[3] - a[3]) * h
    return d


def tube(p: DoubleArray, knots: Sequence[Ball], k: float) -> DoubleArray:
    d = capsule(p, knots[0], knots[1])
    for a, b in pairwise(knots[1:]):
        d = union(d, capsule(p, a, b), k)
    return d


def gradient(shape: Shape, p: DoubleArray, step: float = 0.25) -> DoubleArray:
    """[N, 3] by four evaluations at the corners of a tetrahedron."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float64)
    g = np.zeros_like(p)
    for corner in corners:
        g += corner * shape(p + step * corner)[:, None]
    return g / (4 * step)


def normal(shape: Shape, p: DoubleArray, step: float = 0.25) -> DoubleArray:
    return unit(gradient(shape, p, step))


def unit(v: DoubleArray) -> DoubleArray:
    u: DoubleArray = v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
    return u


def smoothstep(low: float, high: float, x: DoubleArray) -> DoubleArray:
    """0 at `low`, 1 at `high`; `high` may be the smaller."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    s: DoubleArray = t * t * (3 - 2 * t)
    return s
