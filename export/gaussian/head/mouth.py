# SPDX-License-Identifier: Apache-2.0
"""Tongue and the dark bag behind the teeth."""

from __future__ import annotations

import numpy as np

from .landmarks import DoubleArray
from .light import SKIN_WRAP, Material, shade
from .noise import Noise
from .parts import Part
from .sampling import disc_frames
from .sdf import smoothstep, unit
from .splats import part

TONGUE_ALBEDO = np.array([0.41, 0.15, 0.14])
TONGUE_CENTER = np.array([0.0, -72.9, -4.0])
TONGUE_RADII = np.array([18.0, 7.5, 24.0])
BAG_CENTER = np.array([0.0, -66.5, -5.0])
BAG_RADII = np.array([33.0, 22.0, 23.0])
DEEP, SHALLOW = np.array([0.016, 0.006, 0.005]), np.array([0.062, 0.019, 0.016])
MATERIAL = Material(SKIN_WRAP, 0.05, 0.32, rim=0.0)


def sphere(n: int) -> DoubleArray:
    """[n, 3] directions spread evenly."""
    i = np.arange(n) + 0.5
    z, turn = 1 - 2 * i / n, i * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=1)


def tongue(noise: Noise) -> Part:
    d = sphere(900)
    d = d[d[:, 1] > -0.3]
    p = d * TONGUE_RADII
    groove = np.exp(-((p[:, 0] / 4) ** 2)) * smoothstep(0.0, 0.5, d[:, 1])
    p[:, 1] -= 1.8 * groove
    p += TONGUE_CENTER
    n = unit(d / TONGUE_RADII)
    reached = smoothstep(-18, 18, p[:, 2])
    albedo = TONGUE_ALBEDO * ((0.2 + 0.8 * reached) * (1 + 0.04 * noise(p, 1.2)))[:, None]
    color = shade(albedo * (1 - 0.15 * groove)[:, None], n, 0.5, 0.45, MATERIAL)
    uv = np.stack([d[:, 0], (d[:, 2] + 1) / 2], axis=1)
    return part("tongue", p, disc_frames(n, 1.5, 0.3), n, color, 0.94, uv)


def mouth_bag() -> Part:
    d = sphere(620)
    d = d[d[:, 2] < 0.65]
    p = d * BAG_RADII + BAG_CENTER
    near = smoothstep(-20, 14, p[:, 2])[:, None]
    color = DEEP + (SHALLOW - DEEP) * near
    return part("mouth_bag", p, disc_frames(d, 3.4, 0.3), -d, color, 0.97)
