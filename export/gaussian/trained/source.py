# SPDX-License-Identifier: Apache-2.0
"""An avatar of whatever program, as the exporter of plans takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...to_onnx import Graph
from .blocks import BLOCK
from .deform import Deform

if TYPE_CHECKING:
    from torch import nn

    from .played import Played

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cloud:
    """N Gaussians at rest, after activation."""

    means: FloatArray  # [N, 3]
    quats: FloatArray  # [N, 4] unit length
    scales: FloatArray  # [N, 3]
    opacities: FloatArray  # [N]
    sh: FloatArray  # [N, B, 3]

    @property
    def count(self) -> int:
        return len(self.means)

    def tensors(self) -> dict[str, NDArray[Any]]:
        names = ("means", "quats", "scales", "opacities", "sh")
        return {f"gaussian/{name}": getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Part:
    """What one entry of `deform` moves, and what it must be equal to."""

    deform: Deform
    graphs: tuple[Graph, ...]  # in running order, the entry's own last
    original: nn.Module  # inputs of the graphs to the outputs of the last
    tolerances: Mapping[str, float]  # by output
    trained: int  # Gaussians that training gave this part


@dataclass(frozen=True, slots=True)
class AvatarSource:
    origin: str  # "talkinggaussian", "gaussiantalker"
    extractor: str
    channels: int  # C of the audio features
    row_width: int  # W
    cloud: Cloud
    layers: NDArray[np.uint8] | None  # [N]; None where all are drawn at once
    parts: tuple[Part, ...]
    played: Played
    inputs: Mapping[str, FloatArray]  # [P, ...] what the track feeds, by name
    composite: Literal["layered", "single"]
    dilate: bool = False


def joined(first: Cloud, second: Cloud) -> tuple[Cloud, int]:
    """Both, the first one's last block filled up between them, and where the second starts."""
    n = -(-first.count // BLOCK) * BLOCK - first.count
    filling = Cloud(
        means=np.zeros((n, 3), np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        scales=np.zeros((n, 3), np.float32),
        opacities=np.zeros(n, np.float32),
        sh=np.zeros((n, *first.sh.shape[1:]), np.float32),
    )
    clouds = (first, filling, second)
    names = ("means", "quats", "scales", "opacities", "sh")
    merged = (np.concatenate([getattr(cloud, name) for cloud in clouds]) for name in names)
    return Cloud(*merged), first.count + n
