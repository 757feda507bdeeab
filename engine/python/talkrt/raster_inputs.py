# SPDX-License-Identifier: Apache-2.0
"""What talkrt.rasterize is given, checked: arrays that fit each other, and plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from talkrt.array_exchange import FloatArray, as_float32
from talkrt.errors import Error
from talkrt.raster_cameras import check_cameras

MAX_COUNT = 2**31 - 64


@dataclass(frozen=True, slots=True)
class RasterScene:
    """Checked arrays, batch dimensions [...] as one, B."""

    batch_shape: tuple[int, ...]
    means: FloatArray  # [B, N, 3]
    quats: FloatArray  # [B, N, 4]
    scales: FloatArray  # [B, N, 3]
    opacities: FloatArray  # [B, N]
    viewmats: FloatArray  # [B, C, 4, 4]
    Ks: FloatArray  # [B, C, 3, 3]

    @property
    def batches(self) -> int:
        return len(self.means)

    @property
    def count(self) -> int:
        return int(self.means.shape[1])

    @property
    def cameras(self) -> int:
        return int(self.viewmats.shape[1])

    @staticmethod
    def read(
        means: Any, quats: Any, scales: Any, opacities: Any, viewmats: Any, Ks: Any
    ) -> RasterScene:
        centres = as_float32(means, "means")
        if centres.ndim < 2 or centres.shape[-1] != 3:
            raise Error(f"means has shape {centres.shape}, expected [..., N, 3]")
        batch, n = centres.shape[:-2], centres.shape[-2]
        if n > MAX_COUNT:
            raise Error(f"means has {n} Gaussians; at most {MAX_COUNT} are drawn together")
        views = as_float32(viewmats, "viewmats")
        if views.ndim != len(batch) + 3:
            raise Error(
                f"viewmats has shape {views.shape}, expected"
                f" {_shape_text(batch, 'C', 4, 4)} to match means {centres.shape}"
            )
        c = views.shape[-3]
        b = math.prod(batch)

        def checked(array: FloatArray, name: str, *tail: int) -> FloatArray:
            if array.shape != (*batch, *tail):
                raise Error(
                    f"{name} has shape {array.shape}, expected {(*batch, *tail)} to match"
                    f" means {centres.shape} and viewmats {views.shape}"
                )
            return array.reshape(b, *tail)

        scene = RasterScene(
            batch_shape=batch,
            means=checked(centres, "means", n, 3),
            quats=checked(as_float32(quats, "quats"), "quats", n, 4),
            scales=checked(as_float32(scales, "scales"), "scales", n, 3),
            opacities=checked(as_float32(opacities, "opacities"), "opacities", n),
            viewmats=checked(views, "viewmats", c, 4, 4),
            Ks=checked(as_float32(Ks, "Ks"), "Ks", c, 3, 3),
        )
        check_cameras(scene.viewmats, scene.Ks, batch)
        return scene


def read_colors(colors: Any, sh_degree: int | None, scene: RasterScene) -> FloatArray:
    if colors is None:
        raise Error("colors is None; that is for render_mode 'D' and 'ED'")
    array = as_float32(colors, "colors")
    n, c, batch = scene.count, scene.cameras, scene.batch_shape
    if sh_degree is not None:
        degree = whole("sh_degree", sh_degree, 0, 3)
        bases = (degree + 1) ** 2
        if array.ndim != 3 or array.shape[0] != n or array.shape[2] < 1:
            raise Error(f"colors has shape {array.shape}, expected [N, K, D] with N = {n}")
        if array.shape[1] < bases:
            raise Error(f"colors has {array.shape[1]} bases; sh_degree {degree} needs {bases}")
        return array
    lead, shape = len(batch), array.shape
    if shape[:-1] in ((*batch, n), (*batch, c, n)) and shape[-1] >= 1:
        return array.reshape(scene.batches, *shape[lead:])
    raise Error(
        f"colors has shape {shape}, expected {_shape_text(batch, n, 'D')} or"
        f" {_shape_text(batch, c, n, 'D')} (harmonics need sh_degree)"
    )


def read_backgrounds(backgrounds: Any, channels: int, scene: RasterScene) -> FloatArray | None:
    if backgrounds is None:
        return None
    array = as_float32(backgrounds, "backgrounds")
    expected = (*scene.batch_shape, scene.cameras, channels)
    if array.shape != expected:
        raise Error(f"backgrounds has shape {array.shape}, expected {expected}")
    if not np.isfinite(array).all():
        raise Error("backgrounds has NaN or infinite numbers")
    return array.reshape(scene.batches, scene.cameras, channels)


def _shape_text(batch: tuple[int, ...], *tail: int | str) -> str:
    return f"({', '.join(str(size) for size in (*batch, *tail))})"


def choice(name: str, value: str, among: list[str]) -> None:
    if value not in among:
        raise Error(f"{name} is {value!r}, expected {', '.join(repr(one) for one in among)}")


def whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise Error(f"{name} is {value!r}, expected a whole number")
    if not low <= value <= high:
        raise Error(f"{name} is {value}, expected {low} to {high}")
    return int(value)


def number(name: str, value: Any, low: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise Error(f"{name} is {value!r}, expected a number") from error
    if not low <= number < math.inf:
        raise Error(f"{name} is {number}, expected a number of at least {low}")
    return min(number, float(np.finfo(np.float32).max))
