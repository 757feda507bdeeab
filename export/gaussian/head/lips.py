# SPDX-License-Identifier: Apache-2.0
"""Lips as patches over (u, v), so that their edges stay clean when they part.

u = -1 .. 1 across the mouth. v = 0 at the border of the red, 1 where the lips meet, 2 at the end
of the hidden inner side. The patch lies on the skin's swell and rolls inwards towards v = 1.
"""

from __future__ import annotations

import numpy as np

from .face import drop_to_skin
from .landmarks import MOUTH_HALF_WIDTH, BoolArray, DoubleArray, mouth_line
from .lids import Surround
from .light import SKIN_WRAP, Material, Scene, key_shadow, occlusion, shade
from .noise import Noise
from .parts import Part
from .sdf import smoothstep
from .splats import grid, part, patch_frames, patch_normals

ALBEDO = np.array([0.41, 0.148, 0.136])
INNER_ALBEDO = np.array([0.40, 0.135, 0.12])
MATERIAL = Material(SKIN_WRAP, 0.15, 0.28, rim=0.5)
COLUMNS, ROWS, INNER_ROWS = 61, 10, 8
ROLL = 2.9  # mm that the edge of a lip curls inwards, in the middle
DEPTH = 9.0  # mm of the inner side


def upper_border(x: DoubleArray) -> DoubleArray:
    ax = np.minimum(np.abs(x), MOUTH_HALF_WIDTH)
    bow = 1.0 * np.exp(-(((ax - 5.4) / 3.3) ** 2)) - 0.8 * np.exp(-((ax / 2.6) ** 2))
    return -57.6 + bow - 4.1 * (ax / MOUTH_HALF_WIDTH) ** 1.9


def lower_border(x: DoubleArray) -> DoubleArray:
    ax = np.minimum(np.abs(x), MOUTH_HALF_WIDTH)
    return -71.6 + 9.9 * (ax / MOUTH_HALF_WIDTH) ** 2.3


def on_lips(p: DoubleArray, margin: float = 0.0) -> BoolArray:
    """Whether points of the skin lie under the red, `margin` mm inside its border."""
    x, y, z = p.T
    inside = (y < upper_border(x) - margin) & (y > lower_border(x) + margin) & (z > 8)
    result: BoolArray = inside & (np.abs(x) < MOUTH_HALF_WIDTH - margin)
    return result


def lips(scene: Scene, surround: Surround, noise: Noise) -> tuple[Part, ...]:
    return (
        *_lip(True, scene, surround, noise),
        *_lip(False, scene, surround, noise),
    )


def _columns() -> DoubleArray:
    """Denser towards the corners, where the lips curve most."""
    s = np.linspace(-1, 1, COLUMNS)
    return np.sin(s * np.pi / 2) * 0.35 + s * 0.65


def _points(u: DoubleArray, v: DoubleArray, upper: bool) -> DoubleArray:
    x = u * MOUTH_HALF_WIDTH
    border = upper_border(x) if upper else lower_border(x)
    line = mouth_line(x)
    p = drop_to_skin(np.stack([x, border + (line - border) * np.minimum(v, 1.0)], axis=1))
    wide = np.sqrt(np.maximum(0.0, 1 - u * u))
    q = np.clip((v - 0.5) / 0.5, 0, 1)
    p[:, 2] -= (0.7 + (ROLL - 0.7) * wide) * (1 - np.sqrt(1 - 0.96 * q * q))
    p[:, 2] += 0.45 * wide * np.sin(np.pi * np.clip(v, 0, 1))
    inner = np.maximum(v - 1, 0)
    side = 1.0 if upper else -1.0
    p[:, 2] -= DEPTH * inner * (0.75 + 0.25 * wide)
    p[:, 1] += side * np.where(v > 1, 0.05 + 2.2 * inner**2 * wide, 0.0)
    return p


def _lip(upper: bool, scene: Scene, surround: Surround, noise: Noise) -> tuple[Part, Part]:
    side = "upper" if upper else "lower"
    rows = np.concatenate([np.linspace(0, 1, ROWS), 1 + np.linspace(0, 1, INNER_ROWS)[1:]])
    u, v = grid(_columns(), rows)
    p = _points(u, v, upper)
    turn = 0.5 * np.pi * np.maximum(v - 0.3, 0)
    outward = np.stack(
        [0.4 * u, np.sin(turn) * (-1.0 if upper else 1.0), np.cos(turn) + 0.1], axis=1
    )
    n = patch_normals(p, COLUMNS, outward)
    frames = patch_frames(p, COLUMNS, n, 0.80, 0.2)
    crease = 1 - 0.07 * np.abs(np.sin(p[:, 0] * 2.6 + noise(p, 3.0) * 1.2))
    albedo = ALBEDO * (0.84 if upper else 1.0) * crease[:, None]
    red = smoothstep(0.0, 1.0, (v + 0.06) / 0.26)[:, None]
    ao = np.maximum(occlusion(scene, p, n), 0.62) * (1 - 0.25 * smoothstep(0.7, 1.0, v))
    lit = np.maximum(key_shadow(scene, p, n), 0.35 if upper else 0.75)
    color = shade(albedo, n, ao, lit, MATERIAL)
    color = surround.at(p) * (1 - red) + color * red
    deep = np.maximum(v - 1, 0)
    inner = INNER_ALBEDO * ((0.40 if upper else 0.62) * (1 - 0.75 * deep))[:, None]
    color = np.where((v > 1)[:, None], inner, color)
    corner = np.exp(-(((np.abs(u) - 1) / 0.08) ** 2)) * smoothstep(0.2, 0.8, v)
    color *= (1 - 0.2 * corner)[:, None]
    uv = np.stack([u, v], axis=1)
    outside = v <= 1
    opacity = np.where(outside, 0.94 * smoothstep(-0.08, 0.06, v), 0.94)
    opacity = opacity * smoothstep(1.0, 0.92, np.abs(u))
    pieces = []
    for name, rows_of in ((f"lip_{side}", outside), (f"inner_lip_{side}", ~outside)):
        k = np.flatnonzero(rows_of)
        pieces.append(part(name, p[k], frames[k], n[k], color[k], opacity[k], uv[k]))
    return pieces[0], pieces[1]
