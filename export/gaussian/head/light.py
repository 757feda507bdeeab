# SPDX-License-Identifier: Apache-2.0
"""The light that is baked into the colours: a soft portrait set-up, and skin's way with it.

Colours are linear RGB until `display` turns them into what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from .landmarks import DoubleArray
from .sdf import Shape, smoothstep, unit


def toward(azimuth: float, elevation: float) -> DoubleArray:
    """Direction to a light: degrees, azimuth + towards the own left."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


KEY, FILL, BOUNCE = toward(38, 36), toward(-44, 8), toward(0, -60)
RIMS = ((toward(142, 34), 0.75), (toward(-138, 34), 0.9))
KEY_COLOR = np.array([1.0, 0.925, 0.83]) * 1.20
FILL_COLOR = np.array([0.96, 0.97, 1.0]) * 0.36
RIM_COLOR = np.array([0.88, 0.95, 1.0])
BOUNCE_COLOR = np.array([1.0, 0.72, 0.58]) * 0.11
AMBIENT = np.array([1.0, 0.94, 0.91]) * 0.21
VIEW = np.array([0.0, 0.0, 1.0])

SKIN_WRAP = np.array([0.42, 0.22, 0.14])  # light bleeds through skin, red furthest
CLOTH_WRAP = np.array([0.2, 0.2, 0.2])
# Powers that keep creases and shadow edges warm instead of grey.
WARM_OCCLUSION = np.array([0.72, 1.08, 1.22])
WARM_SHADOW = np.array([0.65, 1.0, 1.15])
EXPOSURE = 1.12
SHOULDER = 0.55


@dataclass(frozen=True, slots=True)
class Material:
    wrap: DoubleArray
    specular: DoubleArray | float = 0.0
    roughness: DoubleArray | float = 0.4
    rim: DoubleArray | float = 1.0  # share of the rim lights, which graze silhouettes only


SKIN = Material(SKIN_WRAP, 0.06, 0.42)
MATTE = Material(CLOTH_WRAP, 0.006, 0.6)


def diffuse(cosine: DoubleArray, wrap: DoubleArray) -> DoubleArray:
    lit: DoubleArray = np.maximum(0.0, (cosine[:, None] + wrap) / (1 + wrap)) ** 1.25
    return lit


def shade(
    albedo: DoubleArray,
    normals: DoubleArray,
    occlusion: DoubleArray | float,
    shadow: DoubleArray | float,
    material: Material,
) -> DoubleArray:
    """Linear colour. `occlusion` and `shadow` are 1 where open and lit."""
    n = len(normals)
    ao = np.broadcast_to(np.asarray(occlusion, np.float64), n)
    lit = np.broadcast_to(np.asarray(shadow, np.float64), n)
    ao_rgb = ao[:, None] ** WARM_OCCLUSION
    key = diffuse(normals @ KEY, material.wrap) * lit[:, None] ** WARM_SHADOW * KEY_COLOR
    fill = diffuse(normals @ FILL, material.wrap) * FILL_COLOR * (0.35 + 0.65 * ao[:, None])
    bounce = diffuse(normals @ BOUNCE, np.full(3, 0.3)) * BOUNCE_COLOR * ao[:, None]
    light = (key + fill + bounce) * (0.55 + 0.45 * ao_rgb)
    light += AMBIENT * ao_rgb * (0.62 + 0.38 * normals[:, 1:2])
    grazing = np.maximum(0.0, 1 - np.maximum(0.0, normals[:, 2])) ** 2.2
    rims = sum(level * np.maximum(0.0, normals @ toward_rim) for toward_rim, level in RIMS)
    light += (material.rim * rims * grazing * ao * 0.75)[:, None] * RIM_COLOR
    color = albedo * light
    power = 2 / np.asarray(material.roughness) ** 2
    for direction, level, open_to in ((KEY, 1.0, lit * ao), (FILL, 0.3, ao * ao)):
        half = unit(direction + VIEW)
        gloss = np.maximum(0.0, normals @ half) ** power * material.specular * level * open_to
        color += gloss[:, None] * np.array([1.0, 0.96, 0.92])
    result: DoubleArray = color
    return result


def display(linear: DoubleArray) -> DoubleArray:
    """Exposure, a soft shoulder, and the sRGB curve: what the rasterizer blends."""
    c = np.maximum(linear, 0.0) * EXPOSURE
    rest = 1 - SHOULDER
    c = np.where(c < SHOULDER, c, SHOULDER + rest * (1 - np.exp(-(c - SHOULDER) / rest)))
    encoded = np.where(c <= 0.0031308, 12.92 * c, 1.055 * np.maximum(c, 1e-9) ** (1 / 2.4) - 0.055)
    result: DoubleArray = np.clip(encoded, 0.0, 1.0)
    return result


@dataclass(frozen=True, slots=True)
class Scene:
    """Distances on a grid: marching rays through it costs a lookup a step."""

    low: DoubleArray
    cell: float
    distance: DoubleArray  # [X, Y, Z] mm

    def __call__(self, p: DoubleArray) -> DoubleArray:
        at = ((p - self.low) / self.cell).reshape(-1, 3).T
        d: DoubleArray = map_coordinates(self.distance, at, order=1, mode="nearest")
        return d.reshape(p.shape[:-1])


def scene(shape: Shape, cell: float = 3.6) -> Scene:
    low, high = np.array([-228.0, -260.0, -190.0]), np.array([228.0, 135.0, 75.0])
    axes = [np.arange(a, b + cell, cell) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    distance = shape(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    return Scene(low, cell, distance)


def occlusion(where: Scene, p: DoubleArray, normals: DoubleArray, rays: int = 40) -> DoubleArray:
    """1 in the open; short cone-like marches over a fixed spiral of directions."""
    i = np.arange(rays) + 0.5
    cos = 1 - 2 * i / rays
    sin, turn = np.sqrt(1 - cos * cos), i * np.pi * (3 - np.sqrt(5))
    total, weight = np.zeros(len(p)), np.full(len(p), 1e-6)
    for ray in np.stack([sin * np.cos(turn), cos, sin * np.sin(turn)], axis=1):
        facing = np.flatnonzero(normals @ ray > 0.05)
        start, n = p[facing], normals[facing]
        open_ = np.ones(len(facing))
        for t in 1.5 * 1.8 ** np.arange(7):
            h = where(start + 0.6 * n + t * ray)
            open_ = np.minimum(open_, np.clip(0.35 + 1.6 * h / t, 0.0, 1.0))
        cos_n = n @ ray
        total[facing] += cos_n * open_
        weight[facing] += cos_n
    result: DoubleArray = total / weight
    return result


def key_shadow(where: Scene, p: DoubleArray, normals: DoubleArray) -> DoubleArray:
    """1 where the key light is seen whole, by marching spheres towards it."""
    start = p + 0.9 * normals
    t, lit = np.full(len(p), 2.5), np.ones(len(p))
    for _ in range(36):
        h = where(start + t[:, None] * KEY)
        lit = np.minimum(lit, 0.5 + 0.5 * h / (t * 0.28))
        t += np.clip(np.abs(h), 1.4, 12.0)
    return smoothstep(0.0, 1.0, lit)


def cavity(shape: Shape, p: DoubleArray, normals: DoubleArray) -> DoubleArray:
    """1 on open surfaces, less in grooves and bowls of a few mm, which a scene's grid misses."""
    open_ = np.ones(len(p))
    for t in (1.2, 2.4, 4.8):
        open_ *= np.clip(0.3 + 0.7 * shape(p + t * normals) / (0.88 * t), 0.25, 1.0) ** 0.7
    return open_
