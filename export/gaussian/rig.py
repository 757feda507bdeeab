# SPDX-License-Identifier: Apache-2.0
"""The rig of a Gaussian avatar, as section 4 of FORMAT.md stores it.

Shapes hold sparse deltas in blocks of 16 Gaussians, so that a kernel adds a shape with plain
vector loads and skips what the shape does not touch. E is the number of (shape, block) entries,
S the number of shapes, J the number of joints, N the number of Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 16  # Gaussians in a block: one AVX-512 register of floats
DELTA_CHANNELS = 16  # mean 3, frame 9, colour 3, opacity 1
MAX_JOINTS = 16


@dataclass(frozen=True, slots=True)
class Factor:
    """A piecewise-linear function of one channel, constant outside its knots."""

    channel: str
    knots: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))  # (channel value, weight)

    def __post_init__(self) -> None:
        if not 2 <= len(self.knots) <= 8:
            raise ValueError(f"{self.channel}: {len(self.knots)} knots, expected 2 to 8")
        values = [value for value, _ in self.knots]
        if any(a >= b for a, b in pairwise(values)):
            raise ValueError(f"{self.channel}: knot values {values} do not ascend")

    def weight(self, value: float) -> float:
        values, weights = zip(*self.knots, strict=True)
        return float(np.interp(value, values, weights))


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    factors: tuple[Factor, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.factors) <= 8:
            raise ValueError(f"shape {self.name} has {len(self.factors)} factors, expected 1 to 8")


@dataclass(frozen=True, slots=True)
class JointDrive:
    axis: str  # pitch, yaw, roll (gain in degrees) or x, y, z (gain in metres)
    channel: str
    gain: float


@dataclass(frozen=True, slots=True)
class Joint:
    name: str
    parent: int  # -1 for a root
    pivot: tuple[float, float, float]  # metres
    rotation: tuple[JointDrive, ...] = ()
    translation: tuple[JointDrive, ...] = ()


@dataclass(frozen=True, slots=True)
class Rig:
    channels: tuple[str, ...]
    shapes: tuple[Shape, ...]
    joints: tuple[Joint, ...]
    block_indices: NDArray[np.uint32]  # [E]
    shape_offsets: NDArray[np.uint32]  # [S + 1]
    deltas: NDArray[np.float16]  # [E, channel 16, lane 16]
    joint_weights: NDArray[np.float16]  # [ceil(N / 16), J, lane 16]

    def __post_init__(self) -> None:
        _check_channels(self)
        _check_names("shape", [shape.name for shape in self.shapes])
        _check_joints(self.joints)
        entries, shapes = len(self.block_indices), len(self.shapes)
        expected = {
            "block_indices": ((entries,), np.uint32),
            "shape_offsets": ((shapes + 1,), np.uint32),
            "deltas": ((entries, DELTA_CHANNELS, BLOCK), np.float16),
            "joint_weights": ((self.joint_weights.shape[0], len(self.joints), BLOCK), np.float16),
        }
        for name, (shape, dtype) in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}"
                )
        offsets = self.shape_offsets.astype(np.int64)
        if offsets[0] != 0 or offsets[-1] != entries or (np.diff(offsets) < 0).any():
            raise ValueError(f"shape_offsets must ascend from 0 to {entries}")
        blocks = self.block_indices.astype(np.int64)
        for s, shape_ in enumerate(self.shapes):
            mine = blocks[offsets[s] : offsets[s + 1]]
            if (np.diff(mine) <= 0).any() or (mine >= len(self.joint_weights)).any():
                raise ValueError(f"blocks of shape {shape_.name} do not ascend, or pass the end")
        for name in ("deltas", "joint_weights"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} holds NaN or infinity")
        sums = self.joint_weights.astype(np.float64).sum(axis=1)
        if sums.size and np.abs(sums - 1).max() > 2e-3:
            raise ValueError(f"joint weights sum to {sums.min():.4g} .. {sums.max():.4g}, not 1")

    def manifest(self) -> dict[str, Any]:
        """The keys `channels`, `shapes` and `joints` of the manifest's gaussian section."""
        return {
            "channels": list(self.channels),
            "shapes": [
                {
                    "name": shape.name,
                    "factors": [
                        {"channel": f.channel, "knots": [list(knot) for knot in f.knots]}
                        for f in shape.factors
                    ],
                }
                for shape in self.shapes
            ],
            "joints": [
                {
                    "name": joint.name,
                    "parent": joint.parent,
                    "pivot": list(joint.pivot),
                    "rotation": [_drive(d) for d in joint.rotation],
                    "translation": [_drive(d) for d in joint.translation],
                }
                for joint in self.joints
            ],
        }

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """By their names in a plan."""
        return {
            "gaussian/basis/blocks": self.block_indices,
            "gaussian/basis/shapes": self.shape_offsets,
            "gaussian/basis/deltas": self.deltas,
            "gaussian/joint_weights": self.joint_weights,
        }


def _drive(drive: JointDrive) -> dict[str, Any]:
    return {"axis": drive.axis, "channel": drive.channel, "gain": drive.gain}


def _check_channels(rig: Rig) -> None:
    if len(set(rig.channels)) != len(rig.channels):
        raise ValueError("a channel is listed twice")
    used = {f.channel: f"shape {s.name}" for s in rig.shapes for f in s.factors}
    for joint in rig.joints:
        used |= {d.channel: f"joint {joint.name}" for d in joint.rotation + joint.translation}
    for channel, user in used.items():
        if channel not in rig.channels:
            raise ValueError(f"{user} uses channel {channel}, which the rig does not list")


def _check_names(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"two {what}s are named {twice}")


def _check_joints(joints: tuple[Joint, ...]) -> None:
    _check_names("joint", [joint.name for joint in joints])
    if not 1 <= len(joints) <= MAX_JOINTS:
        raise ValueError(f"{len(joints)} joints, expected 1 to {MAX_JOINTS}")
    for j, joint in enumerate(joints):
        if not -1 <= joint.parent < j:
            raise ValueError(
                f"joint {joint.name} has parent {joint.parent}, expected -1 to {j - 1}"
            )
        for axes, drives in (("pitch yaw roll", joint.rotation), ("x y z", joint.translation)):
            for drive in drives:
                if drive.axis not in axes.split():
                    raise ValueError(f"joint {joint.name}: axis {drive.axis!r} is not in {axes}")


def quantize_joint_weights(weights: NDArray[np.float64]) -> NDArray[np.float16]:
    """Dense weights [N, J] that sum to 1, to blocks [ceil(N / 16), J, 16].

    Rounded to multiples of 1/2048, which float16 holds exactly, by largest remainder: so the sum
    stays exactly 1 and a head at rest does not shrink. Lanes past N follow joint 0.
    """
    n, joints = weights.shape
    scaled = weights / weights.sum(axis=1, keepdims=True) * 2048
    whole = np.floor(scaled)
    rank = np.argsort(np.argsort(-(scaled - whole), axis=1, kind="stable"), axis=1, kind="stable")
    whole += rank < (2048 - whole.sum(axis=1, keepdims=True))
    padded = np.zeros((-(-n // BLOCK) * BLOCK, joints))
    padded[n:, 0] = 2048
    padded[:n] = whole
    return (padded / 2048).reshape(-1, BLOCK, joints).swapaxes(1, 2).astype(np.float16)
