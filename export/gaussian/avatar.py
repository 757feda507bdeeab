# SPDX-License-Identifier: Apache-2.0
"""A head that a plan can hold: Gaussians, their rig, and the camera that sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cloud import GaussianCloud
from .rig import BLOCK, Rig

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Avatar:
    cloud: GaussianCloud
    rig: Rig
    viewmat: DoubleArray  # [4, 4]
    K: DoubleArray  # [3, 3] for 512 x 512
    background: NDArray[np.uint8]  # [H, W, 3]


def compact_order(index: NDArray[np.int64], xyz: DoubleArray) -> NDArray[np.int64]:
    """Halved along its longest side, in whole blocks, until a block is left: boxes, not strings."""
    if len(index) <= BLOCK:
        return index
    extent = np.ptp(xyz[index], axis=0)
    ordered = index[np.argsort(xyz[index, int(extent.argmax())], kind="stable")]
    half = -(-len(index) // (2 * BLOCK)) * BLOCK
    return np.concatenate([compact_order(ordered[:half], xyz), compact_order(ordered[half:], xyz)])
