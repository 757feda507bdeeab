# SPDX-License-Identifier: Apache-2.0
"""An order in which neighbours in memory are neighbours in space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

MORTON_BITS = 21  # an axis: three fill 63 bits


def spatial_order(means: FloatArray) -> NDArray[np.intp]:
    """Along a Morton curve through their bounding box; equal places keep their order."""
    low = means.min(axis=0).astype(np.float64)
    span = np.maximum(means.max(axis=0) - low, 1e-30)
    codes = np.zeros(len(means), np.uint64)
    for axis in range(3):
        share = (means[:, axis] - low[axis]) / span[axis]
        cells = np.minimum(share * (1 << MORTON_BITS), (1 << MORTON_BITS) - 1).astype(np.uint64)
        codes |= _spread(cells) << np.uint64(axis)
    return np.argsort(codes, kind="stable")


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Two zero bits between any two of the lowest 21."""
    for shift, mask in (
        (32, 0x001F00000000FFFF),
        (16, 0x001F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        values = (values | values << np.uint64(shift)) & np.uint64(mask)
    return values
