# SPDX-License-Identifier: Apache-2.0
"""Eyelids.

The upper lid is a patch over (t, v) on an ellipsoid around the eye. Its upper part is tucked under
the fold of the skin while the eye is open and unrolls as it closes, so it is sampled for the
closed state. Its colours run into those of the skin at the crease, which keeps a closed lid from
looking like an inlay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .eyes import tear_line
from .landmarks import (
    EYE_CENTER,
    LID_EXTRA_X,
    LID_RADIUS,
    LID_THICKNESS,
    DoubleArray,
    crease_y,
    fissure_x,
    lid_z,
    lower_edge_y,
    upper_edge_y,
)
from .light import SKIN, Material, shade
from .parts import Part
from .sampling import disc_frames
from .sdf import smoothstep, unit
from .splats import grid, mirrored, part, patch_frames

SKIN_ALBEDO = np.array([0.53, 0.325, 0.235])
LID_TINT = np.array([0.90, 0.80, 0.80])
RIM_ALBEDO = np.array([0.52, 0.33, 0.285])
COLUMNS, ROWS = 46, 27
OVERLAP, THICKNESS = 0.78, 0.12  # sigma over cell, mm
FOLD_SHADE = 0.52  # light left under the fold
V_EDGE, V_TOP = -0.14, 1.2  # v < 0 is the thickness, v > 1 lies under the skin's fold


@dataclass(frozen=True, slots=True)
class Surround:
    """Skin around the eye, to take colours from: linear light."""

    tree: cKDTree
    colors: DoubleArray  # [N, 3]

    def at(self, p: DoubleArray) -> DoubleArray:
        _, index = self.tree.query(p, k=10)
        mean: DoubleArray = self.colors[index].mean(axis=1)
        return mean


def lid_points(t: DoubleArray, v: DoubleArray, blink: float) -> DoubleArray:
    """[N, 3] mm, own left."""
    x, edge = fissure_x(t), upper_edge_y(t, blink)
    top = crease_y(t) + 0.6 - 0.9 * blink
    up = np.maximum(v, 0.0)
    y = edge + (top - edge) * up
    radius = LID_RADIUS + 0.3 * np.sin(np.pi * np.clip(up, 0, 1))
    radius -= np.where(v < 0, v / V_EDGE * LID_THICKNESS, 0.0)
    radius -= (1.9 * (1 - blink) + 0.25 * blink) * smoothstep(0.62, 1.05, up)
    return np.stack([x, y, lid_z(x, y, radius)], axis=1)


def lid_normals(p: DoubleArray) -> DoubleArray:
    radii = np.array([LID_RADIUS + LID_EXTRA_X, LID_RADIUS, LID_RADIUS])
    return unit((p - EYE_CENTER) / radii**2)


def upper_lid(surround: Surround) -> Part:
    t, v = grid(np.linspace(0.0, 1.0, COLUMNS), np.linspace(V_EDGE, V_TOP, ROWS))
    p, shut = lid_points(t, v, 0.0), lid_points(t, v, 1.0)
    n = lid_normals(p)
    frames = patch_frames(p, COLUMNS, n, OVERLAP, THICKNESS)
    closed = patch_frames(shut, COLUMNS, lid_normals(shut), OVERLAP, THICKNESS)
    # What is tucked away keeps some of its full size, so that it closes without gaps.
    size, full = (np.linalg.norm(f, axis=1, keepdims=True) for f in (frames, closed))
    frames = frames * np.where((v > 0.62)[:, None, None], (1 + full / size) / 2, 1.0)
    color = _lid_color(t, v, p, n, surround)
    opacity = 0.94 * smoothstep(V_TOP + 0.02, 0.88, v) * smoothstep(-0.02, 0.03, t)
    opacity *= smoothstep(1.02, 0.975, t)
    return part("upper_lid_l", p, frames, n, color, opacity, np.stack([t, v], axis=1))


def _lid_color(
    t: DoubleArray, v: DoubleArray, p: DoubleArray, n: DoubleArray, surround: Surround
) -> DoubleArray:
    """Linear. Towards the crease and both corners it becomes the colour of the skin there."""
    ao = np.where(v < 0, 0.62, FOLD_SHADE + (1 - FOLD_SHADE) * smoothstep(0.7, 0.0, v))
    color = shade(np.tile(SKIN_ALBEDO * LID_TINT, (len(t), 1)), n, ao, 0.72, SKIN)
    color *= (1 - 0.86 * np.exp(-(((v - 0.01) / 0.085) ** 2)))[:, None]  # roots of the lashes
    ends = smoothstep(0.12, 0.0, t) + smoothstep(0.9, 1.0, t)
    blend = np.clip(np.maximum(smoothstep(0.45, 0.95, v), ends), 0.4, 1.0)
    blend = (blend * smoothstep(0.06, 0.2, v))[:, None]
    hem = np.stack([fissure_x(t), crease_y(t) + 0.8, p[:, 2] + 1], axis=1)
    crease = 1 - 0.30 * np.exp(-(((v - 0.97) / 0.10) ** 2))
    mixed: DoubleArray = (color * (1 - blend) + surround.at(hem) * blend) * crease[:, None]
    return mixed


def lower_lid(surround: Surround) -> Part:
    t, v = grid(np.linspace(0.03, 0.975, 52), np.linspace(0.0, 1.0, 4))
    x, y = fissure_x(t), lower_edge_y(t) - 0.2 + 0.45 * v
    p = np.stack([x, y, lid_z(x, y, LID_RADIUS - 0.2 - 1.4 * v)], axis=1)
    n = unit(np.tile([0.0, 0.7, 0.7], (len(t), 1)))
    color = shade(np.tile(RIM_ALBEDO, (len(t), 1)), n, 0.75, 0.62, Material(SKIN.wrap, 0.05, 0.3))
    outer = smoothstep(0.4, 0.0, v)[:, None]
    color = color * (1 - 0.6 * outer) + 0.6 * outer * surround.at(p)
    frames = disc_frames(n, 0.42, 0.12)
    wet, bright = tear_line()
    wet_n = np.tile([0.0, 0.3, 1.0], (len(wet), 1))
    wet_frames = disc_frames(wet_n, 0.3, 0.1)
    wet_uv = np.stack(
        [(wet[:, 0] - fissure_x(0.0)) / (fissure_x(1.0) - fissure_x(0.0)), np.ones(len(wet))], 1
    )
    return part(
        "lower_lid_l",
        np.vstack([p, wet]),
        np.concatenate([frames, wet_frames]),
        np.vstack([n, wet_n]),
        np.vstack([color, np.outer(bright, [1.0, 0.93, 0.9])]),
        np.concatenate([np.full(len(p), 0.9), np.full(len(wet), 0.4)]),
        np.vstack([np.stack([t, v], axis=1), wet_uv]),
    )


def eyelids(surround: Surround) -> tuple[Part, ...]:
    upper, lower = upper_lid(surround), lower_lid(surround)
    return (upper, mirrored(upper, "upper_lid_r"), lower, mirrored(lower, "lower_lid_r"))
