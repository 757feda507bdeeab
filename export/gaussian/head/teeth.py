# SPDX-License-Identifier: Apache-2.0
"""Teeth and gums along the dental arch. Bright only where light reaches, never a white wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .landmarks import LOWER_TEETH_EDGE_Y, UPPER_TEETH_EDGE_Y, DoubleArray
from .light import SKIN_WRAP, Material, shade
from .parts import Part
from .sampling import disc_frames
from .sdf import unit
from .splats import grid, part

ENAMEL = np.array([0.70, 0.64, 0.56])
GUM = np.array([0.37, 0.14, 0.125])
MATERIAL = Material(SKIN_WRAP, 0.05, 0.25, rim=0.0)
SEEN = 19.0  # mm along the arch at which a tooth gets 1/e of the light


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    front_z: float
    edge_y: float
    up: float  # 1: grows up from its edge, -1: down
    widths: tuple[float, ...]  # from the middle outwards
    heights: tuple[float, ...]
    step: float  # mm between splats
    lit: float


UPPER = Row(
    "upper",
    25.2,
    UPPER_TEETH_EDGE_Y,
    1.0,
    (8.4, 6.6, 7.4, 6.8, 6.6),
    (9.6, 8.6, 9.4, 8, 7.6),
    0.78,
    0.72,
)
LOWER = Row(
    "lower",
    22.4,
    LOWER_TEETH_EDGE_Y,
    -1.0,
    (5.5, 6.0, 6.8, 6.8, 7.0),
    (8.4, 8.4, 9.0, 8, 7.6),
    0.85,
    0.55,
)
EDGE_OFFSETS = np.array([0.0, 0.6, -0.1, 0.5, 0.8])  # mm, lateral incisors are shorter


def arch(s: DoubleArray, front_z: float) -> tuple[DoubleArray, DoubleArray]:
    """x and z at arc length s from the middle: half width = 27.5 (depth / 42) ^ .3."""
    x = np.linspace(0, 25, 400)
    z = front_z - np.minimum(42 * (x / 27.5) ** (1 / 0.3), 40)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    a = np.abs(s)
    return np.interp(a, length, x) * np.sign(s), np.interp(a, length, z)


def teeth() -> tuple[Part, ...]:
    return tuple(p for row in (UPPER, LOWER) for p in (_teeth(row), _gums(row)))


def _tooth(row: Row, s: DoubleArray) -> tuple[NDArray[np.intp], DoubleArray]:
    """Index of the tooth at arc length s, and the place across it, -1 .. 1."""
    edges = np.cumsum((0.0, *row.widths))
    a = np.minimum(np.abs(s), edges[-1] - 1e-6)
    k = np.searchsorted(edges, a, side="right") - 1
    across = 2 * (a - edges[k]) / np.asarray(row.widths)[k] - 1
    return k, across


def _arch_normal(s: DoubleArray, front_z: float) -> DoubleArray:
    x0, z0 = arch(s - 0.3, front_z)
    x1, z1 = arch(s + 0.3, front_z)
    return unit(np.stack([-(z1 - z0), np.zeros_like(s), x1 - x0], axis=1))


def _teeth(row: Row) -> Part:
    half = sum(row.widths) - 0.6
    s, h = grid(np.arange(-half, half, row.step), np.linspace(0, 1, int(9 / row.step)))
    k, across = _tooth(row, s)
    x, z = arch(s, row.front_z)
    edge = row.edge_y + row.up * (0.9 * across**4 + EDGE_OFFSETS[k])
    y = edge + row.up * h * np.asarray(row.heights)[k]
    n = _arch_normal(s, row.front_z)
    n = unit(n + np.stack([np.sign(s) * across * 0.3, -row.up * (0.25 - 0.5 * h), 0 * s], axis=1))
    seen = np.exp(-((s / SEEN) ** 2))
    gap = np.exp(-(((1 - np.abs(across)) / 0.13) ** 2))
    albedo = ENAMEL * ((1 - 0.17 * gap) * (1 - 0.1 * h))[:, None]
    albedo = albedo * np.array([1, 0.97, 0.94]) ** h[:, None]
    color = shade(albedo, n, 0.62, row.lit, MATERIAL) * (0.14 + 0.86 * seen)[:, None]
    p = np.stack([x, y, z + 0.6 * (1 - across**2)], axis=1)
    return part(f"teeth_{row.name}", p, disc_frames(n, 0.80 * row.step, 0.2), n, color, 0.93)


def _gums(row: Row) -> Part:
    half = sum(row.widths) - 0.6
    s, g = grid(np.arange(-half, half, 1.3), np.linspace(0, 1, 5))
    k, across = _tooth(row, s)
    x, z = arch(s, row.front_z)
    height = np.asarray(row.heights)[k] - 0.3 - 1.6 * np.abs(across) ** 3 + 6.5 * g
    seen = np.exp(-((s / SEEN) ** 2))
    n = unit(np.stack([x * 0.03, np.full(len(s), -0.1 * row.up), np.ones(len(s))], axis=1))
    color = shade(GUM * (0.3 + 0.7 * seen)[:, None], n, 0.5, 0.4, MATERIAL) * seen[:, None]
    p = np.stack([x, row.edge_y + row.up * height, z + 0.8 + 0.5 * g], axis=1)
    return part(f"gums_{row.name}", p, disc_frames(n, 1.0, 0.3), n, color, 0.93)
