# SPDX-License-Identifier: Apache-2.0
"""The Gaussians of an avatar, as the engine wants them.

N is the number of Gaussians, B = (degree + 1) ** 2 the number of SH bases. A Gaussian's frame is
the 3x3 matrix R(quat) diag(scale): one standard deviation along each column, so that
covariance = frame frame^T. Deformation works on frames, storage on quats and scales.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

SH_C0 = 0.28209479177387814  # colour = SH_C0 * sh[0] + 0.5


@dataclass(frozen=True, slots=True)
class GaussianCloud:
    means: FloatArray  # [N, 3] metres, in the head's frame
    quats: FloatArray  # [N, 4] unit length, w first
    scales: FloatArray  # [N, 3] metres, one standard deviation along each axis
    opacities: FloatArray  # [N] in [0, 1]
    sh: FloatArray  # [N, B, 3] colour coefficients, degree 0 first
    layers: NDArray[np.uint8]  # [N] 0 in front, 1 behind all of layer 0

    def __post_init__(self) -> None:
        if self.sh.ndim != 3 or self.sh.shape[2] != 3:
            raise ValueError(f"sh has shape {self.sh.shape}, expected [N, B, 3]")
        n, bases = self.sh.shape[:2]
        if bases not in (1, 4, 9, 16):
            raise ValueError(f"sh has {bases} bases; degrees 0 to 3 have 1, 4, 9 or 16")
        expected = {
            "means": (n, 3),
            "quats": (n, 4),
            "scales": (n, 3),
            "opacities": (n,),
            "layers": (n,),
        }
        for name, shape in expected.items():
            actual = getattr(self, name).shape
            if actual != shape:
                raise ValueError(f"{name} has shape {actual}, expected {shape} to match sh")
        for name in ("means", "quats", "scales", "opacities", "sh"):
            values = getattr(self, name)
            if values.dtype != np.float32:
                raise ValueError(f"{name} has dtype {values.dtype}, expected float32")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinity")
        if self.layers.dtype != np.uint8 or (self.layers > 1).any():
            raise ValueError("layers must be uint8, each 0 or 1")
        lengths = np.linalg.norm(self.quats.astype(np.float64), axis=1)
        if n and np.abs(lengths - 1).max() > 1e-5:
            i = int(np.abs(lengths - 1).argmax())
            raise ValueError(f"quats[{i}] has length {lengths[i]:.6g}, expected 1")
        if (self.scales < 0).any():
            raise ValueError("scales must not be negative")
        if ((self.opacities < 0) | (self.opacities > 1)).any():
            raise ValueError("opacities must be in [0, 1]")

    @property
    def count(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        return int(self.sh.shape[1] ** 0.5 + 0.5) - 1

    def frames(self) -> DoubleArray:
        """[N, 3, 3] metres, one standard deviation along each column."""
        frames: DoubleArray = quats_to_rotations(self.quats) * self.scales[:, None, :]
        return frames

    def taken(self, order: NDArray[np.int64]) -> GaussianCloud:
        """The Gaussians `order` names, in that order."""
        return GaussianCloud(
            self.means[order],
            self.quats[order],
            self.scales[order],
            self.opacities[order],
            self.sh[order],
            self.layers[order],
        )

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """By their names in a plan."""
        return {
            "gaussian/means": self.means,
            "gaussian/quats": self.quats,
            "gaussian/scales": self.scales,
            "gaussian/opacities": self.opacities,
            "gaussian/sh": self.sh,
            "gaussian/layers": self.layers,
        }


def cloud_from_frames(
    means: DoubleArray,
    frames: DoubleArray,
    colors: DoubleArray,
    opacities: DoubleArray,
    layers: NDArray[np.uint8] | None = None,
) -> GaussianCloud:
    """A cloud of SH degree 0; `colors` [N, 3] are display-referred, `frames` any 3x3 matrices."""
    quats, scales = frames_to_quats_scales(frames)
    return GaussianCloud(
        means=means.astype(np.float32),
        quats=quats.astype(np.float32),
        scales=scales.astype(np.float32),
        opacities=opacities.astype(np.float32),
        sh=((colors - 0.5) / SH_C0).astype(np.float32)[:, None, :],
        layers=np.zeros(len(means), np.uint8) if layers is None else layers,
    )


def quats_to_rotations(quats: NDArray[np.floating]) -> DoubleArray:
    """[N, 4], w first, normalised here, to [N, 3, 3]."""
    q = quats.astype(np.float64)
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def rotations_to_quats(rotations: DoubleArray) -> DoubleArray:
    """[N, 3, 3] proper rotations to unit quaternions [N, 4], w first and not negative."""
    m = rotations
    trace = m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2]
    # 4 q q^T, read off the matrix; its largest diagonal entry names the stable row to normalise.
    outer = np.empty((len(m), 4, 4))
    outer[:, 0, 0] = 1 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[:, i + 1, i + 1] = 1 + 2 * m[:, i, i] - trace
        outer[:, 0, i + 1] = outer[:, i + 1, 0] = m[:, k, j] - m[:, j, k]
        outer[:, j + 1, k + 1] = outer[:, k + 1, j + 1] = m[:, j, k] + m[:, k, j]
    best = np.einsum("nii->ni", outer).argmax(axis=1)
    q = outer[np.arange(len(m)), best]
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    canonical: DoubleArray = np.where(q[:, :1] < 0, -q, q)
    return canonical


def frames_to_quats_scales(frames: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """The rotation and scales with the same covariance frame frame^T.

    The right singular vectors drop out of the covariance, so only U and the singular values stay.
    """
    u, scales, _ = np.linalg.svd(frames)
    u[:, :, 2] *= np.sign(np.linalg.det(u))[:, None]
    return rotations_to_quats(u), scales
