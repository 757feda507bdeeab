# SPDX-License-Identifier: Apache-2.0
"""Brows: hairs that lie on the skin, upright at the nose and combed outwards further out."""

from __future__ import annotations

import numpy as np

from .face import drop_to_skin, skin
from .landmarks import DoubleArray, brow_line
from .light import KEY
from .parts import Part
from .sampling import strand_frames
from .sdf import normal, smoothstep
from .splats import MIRROR, part, thin_opacity

HAIRS, SEGMENTS = 190, 4
ASYMMETRY = 0.7  # mm between the heights of the two brows


def brows(seed: int, albedo: DoubleArray) -> tuple[Part, Part]:
    return (
        _brow("brow_l", np.random.default_rng([seed, 21]), albedo, 1.0),
        _brow("brow_r", np.random.default_rng([seed, 22]), albedo, -1.0),
    )


def _brow(name: str, rng: np.random.Generator, albedo: DoubleArray, side: float) -> Part:
    u = np.sort(rng.beta(1.15, 1.3, HAIRS))
    q = rng.uniform(-1, 1, HAIRS)
    half = 3.0 * (1 - 0.62 * smoothstep(0.35, 1.05, u)) * smoothstep(-0.14, 0.12, u)
    root = brow_line(u) + np.stack([np.zeros(HAIRS), q * half + side * ASYMMETRY / 2], axis=1)
    angle = 66 - 60 * smoothstep(0.0, 0.40, u) - 15 * smoothstep(0.6, 1, u)
    angle = np.radians(angle - 24 * q * smoothstep(0.15, 0.5, u)) + rng.normal(0, 0.12, HAIRS)
    length = rng.uniform(5.5, 8.0, HAIRS) * (1 - 0.3 * u)
    f = np.linspace(0, 1, SEGMENTS + 1)[None, :]
    turn = angle[:, None] - 0.35 * f
    reach = (length[:, None] * f)[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    xy = root[:, None] + reach
    points = drop_to_skin(xy.reshape(-1, 2))
    n = normal(skin, points).reshape(HAIRS, SEGMENTS + 1, 3)
    points = points.reshape(n.shape) + n * (0.3 + 0.6 * f[..., None])
    return _to_part(name, points, n, u, albedo, rng, side)


def _to_part(
    name: str,
    points: DoubleArray,
    normals: DoubleArray,
    u: DoubleArray,
    albedo: DoubleArray,
    rng: np.random.Generator,
    side: float,
) -> Part:
    mirror = MIRROR if side < 0 else np.ones(3)
    start, end = points[:, :-1].reshape(-1, 3) * mirror, points[:, 1:].reshape(-1, 3) * mirror
    n = normals[:, :-1].reshape(-1, 3) * mirror
    along, means = end - start, (start + end) / 2
    taper = np.tile(np.linspace(1.0, 0.55, SEGMENTS), HAIRS)
    sigmas = np.stack([np.linalg.norm(along, axis=1) * 0.62, 0.34 * taper, 0.2 * taper], axis=1)
    frames = strand_frames(along, n, sigmas)
    tint = np.clip(1 + 0.18 * rng.standard_normal(HAIRS), 0.5, 1.5).repeat(SEGMENTS)
    lit = 0.75 + 0.5 * np.maximum(0, n @ KEY)
    color = albedo * (0.42 * tint * lit)[:, None]
    opacity = thin_opacity(0.72 * taper, means, frames)
    uv = np.stack([u.repeat(SEGMENTS), np.tile((np.arange(SEGMENTS) + 0.5) / SEGMENTS, HAIRS)], 1)
    return part(name, means, frames, n, color, opacity, uv)
