# SPDX-License-Identifier: Apache-2.0
"""diff-gaussian-rasterization and those with its interface."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...scenes import Scene
from .peer import MissingError, Tensor, scales_and_quats

_NEAR, _FAR = 0.01, 100.0


class Inria:
    name = "diff-gaussian-rasterization"
    how = "GaussianRasterizer()"
    batches = False

    def __init__(self, scene: Scene) -> None:
        try:
            module = importlib.import_module("diff_gaussian_rasterization")
            torch = importlib.import_module("torch")
        except ImportError as error:
            raise MissingError(str(error)) from None
        self.version = str(getattr(module, "__version__", "of its own folder"))

        def on_gpu(array: Any) -> Tensor:
            return torch.as_tensor(np.asarray(array, np.float32), device="cuda")

        tan_x, tan_y = scene.width / (2 * scene.K[0, 0]), scene.height / (2 * scene.K[1, 1])
        view = scene.viewmat.astype(np.float64)
        project = np.zeros((4, 4))
        project[0, 0], project[1, 1] = 1 / tan_x, 1 / tan_y
        project[2, 2], project[2, 3] = _FAR / (_FAR - _NEAR), -_FAR * _NEAR / (_FAR - _NEAR)
        project[3, 2] = 1
        fields = {
            "image_height": scene.height, "image_width": scene.width, "tanfovx": float(tan_x),
            "tanfovy": float(tan_y), "bg": on_gpu(scene.background), "scale_modifier": 1.0,
            "viewmatrix": on_gpu(view.T), "projmatrix": on_gpu((project @ view).T),
            "sh_degree": scene.sh_degree, "campos": on_gpu(np.linalg.inv(view)[:3, 3]),
            "prefiltered": False, "debug": False, "antialiasing": False,
        }  # fmt: skip
        settings: Any = module.GaussianRasterizationSettings
        known = {name: value for name, value in fields.items() if name in settings._fields}
        self._draw: Any = module.GaussianRasterizer(settings(**known))
        scales, quats = scales_and_quats(scene)
        self._splats = {
            "means3D": on_gpu(scene.means), "means2D": on_gpu(np.zeros_like(scene.means)),
            "opacities": on_gpu(scene.opacities)[:, None], "shs": on_gpu(scene.sh),
            "scales": on_gpu(scales), "rotations": on_gpu(quats),
        }  # fmt: skip

    def frame(self, views: int) -> Tensor:
        return self._draw(**self._splats)[0].permute(1, 2, 0)[None]
