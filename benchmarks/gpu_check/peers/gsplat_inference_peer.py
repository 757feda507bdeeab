# SPDX-License-Identifier: Apache-2.0
"""The inference renderer of newer gsplats (HiGS): half precision, one camera a call."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...scenes import Scene
from .peer import MissingError, Tensor, scales_and_quats


class GsplatInference:
    name = "gsplat inference (HiGS)"
    how = "rasterize_gaussian_inference_scene()"
    batches = False

    def __init__(self, scene: Scene) -> None:
        try:
            torch = importlib.import_module("torch")
            self.version = str(importlib.import_module("gsplat").__version__)
            scenes = importlib.import_module("gsplat.scene")
            render = importlib.import_module("gsplat.experimental.render.functional")
            self._call: Any = render.rasterize_gaussian_inference_scene
            made: Any = scenes.GaussianInferenceScene.from_gaussian_tensors
        except (ImportError, AttributeError) as error:
            raise MissingError(str(error)) from None

        def on_gpu(array: Any) -> Tensor:
            return torch.as_tensor(np.asarray(array, np.float32), device="cuda")

        scales, quats = scales_and_quats(scene)
        self._packed = made(
            on_gpu(scene.means), on_gpu(quats), on_gpu(scales), on_gpu(scene.opacities),
            on_gpu(scene.sh), scene.sh_degree, "none", id="head",
        )  # fmt: skip
        self._camera = {
            "viewmat": on_gpu(scene.viewmat), "K": on_gpu(scene.K), "width": scene.width,
            "height": scene.height, "near_plane": scene.near_plane, "eps2d": scene.eps2d,
            "background": on_gpu(scene.background),
        }  # fmt: skip

    def frame(self, views: int) -> Tensor:
        return self._call(self._packed, **self._camera).frame
