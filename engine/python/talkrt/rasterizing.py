# SPDX-License-Identifier: Apache-2.0
"""The rasterizer alone: Gaussians and cameras in, pictures out."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from talkrt import _core
from talkrt.array_exchange import is_tensor, like
from talkrt.errors import BudgetError, UnsupportedError
from talkrt.raster_inputs import (
    RasterScene,
    choice,
    number,
    read_backgrounds,
    read_colors,
    whole,
)
from talkrt.raster_meta import Projected

_PLAIN_COLORS = -1
_MAX_SIDE = 32768  # pixels
_MAX_THREADS = 1024
MAX_COUNT = 2**29
_TILE = 16
_DEPTH = {"RGB": 0, "D": 1, "RGB+D": 1, "ED": 2, "RGB+ED": 2}
_NEAR = {"gsplat": 0.01, "inria": 0.2}

# What gsplat's rasterization() takes besides, and the only value that means "without it".
_NOT_HERE: dict[str, Any] = {
    "sparse_grad": False,
    "absgrad": False,
    "distributed": False,
    "camera_model": "pinhole",
    "covars": None,
    "with_ut": False,
    "with_eval3d": False,
    "return_normals": False,
    "global_z_order": True,
    "rays": None,
    "radial_coeffs": None,
    "tangential_coeffs": None,
    "thin_prism_coeffs": None,
    "ftheta_coeffs": None,
    "lidar_coeffs": None,
    "external_distortion_coeffs": None,
    "rolling_shutter": None,
    "viewmats_rs": None,
    "ut_params": None,
    "extra_signals": None,
    "extra_signals_sh_degree": None,
    "renderer_config": None,
}

RenderMode = Literal["RGB", "D", "ED", "RGB+D", "RGB+ED"]


def rasterize(
    means: Any,
    quats: Any,
    scales: Any,
    opacities: Any,
    colors: Any,
    viewmats: Any,
    Ks: Any,
    width: int,
    height: int,
    near_plane: float | None = None,
    far_plane: float = 1e10,
    radius_clip: float = 0.0,
    eps2d: float = 0.3,
    sh_degree: int | None = None,
    packed: bool = True,
    tile_size: int | None = None,
    backgrounds: Any = None,
    render_mode: RenderMode = "RGB",
    sparse_grad: bool = False,
    absgrad: bool = False,
    rasterize_mode: Literal["classic", "antialiased"] = "classic",
    channel_chunk: int = 32,
    distributed: bool = False,
    camera_model: str = "pinhole",
    segmented: bool = False,
    *,
    convention: Literal["gsplat", "inria"] = "gsplat",
    threads: int = 0,
    **others: Any,
) -> tuple[Any, Any, dict[str, Any]]:
    """Draws N Gaussians from C cameras, on the CPU. Parameters are named, ordered and meant as in
    gsplat 1.6's `rasterization()`; `...` are any leading batch dimensions, the same in all.

    Arrays may be NumPy arrays of any number type and strides, torch CPU tensors, or anything that
    speaks DLPack; the arithmetic is float32. When one of them is a tensor, tensors come back.

    Args:
        means: [..., N, 3] centres in the world.
        quats: [..., N, 4] rotations, w first, of any length.
        scales: [..., N, 3] standard deviations; not logarithms. Signs do not matter, 0 is allowed.
        opacities: [..., N] in [0, 1].
        colors: [..., N, D] or, for each camera, [..., C, N, D], drawn as they are (not clamped,
            also below 0); with sh_degree, harmonics [N, K, D] shared by all, for
            max(0, sum + 0.5). D is any number; three channels are drawn at a time. Without effect,
            and may be None, in modes "D" and "ED".
        viewmats: [..., C, 4, 4] rigid, world to camera: +x right, +y down, +z forward.
        Ks: [..., C, 3, 3] in pixels, without skew. Pixel centres are at .5.
        width, height: pixels, 1 to 32768.
        near_plane, far_plane: depths drawn. None is 0.01, as in gsplat (0.2 for "inria").
        radius_clip: Gaussians whose radius is at most this many pixels are not drawn.
        eps2d: added to both variances on the image plane, square pixels.
        sh_degree: 0 to 3; bases beyond it are ignored.
        packed: what `meta` looks like, see below.
        tile_size: 16 or None; the picture does not depend on it.
        backgrounds: [..., C, D] colours behind; None is 0. Depth has none.
        render_mode: "D" is sum(w z), "ED" that divided by alpha (0 where nothing is).
        rasterize_mode: "antialiased" compensates opacities for eps2d.
        channel_chunk, segmented: accepted, without effect.
        convention: "inria" follows the original rasterizer where they differ: tiles of a square of
            three deviations, clamping, near plane, last splat of a pixel.
        threads: 0 shares one pool, of all usable cores, among the calls of the process. The
            picture is bit-identical for any number.

    Returns:
        colors [..., C, H, W, X], X = D, 1 or D + 1 with depth last; alphas [..., C, H, W, 1], both
        float32; and meta, a dictionary:

        radii (int32, 2), means2d (2), depths, conics (3, inverse covariance xx xy yy), opacities
        (compensated), tiles_per_gauss (int32): for packed the visible ones by batch, camera and
        Gaussian, with batch_ids, camera_ids and gaussian_ids (int64); else [..., C, N, ...] with
        zeros where radii are 0, and ids None. tiles_per_gauss counts the tiles of a bounding box,
        gsplat's are often fewer. Also invalid [..., C]: Gaussians dropped because a number is NaN
        or infinite, a quaternion 0, or float32 cannot hold their projection; and width, height,
        tile_size, tile_width, tile_height, n_batches, n_cameras. Intersection lists are not there.

    Raises:
        UnsupportedError: what gsplat has and this has not: gradients, other cameras than pinhole,
            distortion, rolling shutter, 3DGUT, covariances, hit distances, extra signals.
        BudgetError: more memory than the machine has.
        Error: shapes or values that contradict each other; the message names the parameter.

    Unlike gsplat, opacities above 1 reach as far as their alpha is 1/255, not 3.33 deviations.

    Kerbl et al., 3D Gaussian Splatting for Real-Time Radiance Field Rendering (2023); Ye et al.,
    gsplat (2024).
    """
    given = {
        "sparse_grad": sparse_grad,
        "absgrad": absgrad,
        "distributed": distributed,
        "camera_model": camera_model,
        **others,
    }
    _refuse_what_is_not_here(given)
    inputs = (means, quats, scales, opacities, colors, viewmats, Ks, backgrounds)
    tensors = any(is_tensor(value) for value in inputs)
    choice("convention", convention, list(_NEAR))
    choice("rasterize_mode", rasterize_mode, ["classic", "antialiased"])
    if render_mode in ("d", "Ed", "RGB-d", "RGB-Ed"):
        raise UnsupportedError(f"render_mode {render_mode!r}: hit distances are not supported")
    choice("render_mode", render_mode, list(_DEPTH))
    if tile_size not in (None, _TILE):
        raise UnsupportedError(f"tile_size is {tile_size}; tiles have {_TILE} pixels")
    width = whole("width", width, 1, _MAX_SIDE)
    height = whole("height", height, 1, _MAX_SIDE)
    whole("channel_chunk", channel_chunk, 1, 2**31 - 1)
    threads = whole("threads", threads, 0, _MAX_THREADS)
    near = _NEAR[convention] if near_plane is None else number("near_plane", near_plane, 0)
    far = number("far_plane", far_plane, near)
    clip = number("radius_clip", radius_clip, 0)
    dilation = number("eps2d", eps2d, 0)

    scene = RasterScene.read(means, quats, scales, opacities, viewmats, Ks)
    with_color = "RGB" in render_mode
    rows = read_colors(colors, sh_degree, scene) if with_color else None
    channels = 0 if rows is None else rows.shape[-1]
    behind = read_backgrounds(backgrounds, channels, scene) if with_color else None
    depth = _DEPTH[render_mode]

    n, c, b = scene.count, scene.cameras, scene.batches
    try:
        pictures = np.empty((b, c, height, width, channels + (depth > 0)), np.float32)
        alphas = np.empty((b, c, height, width, 1), np.float32)
        rest = Projected.empty(b, c, n)
        for i in range(b):
            shared = rows is not None and sh_degree is not None
            _core.rasterize(
                means=scene.means[i],
                quats=scene.quats[i],
                scales=scene.scales[i],
                opacities=scene.opacities[i],
                colors=rows if rows is None or shared else rows[i],
                sh_degree=_PLAIN_COLORS if sh_degree is None or rows is None else sh_degree,
                viewmats=scene.viewmats[i],
                Ks=scene.Ks[i],
                width=width,
                height=height,
                backgrounds=None if behind is None else behind[i],
                near_plane=near,
                far_plane=far,
                radius_clip=clip,
                eps2d=dilation,
                antialias=rasterize_mode == "antialiased",
                inria=convention == "inria",
                depth=depth,
                threads=threads,
                pictures=pictures[i],
                alphas=alphas[i],
                **rest.of_batch(i),
            )
        meta = rest.packed() if packed else rest.dense(scene.batch_shape)
    except MemoryError as error:
        raise BudgetError(
            f"rasterize: {b * c} pictures of {width}x{height} with {channels + (depth > 0)}"
            f" channels and {n} Gaussians need more memory than the system gives",
            "TALKRT_ERROR_OUT_OF_MEMORY",
        ) from error
    meta["invalid"] = rest.invalid.reshape(*scene.batch_shape, c)
    shape = (*scene.batch_shape, c, height, width)
    sizes = {
        "width": width,
        "height": height,
        "tile_size": _TILE,
        "tile_width": -(-width // _TILE),
        "tile_height": -(-height // _TILE),
        "n_batches": b,
        "n_cameras": c,
    }
    arrays = {k: None if v is None else like(v, tensors) for k, v in meta.items()}
    return (
        like(pictures.reshape(*shape, pictures.shape[-1]), tensors),
        like(alphas.reshape(*shape, 1), tensors),
        {**arrays, **sizes},
    )


def _refuse_what_is_not_here(given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name not in _NOT_HERE:
            raise TypeError(f"rasterize() got an unexpected keyword argument {name!r}")
        without = _NOT_HERE[name]
        if value is not without and (without is None or value != without):
            raise UnsupportedError(f"{name}: gsplat has it, talkrt.rasterize has not; leave it out")
