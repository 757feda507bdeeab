# SPDX-License-Identifier: Apache-2.0
"""What talkrt.rasterize says of each Gaussian and camera, besides the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.array_exchange import FloatArray


@dataclass(frozen=True, slots=True)
class Projected:
    """What the core says of each Gaussian and camera, [B, C, N, ...], and invalid [B, C]."""

    radii: NDArray[np.int32]
    means2d: FloatArray
    depths: FloatArray
    conics: FloatArray
    opacities: FloatArray
    tiles: NDArray[np.int32]
    invalid: NDArray[np.int64]

    @staticmethod
    def empty(b: int, c: int, n: int) -> Projected:
        def floats(*tail: int) -> FloatArray:
            return np.empty((b, c, n, *tail), np.float32)

        radii, tiles = np.empty((b, c, n, 2), np.int32), np.empty((b, c, n), np.int32)
        counts = np.zeros((b, c), np.int64)
        return Projected(radii, floats(2), floats(), floats(3), floats(), tiles, counts)

    def of_batch(self, i: int) -> dict[str, Any]:
        return {
            "radii": self.radii[i],
            "means2d": self.means2d[i],
            "depths": self.depths[i],
            "conics": self.conics[i],
            "projected_opacities": self.opacities[i],
            "tiles": self.tiles[i],
            "invalid": self.invalid[i],
        }

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {
            "radii": self.radii,
            "means2d": self.means2d,
            "depths": self.depths,
            "conics": self.conics,
            "opacities": self.opacities,
            "tiles_per_gauss": self.tiles,
        }

    def packed(self) -> dict[str, Any]:
        # By one flat index: three, and any() along an axis of two, take twice as long.
        rows = np.flatnonzero((self.radii[..., 0] | self.radii[..., 1]).reshape(-1))
        batch_ids, camera_ids, gaussian_ids = np.unravel_index(rows, self.depths.shape)
        ids = {"batch_ids": batch_ids, "camera_ids": camera_ids, "gaussian_ids": gaussian_ids}
        columns = self._columns().items()
        return {**ids, **{n: x.reshape(-1, *x.shape[3:])[rows] for n, x in columns}}

    def dense(self, batch: tuple[int, ...]) -> dict[str, Any]:
        ids = dict.fromkeys(("batch_ids", "camera_ids", "gaussian_ids"))
        columns = self._columns().items()
        return {**ids, **{name: x.reshape(*batch, *x.shape[1:]) for name, x in columns}}
