# SPDX-License-Identifier: Apache-2.0
"""Eyes: a sclera that stays, an iris that slides on it, catchlights and the tear line.

A black pupil, a dark limbal ring and a sclera well below white, shaded by the lid, make the
difference between an eye and a sticker. Modelled on the own left; the right one is its mirror
image but for the catchlights, which lie on the same side in both.
"""

from __future__ import annotations

import numpy as np

from .landmarks import (
    EYE_CENTER,
    IRIS_RADIUS,
    PUPIL_RADIUS,
    SCLERA_RADII,
    DoubleArray,
    fissure_t,
    fissure_x,
    lid_z,
    lower_edge_y,
    upper_edge_y,
)
from .light import KEY
from .parts import Part
from .sampling import disc_frames
from .sdf import smoothstep, unit
from .splats import mirrored, part

SCLERA_ALBEDO = np.array([0.56, 0.505, 0.475])
CARUNCLE_ALBEDO = np.array([0.50, 0.22, 0.19])
IRIS_ALBEDO = np.array([0.070, 0.080, 0.046])
COLLARETTE = np.array([0.125, 0.066, 0.016])
CONVERGENCE_DEGREES, RAISE_DEGREES = 1.2, 2.0  # the eyes look at the camera, not past it
LID_WET_RADIUS = 14.5  # where the lower lid's edge touches the eyeball
CORNEA = 0.35  # mm that the iris stands above the sclera


def eyes(rng: np.random.Generator) -> tuple[Part, ...]:
    sclera, iris = _sclera(), _iris(rng)
    return (
        sclera,
        mirrored(sclera, "sclera_r"),
        iris,
        mirrored(iris, "eye_r"),
        _catchlight("catchlight_l", 1.0),
        _catchlight("catchlight_r", -1.0),
    )


def _sclera() -> Part:
    spacing = 0.8
    x, y = np.meshgrid(np.arange(-20.0, 20.0, spacing), np.arange(-8.6, 10.5, spacing * 0.87))
    x[1::2] += spacing / 2
    x, y = x.ravel(), y.ravel()
    a, b, c = SCLERA_RADII
    inside = (x / a) ** 2 + (y / b) ** 2 < 0.985
    t = fissure_t(x + EYE_CENTER[0])
    inside &= (y < upper_edge_y(t) + 2.6) & (y > lower_edge_y(t) - 1.6)
    x, y, t = x[inside], y[inside], t[inside]
    z = c * np.sqrt(1 - (x / a) ** 2 - (y / b) ** 2)
    n = unit(np.stack([x / a**2, y / b**2, z / c**2], axis=1))
    p = np.stack([x, y, z], axis=1) + EYE_CENTER
    reach = smoothstep(8.0, 18.0, np.abs(x))[:, None]
    color = SCLERA_ALBEDO * (1 - 0.26 * reach * np.array([0.7, 1.15, 1.1]))
    corner = smoothstep(0.115, 0.04, t)[:, None]
    color = color * (1 - corner) + CARUNCLE_ALBEDO * corner
    color = color * _lid_shade(x, y)[:, None] * (0.66 + 0.38 * np.maximum(0, n @ KEY))[:, None]
    frames = disc_frames(n, 0.74 * spacing, 0.1)
    return part("sclera_l", p, frames, n, color, 0.96)


def _lid_shade(x: DoubleArray, y: DoubleArray) -> DoubleArray:
    """The soft shadow of lids and lashes on the open eye."""
    t = fissure_t(x + EYE_CENTER[0])
    above = 0.36 + 0.64 * smoothstep(0.0, 5.0, upper_edge_y(t) - y)
    below = 0.78 + 0.22 * smoothstep(0.0, 2.0, y - lower_edge_y(t))
    ends = 0.66 + 0.34 * smoothstep(0.0, 0.15, t) * smoothstep(1.0, 0.87, t)
    share: DoubleArray = above * below * ends
    return share


def _iris(rng: np.random.Generator) -> Part:
    n_splats = 640
    i = np.arange(n_splats) + 0.5
    outer = IRIS_RADIUS + 0.25
    r, turn = outer * np.sqrt(i / n_splats), i * np.pi * (3 - np.sqrt(5))
    inward, upward = np.radians([CONVERGENCE_DEGREES, RAISE_DEGREES])
    x = r * np.cos(turn) - SCLERA_RADII[2] * np.sin(inward)
    y = r * np.sin(turn) + SCLERA_RADII[1] * np.sin(upward)
    a, b, c = SCLERA_RADII
    z = c * np.sqrt(1 - (x / a) ** 2 - (y / b) ** 2) + CORNEA * (1 - 0.6 * (r / outer) ** 4)
    n = unit(np.stack([x / a**2, y / b**2, z / c**2], axis=1))
    color = _iris_color(r, turn, y, rng) * _lid_shade(x, y)[:, None]
    frames = disc_frames(n, 0.36, 0.08)
    opacity = 0.95 * smoothstep(outer + 0.15, outer - 0.45, r)
    return part("eye_l", np.stack([x, y, z], axis=1) + EYE_CENTER, frames, n, color, opacity)


def _iris_color(
    r: DoubleArray, turn: DoubleArray, y: DoubleArray, rng: np.random.Generator
) -> DoubleArray:
    fibres = (
        0.5 + 0.3 * np.sin(turn * 23 + 2 * np.sin(turn * 7)) + 0.16 * rng.standard_normal(len(r))
    )
    color = IRIS_ALBEDO * (0.75 + 0.6 * np.clip(fibres, 0, 1.3)[:, None])
    # Light falls through the cornea onto the far, lower side of the iris.
    color = color * (1 + 1.15 * smoothstep(0.25, -0.9, y / IRIS_RADIUS))[:, None]
    ring = np.exp(-(((r - PUPIL_RADIUS - 1.2) / 1.0) ** 2))[:, None]
    color = color + COLLARETTE * ring * (1 + 0.5 * smoothstep(0.3, -0.7, y / IRIS_RADIUS))[:, None]
    limbus = smoothstep(IRIS_RADIUS - 2.0, IRIS_RADIUS + 0.05, r)[:, None]
    color = color * (1 - 0.84 * limbus)
    pupil = smoothstep(PUPIL_RADIUS + 0.35, PUPIL_RADIUS - 0.25, r)[:, None]
    mixed: DoubleArray = color * (1 - pupil) + np.array([0.006, 0.005, 0.005]) * pupil
    return mixed


def _catchlight(name: str, side: float) -> Part:
    """A window and its faint double from the fill light: x, y, sigma mm, brightness, opacity."""
    spots = np.array(
        [(2.6, 2.75, 0.74, 2.4, 0.97), (1.9, 2.4, 0.6, 1.6, 0.8), (-2.5, -2.5, 0.85, 0.30, 0.30)]
    )
    p = np.zeros((len(spots), 3))
    p[:, :2] = spots[:, :2] + [-side * 0.3, 0.0]
    p[:, 2] = SCLERA_RADII[2] + 1.2
    p += np.array(EYE_CENTER) * [side, 1, 1]
    n = np.tile([0.0, 0.0, 1.0], (len(spots), 1))
    frames = disc_frames(n, spots[:, 2], 0.05)
    color = spots[:, 3:4] * np.array([1.0, 0.98, 0.95])
    return part(name, p, frames, n, color, spots[:, 4])


def tear_line(side_seed: float = 0.0) -> tuple[DoubleArray, DoubleArray]:
    """Points [N, 3] and brightness [N] of the wet line on the own left lower lid."""
    t = np.linspace(0.12, 0.93, 46)
    x, y = fissure_x(t), lower_edge_y(t) + 0.35
    p = np.stack([x, y, lid_z(x, y, LID_WET_RADIUS)], axis=1)
    return p, 0.36 + 0.2 * np.sin(9 * t + side_seed) ** 2
