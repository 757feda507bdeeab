# SPDX-License-Identifier: Apache-2.0
"""Lashes: short curved hairs rooted on the lids' edges."""

from __future__ import annotations

import numpy as np

from .landmarks import LID_RADIUS, DoubleArray, fissure_x, lid_z, lower_edge_y, upper_edge_y
from .parts import Part
from .sampling import strand_frames
from .sdf import smoothstep
from .splats import mirrored, part, thin_opacity

UPPER_COLOR = np.array([0.020, 0.014, 0.011])
LOWER_COLOR = np.array([0.10, 0.058, 0.04])


def lashes(seed: int) -> tuple[Part, ...]:
    upper, lower = upper_lashes(seed), lower_lashes(seed)
    return (
        upper,
        mirrored(upper, "lashes_upper_r"),
        lower,
        mirrored(lower, "lashes_lower_r"),
    )


def upper_lashes(seed: int, count: int = 64, segments: int = 4) -> Part:
    """They sweep forward and up, longest towards the temple."""
    rng = np.random.default_rng([seed, 11])
    t = np.linspace(0.05, 0.985, count) + rng.normal(0, 0.004, count)
    length = (3.6 + 3.4 * smoothstep(0.25, 0.85, t)) * rng.uniform(0.8, 1.1, count)
    x, y = fissure_x(t), upper_edge_y(t)
    root = np.stack([x, y, lid_z(x, y, LID_RADIUS - 0.1)], axis=1)
    f = np.linspace(0, 1, segments + 1)[None, :]
    fan = ((x - 33.0) / 17.5)[:, None]
    out = 0.38 * fan * f
    ahead = 0.80 * f - 0.22 * f * f
    rise = -0.16 * f + 0.46 * f * f
    bend = np.stack([out, *np.broadcast_arrays(rise, ahead + 0 * out)], axis=-1)
    points = root[:, None] + bend * length[:, None, None]
    taper = np.linspace(1.0, 0.4, segments)
    return _hairs("lashes_upper_l", points, t, 0.19 * taper, 0.9, UPPER_COLOR)


def lower_lashes(seed: int, count: int = 26, segments: int = 3) -> Part:
    rng = np.random.default_rng([seed, 12])
    t = np.linspace(0.25, 0.95, count) + rng.normal(0, 0.006, count)
    length = rng.uniform(2.0, 3.2, count)
    x, y = fissure_x(t), lower_edge_y(t)
    root = np.stack([x, y, lid_z(x, y, LID_RADIUS)], axis=1)
    f = np.linspace(0, 1, segments + 1)[None, :]
    fan = ((x - 33.0) / 17.5)[:, None]
    fall = np.broadcast_to(-0.55 * f + 0.1 * f * f, (count, segments + 1))
    ahead = np.broadcast_to(0.55 * f, fall.shape)
    points = root[:, None] + np.stack([0.4 * fan * f, fall, ahead], axis=-1) * length[:, None, None]
    taper = np.linspace(1.0, 0.5, segments)
    return _hairs("lashes_lower_l", points, t, 0.14 * taper, 0.30, LOWER_COLOR)


def _hairs(
    name: str,
    points: DoubleArray,
    t: DoubleArray,
    sigma: DoubleArray,
    opacity: float,
    color: DoubleArray,
) -> Part:
    """`points` [hairs, segments + 1, 3], `sigma` [segments]."""
    hairs, segments = len(points), points.shape[1] - 1
    start, end = points[:, :-1].reshape(-1, 3), points[:, 1:].reshape(-1, 3)
    along = end - start
    across = np.tile(sigma, hairs)
    sigmas = np.stack([np.linalg.norm(along, axis=1) * 0.6, across, across], axis=1)
    n = np.tile([0.0, 0.0, 1.0], (len(along), 1))
    frames = strand_frames(along, n, sigmas)
    means = (start + end) / 2
    middle = np.tile((np.arange(segments) + 0.5) / segments, hairs)
    uv = np.stack([t.repeat(segments), middle], axis=1)
    alpha = thin_opacity(opacity, means, frames)
    return part(name, means, frames, n, np.tile(color, (len(means), 1)), alpha, uv)
