# SPDX-License-Identifier: Apache-2.0
"""Gaussians as training stores them, before any activation. N of them, B bases of SH."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import CheckpointError
from ..state_dict import listed, shown

FloatArray = NDArray[np.float32]
MAX_COUNT = 1 << 24


@dataclass(frozen=True, slots=True)
class RawGaussians:
    xyz: FloatArray  # [N, 3]
    scaling: FloatArray  # [N, 3], to be activated
    rotation: FloatArray  # [N, 4], w first, of any length but 0
    opacity: FloatArray  # [N, 1], logits
    sh: FloatArray  # [N, B, 3]

    @property
    def count(self) -> int:
        return len(self.xyz)


def raw_gaussians(
    source: str, xyz: Any, scaling: Any, rotation: Any, opacity: Any, dc: Any, rest: Any, bases: int
) -> RawGaussians:
    """Checks every piece, with N from `xyz`; lists what is wrong by name and shape.

    `bases` is how many SH bases are used: `rest` may hold more.
    """
    if not isinstance(xyz, np.ndarray) or xyz.ndim != 2 or not 1 <= len(xyz) <= MAX_COUNT:
        raise CheckpointError(
            f"{source}: xyz is {shown(xyz)}, expected [N, 3] with N from 1 to {MAX_COUNT}"
        )
    n = len(xyz)
    given = {
        "xyz": (xyz, (n, 3)),
        "features_dc": (dc, (n, 1, 3)),
        "scaling": (scaling, (n, 3)),
        "rotation": (rotation, (n, 4)),
        "opacity": (opacity, (n, 1)),
    }
    problems = [
        f"{name}: {shown(value)}, expected {list(shape)}"
        for name, (value, shape) in given.items()
        if not isinstance(value, np.ndarray) or value.shape != shape
    ]
    stored = rest.shape[1] if isinstance(rest, np.ndarray) and rest.ndim == 3 else -1
    if stored not in (0, 3, 8, 15) or rest.shape != (n, stored, 3) or stored + 1 < bases:
        problems.append(f"features_rest: {shown(rest)}, expected [{n}, {bases - 1}, 3] at least")
    if problems:
        raise CheckpointError(f"{source}: {listed(problems)}")
    arrays = {name: np.array(value, np.float32) for name, (value, _) in given.items()}
    arrays["features_rest"] = np.asarray(rest, np.float32)
    _require_usable(source, arrays)
    return RawGaussians(
        xyz=arrays["xyz"],
        scaling=arrays["scaling"],
        rotation=arrays["rotation"],
        opacity=arrays["opacity"],
        sh=np.concatenate([arrays["features_dc"], arrays["features_rest"][:, : bases - 1]], axis=1),
    )


def _require_usable(source: str, arrays: Mapping[str, FloatArray]) -> None:
    problems = []
    for name, array in arrays.items():
        bad = ~np.isfinite(array)
        if bad.any():
            at = [int(i) for i in np.argwhere(bad)[0]]
            problems.append(f"{name}{at}: NaN or infinite, {int(bad.sum())} such numbers in all")
    lengths = np.linalg.norm(arrays["rotation"].astype(np.float64), axis=1)
    if (lengths < 1e-12).any():
        problems.append(f"rotation[{int(lengths.argmin())}]: all zero, expected a quaternion")
    if problems:
        raise CheckpointError(f"{source}: {listed(problems)}")
