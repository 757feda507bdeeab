# SPDX-License-Identifier: Apache-2.0
"""Rows of numbers, one for each Gaussian, as kernels read them: sixteen Gaussians side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

BLOCK = 16  # Gaussians


def blocks(rows: FloatArray, precision: DTypeLike) -> NDArray[Any]:
    """[n, C] as [ceil(n / 16), C, 16], zeros in the lanes past n."""
    n, columns = rows.shape
    padded = np.zeros((-(-n // BLOCK) * BLOCK, columns), precision)
    padded[:n] = rows
    return np.ascontiguousarray(padded.reshape(-1, BLOCK, columns).swapaxes(1, 2))


def unblocked(tensor: NDArray[Any], count: int) -> DoubleArray:
    """[count, C] of [blocks, C, 16]."""
    rows = tensor.swapaxes(1, 2).reshape(-1, tensor.shape[1])[:count]
    return rows.astype(np.float64)
