# SPDX-License-Identifier: Apache-2.0
"""Normal noise that any runtime can repeat: each number follows from the seed and its index alone.

SplitMix64 of a counter gives two uniform numbers, Box and Muller's formula one normal one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def normal(seed: int, window: int, step: int, count: int) -> NDArray[np.float32]:
    """[count] numbers for a window's denoising step; step 0 is what windows start from."""
    stream = _mixed(np.array([(seed * GOLDEN + (window << 16) + step) & MASK], np.uint64))[0]
    with np.errstate(over="ignore"):
        index = np.arange(2 * count, dtype=np.uint64) + stream
    bits = _mixed(index) >> np.uint64(11)
    uniform = (bits.astype(np.float64) + 0.5) * 2.0**-53
    radius = np.sqrt(-2 * np.log(uniform[0::2]))
    values: NDArray[np.float64] = radius * np.cos(2 * np.pi * uniform[1::2])
    return values.astype(np.float32)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        x = x * np.uint64(GOLDEN) + np.uint64(GOLDEN)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
