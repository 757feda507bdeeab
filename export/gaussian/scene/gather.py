# SPDX-License-Identifier: Apache-2.0
"""All splats of a scene in memory, fit for a plan, in spatially coherent order.

Kept are exactly the splats that a renderer can place: what is NaN or infinite, and what lies beyond
the limits of FORMAT.md, is dropped and counted. A quaternion of length 0 is no damage of one number
but a splat without a rotation, which nothing can guess: it is refused by its index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spatial_order import spatial_order
from .source import Block, FloatArray, SceneError, Source, refuse

MAX_COORDINATE = 1e6  # of means and scales, as FORMAT.md says of scenes
MAX_COEFFICIENT = 1e3  # of SH


@dataclass(frozen=True, slots=True)
class Scene:
    means: FloatArray  # [N, 3]
    quats: FloatArray  # [N, 4] unit length, w first
    scales: FloatArray  # [N, 3]
    opacities: FloatArray  # [N]
    sh: FloatArray  # [N, B, 3]
    not_finite: int  # dropped: NaN or infinite somewhere
    beyond: int  # dropped: finite, but out of the limits

    @property
    def count(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        return int(self.sh.shape[1] ** 0.5 + 0.5) - 1

    def tensors(self) -> dict[str, FloatArray]:
        """By their names in a plan."""
        return {
            "gaussian/means": self.means,
            "gaussian/quats": self.quats,
            "gaussian/scales": self.scales,
            "gaussian/opacities": self.opacities,
            "gaussian/sh": self.sh,
        }


def gather(
    source: Source, sh_degree: int | None = None, progress: Callable[[int], None] = lambda _: None
) -> Scene:
    """Reads the whole source; `sh_degree` cuts off what it has beyond. `progress` hears of every
    block how many splats it had."""
    degree = source.sh_degree if sh_degree is None else sh_degree
    if degree > source.sh_degree:
        refuse(source.path, "--sh-degree", str(degree), f"at most {source.sh_degree}, which it has")
    bases = (degree + 1) ** 2
    n = source.count  # checked against the size of the file: this much is there to be read
    arrays = [np.empty((n, *shape), np.float32) for shape in ((3,), (4,), (3,), (), (bases, 3))]
    kept = not_finite = beyond = done = 0
    for block in source.blocks():
        columns = [block.means, block.quats, block.scales, block.opacities, block.sh[:, :bases]]
        finite = _all_finite(columns)
        inside = finite & _within_limits(block, bases)
        quats, lengths = _normalised(block.quats)
        if (lengthless := inside & (lengths == 0)).any():
            i = done + int(lengthless.argmax())
            refuse(source.path, f"the quaternion of splat {i}", "0 0 0 0", "one that has a length")
        columns[1] = quats
        size = int(np.count_nonzero(inside))
        for array, column in zip(arrays, columns, strict=True):
            array[kept : kept + size] = column if size == len(inside) else column[inside]
        kept += size
        done += len(inside)
        not_finite += int(np.count_nonzero(~finite))
        beyond += int(np.count_nonzero(finite & ~inside))
        progress(len(inside))
    if kept == 0:
        raise SceneError(
            f"{source.path}: none of its {n} splats can be used: {not_finite} are NaN or "
            f"infinite, {beyond} out of the limits of a plan"
        )
    order = spatial_order(arrays[0][:kept])
    for i in range(len(arrays)):  # one at a time: the old one goes before the next is copied
        arrays[i] = arrays[i][:kept][order]
    means, quats, scales, opacities, sh = arrays
    return Scene(means, quats, scales, opacities, sh, not_finite, beyond)


def _all_finite(columns: list[FloatArray]) -> NDArray[np.bool_]:
    finite = np.ones(len(columns[0]), bool)
    for column in columns:
        finite &= np.isfinite(column.reshape(len(column), -1)).all(axis=1)
    return finite


def _within_limits(block: Block, bases: int) -> NDArray[np.bool_]:
    """False where not finite too."""
    n = len(block.means)
    inside = np.ones(n, bool)
    for values, most in (
        (block.means, MAX_COORDINATE),
        (block.scales, MAX_COORDINATE),
        (block.sh[:, :bases], MAX_COEFFICIENT),
    ):
        inside &= (np.abs(values.reshape(n, -1)) <= most).all(axis=1)
    return inside


def _normalised(quats: FloatArray) -> tuple[FloatArray, NDArray[np.float64]]:
    """Unit quaternions and the lengths they had; float64 holds every length that float32 has."""
    wide = quats.astype(np.float64)
    lengths: NDArray[np.float64] = np.sqrt((wide * wide).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (wide / lengths[:, None]).astype(np.float32), lengths
