# SPDX-License-Identifier: Apache-2.0
"""Seeded Gaussians and cameras for tests of talkrt.rasterize, and what the oracle makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import talkrt
from numpy.typing import NDArray
from talkrt.export.gaussian import reference

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Gaussians:
    means: Any
    quats: Any
    scales: Any
    opacities: Any
    colors: Any
    viewmats: Any
    Ks: Any
    width: int
    height: int

    def draw(self, **options: Any) -> tuple[Any, Any, dict[str, Any]]:
        return talkrt.rasterize(**self.__dict__, **options)

    def changed(self, **fields: Any) -> Gaussians:
        return replace(self, **fields)

    def some(self, index: Any) -> Gaussians:
        names = ("means", "quats", "scales", "opacities", "colors")
        return replace(self, **{name: getattr(self, name)[index] for name in names})


def rotations(quats: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 3, 3]: the images of the axes, by the product q v q*."""

    def times(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        aw, av, bw, bv = a[:, :1], a[:, 1:], b[:, :1], b[:, 1:]
        w = aw * bw - np.sum(av * bv, axis=1, keepdims=True)
        return np.hstack([w, aw * bv + bw * av + np.cross(av, bv)])

    q = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    columns = []
    for axis in np.eye(3):
        vector = np.tile([0, *axis], (len(q), 1))
        columns.append(times(times(q, vector), q * (1, -1, -1, -1))[:, 1:])
    return np.stack(columns, axis=2)


def make(count: int, width: int, height: int, seed: int = 0, cameras: int = 2) -> Gaussians:
    rng = np.random.default_rng(seed)
    turns = rotations(rng.normal(size=(cameras, 4)))
    viewmats = np.tile(np.eye(4), (cameras, 1, 1))
    viewmats[:, :3, :3] = turns
    viewmats[:, :3, 3] = np.column_stack(
        [rng.uniform(-0.2, 0.2, (cameras, 2)), np.full(cameras, 3)]
    )
    focal = 1.3 * max(width, height)
    Ks = np.tile(np.eye(3), (cameras, 1, 1))
    Ks[:, 0, 0], Ks[:, 1, 1] = focal, 1.1 * focal
    Ks[:, 0, 2], Ks[:, 1, 2] = rng.uniform(0.4, 0.6, (2, cameras)) * [[width], [height]]
    scales = np.exp(rng.uniform(-5.5, -2.3, (count, 1)) + rng.uniform(-2, 0, (count, 3)))
    return Gaussians(
        means=rng.uniform(-1.2, 1.2, (count, 3)).astype(np.float32),
        quats=rng.normal(size=(count, 4)).astype(np.float32),
        scales=scales.astype(np.float32),
        opacities=rng.uniform(0, 1, count).astype(np.float32),
        colors=rng.uniform(-0.2, 1.2, (count, 3)).astype(np.float32),
        viewmats=viewmats.astype(np.float32),
        Ks=Ks.astype(np.float32),
        width=width,
        height=height,
    )


def oracle(
    scene: Gaussians,
    camera: int,
    colors: NDArray[np.float64],  # [N, 3], any sign, or harmonics [N, K, 3]
    background: tuple[float, ...] = (0.0, 0.0, 0.0),
    **options: Any,
) -> reference.Image:
    """The float64 picture. The oracle clamps colours at 0; blending is linear, so colours are
    lifted above it and what that adds is taken off again."""
    lift = 0.0 if colors.ndim == 3 else 4.0
    sh = colors if colors.ndim == 3 else ((colors + lift - 0.5) / reference.C0)[:, None]
    scales = np.asarray(scene.scales, np.float64)
    posed = reference.Posed(
        means=np.asarray(scene.means, np.float64),
        frames=rotations(np.asarray(scene.quats, np.float64)) * scales[:, None],
        sh=sh,
        opacities=np.asarray(scene.opacities, np.float64),
        layers=np.zeros(len(scales), np.uint8),
    )
    chosen = reference.Options(**{**{"eps2d": reference.DILATION}, **options})
    image = reference.rasterize(
        posed,
        scene.viewmats[camera],
        scene.Ks[camera],
        scene.width,
        scene.height,
        background,
        chosen,
    )
    return replace(image, color=image.color - lift * image.alpha[..., None])


def check(found: FloatArray, expected: NDArray[np.float64], boundary: NDArray[np.bool_]) -> None:
    """At least 80 dB, and 1e-4 a pixel where no decision hangs on float32."""
    error = np.abs(found - expected)
    assert -10 * np.log10(max(np.mean(error**2), 1e-30)) >= 80
    assert (~boundary).mean() > 0.9
    assert error[~boundary].max(initial=0) <= 1e-4
    assert error.max() <= 0.05
