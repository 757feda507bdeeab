# SPDX-License-Identifier: Apache-2.0
"""Smooth noise in space, from one seeded lattice that repeats every 64 cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from .landmarks import DoubleArray


@dataclass(frozen=True, slots=True)
class Noise:
    lattice: DoubleArray  # [64, 64, 64], unit variance

    def __call__(self, p: DoubleArray, size: float, shift: float = 0.0) -> DoubleArray:
        at = ((p + shift) / size).T % 64
        n: DoubleArray = map_coordinates(self.lattice, at, order=1, mode="grid-wrap")
        return n


def noise(rng: np.random.Generator) -> Noise:
    lattice = gaussian_filter(rng.standard_normal((64, 64, 64)), 0.6, mode="wrap")
    return Noise(lattice / lattice.std())
