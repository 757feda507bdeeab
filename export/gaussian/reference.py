# SPDX-License-Identifier: Apache-2.0
"""The float64 NumPy oracle of the Gaussian backend: deformation and rasterizer.

Independent of the engine's kernels and written to be checked by eye, not to be fast. Conventions
are gsplat's: pixel centres at .5, camera +x right, +y down, +z forward, 0.3 square pixels of
dilation, every fragment of alpha >= 1/255 drawn. `Options` also has those of Inria's rasterizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cloud import GaussianCloud
from .rig import Joint, Rig

DoubleArray = NDArray[np.float64]

# Constants as float32 holds them. With decimal doubles (1 - 0.99)^2 would be above 1e-4 and two
# saturated splats would both be drawn, while every float32 renderer drops the second.
MAX_ALPHA = float(np.float32(0.99))
MIN_ALPHA = float(np.float32(1.0) / np.float32(255.0))
MIN_TRANSMITTANCE = float(np.float32(1e-4))
DILATION = float(np.float32(0.3))  # square pixels
BELOW_MIN_TRANSMITTANCE = float(np.nextafter(np.float32(1e-4), np.float32(0)))
MIN_COMPENSATION = float(np.float32(0.000025))  # 0.005 squared
NEAR = {"gsplat": float(np.float32(0.01)), "inria": float(np.float32(0.2))}
TILE = 16

C0 = 0.28209479177387814
C1 = 0.4886025119029199
C2 = (
    1.0925484305920792,
    -1.0925484305920792,
    0.31539156525252005,
    -1.0925484305920792,
    0.5462742152960396,
)
C3 = (
    -0.5900435899266435,
    2.890611442640554,
    -0.4570457994644658,
    0.3731763325901154,
    -0.4570457994644658,
    1.445305721320277,
    -0.5900435899266435,
)


@dataclass(frozen=True, slots=True)
class Options:
    antialias: bool = False
    convention: Literal["gsplat", "inria"] = "gsplat"
    near_plane: float | None = None  # None: the convention's
    far_plane: float = 1e10
    eps2d: float = DILATION  # square pixels
    radius_clip: float = 0.0  # pixels; splats whose radius is at most this are not drawn


@dataclass(frozen=True, slots=True)
class Posed:
    means: DoubleArray  # [N, 3] metres
    frames: DoubleArray  # [N, 3, 3] metres; covariance = frame frame^T
    sh: DoubleArray  # [N, B, 3]
    opacities: DoubleArray  # [N]
    layers: NDArray[np.uint8]  # [N]


@dataclass(frozen=True, slots=True)
class Image:
    color: DoubleArray  # [H, W, 3] over the background
    alpha: DoubleArray  # [H, W] 1 - transmittance
    depth: DoubleArray  # [H, W] sum of weight * z; divide by alpha for the expected depth
    boundary: NDArray[np.bool_]  # [H, W] some decision hangs on less than float32 can tell


def pose(cloud: GaussianCloud, rig: Rig, channels: Mapping[str, float]) -> Posed:
    """The cloud in the pose that `channels` ask for; channels not given are 0."""
    unknown = set(channels) - set(rig.channels)
    if unknown:
        raise ValueError(f"the rig has no channel {', '.join(sorted(unknown))}")
    value = {name: float(channels.get(name, 0.0)) for name in rig.channels}
    n, lanes = cloud.count, 16
    total = np.zeros((len(rig.joint_weights), 16, lanes))  # [block, channel, lane]
    for s, shape in enumerate(rig.shapes):
        weight = float(np.prod([f.weight(value[f.channel]) for f in shape.factors]))
        if weight != 0.0:
            mine = slice(int(rig.shape_offsets[s]), int(rig.shape_offsets[s + 1]))
            total[rig.block_indices[mine]] += weight * rig.deltas[mine].astype(np.float64)
    delta = total.swapaxes(1, 2).reshape(-1, 16)[:n]  # [N, channel]
    weights = rig.joint_weights.astype(np.float64).swapaxes(1, 2).reshape(-1, len(rig.joints))[:n]
    affine = np.einsum("nj,jrc->nrc", weights, joint_matrices(rig.joints, value))
    means = cloud.means.astype(np.float64) + delta[:, 0:3]
    frames = cloud.frames() + delta[:, 3:12].reshape(n, 3, 3)
    sh = cloud.sh.astype(np.float64)
    sh[:, 0] += delta[:, 12:15] / C0
    return Posed(
        means=np.einsum("nrc,nc->nr", affine[:, :, :3], means) + affine[:, :, 3],
        frames=affine[:, :, :3] @ frames,
        sh=sh,
        opacities=np.clip(cloud.opacities.astype(np.float64) + delta[:, 15], 0, 1),
        layers=cloud.layers,
    )


def joint_matrices(joints: tuple[Joint, ...], value: Mapping[str, float]) -> DoubleArray:
    """[J, 3, 4], rest pose to posed, in the head's frame."""
    out = np.zeros((len(joints), 3, 4))
    for j, joint in enumerate(joints):
        angle = {"pitch": 0.0, "yaw": 0.0, "roll": 0.0}
        shift = {"x": 0.0, "y": 0.0, "z": 0.0}
        for drive in joint.rotation:
            angle[drive.axis] += np.radians(drive.gain * value[drive.channel])
        for drive in joint.translation:
            shift[drive.axis] += drive.gain * value[drive.channel]
        cp, sp = np.cos(angle["pitch"]), np.sin(angle["pitch"])
        cy, sy = np.cos(angle["yaw"]), np.sin(angle["yaw"])
        cr, sr = np.cos(angle["roll"]), np.sin(angle["roll"])
        about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        rotation = about_z @ about_y @ about_x
        pivot = np.array(joint.pivot)
        local = np.column_stack([rotation, pivot - rotation @ pivot + list(shift.values())])
        if joint.parent >= 0:
            parent = out[joint.parent]
            local = np.column_stack(
                [parent[:, :3] @ local[:, :3], parent[:, :3] @ local[:, 3] + parent[:, 3]]
            )
        out[j] = local
    return out


def sh_colors(sh: DoubleArray, directions: DoubleArray) -> DoubleArray:
    """Colour [N, 3] seen along unit `directions` [N, 3] (camera to Gaussian); not clamped above."""
    x, y, z = directions.T
    bases = [np.full(len(x), C0)]
    if sh.shape[1] > 1:
        bases += [-C1 * y, C1 * z, -C1 * x]
    if sh.shape[1] > 4:
        xx, yy, zz = x * x, y * y, z * z
        bases += [C2[0] * x * y, C2[1] * y * z, C2[2] * (2 * zz - xx - yy)]
        bases += [C2[3] * x * z, C2[4] * (xx - yy)]
    if sh.shape[1] > 9:
        bases += [C3[0] * y * (3 * xx - yy), C3[1] * x * y * z, C3[2] * y * (4 * zz - xx - yy)]
        bases += [C3[3] * z * (2 * zz - 3 * xx - 3 * yy), C3[4] * x * (4 * zz - xx - yy)]
        bases += [C3[5] * z * (xx - yy), C3[6] * x * (xx - 3 * yy)]
    colors: DoubleArray = np.einsum("bn,nbc->nc", np.array(bases), sh) + 0.5
    return np.maximum(colors, 0.0)


@dataclass(frozen=True, slots=True)
class Splats:
    """Visible Gaussians on the image plane, nearest first within layer 0, then layer 1."""

    means2d: DoubleArray  # [M, 2] pixels
    conics: DoubleArray  # [M, 3] inverse covariance xx, xy, yy
    extents: DoubleArray  # [M, 2] half sides of the box where alpha can reach 1/255
    radii: DoubleArray  # [M, 2] the convention's, pixels, before they are rounded up
    colors: DoubleArray  # [M, 3]
    opacities: DoubleArray  # [M]
    depths: DoubleArray  # [M] metres
    layers: NDArray[np.uint8]  # [M]


def project(
    posed: Posed, viewmat: DoubleArray, K: DoubleArray, width: int, height: int, options: Options
) -> Splats:
    inria = options.convention == "inria"
    near = NEAR[options.convention] if options.near_plane is None else options.near_plane
    rotation, translation = viewmat[:3, :3], viewmat[:3, 3]
    t = posed.means @ rotation.T + translation
    # A mean on the near plane is drawn by gsplat and not by Inria.
    keep = (t[:, 2] > near if inria else t[:, 2] >= near) & (t[:, 2] <= options.far_plane)
    t, z = t[keep], t[keep][:, 2]
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    # Only the Jacobian is clamped, never the mean: far off axis it would stretch without bound.
    # Inria has no principal point: its limits are as if that were the image's centre.
    center_x, center_y = (width / 2, height / 2) if inria else (cx, cy)
    margin_x, margin_y = 0.15 * width, 0.15 * height
    u = np.clip(t[:, 0] / z, (-margin_x - center_x) / fx, (width + margin_x - center_x) / fx)
    v = np.clip(t[:, 1] / z, (-margin_y - center_y) / fy, (height + margin_y - center_y) / fy)
    zero = np.zeros_like(z)
    jacobian = np.array([[fx / z, zero, -fx * u / z], [zero, fy / z, -fy * v / z]])
    m = np.moveaxis(jacobian, -1, 0) @ (rotation @ posed.frames[keep])  # [M, 2, 3]
    cov = m @ m.swapaxes(1, 2)
    before = cov[:, 0, 0] * cov[:, 1, 1] - cov[:, 0, 1] ** 2
    xx, xy, yy = cov[:, 0, 0] + options.eps2d, cov[:, 0, 1], cov[:, 1, 1] + options.eps2d
    det = xx * yy - xy * xy
    opacity = posed.opacities[keep]
    if options.antialias:
        opacity = opacity * np.sqrt(np.maximum(MIN_COMPENSATION, before / det))
    drawn = opacity >= MIN_ALPHA
    reach = np.sqrt(2 * np.log(np.where(drawn, opacity / MIN_ALPHA, 1.0)))
    extents = reach[:, None] * np.sqrt(np.column_stack([xx, yy]))
    radii = inria_radius(xx, xy, yy)[:, None].repeat(2, axis=1) if inria else extents
    drawn &= (np.ceil(radii) > options.radius_clip).any(axis=1)
    eye = -rotation.T @ translation
    towards = posed.means[keep] - eye
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    layers = posed.layers[keep]
    order = np.lexsort((z, layers))  # stable: equal depths stay in index order
    order = order[drawn[order]]
    return Splats(
        means2d=np.column_stack([fx * t[:, 0] / z + cx, fy * t[:, 1] / z + cy])[order],
        conics=np.column_stack([yy / det, -xy / det, xx / det])[order],
        extents=extents[order],
        radii=radii[order],
        colors=sh_colors(posed.sh[keep], towards)[order],
        opacities=opacity[order],
        depths=z[order],
        layers=layers[order],
    )


def inria_radius(xx: DoubleArray, xy: DoubleArray, yy: DoubleArray) -> DoubleArray:
    """[M] three deviations of the longer axis, more when the splat is nearly round."""
    middle = (xx + yy) / 2
    spread = np.sqrt(np.maximum(0.1, middle * middle - (xx * yy - xy * xy)))
    radius: DoubleArray = 3 * np.sqrt(middle + spread)
    return radius


def rasterize(
    posed: Posed,
    viewmat: ArrayLike,  # [4, 4] world to camera
    K: ArrayLike,  # [3, 3] pixels
    width: int,
    height: int,
    background: ArrayLike = (0.0, 0.0, 0.0),  # [3] or [H, W, 3]
    options: Options = Options(),
) -> Image:
    view, intrinsics = np.asarray(viewmat, np.float64), np.asarray(K, np.float64)
    splats = project(posed, view, intrinsics, width, height, options)
    color = np.zeros((height, width, 3))
    depth = np.zeros((height, width))
    transmittance = np.ones((height, width))
    boundary = np.zeros((height, width), bool)
    for rows, columns, touching in _tiles(splats, width, height):
        doubtful = np.zeros(0, np.int64)
        if options.convention == "inria":
            touching, doubtful = _listed_by_inria(splats, touching, rows.start, columns.start)
        stop = MIN_TRANSMITTANCE if options.convention == "gsplat" else BELOW_MIN_TRANSMITTANCE
        weights, left, unsure = _blend_tile(splats, touching, rows, columns, stop)
        unsure |= (_alphas(splats, doubtful, rows, columns) >= MIN_ALPHA - 1e-5).any(axis=0)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        color[rows, columns] = (weights.T @ splats.colors[touching]).reshape(*shape, 3)
        depth[rows, columns] = (weights.T @ splats.depths[touching]).reshape(shape)
        transmittance[rows, columns] = left.reshape(shape)
        boundary[rows, columns] = unsure.reshape(shape)
    color += transmittance[:, :, None] * np.asarray(background, np.float64)
    return Image(color, 1 - transmittance, depth, boundary)


def _tiles(
    splats: Splats, width: int, height: int
) -> Iterator[tuple[slice, slice, NDArray[np.int64]]]:
    """Blocks of pixels with the splats, in order, whose box reaches a pixel centre of theirs."""
    low, high = splats.means2d - splats.extents, splats.means2d + splats.extents
    for y in range(0, height, TILE):
        in_row = np.flatnonzero((high[:, 1] >= y) & (low[:, 1] <= y + TILE))
        for x in range(0, width, TILE):
            hit = (high[in_row, 0] >= x) & (low[in_row, 0] <= x + TILE)
            rows, columns = slice(y, min(y + TILE, height)), slice(x, min(x + TILE, width))
            yield rows, columns, in_row[hit]


def _listed_by_inria(
    splats: Splats, candidates: NDArray[np.int64], y: int, x: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of `candidates` Inria lists in the tile at pixel (x, y), and where float32 may differ.

    The tiles of a splat are, along each axis, int((m - r) / 16) to int((m + r + 15) / 16), the last
    not included, where r is whole and m counts from the centre of the first pixel.
    """
    corner = np.array([x, y])

    def listed(shift: float, grow: float) -> NDArray[np.bool_]:
        m = splats.means2d[candidates] - 0.5 + shift
        r = np.ceil(splats.radii[candidates] * (1 + grow))
        first, end = np.floor((m - r) / TILE) * TILE, np.floor((m + r + TILE - 1) / TILE) * TILE
        inside: NDArray[np.bool_] = np.all((first <= corner) & (corner < end), axis=1)
        return inside

    nudged = np.array([listed(dx, by) for dx in (-1e-3, 1e-3) for by in (-1e-5, 1e-5)])
    doubtful = nudged.any(axis=0) & ~nudged.all(axis=0)
    return candidates[listed(0, 0)], candidates[doubtful]


def _alphas(
    splats: Splats, touching: NDArray[np.int64], rows: slice, columns: slice
) -> DoubleArray:
    """[M, pixels] of each splat alone, before the threshold."""
    ys, xs = np.mgrid[rows, columns]
    dx = splats.means2d[touching, 0:1] - (xs.ravel() + 0.5)
    dy = splats.means2d[touching, 1:2] - (ys.ravel() + 0.5)
    a, b, c = splats.conics[touching].T[:, :, None]
    power = -0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy
    alphas: DoubleArray = splats.opacities[touching, None] * np.exp(np.minimum(power, 0.0))
    return np.where(power <= 0, np.minimum(MAX_ALPHA, alphas), 0.0)


def _blend_tile(
    splats: Splats, touching: NDArray[np.int64], rows: slice, columns: slice, stop: float
) -> tuple[DoubleArray, DoubleArray, NDArray[np.bool_]]:
    """Weights [M, pixels], transmittance left [pixels], and which pixels are unsure [pixels]."""
    raw = _alphas(splats, touching, rows, columns)
    alpha = np.where(raw >= MIN_ALPHA, raw, 0.0)
    after = np.cumprod(1 - alpha, axis=0)
    before = np.vstack([np.ones((1, raw.shape[1])), after])[: len(after)]
    # The splat that would take transmittance to the limit is left out, with all behind it.
    # Transmittance only falls, so one comparison says both.
    drawn = after > stop
    weights = np.where(drawn, alpha * before, 0.0)
    left = np.where(drawn, after, 1.0).min(axis=0, initial=1.0)
    # float32 gets alpha to about 1e-6 and transmittance near its limit to about 1e-8.
    met = before > MIN_TRANSMITTANCE - 1e-6
    unsure = (met & (np.abs(raw - MIN_ALPHA) < 1e-5)).any(axis=0)
    unsure |= (met & (np.abs(after - MIN_TRANSMITTANCE) < 1e-6)).any(axis=0)
    return weights, left, unsure | _ties(splats, touching, alpha * met)


def _ties(splats: Splats, touching: NDArray[np.int64], alpha: DoubleArray) -> NDArray[np.bool_]:
    """Pixels where two drawn splats of one layer are within 1e-6 of each other in depth."""
    z, layers = splats.depths[touching], splats.layers[touching]
    close = (np.diff(z) < 1e-6 * z[1:]) & (layers[1:] == layers[:-1])
    unsure = np.zeros(alpha.shape[1], bool)
    if close.any():
        run = np.concatenate([[0], np.cumsum(~close)])  # equal depths share a run
        starts = np.flatnonzero(np.concatenate([[True], ~close]))
        sizes = np.bincount(run)
        for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
            unsure |= (alpha[start : start + size] > 0).sum(axis=0) > 1
    return unsure
