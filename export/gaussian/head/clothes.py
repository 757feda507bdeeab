# SPDX-License-Identifier: Apache-2.0
"""A plain sweater: shoulders, chest and a round collar."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .face import skin
from .landmarks import BoolArray, DoubleArray
from .light import MATTE, Scene, key_shadow, occlusion, shade
from .noise import Noise
from .parts import Part
from .sampling import disc_frames, sample_surface
from .sdf import capsule, ellipsoid, smoothstep, union
from .splats import part

ALBEDO = np.array([0.058, 0.104, 0.142])
COLLAR_RADII = (55.0, 57.0)
COLLAR_CENTER_Z = -78.0


def clothes(p: DoubleArray) -> DoubleArray:
    q = np.concatenate([np.abs(p[:, :1]), p[:, 1:]], axis=1)
    shoulder = capsule(q, (48, -208.5, -92, 42), (210, -254.5, -90, 40))
    chest = ellipsoid(q, (0, -284.5, -64), (150, 112, 78))
    slope = capsule(q, (38, -148.5, -104, 22), (118, -196.5, -96, 28))
    d = union(union(shoulder, chest, 40.0), slope, 26.0)
    return union(d, collar(q), 9.0)


def collar_height(z: DoubleArray) -> DoubleArray:
    return -143.5 - 0.34 * (z - COLLAR_CENTER_Z)


def collar(p: DoubleArray) -> DoubleArray:
    x, y, z = p.T
    a, b = COLLAR_RADII
    ring = np.sqrt((x / a) ** 2 + ((z - COLLAR_CENTER_Z) / b) ** 2) * a - a
    d: DoubleArray = np.sqrt(ring**2 + ((y - collar_height(z)) * 0.6) ** 2) - 6.5
    return d


def spread(p: DoubleArray, spacing: float) -> DoubleArray:
    """Finer at the collar, whose edge is seen against the neck."""
    near = smoothstep(9.0, 1.0, collar(np.column_stack([np.abs(p[:, 0]), p[:, 1], p[:, 2]])))
    return spacing * (1 - 0.5 * near)


def shown(p: DoubleArray) -> BoolArray:
    """Not inside the neck where that shows, not below the picture, not on the back."""
    covers = (skin(p) > -2.0) | (p[:, 1] < collar_height(p[:, 2]) - 2)
    outside: BoolArray = covers & (p[:, 1] > -220) & (p[:, 2] > -120)
    return outside


def clothes_part(scene: Scene, noise: Noise, rng: np.random.Generator, spacing: float) -> Part:
    p, n = sample_surface(
        clothes,
        (-215.0, -228.5, -160.0),
        (215.0, -106.5, 50.0),
        lambda q: spread(q, spacing),
        rng,
        shown,
    )
    knit = 1 + 0.05 * noise(p, 3.0) + 0.04 * noise(p, 1.5)
    albedo = ALBEDO * knit[:, None]
    _, near = cKDTree(p).query(p, k=12)
    ao = occlusion(scene, p, n)[near].mean(axis=1)
    lit = key_shadow(scene, p, n)[near].mean(axis=1)
    color = shade(albedo, n, 0.25 + 0.75 * ao, 0.15 + 0.85 * lit, MATTE)
    return part("clothes", p, disc_frames(n, 0.80 * spread(p, spacing), 0.4), n, color, 0.95)
