# SPDX-License-Identifier: Apache-2.0
"""The skin: where its splats lie, its colour, and the layer beneath that closes gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .clothes import clothes, collar_height
from .face import closed_skin, opening, skin
from .hairline import coverage
from .landmarks import BoolArray, DoubleArray, brow_line
from .lids import SKIN_ALBEDO
from .light import SKIN_WRAP, Material, Scene, cavity, key_shadow, occlusion, shade
from .lips import on_lips
from .noise import Noise
from .parts import Part
from .sampling import disc_frames, sample_surface, thin
from .sdf import normal, smoothstep, unit
from .splats import part

LOW, HIGH = (-93.0, -176.0, -150.0), (94.0, 112.0, 64.0)
OVERLAP = 0.78  # sigma over spacing
NEIGHBOURS = 14


@dataclass(frozen=True, slots=True)
class SkinSurface:
    points: DoubleArray  # [N, 3] mm
    normals: DoubleArray  # [N, 3]
    spacing: DoubleArray  # [N] mm
    linear: DoubleArray  # [N, 3] shaded colour


def spacing(p: DoubleArray, scale: float) -> DoubleArray:
    """Dense where the face shows detail, coarse towards the back."""
    x, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    s = 2.15 + 1.1 * smoothstep(-35, -75, z) + 0.8 * smoothstep(-104, -120, y)
    eye = np.exp(-((((x - 32) / 22) ** 2 + ((y - 1) / 15) ** 2) ** 2)) * (z > -8)
    mouth = np.exp(-(((x / 30) ** 2 + ((y + 64.5) / 13) ** 2) ** 2)) * (z > 6)
    nose = np.exp(-(((x / 18) ** 2 + ((y + 33) / 13) ** 2) ** 2)) * (z > 15)
    ear = 1.0 * ((x > 64) & (y > -46) & (y < 22) & (z < -40) & (z > -94))
    fine = np.maximum.reduce([0.42 * eye, 0.42 * mouth, 0.45 * nose, 0.46 * ear])
    mm: DoubleArray = s * (1 - fine) * scale
    return mm


def _shown(p: DoubleArray, noise: Noise) -> BoolArray:
    """Not under hair, clothes or lips, not inside the sockets, not the back of the neck."""
    x, y, z = p.T
    q = np.column_stack([np.abs(x), y, z])
    socket = (
        (opening(q) < -0.8) & (z > -4) & (z < 14) & (np.abs(np.abs(x) - 32) < 20) & (np.abs(y) < 14)
    )
    bare = (coverage(p, noise) < 1.5) | (np.abs(x) > 71)
    shown: BoolArray = bare & ~on_lips(p, 0.7) & (clothes(p) > -2.5) & ~socket & (z > -115)
    shown &= y > collar_height(z) - 4
    return shown


def skin_surface(scene: Scene, noise: Noise, rng: np.random.Generator, scale: float) -> SkinSurface:
    p, n = sample_surface(
        skin, LOW, HIGH, lambda q: spacing(q, scale), rng, lambda q: _shown(q, noise)
    )
    tree = cKDTree(p)
    _, near = tree.query(p, k=NEIGHBOURS)
    ao = occlusion(scene, p, normal(closed_skin, p, 0.8))
    ao = np.clip(0.35 * ao + 0.65 * ao[near].mean(axis=1), 0.05, 1)
    small = cavity(closed_skin, p, n)
    ao *= 0.3 * small + 0.7 * small[near[:, :5]].mean(axis=1)
    ao += (1 - ao) * 0.6 * _spot(p, 33, -9, 21, 6.5)  # or the lower lids look tired
    ao += (1 - ao) * 0.4 * _spot(p, 25, 12, 14, 7)
    lit = key_shadow(scene, p, n)[near].mean(axis=1)
    smooth = unit(0.5 * unit(n[near].mean(axis=1)) + 0.5 * n)
    albedo = skin_albedo(p, noise)
    hairy = smoothstep(-0.5, 1.0, coverage(p, noise)) * (np.abs(p[:, 0]) < 71)
    albedo *= 1 - 0.7 * hairy[:, None] * np.array([0.8, 0.9, 1.0])
    shine = 1 + 0.6 * _spot(p, 0, -26, 9, 14) + 0.35 * _spot(p, 43, -19, 12, 10)
    shine = shine * (1 + 0.2 * noise(p, 1.3, 3))
    material = Material(SKIN_WRAP, 0.11 * shine, 0.37, smoothstep(16, -16, p[:, 2]))
    linear = shade(albedo, smooth, ao, 0.2 + 0.8 * lit, material)
    return SkinSurface(p, n, spacing(p, scale), linear)


def _spot(p: DoubleArray, cx: float, cy: float, sx: float, sy: float) -> DoubleArray:
    """A soft patch on the front of both sides."""
    d = ((np.abs(p[:, 0]) - cx) / sx) ** 2 + ((p[:, 1] - cy) / sy) ** 2
    spot: DoubleArray = np.exp(-d) * smoothstep(-35, -15, p[:, 2])
    return spot


def _brow(p: DoubleArray) -> DoubleArray:
    """A tint under the brow's hairs, which lets a brow of few splats read as dense."""
    u = np.clip((np.abs(p[:, 0]) - 13.0) / 43.0, 0, 1)
    x, y = brow_line(u).T
    thick = 3.0 * (1 - 0.6 * smoothstep(0.3, 1.0, u))
    d = ((p[:, 1] - y - 0.6) / thick) ** 2 + ((np.abs(p[:, 0]) - x) / 2.5) ** 2
    brow: DoubleArray = np.exp(-d) * smoothstep(-25, -10, p[:, 2])
    return brow


def skin_albedo(p: DoubleArray, noise: Noise) -> DoubleArray:
    x, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    front = smoothstep(-35, -15, z)
    ear = 1.0 * ((x > 68) & (y > -48) & (y < 22) & (z < -35))
    tints = (
        (_spot(p, 43, -30, 20, 14), (1.05, 0.905, 0.90)),  # cheeks
        (_spot(p, 0, -30.5, 13, 9), (1.07, 0.88, 0.88)),  # tip of the nose
        (_spot(p, 0, -94.5, 16, 9), (1.04, 0.94, 0.94)),  # chin
        (ear, (1.04, 0.92, 0.91)),
        (smoothstep(25, 50, y) * front, (1.0, 1.0, 0.95)),  # forehead
        (_spot(p, 32, 9, 20, 6), (0.98, 0.92, 0.925)),  # upper lids
        (_brow(p), (0.66, 0.62, 0.60)),  # under the brows
        (_spot(p, 29, -11, 14, 4.5) * 0.35, (0.92, 0.87, 0.91)),  # under the eyes
        (_spot(p, 0, -64.5, 30, 13) * 0.5, (1.03, 0.93, 0.92)),  # around the mouth
    )
    albedo = np.tile(SKIN_ALBEDO, (len(p), 1))
    for amount, tint in tints:
        albedo *= 1 + amount[:, None] * (np.array(tint) - 1)
    mottle = 0.010 * noise(p, 2.6) + 0.014 * noise(p, 6, 31) + 0.022 * noise(p, 22, 77)
    mottled: DoubleArray = albedo * (1 + mottle[:, None] * np.array([0.8, 1.1, 1.2]))
    return mottled


def skin_parts(surface: SkinSurface) -> tuple[Part, Part]:
    p, n, s = surface.points, surface.normals, surface.spacing
    top = part("skin", p, disc_frames(n, OVERLAP * s, 0.18), n, surface.linear, 0.94)
    x, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    eye = (np.abs(x - 32) < 21) & (np.abs(y) < 15) & (z > -4)
    under = (z > -60) & (y > -132) & ~eye & ~on_lips(p, -2.0)
    under &= ~((x < 15) & (y < -34) & (y > -47) & (z > 20))  # nostrils
    k = np.flatnonzero(under)
    k = k[thin(p[k], 1.75 * s[k])]
    _, near = cKDTree(p).query(p[k], k=NEIGHBOURS)
    soft = surface.linear[near].mean(axis=1) * 0.97
    frames = disc_frames(n[k], 1.4 * s[k], 0.25)
    return top, part("under_skin", p[k] - 1.2 * n[k], frames, n[k], soft, 0.95)
