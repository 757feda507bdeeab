# SPDX-License-Identifier: Apache-2.0
"""gsplat's rasterization(), as its users call it for pictures: no gradients."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...scenes import Scene
from .peer import MissingError, Tensor, scales_and_quats


class Gsplat:
    name = "gsplat"
    batches = True

    def __init__(self, scene: Scene, packed: bool) -> None:
        try:
            gsplat = importlib.import_module("gsplat")
            torch = importlib.import_module("torch")
        except ImportError as error:
            raise MissingError(str(error)) from None
        self.version = str(gsplat.__version__)
        self.how = f"rasterization(packed={packed})"
        self._call: Any = gsplat.rasterization
        self._packed = packed
        self._scene = scene
        scales, quats = scales_and_quats(scene)

        def on_gpu(array: Any) -> Tensor:
            return torch.as_tensor(np.asarray(array, np.float32), device="cuda")

        self._means, self._scales, self._quats = map(on_gpu, (scene.means, scales, quats))
        self._opacities, self._sh = on_gpu(scene.opacities), on_gpu(scene.sh)
        self._viewmat, self._K = on_gpu(scene.viewmat)[None], on_gpu(scene.K)[None]
        self._background = on_gpu(scene.background)[None]

    def frame(self, views: int) -> Tensor:
        scene = self._scene
        cameras = {
            "viewmats": self._viewmat.expand(views, 4, 4).contiguous(),
            "Ks": self._K.expand(views, 3, 3).contiguous(),
            "backgrounds": self._background.expand(views, 3).contiguous(),
            "width": scene.width, "height": scene.height, "near_plane": scene.near_plane,
            "far_plane": scene.far_plane, "eps2d": scene.eps2d, "radius_clip": scene.radius_clip,
        }  # fmt: skip
        splats = (self._means, self._quats, self._scales, self._opacities, self._sh)
        colors, _, _ = self._call(
            *splats, **cameras, sh_degree=scene.sh_degree, packed=self._packed
        )
        return colors
