# SPDX-License-Identifier: Apache-2.0
"""From modelling units to a Part: millimetres and linear light in, metres and display out."""

from __future__ import annotations

import numpy as np

from .camera import intrinsics, viewmat
from .landmarks import DoubleArray
from .light import display
from .parts import Part
from .sdf import unit

DILATION = 0.3  # square pixels, which the rasterizer adds to every splat's covariance
MIRROR = np.array([-1.0, 1.0, 1.0])


def part(
    name: str,
    means: DoubleArray,
    frames: DoubleArray,
    normals: DoubleArray,
    linear: DoubleArray,
    opacities: DoubleArray | float,
    uv: DoubleArray | None = None,
) -> Part:
    n = len(means)
    return Part(
        name,
        means / 1e3,
        frames / 1e3,
        unit(normals),
        display(np.broadcast_to(linear, (n, 3))),
        np.clip(np.broadcast_to(np.asarray(opacities, np.float64), n), 0.0, 1.0).copy(),
        np.zeros((n, 2)) if uv is None else uv,
    )


def mirrored(p: Part, name: str) -> Part:
    """The same part on the other side of the head."""
    frames = p.frames * MIRROR[None, :, None] * MIRROR  # both sides: handedness stays
    return Part(name, p.means * MIRROR, frames, p.normals * MIRROR, p.colors, p.opacities, p.uv)


def thin_opacity(
    opacities: DoubleArray | float, means: DoubleArray, frames: DoubleArray
) -> DoubleArray:
    """Opacity of hairs finer than a pixel, so that dilation does not fatten them.

    Dilation keeps a splat's height and spreads it; the volume under the true splat is kept
    instead, at the default camera. A hair seen end-on still keeps a quarter.
    """
    view = viewmat()
    depth = means @ view[2, :3] + view[2, 3] * 1e3
    rows = view[:2, :3] @ frames * (intrinsics()[0, 0] / depth)[:, None, None]
    cov = rows @ rows.transpose(0, 2, 1)
    before = cov[:, 0, 0] * cov[:, 1, 1] - cov[:, 0, 1] ** 2
    after = (cov[:, 0, 0] + DILATION) * (cov[:, 1, 1] + DILATION) - cov[:, 0, 1] ** 2
    share = 1.25 * np.sqrt(np.maximum(before, 0.0) / after)
    kept: DoubleArray = np.asarray(opacities) * np.clip(share, 0.25, 1.0)
    return kept


def grid(u: DoubleArray, v: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Flattened parameters of a patch, v fastest."""
    uu, vv = np.meshgrid(u, v, indexing="ij")
    return uu.ravel(), vv.ravel()


def _slope(patch: DoubleArray, axis: int) -> DoubleArray:
    slope: DoubleArray = np.asarray(np.gradient(patch, axis=axis))
    return slope.reshape(-1, 3)


def patch_normals(points: DoubleArray, columns: int, outward: DoubleArray) -> DoubleArray:
    """Normals of a patch sampled by `grid`, turned to the side of `outward`."""
    p = points.reshape(columns, -1, 3)
    n = unit(np.cross(_slope(p, 0), _slope(p, 1)))
    flip = np.sign((n * outward).sum(-1, keepdims=True))
    return np.where(flip < 0, -n, n)


def patch_frames(
    points: DoubleArray, columns: int, normals: DoubleArray, overlap: float, thickness: float
) -> DoubleArray:
    """Splats as long and as tall as the patch's own cells, times `overlap`."""
    p = points.reshape(columns, -1, 3)
    du, dv = _slope(p, 0), _slope(p, 1)
    dv = dv - normals * (dv * normals).sum(-1, keepdims=True)
    b = unit(dv)
    du = du - normals * (du * normals).sum(-1, keepdims=True)
    along = np.abs((unit(np.cross(b, normals)) * du).sum(-1))
    t = unit(np.cross(b, normals))
    tall = np.linalg.norm(dv, axis=-1)
    sigmas = np.stack([along * overlap, tall * overlap, np.full(len(points), thickness)], axis=-1)
    sigmas[:, :2] = np.maximum(sigmas[:, :2], 0.12)
    frames: DoubleArray = np.stack([t, b, normals], axis=-1) * sigmas[:, None, :]
    return frames


def joined(name: str, *parts: Part) -> Part:
    def all_of(field: str) -> DoubleArray:
        return np.concatenate([getattr(p, field) for p in parts])

    return Part(
        name,
        all_of("means"),
        all_of("frames"),
        all_of("normals"),
        all_of("colors"),
        all_of("opacities"),
        all_of("uv"),
    )
