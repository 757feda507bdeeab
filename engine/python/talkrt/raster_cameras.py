# SPDX-License-Identifier: Apache-2.0
"""Whether cameras are cameras: a picture from a broken one would look like a fault of the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error

_RIGID = 1e-3  # how far rows may be from orthonormal: float16 matrices still pass


def check_cameras(
    viewmats: NDArray[Any],  # [B, C, 4, 4]
    Ks: NDArray[Any],  # [B, C, 3, 3]
    batch_shape: tuple[int, ...],
) -> None:
    """Raises Error for the first matrix that is no rigid transformation or no pinhole."""
    views, intrinsics = viewmats.astype(np.float64), Ks.astype(np.float64)
    rotation = views[..., :3, :3]

    def refuse(name: str, broken: NDArray[np.bool_], matrices: NDArray[Any], why: str) -> None:
        if broken.any():
            b, c = (int(i) for i in np.argwhere(broken)[0])
            at = ", ".join(str(i) for i in (*np.unravel_index(b, batch_shape or (1,)), c))
            at = at if batch_shape else str(c)
            raise Error(f"{name}[{at}] {why}: {matrices[b, c].tolist()}")

    def any_of(broken: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(broken.any(axis=(-2, -1)))

    refuse("viewmats", any_of(~np.isfinite(views)), viewmats, "has NaN or infinite numbers")
    bottom = np.abs(views[..., 3:, :] - (0, 0, 0, 1))
    refuse("viewmats", any_of(bottom > _RIGID), viewmats, "has a last row other than 0 0 0 1")
    with np.errstate(over="ignore", invalid="ignore"):
        away = ~(np.abs(rotation @ rotation.swapaxes(-1, -2) - np.eye(3)) <= _RIGID)
        mirrored = np.linalg.det(np.where(away, 0, rotation)) < 0
    refuse("viewmats", any_of(away), viewmats, "is not rigid (world to camera, no scale or shear)")
    refuse("viewmats", np.asarray(mirrored), viewmats, "mirrors; +x is right, +y down, +z forward")

    refuse("Ks", any_of(~np.isfinite(intrinsics)), Ks, "has NaN or infinite numbers")
    focal = intrinsics[..., [0, 1], [0, 1]]
    refuse(
        "Ks", np.asarray((focal <= 0).any(axis=-1)), Ks, "has a focal length that is not above 0"
    )
    rest = intrinsics[..., [0, 1, 2, 2, 2], [1, 0, 0, 1, 2]] - (0, 0, 0, 0, 1)
    refuse(
        "Ks", np.asarray((rest != 0).any(axis=-1)), Ks, "has skew, or a last row other than 0 0 1"
    )
